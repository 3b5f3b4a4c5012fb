"""
Vendors' /embed and /rerank over real HTTP, as strict as their published references: not the vendors themselves.

Each request is checked against a schema that was written down from the vendor's reference and from the types of its
own client (cohere 7.3, voyageai 0.5, zeroentropy 0.1, google-genai 3.6; Jina's OpenAPI): a field that stands in none,
or one of another type, is refused. Queries and documents get different vectors, as such models give them.
"""

import base64

import jsonschema
import numpy as np

from tests.served import Models

TEXT, NUMBER, FLAG = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}
TOO_LONG = 5000  # characters


def texts(most):
    return {"type": "array", "items": TEXT, "minItems": 1, "maxItems": most}


def one_of(*names):
    return {"enum": list(names)}


def fields(required, **properties):
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


RERANK = {"model": TEXT, "query": TEXT, "documents": texts(1000)}
WANTED = ["model", "query", "documents"]
SCHEMAS = {
    "/cohere/v2/embed": fields(
        ["model", "input_type"],
        model=TEXT,
        input_type=one_of("search_document", "search_query", "classification", "clustering", "image"),
        texts=texts(96),
        images={"type": "array"},
        inputs={"type": "array"},
        max_tokens=NUMBER,
        output_dimension=NUMBER,
        embedding_types={"type": "array", "items": one_of("float", "int8", "uint8", "binary", "ubinary", "base64")},
        truncate=one_of("NONE", "START", "END"),
        priority=NUMBER,
    ),
    "/cohere/v2/rerank": fields(WANTED, **RERANK, top_n=NUMBER, max_tokens_per_doc=NUMBER, priority=NUMBER),
    "/voyage/v1/embeddings": fields(
        ["input", "model"],
        input=texts(1000),
        model=TEXT,
        input_type=one_of(None, "query", "document"),
        truncation=FLAG,
        output_dimension={"type": ["integer", "null"]},
        output_dtype=one_of(None, "float", "int8", "uint8", "binary", "ubinary"),
        encoding_format=one_of(None, "base64"),
    ),
    "/voyage/v1/rerank": fields(
        WANTED, **RERANK, top_k={"type": ["integer", "null"]}, return_documents=FLAG, truncation=FLAG
    ),
    "/jina/v1/embeddings": fields(
        ["model", "input"],
        model=TEXT,
        input=texts(2048),
        task=one_of("retrieval.query", "retrieval.passage", "text-matching", "classification", "separation"),
        dimensions=NUMBER,
        embedding_type=one_of("float", "base64", "binary", "ubinary"),
        normalized=FLAG,
        late_chunking=FLAG,
        truncate=FLAG,
    ),
    "/jina/v1/rerank": fields(WANTED, **RERANK, top_n=NUMBER, return_documents=FLAG),
    "/zeroentropy/v1/models/embed": fields(
        ["model", "input", "input_type"],
        model=TEXT,
        input=texts(2048),
        input_type=one_of("query", "document"),
        dimensions=NUMBER,
        encoding_format=one_of("float", "base64"),
        latency=one_of(None, "fast", "slow"),
    ),
    "/zeroentropy/v1/models/rerank": fields(WANTED, **RERANK, top_n=NUMBER, latency=one_of(None, "fast", "slow")),
    "/gemini/v1beta/models/toy:batchEmbedContents": fields(
        ["requests"],
        requests={
            "type": "array",
            "maxItems": 100,
            "items": fields(
                ["model", "content"],
                model={"const": "models/toy"},
                content=fields(["parts"], parts={"type": "array", "items": fields(["text"], text=TEXT)}, role=TEXT),
                taskType=one_of("RETRIEVAL_QUERY", "RETRIEVAL_DOCUMENT", "SEMANTIC_SIMILARITY", "CLASSIFICATION"),
                title=TEXT,
                outputDimensionality=NUMBER,
            ),
        },
    ),
}


class VendorModels(Models):
    """All of them at once, each below its own name."""

    def __init__(self):
        super().__init__()
        self.routes = {path: path.split("/")[1] for path in SCHEMAS}

    def url_of(self, vendor):
        return f"{self.url.removesuffix('/v1')}/{vendor}/" + {"cohere": "v2", "gemini": "v1beta"}.get(vendor, "v1")

    def is_let_in(self, path, headers):
        if path.startswith("/gemini/"):
            return headers.get("x-goog-api-key") == self.key and "Authorization" not in headers
        return super().is_let_in(path, headers)

    def routed(self, path, body):
        try:
            jsonschema.validate(body, SCHEMAS[path])
        except jsonschema.ValidationError as error:
            return 422, {}, {"message": f"{error.json_path}: {error.message}"}
        try:
            answer = self.ranked(path, body) if path.endswith("/rerank") else super().routed(path, body)
        except ValueError as error:
            return 400, {}, {"detail": str(error)}
        return 200, {}, answer

    def vectors(self, found, side, dimensions, *, refuses=True):
        """The rows (n, dimensions) of texts of one side, as `side: text`."""
        if refuses and max(map(len, found)) > TOO_LONG:
            raise ValueError("too many tokens for this model")
        own = [f"{side}: {text[:TOO_LONG]}" for text in found]
        self.count(own)
        return self.encoder.encode_document(own)[:, :dimensions]

    def cohere(self, body):
        side = body["input_type"].removeprefix("search_")
        rows = self.vectors(body["texts"], side, body.get("output_dimension"), refuses=body.get("truncate") == "NONE")
        [kind] = body["embedding_types"]
        meta = {"api_version": {"version": "2"}, "billed_units": {"input_tokens": 7}}
        return {"id": "1", "embeddings": {kind: encoded(rows, kind)}, "texts": body["texts"], "meta": meta}

    def voyage(self, body):
        rows = self.vectors(
            body["input"], body["input_type"], body.get("output_dimension"), refuses=body.get("truncation") is False
        )
        return self.listed(encoded(rows, body.get("encoding_format")), {"total_tokens": 7})

    def jina(self, body):
        side = {"retrieval.query": "query", "retrieval.passage": "document"}[body["task"]]
        rows = self.vectors(body["input"], side, body.get("dimensions"), refuses=not body.get("truncate", False))
        return self.listed(encoded(rows, body.get("embedding_type")), {"total_tokens": 7, "prompt_tokens": 7})

    def listed(self, rows, usage):
        data = [{"object": "embedding", "index": place, "embedding": row} for place, row in enumerate(rows)]
        return {"object": "list", "data": data[::-1], "model": self.name, "usage": usage}

    def zeroentropy(self, body):
        rows = self.vectors(body["input"], body["input_type"], body.get("dimensions"))
        results = [{"embedding": row} for row in encoded(rows, body.get("encoding_format"))]
        return {"results": results, "usage": {"total_bytes": 300, "total_tokens": 7}}

    def gemini(self, body):
        asked = body["requests"]
        sides = {one["taskType"].removeprefix("RETRIEVAL_").lower() for one in asked}
        found = ["".join(part["text"] for part in one["content"]["parts"]) for one in asked]
        rows = self.vectors(found, *sides, asked[0].get("outputDimensionality"), refuses=False)
        return {"embeddings": [{"values": row.tolist()} for row in rows]}

    def ranked(self, path, body):
        pairs = [(body["query"], text) for text in body["documents"]]
        if body.get("truncation") is False and max(map(len, body["documents"])) > TOO_LONG:
            raise ValueError("too many tokens for this model")
        self.count(pairs)
        scores = 1 / (1 + np.exp(-self.teacher.score(pairs).astype(float)))
        # Best first, as they answer; what counts is the index.
        found = [{"index": int(place), "relevance_score": float(scores[place])} for place in np.argsort(-scores)]
        usage = {"total_tokens": 11}
        latency = {"actual_latency_mode": "fast", "e2e_latency": 0.1, "inference_latency": 0.1}
        return {
            "cohere": {"id": "1", "results": found, "meta": {"billed_units": {"search_units": 1}}},
            "voyage": {"object": "list", "data": found, "model": self.name, "usage": usage},
            "jina": {"model": self.name, "results": found, "usage": usage},
            "zeroentropy": {"results": found, **latency, "total_bytes": 300, **usage},
        }[self.routes[path]]


def encoded(rows, kind):
    """Rows as base64 of little-endian float32, or as lists."""
    if kind != "base64":
        return rows.tolist()
    return [base64.b64encode(row.astype("<f4").tobytes()).decode() for row in rows]
