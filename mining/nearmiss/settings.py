"""
What a person may choose: `Mining` (costs minutes), `Policy` (costs milliseconds), `Export` (what is written) and
`Teaching` (what a teacher is trained with).

The words beside each field become its `--help` and its slider's tooltip.
Knows nothing of data, models or files.
"""

from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from nearmiss.errors import RecipeError

Anchor = Literal["min", "mean", "max"]
Sampling = Literal["top", "random", "simans", "stratified"]
Shortfall = Literal["fewer", "drop", "deepen"]
Precision = Literal["auto", "float32", "bfloat16", "int8"]
Index = Literal["exact", "ivf", "hnsw"]

FormatName = Literal[
    "triplet",
    "n-tuple",
    "labeled-pair",
    "labeled-list",
    "margin-mse",
    "margin-mse-list",
    "kl",
    "flag",
    "tevatron",
    "tevatron-ids",
    "dpr",
    "pylate",
    "nemo",
    "rocketqa-ce",
    "rocketqa-de",
    "trec",
]
Compress = Literal["zst", "gz", "none"]
Container = Literal["jsonl", "parquet"]
OfRelevant = Literal["promote", "drop"]
OfPartial = Literal["mask", "keep"]
OfUnsure = Literal["drop", "keep"]
OfPartly = Literal["half", "drop"]
TrainingPrecision = Literal["auto", "float32", "bfloat16"]

SOURCES = ("bm25", "dense", "sparse")
DEFAULT_DEPTH = 100
LATE_INTERACTION = "late-interaction"  # the teacher that needs no model but the embedded MiniLM


@dataclass(frozen=True)
class Mining:
    """What one round of mining costs time for: models, sources and depths. A change here means mining again."""

    encoder: Annotated[str, "sentence-transformers model, folder or hub name; empty for the embedded MiniLM"] = ""
    teacher: Annotated[
        str, "cross-encoder, folder or hub name; late-interaction; empty to let the dense score stand in"
    ] = LATE_INTERACTION
    sparse_encoder: Annotated[str, "SparseEncoder (SPLADE) model for the source `sparse`"] = ""
    sources: Annotated[tuple[str, ...], "bm25, dense, sparse, or run:NAME=FILE; may be repeated"] = ("bm25", "dense")
    depth: Annotated[
        tuple[tuple[str, int], ...], "candidates from a source, as SOURCE=N or N for all; 100 where unset"
    ] = ()
    language: Annotated[str, "language of the texts for BM25, as a two-letter code; empty to detect it"] = ""
    query_prompt: Annotated[str | None, "text before each query; unset for the model's own"] = None
    document_prompt: Annotated[str | None, "text before each document; unset for the model's own"] = None
    teacher_prompt: Annotated[str | None, "instruction for the teacher; unset for the model's own"] = None
    max_length: Annotated[int | None, "tokens an encoder reads; unset for the model's own"] = None
    teacher_max_length: Annotated[int | None, "tokens the teacher reads; unset for the model's own, at most 512"] = None
    precision: Annotated[Precision, "number type of the models; auto picks what this processor is fast at"] = "auto"
    index: Annotated[Index, "exact search, or an approximate index whose recall is then measured"] = "exact"
    clusters: Annotated[int, "k-means clusters of documents, for `different_cluster`; 0 for none"] = 0
    trust_remote_code: Annotated[bool, "run Python code that comes with a model"] = False
    search_memory: Annotated[int, "megabytes that one block of the exact search may use"] = 512
    seed: Annotated[int, "seed of everything random"] = 42

    def __post_init__(self) -> None:
        _check_choices(self)
        for source in self.sources:
            if source not in SOURCES and not (source.startswith("run:") and "=" in source):
                raise RecipeError(f"--source: wanted one of {', '.join(SOURCES)} or run:NAME=FILE; found {source!r}")
        if not self.sources:
            raise RecipeError("--source: wanted at least one; found none")
        if "sparse" in self.sources and not self.sparse_encoder:
            raise RecipeError("--source sparse: wanted --sparse-encoder MODEL; found none")
        names = [source_name(source) for source in self.sources]
        if len(set(names)) < len(names):
            raise RecipeError(f"--source: wanted each name once; found {names}")
        for name, value in self.depth:
            if name not in names:
                raise RecipeError(f"--depth: wanted one of {', '.join(names)}; found {name!r}")
            if value < 1:
                raise RecipeError(f"--depth {name}: wanted 1 or more; found {value}")

    def depth_of(self, source: str) -> int:
        """Candidates that `source` (by its short name) gives each query."""
        return dict(self.depth).get(source, DEFAULT_DEPTH)


@dataclass(frozen=True)
class Policy:
    """What turns a table of scored candidates into kept and refused rows; deciding again costs arithmetic."""

    # The ceiling: the lowest of those set. Above it a candidate is probably an unlabelled answer.
    max_score: Annotated[float | None, "ceiling: refuse a candidate that scores above this"] = None
    absolute_margin: Annotated[float | None, "ceiling: gap to leave below the positive, in the teacher's units"] = None
    relative_margin: Annotated[float | None, "ceiling: gap to leave below the positive, as a share of |its score|"] = (
        None
    )
    max_p_relevant: Annotated[float | None, "ceiling: refuse above this probability of being an answer"] = 0.1
    # The floor: the highest of those set. Below it a candidate teaches nothing.
    min_score: Annotated[float | None, "floor: refuse a candidate that scores below this"] = None
    absolute_floor: Annotated[float | None, "floor: furthest below the positive, in the teacher's units"] = None
    relative_floor: Annotated[float | None, "floor: furthest below the positive, as a share of |its score|"] = None
    min_p_relevant: Annotated[float | None, "floor: refuse below this probability of being an answer"] = None
    anchor: Annotated[Anchor, "which of several positives the margins start from"] = "min"

    skip_top: Annotated[int, "refuse candidates that any source ranked this high or higher"] = 0
    skip_survivors: Annotated[int, "then skip this many of the best that no rule refused"] = 0
    max_rank: Annotated[int | None, "refuse candidates that every source ranked below this"] = None
    different_cluster: Annotated[bool, "refuse documents from the cluster of a positive"] = False
    allow_siblings: Annotated[bool, "keep passages that share a group_id with a positive"] = False
    duplicate_cosine: Annotated[float, "near duplicate of a positive: cosine of the vectors at least this"] = 0.95
    duplicate_jaccard: Annotated[float, "and shared words (Jaccard) at least this"] = 0.8
    reuse_cap: Annotated[int | None, "times that one document may be a negative, over all queries"] = None

    negatives_per_query: Annotated[int, "hard negatives to keep for each query"] = 7
    quota: Annotated[tuple[tuple[str, float], ...], "share of the negatives from each source, as SOURCE=SHARE"] = ()
    sampling: Annotated[Sampling, "how to choose among the survivors"] = "top"
    simans_a: Annotated[float, "SimANS: how sharply the choice peaks"] = 0.5
    simans_b: Annotated[float, "SimANS: where it peaks, above the positive's score"] = 0.0
    shortfall: Annotated[Shortfall, "when too few survive: keep fewer, drop the query, or look below max_rank"] = (
        "fewer"
    )
    seed: Annotated[int, "seed of the random choices"] = 42

    def __post_init__(self) -> None:
        _check_choices(self)
        for name in ("skip_top", "skip_survivors"):
            if getattr(self, name) < 0:
                raise RecipeError(f"{flag(name)}: wanted 0 or more; found {getattr(self, name)}")
        for name in ("negatives_per_query", "reuse_cap", "max_rank"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise RecipeError(f"{flag(name)}: wanted 1 or more; found {value}")
        for name in ("max_p_relevant", "min_p_relevant"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                raise RecipeError(f"{flag(name)}: wanted 0 to 1; found {value}")
        for name in ("absolute_margin", "relative_margin", "absolute_floor", "relative_floor"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise RecipeError(f"{flag(name)}: wanted 0 or more (a gap below the positive); found {value}")
        for name in ("duplicate_cosine", "duplicate_jaccard"):
            if not 0 <= getattr(self, name) <= 1:
                raise RecipeError(f"{flag(name)}: wanted 0 to 1; found {getattr(self, name)}")
        if self.shortfall == "deepen" and self.max_rank is None:
            raise RecipeError("--shortfall deepen: wanted --max-rank N, below which to look; found none")
        if self.max_rank is not None and self.max_rank <= self.skip_top:
            raise RecipeError(f"--max-rank: wanted more than --skip-top {self.skip_top}; found {self.max_rank}")
        shares = [share for _, share in self.quota]
        if any(not 0 < share <= 1 for share in shares) or sum(shares) > 1 + 1e-9:
            raise RecipeError(f"--quota: wanted shares above 0 that sum to at most 1; found {dict(self.quota)}")


@dataclass(frozen=True)
class Export:
    """The shape of one export. The same choices, data and provenance give the same bytes."""

    format: Annotated[FormatName, "whose training code is to read it"] = "triplet"
    scores: Annotated[bool, "add the teacher's scores, where the format has a place for them"] = False
    own_columns: Annotated[bool, "add your own columns, after the format's (losses read columns by position)"] = False
    negatives: Annotated[
        int | None, "negatives in a row of n-tuple, margin-mse-list, kl; unset for the most that a query has"
    ] = None
    prompt: Annotated[str, "instruction for the queries, as FlagEmbedding's `prompt`"] = ""
    corpus_id: Annotated[str, "name of the corpus in `nemo`; two datasets trained on together need two"] = "nearmiss"
    shard_size: Annotated[int | None, "rows in one file; unset for one file a table"] = None
    compress: Annotated[Compress | None, "unset for zst, or none where the training code opens the file itself"] = None
    container: Annotated[Container, "for the formats that are rows: JSON lines or Parquet"] = "jsonl"
    relevant: Annotated[OfRelevant, "judged relevant: promote to a positive of the export, or drop"] = "promote"
    partial: Annotated[OfPartial, "judged partly relevant: mask, or keep as a candidate like any other"] = "mask"
    unsure: Annotated[OfUnsure, "judged `cannot tell`: drop, or keep as a candidate like any other"] = "drop"

    def __post_init__(self) -> None:
        _check_choices(self)
        for name in ("negatives", "shard_size"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise RecipeError(f"{flag(name)}: wanted 1 or more; found {value}")


@dataclass(frozen=True)
class Teaching:
    """How a teacher is trained. The same choices, pairs and machine give the same weights."""

    start: Annotated[str, "encoder or cross-encoder, folder or hub name; empty for the embedded MiniLM"] = ""
    epochs: Annotated[int, "times that every pair is read"] = 2
    batch_size: Annotated[int, "pairs in one step"] = 32
    learning_rate: Annotated[float, "highest step size; it rises for a tenth of the steps, then falls to 0"] = 5e-5
    max_length: Annotated[int, "tokens of a pair that are read"] = 256
    held_out: Annotated[float, "share of the queries that are kept for measuring and never trained on"] = 0.2
    distil: Annotated[
        float, "share of each target that the start's cosine and a run's sources give, beside the label; encoders only"
    ] = 0.5
    unlabelled: Annotated[
        int, "candidates of each query without a label, learnt from those scores alone; runs only, and with --distil"
    ] = 0
    partial: Annotated[OfPartly, "judged partly relevant: train towards one half, or drop"] = "half"
    freeze: Annotated[int | None, "layers that stay as they are, after the embeddings; 0 for the embeddings alone"] = (
        None
    )
    precision: Annotated[TrainingPrecision, "number type of the training; auto picks what this machine is fast at"] = (
        "auto"
    )
    rank: Annotated[int | None, "also store the difference from the start at this rank, as a small folder"] = None
    trust_remote_code: Annotated[bool, "run Python code that comes with a model"] = False
    seed: Annotated[int, "seed of everything random"] = 42

    def __post_init__(self) -> None:
        _check_choices(self)
        for name in ("epochs", "batch_size", "rank"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise RecipeError(f"{flag(name)}: wanted 1 or more; found {value}")
        if self.max_length < 8:
            raise RecipeError(f"--max-length: wanted 8 or more; found {self.max_length}")
        if self.freeze is not None and self.freeze < 0:
            raise RecipeError(f"--freeze: wanted 0 or more; found {self.freeze}")
        if not 0 < self.learning_rate < 1:
            raise RecipeError(f"--learning-rate: wanted above 0 and below 1; found {self.learning_rate}")
        if not 0 < self.held_out < 1:
            raise RecipeError(f"--held-out: wanted above 0 and below 1; found {self.held_out}")
        if not 0 <= self.distil < 1:
            raise RecipeError(f"--distil: wanted 0 or more and below 1; found {self.distil}")
        if self.unlabelled < 0:
            raise RecipeError(f"--unlabelled: wanted 0 or more; found {self.unlabelled}")
        if self.unlabelled and not self.distil:
            raise RecipeError(
                f"--unlabelled {self.unlabelled}: wanted --distil above 0, to learn them from; found --distil 0"
            )


def source_name(source: str) -> str:
    """The short name of a source, as in its columns: `run:splade=FILE` is `splade`."""
    return source.removeprefix("run:").partition("=")[0]


def flag(field: str) -> str:
    """A field's name as its command-line flag."""
    return "--" + field.replace("_", "-")


def words_of(recipe: type) -> dict[str, str]:
    """What the words beside each field say."""
    return {name: get_args(hint)[1] for name, hint in get_type_hints(recipe, include_extras=True).items()}


def _check_choices(recipe: object) -> None:
    # A dataclass does not check Literal fields; a typo would quietly select nothing.
    for name, choices in _choices(type(recipe)).items():  # type: ignore[arg-type]
        value = getattr(recipe, name)
        if choices and value is not None and value not in choices:
            raise RecipeError(f"{flag(name)}: wanted one of {', '.join(choices)}; found {value!r}")
        if isinstance(value, float) and value != value:
            raise RecipeError(f"{flag(name)}: wanted a number; found NaN")


@cache
def _choices(recipe: type) -> dict[str, tuple[str, ...]]:
    # Reading the hints costs more than all the checks, and a slider asks for a policy at each of its stops.
    return {name: choices_of(hint) for name, hint in get_type_hints(recipe).items()}


def choices_of(hint: Any) -> tuple[str, ...]:
    """The words a Literal allows, also where it is optional; none for other types."""
    if get_origin(hint) is Literal:
        return get_args(hint)
    return next((get_args(kind) for kind in get_args(hint) if get_origin(kind) is Literal), ())
