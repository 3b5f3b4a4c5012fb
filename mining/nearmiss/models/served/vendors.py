"""
Vendors: how Cohere, Voyage, Jina, ZeroEntropy and Gemini want to be asked for vectors and scores.

In:  texts, whether they are queries or documents, and how many dimensions
Out: the path and the body of a request; the vectors in its answer

Written after each vendor's published reference (and the types in its own client); no vendor was asked. All are told to
refuse a text that is too long for the model, where they can be told: a text that was cut in silence has another vector.

    Cohere       v2/embed, v2/rerank                docs.cohere.com/reference/embed, .../rerank
    Voyage       v1/embeddings, v1/rerank           docs.voyageai.com/reference/embeddings-api, .../reranker-api
    Jina         v1/embeddings, v1/rerank           api.jina.ai/openapi.json
    ZeroEntropy  v1/models/embed, v1/models/rerank  docs.zeroentropy.dev/api-reference/openapi.json
    Gemini       v1beta batchEmbedContents          ai.google.dev/api/embeddings
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

Side = Literal["query", "document"]


@dataclass(frozen=True)
class Vendor:
    """One vendor's names for what all of them are asked."""

    url: str
    variables: tuple[str, ...]  # of the environment, for a key; the vendor's own client reads them too
    embed: str  # path
    texts: str  # what it calls texts, or a request for each text
    side: str  # what it calls the kind of a text
    sides: Mapping[Side, str]
    dimensions: str
    vectors: tuple[str, ...]  # where they are in an answer
    vector: str  # where each is there; "" where it stands alone
    always: Mapping[str, Any] = field(default_factory=dict)
    one_each: bool = False  # whether a request holds a request for each text
    rerank: str = ""  # path; "" where it has no reranker
    rerank_always: Mapping[str, Any] = field(default_factory=dict)
    key_header: str = ""  # "" for Authorization
    cuts_texts_at: int | None = None  # tokens; None where it refuses longer ones
    cuts_documents_at: int | None = None  # of a pair

    def embed_path(self, model: str) -> str:
        """Where vectors are asked for."""
        return self.embed.format(model=model)

    def embed_body(self, model: str, texts: list[str], side: Side, dimensions: int | None) -> dict[str, Any]:
        """What is asked for."""
        own: dict[str, Any] = {self.side: self.sides[side]}
        if dimensions is not None:
            own[self.dimensions] = dimensions
        if self.one_each:
            name = f"models/{model}"
            return {self.texts: [{"model": name, "content": {"parts": [{"text": text}]}, **own} for text in texts]}
        return {"model": model, self.texts: texts, **own, **self.always}

    def vectors_in(self, answer: Any) -> list[Any]:
        """The vectors of an answer, in the order of the texts; KeyError or TypeError where it is of another form."""
        for name in self.vectors:
            answer = answer[name]
        if answer and isinstance(answer[0], dict) and "index" in answer[0]:
            answer = sorted(answer, key=lambda one: one["index"])
        return [one[self.vector] if self.vector else one for one in answer]


VENDORS: Mapping[str, Vendor] = MappingProxyType(
    {
        "cohere": Vendor(
            url="https://api.cohere.com/v2",
            variables=("CO_API_KEY", "COHERE_API_KEY"),
            embed="/embed",
            texts="texts",
            side="input_type",
            sides={"query": "search_query", "document": "search_document"},
            dimensions="output_dimension",
            always={"embedding_types": ["base64"], "truncate": "NONE"},
            vectors=("embeddings", "base64"),
            vector="",
            rerank="/rerank",
            cuts_documents_at=4096,
        ),
        "voyage": Vendor(
            url="https://api.voyageai.com/v1",
            variables=("VOYAGE_API_KEY",),
            embed="/embeddings",
            texts="input",
            side="input_type",
            sides={"query": "query", "document": "document"},
            dimensions="output_dimension",
            always={"encoding_format": "base64", "truncation": False},
            vectors=("data",),
            vector="embedding",
            rerank="/rerank",
            rerank_always={"truncation": False},
        ),
        "jina": Vendor(
            url="https://api.jina.ai/v1",
            variables=("JINA_API_KEY",),
            embed="/embeddings",
            texts="input",
            side="task",
            sides={"query": "retrieval.query", "document": "retrieval.passage"},
            dimensions="dimensions",
            always={"embedding_type": "base64", "truncate": False},
            vectors=("data",),
            vector="embedding",
            rerank="/rerank",
            rerank_always={"return_documents": False},
        ),
        "zeroentropy": Vendor(
            url="https://api.zeroentropy.dev/v1",
            variables=("ZEROENTROPY_API_KEY",),
            embed="/models/embed",
            texts="input",
            side="input_type",
            sides={"query": "query", "document": "document"},
            dimensions="dimensions",
            always={"encoding_format": "base64"},
            vectors=("results",),
            vector="embedding",
            rerank="/models/rerank",
        ),
        "gemini": Vendor(
            url="https://generativelanguage.googleapis.com/v1beta",
            variables=("GEMINI_API_KEY", "GOOGLE_API_KEY"),
            embed="/models/{model}:batchEmbedContents",
            texts="requests",
            one_each=True,
            side="taskType",
            sides={"query": "RETRIEVAL_QUERY", "document": "RETRIEVAL_DOCUMENT"},
            dimensions="outputDimensionality",
            vectors=("embeddings",),
            vector="values",
            key_header="x-goog-api-key",
            cuts_texts_at=2048,
        ),
    }
)
