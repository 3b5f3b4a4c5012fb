"""`Mining`: the models, sources and depths of a round, which cost minutes to change."""

from dataclasses import dataclass
from typing import Annotated, Literal

from nearmiss.errors import RecipeError
from nearmiss.settings.field_rules import check_fields
from nearmiss.settings.ranges import COUNT, COUNT_OR_NONE, TOKENS
from nearmiss.settings.source_names import DEFAULT_DEPTH, check_source, source_name

Precision = Literal["auto", "float32", "bfloat16", "int8"]
Index = Literal["exact", "ivf", "hnsw"]
LATE_INTERACTION = "late-interaction"  # the teacher that needs no model but the encoder


@dataclass(frozen=True)
class Mining:
    """
    The models, sources and depths of one round. A change here means mining again.

    Raises RecipeError for a value out of its range.

    Example:
        >>> import nearmiss as nm
        >>> nm.Mining(sources=("bm25", "dense"), depth=(("dense", 50),)).depth_of("dense")
        50
    """

    encoder: Annotated[
        str,
        "sentence-transformers model (folder or hub name), or one behind a server: openai:MODEL@URL, or cohere:MODEL, "
        "voyage:, jina:, zeroentropy:, gemini:; empty for the MiniLM that comes with nearmiss",
    ] = ""
    document_vectors: Annotated[
        str, "file or folder with a vector and an id for each document, in the encoder's place (.npy, Parquet, Arrow)"
    ] = ""
    query_vectors: Annotated[str, "the same for each query"] = ""
    teacher: Annotated[
        str,
        "cross-encoder (folder or hub name), rerank:MODEL@URL for one behind a server (cohere:MODEL, voyage:, jina:, "
        "zeroentropy: for a vendor's), or late-interaction, by the encoder's own vectors of tokens; empty to use the "
        "dense score in its place",
    ] = LATE_INTERACTION
    sparse_encoder: Annotated[str, "SparseEncoder (SPLADE) model for the source `sparse`"] = ""
    sources: Annotated[
        tuple[str, ...],
        "bm25, dense, sparse, or run:NAME=FILE (FILE#score or FILE#rank says what its numbers are); may be repeated",
    ] = ("bm25", "dense")
    depth: Annotated[
        tuple[tuple[str, int], ...],
        "candidates from a source, as SOURCE=N, or N for all sources; by default 100",
        COUNT,
    ] = ()
    language: Annotated[str, "language of the texts for BM25, as a two-letter code; empty to detect it"] = ""
    dimensions: Annotated[
        int | None, "length of the vectors that a served encoder is asked for; by default the model's own", COUNT
    ] = None
    query_prompt: Annotated[str | None, "text put before each query; by default the model's own"] = None
    document_prompt: Annotated[str | None, "text put before each document; by default the model's own"] = None
    teacher_prompt: Annotated[str | None, "instruction for the teacher; by default the model's own"] = None
    max_length: Annotated[
        int | None, "tokens of a text that the encoder reads; by default the model's own limit", TOKENS
    ] = None
    teacher_max_length: Annotated[
        int | None, "tokens of a pair that the teacher reads; by default the model's own limit, at most 512", TOKENS
    ] = None
    teacher_depth: Annotated[
        int | None,
        "candidates of each query that the teacher scores, the first by fused rank, beside all labelled ones; by "
        "default all",
        COUNT,
    ] = None
    precision: Annotated[Precision, "number type of the models; auto picks what this processor is fast at"] = "auto"
    index: Annotated[Index, "exact search, or an approximate index whose recall is then measured"] = "exact"
    clusters: Annotated[int, "k-means clusters of documents, for `different_cluster`; 0 for none", COUNT_OR_NONE] = 0
    trust_remote_code: Annotated[bool, "run Python code that comes with a model"] = False
    token_disk: Annotated[
        int,
        "megabytes of disk for token vectors while a round is mined, so that late interaction reads documents once; 0 "
        "to read them twice",
        COUNT_OR_NONE,
    ] = 4000
    search_memory: Annotated[int, "megabytes that one block of the exact search may use", COUNT] = 512
    seed: Annotated[int, "seed of everything random", COUNT_OR_NONE] = 42

    def __post_init__(self) -> None:
        check_fields(self)
        if not self.sources:
            raise RecipeError("--source: wanted at least one; found none")
        for source in self.sources:
            check_source(source)
        if bool(self.document_vectors) != bool(self.query_vectors):
            missing = "--query-vectors" if self.document_vectors else "--document-vectors"
            raise RecipeError(f"{missing}: wanted vectors of both, from one model; found none here")
        if "sparse" in self.sources and not self.sparse_encoder:
            raise RecipeError("--source sparse: wanted --sparse-encoder MODEL; found none")
        names = [source_name(source) for source in self.sources]
        if len(set(names)) < len(names):
            raise RecipeError(f"--source: wanted each name once; found {names}")
        for name, _ in self.depth:
            if name not in names:
                raise RecipeError(f"--depth: wanted one of {', '.join(names)}; found {name!r}")

    def depth_of(self, source: str) -> int:
        """Candidates that `source` (by its short name) gives each query."""
        return dict(self.depth).get(source, DEFAULT_DEPTH)
