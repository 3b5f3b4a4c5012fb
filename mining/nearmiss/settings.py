"""
What a person may choose: `Mining` (costs minutes), `Policy` (costs milliseconds), `Export` (what is written),
`Teaching` (what a teacher is trained with), `Trial` (how policies are tried on small students) and `Training` (how a
student is trained for use).

The words beside each field become its `--help` and its slider's tooltip.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cache
from numbers import Integral, Real
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TypeVar, get_args, get_origin, get_type_hints

from nearmiss.errors import RecipeError

# Beyond these, scores, ranks and counts have no meaning, and float32 or a 64-bit index would overflow.
LARGEST_NUMBER, LARGEST_COUNT = 1e9, 2**31 - 1


Settings = TypeVar("Settings")


class Range(NamedTuple):
    """The numbers that a setting may have; the check, the flag's help and the slider all read it here."""

    low: float = -LARGEST_NUMBER
    high: float = LARGEST_NUMBER
    above: bool = False  # `low` itself is not allowed
    below: bool = False  # `high` itself is not allowed

    def holds(self, value: float) -> bool:
        """Whether the value is allowed; NaN and the infinities never are."""
        over = value > self.low if self.above else value >= self.low
        return over and (value < self.high if self.below else value <= self.high)

    @property
    def has_low(self) -> bool:
        """Whether the lower end is worth showing to a user."""
        return self.low != -LARGEST_NUMBER

    @property
    def has_high(self) -> bool:
        """Whether the upper end is worth showing to a user."""
        return self.high not in (LARGEST_NUMBER, LARGEST_COUNT)

    @property
    def words(self) -> str:
        """The range in words: `0 to 1`, `1 or more`, `above 0 and below 1`; "a number" where any will do."""
        if not self.has_low:
            return "a number"
        low = f"above {self.low:,.9g}" if self.above else f"{self.low:,.9g} or more"
        if not self.has_high:
            return low
        if self.above or self.below:
            return f"{low} and {'below' if self.below else 'at most'} {self.high:,.9g}"
        return f"{self.low:,.9g} to {self.high:,.9g}"

    def wanted(self, value: float) -> str:
        """What a value out of range should have been."""
        if value > self.high and not self.has_high:
            return f"{self.words} up to {self.high:,.0f}"
        return f"{self.words} from {self.low:,.0f}" if value < self.low and not self.has_low else self.words


NUMBER, SHARE, GAP = Range(), Range(0, 1), Range(0)
COUNT, COUNT_OR_NONE = Range(1, LARGEST_COUNT), Range(0, LARGEST_COUNT)
PART, TOKENS = Range(0, 1, above=True, below=True), Range(8, LARGEST_COUNT)
# Options of an audit. No recipe holds them, since each plan and certificate has its own.
AUDIT = {
    "labels": COUNT,
    "target": PART,
    "half_width": PART,
    "seed": COUNT_OR_NONE,
    "max_rate": PART,
    "confidence": Range(0.5, 1, below=True),
}

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
StudentName = Literal["adapter", "static", "encoder"]
TrialLoss = Literal["mnrl", "margin-mse", "kl", "cached-mnrl", "gist", "cached-gist"]
DISTILLED = ("margin-mse", "kl")  # read the teacher's scores
GUIDED = ("gist", "cached-gist")
ENCODER_LOSSES = ("cached-mnrl", *GUIDED)  # sentence-transformers' own alone

SOURCES = ("bm25", "dense", "sparse")
NAME = re.compile("[a-z0-9_]{1,40}")
# Names of a run's columns, stages and files, which a user's source may not have.
RESERVED = frozenset(
    {*SOURCES, "fused", "teacher", "positive", "pool", "calibration", "document_vectors", "query_vectors", "none"}
)
DEFAULT_DEPTH = 100
IN_ORDER = "#in-order"  # after a path of vectors: their rows stand in the data's order, and have no ids
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
        str, "sentence-transformers model (folder or hub name); empty for the MiniLM that comes with nearmiss"
    ] = ""
    document_vectors: Annotated[
        str, "file or folder with a vector and an id for each document, in the encoder's place (.npy, Parquet, Arrow)"
    ] = ""
    query_vectors: Annotated[str, "the same for each query"] = ""
    teacher: Annotated[
        str,
        "cross-encoder (folder or hub name), or late-interaction, by the encoder's own vectors of tokens; empty to use "
        "the dense score in its place",
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
        _check_fields(self)
        if not self.sources:
            raise RecipeError("--source: wanted at least one; found none")
        for source in self.sources:
            _check_source(source)
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


@dataclass(frozen=True)
class Policy:
    """
    The rules that keep or refuse scored candidates. A change here needs no new mining.

    Scores are the teacher's, in its own units; p_relevant is a probability. Raises RecipeError for a value out of its
    range.

    Example:
        >>> import nearmiss as nm
        >>> nm.Policy(max_p_relevant=0.05, negatives_per_query=5).sampling
        'top'
    """

    # The ceiling: the lowest of those set. Above it a candidate is probably an unlabelled answer.
    max_score: Annotated[float | None, "ceiling: refuse a candidate that scores above this", NUMBER] = None
    absolute_margin: Annotated[
        float | None, "ceiling: gap to leave below the positive, in the teacher's units", GAP
    ] = None
    relative_margin: Annotated[
        float | None, "ceiling: gap to leave below the positive, as a share of its score", GAP
    ] = 0.05
    max_p_relevant: Annotated[float | None, "ceiling: refuse above this probability of being an answer", SHARE] = 0.1
    # The floor: the highest of those set. Below it a candidate teaches nothing.
    min_score: Annotated[float | None, "floor: refuse a candidate that scores below this", NUMBER] = None
    absolute_floor: Annotated[float | None, "floor: largest gap below the positive, in the teacher's units", GAP] = None
    relative_floor: Annotated[float | None, "floor: largest gap below the positive, as a share of its score", GAP] = (
        None
    )
    min_p_relevant: Annotated[float | None, "floor: refuse below this probability of being an answer", SHARE] = None
    anchor: Annotated[Anchor, "the score that margins start from where a query has several positives"] = "min"

    skip_top: Annotated[int, "refuse candidates that any source ranked this high or higher", COUNT_OR_NONE] = 0
    skip_survivors: Annotated[int, "then skip this many of the best that no rule refused", COUNT_OR_NONE] = 0
    max_rank: Annotated[int | None, "refuse candidates that every source ranked below this", COUNT] = None
    different_cluster: Annotated[bool, "refuse documents from the cluster of a positive"] = False
    allow_siblings: Annotated[bool, "keep passages that share a group_id with a positive"] = False
    allow_twin_answers: Annotated[bool, "keep labelled answers to a query that asks nearly the same"] = False
    duplicate_cosine: Annotated[
        float, "near duplicate of a positive: the cosine of the vectors is at least this", SHARE
    ] = 0.95
    duplicate_jaccard: Annotated[
        float, "near duplicate of a positive: it also shares at least this part of the words (Jaccard)", SHARE
    ] = 0.8
    reuse_cap: Annotated[int | None, "how often one document may be a negative, over all queries", COUNT] = None

    negatives_per_query: Annotated[int, "hard negatives to keep for each query", COUNT] = 7
    quota: Annotated[
        tuple[tuple[str, float], ...],
        "share of the negatives from each source, as SOURCE=SHARE",
        Range(0, 1, above=True),
    ] = ()
    sampling: Annotated[Sampling, "how to choose among the survivors"] = "top"
    simans_a: Annotated[float, "SimANS: how sharply the choice peaks", GAP] = 0.5
    simans_b: Annotated[float, "SimANS: where it peaks, above the positive's score", NUMBER] = 0.0
    shortfall: Annotated[Shortfall, "when too few survive: keep fewer, drop the query, or look below max_rank"] = (
        "fewer"
    )
    seed: Annotated[int, "seed of the random choices", COUNT_OR_NONE] = 42

    def __post_init__(self) -> None:
        _check_fields(self)
        for low, high in (("min_score", "max_score"), ("min_p_relevant", "max_p_relevant")):
            least, most = getattr(self, low), getattr(self, high)
            if least is not None and most is not None and least > most:
                raise RecipeError(f"{flag(low)}: wanted at most {flag(high)} {most:g}, or none; found {least:g}")
        if self.shortfall == "deepen" and self.max_rank is None:
            raise RecipeError("--shortfall deepen: wanted --max-rank N, below which to look; found none")
        if self.max_rank is not None and self.max_rank <= self.skip_top:
            raise RecipeError(f"--max-rank: wanted more than --skip-top {self.skip_top}; found {self.max_rank}")
        if sum(share for _, share in self.quota) > 1 + 1e-9:
            raise RecipeError(f"--quota: wanted shares above 0 that sum to at most 1; found {dict(self.quota)}")


@dataclass(frozen=True)
class Export:
    """
    The shape of one export. The same choices, data and provenance give the same bytes.

    Raises RecipeError for a value out of its range.

    Example:
        >>> import nearmiss as nm
        >>> nm.Export(format="n-tuple", scores=True, negatives=5).container
        'jsonl'
    """

    format: Annotated[FormatName, "form of the rows, named after the training code that reads it"] = "triplet"
    scores: Annotated[bool, "add the teacher's scores, where the format has a place for them"] = False
    own_columns: Annotated[bool, "add your own columns, after the format's (losses read columns by position)"] = False
    negatives: Annotated[
        int | None,
        "negatives in a row of n-tuple, margin-mse-list and kl; by default as many as nine in ten queries have",
        COUNT,
    ] = None
    prompt: Annotated[str, "instruction for the queries, as FlagEmbedding's `prompt`"] = ""
    corpus_id: Annotated[str, "name of the corpus in `nemo`; two datasets trained on together need two"] = "nearmiss"
    shard_size: Annotated[int | None, "rows in one file; by default one file for each table", COUNT] = None
    compress: Annotated[Compress | None, "by default zst, or none where the training code opens the file itself"] = None
    container: Annotated[Container, "kind of file, for the formats that are rows: JSON lines or Parquet"] = "jsonl"
    relevant: Annotated[OfRelevant, "judged relevant: promote to a positive of the export, or drop"] = "promote"
    partial: Annotated[OfPartial, "judged partly relevant: mask, or keep as a candidate like any other"] = "mask"
    unsure: Annotated[OfUnsure, "judged `cannot tell`: drop, or keep as a candidate like any other"] = "drop"

    def __post_init__(self) -> None:
        _check_fields(self)


@dataclass(frozen=True)
class Teaching:
    """How a teacher is trained. The same choices, pairs and machine give the same weights."""

    start: Annotated[
        str,
        "encoder or cross-encoder to start from (folder or hub name); empty for the MiniLM that comes with nearmiss",
    ] = ""
    epochs: Annotated[int, "times that every pair is read", COUNT] = 2
    batch_size: Annotated[int, "pairs in one step", COUNT] = 32
    learning_rate: Annotated[float, "highest step size; it rises for a tenth of the steps, then falls to 0", PART] = (
        5e-5
    )
    max_length: Annotated[int, "tokens of a pair that are read", TOKENS] = 256
    held_out: Annotated[float, "share of the queries that are kept for measuring and never trained on", PART] = 0.2
    distil: Annotated[
        float,
        "part of each target that the start model's cosine and the run's sources give, not the label; encoders only",
        Range(0, 1, below=True),
    ] = 0.5
    unlabelled: Annotated[
        int,
        "unlabelled candidates of each query to learn from by those scores alone; runs only, needs --distil",
        COUNT_OR_NONE,
    ] = 0
    partial: Annotated[OfPartly, "judged partly relevant: train towards one half, or drop"] = "half"
    freeze: Annotated[
        int | None, "layers that are not trained, besides the embeddings; 0 for the embeddings alone", COUNT_OR_NONE
    ] = None
    precision: Annotated[TrainingPrecision, "number type of the training; auto picks what this machine is fast at"] = (
        "auto"
    )
    rank: Annotated[
        int | None, "also store the difference from the start model as a small folder of this rank", COUNT
    ] = None
    trust_remote_code: Annotated[bool, "run Python code that comes with a model"] = False
    seed: Annotated[int, "seed of everything random", COUNT_OR_NONE] = 42

    def __post_init__(self) -> None:
        _check_fields(self)
        if self.unlabelled and not self.distil:
            raise RecipeError(
                f"--unlabelled {self.unlabelled}: wanted --distil above 0, to learn them from; found --distil 0"
            )


@dataclass(frozen=True)
class Trial:
    """
    How policies are tried: which student is trained on their exports, and how it is tested.

    >>> import nearmiss as nm
    >>> nm.Trial(student="static", seeds=3).held_out
    0.2
    """

    student: Annotated[
        StudentName, "adapter: matrices on the run's vectors; static: token vectors; encoder: the whole model"
    ] = "adapter"
    loss: Annotated[
        TrialLoss, "mnrl: positives against negatives; margin-mse, kl: the teacher's scores; others: encoder alone"
    ] = "mnrl"
    seeds: Annotated[int, "students trained on each policy's export", COUNT] = 5
    held_out: Annotated[float, "share of the queries that are kept for testing and never trained on", PART] = 0.2
    temperature: Annotated[float, "cosines are divided by this in the loss", Range(0, above=True)] = 0.05
    negatives: Annotated[int | None, "negatives of a query that are used; by default all that are exported", COUNT] = (
        None
    )
    epochs: Annotated[int | None, "times that every query is seen; by default the student's own number", COUNT] = None
    learning_rate: Annotated[float | None, "highest step size; by default the student's own", PART] = None
    batch_size: Annotated[int, "queries in one step", Range(2, LARGEST_COUNT)] = 64
    max_length: Annotated[int, "tokens of a text that the students static and encoder read", TOKENS] = 256
    corpus: Annotated[
        int, "most documents that are searched; of a larger corpus, the answers and a seeded sample", COUNT
    ] = 100_000
    resamples: Annotated[int, "resamples of the bootstrap that gives the intervals", Range(100, 1_000_000)] = 4000
    seed: Annotated[int, "seed of everything random", COUNT_OR_NONE] = 42

    def __post_init__(self) -> None:
        _check_fields(self)
        _check_loss(self.student, self.loss)

    def schedule(self, usual: tuple[int, float]) -> tuple[int, float]:
        """Epochs and highest step size: as set, else the student's `usual` ones."""
        return self.epochs or usual[0], self.learning_rate or usual[1]

    def of_training(self, usual: tuple[int, float]) -> tuple[int | float | str | None, ...]:
        """All settings of training, with the student's `usual` epochs and step size where none are set."""
        return *self.schedule(usual), self.loss, self.temperature, self.negatives, self.batch_size, self.seed


@dataclass(frozen=True)
class Training:
    """
    How a student is trained on a run's selection, to be used: the model that the negatives were mined for.

    The same choices, rows and machine give the same weights.

    >>> import nearmiss as nm
    >>> nm.Training(student="adapter", epochs=4).loss
    'mnrl'
    """

    student: Annotated[
        StudentName, "encoder: the whole model; adapter: matrices on the run's vectors; static: token vectors"
    ] = "encoder"
    start: Annotated[str, "encoder to begin with, folder or hub name; empty for the one that mined the round"] = ""
    loss: Annotated[
        TrialLoss,
        "mnrl: positives against negatives; cached: in large batches; gist: a guide masks answers; margin-mse, kl: "
        "the teacher's scores",
    ] = "mnrl"
    guide: Annotated[str, "encoder that finds answers in a batch, for gist and cached-gist; empty for the start"] = ""
    held_out: Annotated[float, "share of the queries that are kept for measuring and never trained on", PART] = 0.2
    temperature: Annotated[float, "cosines are divided by this in the loss", Range(0, above=True)] = 0.05
    negatives: Annotated[int | None, "negatives of a query that are used; unset for all that are kept", COUNT] = None
    epochs: Annotated[int | None, "times that every query is seen; unset for the student's own", COUNT] = None
    learning_rate: Annotated[float | None, "highest step size; unset for the student's own", PART] = None
    batch_size: Annotated[int, "queries in one step", Range(2, LARGEST_COUNT)] = 64
    max_length: Annotated[int, "tokens of a text that the students static and encoder read", TOKENS] = 256
    corpus: Annotated[int, "documents that are searched at most; of more, the answers and a seeded sample", COUNT] = (
        100_000
    )
    resamples: Annotated[int, "resamples of the bootstrap that gives the intervals", Range(100, 1_000_000)] = 4000
    trust_remote_code: Annotated[bool, "run Python code that comes with a model"] = False
    seed: Annotated[int, "seed of everything random", COUNT_OR_NONE] = 42

    def __post_init__(self) -> None:
        _check_fields(self)
        _check_loss(self.student, self.loss)
        if self.guide and self.loss not in GUIDED:
            raise RecipeError(f"--guide: wanted --loss {' or '.join(GUIDED)}, which reads it; found {self.loss}")
        if self.start and self.student == "adapter":
            raise RecipeError(
                f"--start {self.start}: wanted none, since an adapter begins with the vectors of the round; found one. "
                "Mine a round with that encoder, or leave it out"
            )

    @property
    def as_trial(self) -> "Trial":
        """The trial that trains and tests the same student."""
        names = {field.name for field in fields(Trial)} & {field.name for field in fields(Training)}
        return Trial(seeds=1, **{name: getattr(self, name) for name in names})


def _check_loss(student: str, loss: str) -> None:
    if student != "encoder" and loss in ENCODER_LOSSES:
        raise RecipeError(f"--loss {loss}: wanted --student encoder, whose trainer has it; found {student}")


def check_together(recipe: Mining, policy: Policy | None) -> None:
    """Raise RecipeError where a policy needs what the recipe does not mine, before hours of mining."""
    if policy is None:
        return
    names = [source_name(source) for source in recipe.sources]
    for source, _ in policy.quota:
        if source not in names:
            raise RecipeError(f"--quota: wanted one of {', '.join(names)}; found {source!r}")
    if policy.different_cluster and not recipe.clusters:
        raise RecipeError("--different-cluster: wanted --clusters N beside it; found none")


def check_number(place: str, value: float, allowed: Range) -> None:
    """Raise RecipeError where a number that was typed for `place`, a flag, is not allowed there."""
    if value != value:
        raise RecipeError(f"{place}: wanted a number; found NaN")
    if not allowed.holds(value):
        raise RecipeError(f"{place}: wanted {allowed.wanted(value)}; found {value}")


def check_audit(**numbers: float | None) -> None:
    """Raise RecipeError for a number of an audit, by its field's name, that is out of its range; None is unset."""
    for name, value in numbers.items():
        if value is not None:
            check_number(flag(name), value, AUDIT[name])


# The settings that are measured from the positive's score.
_FROM_THE_ANCHOR = ("absolute_margin", "relative_margin", "absolute_floor", "relative_floor")


def check_read(recipe: Mining | Policy | Trial | Training, named: Collection[str]) -> None:
    """
    Raise RecipeError for a setting among those `named` that has no effect because of another setting.

    Settings taken over from the round before may have no effect: nobody named them for this one.
    """
    for name, why, cure in _unread(recipe):
        value = getattr(recipe, name)
        if name in named and value and value != getattr(type(recipe), name):
            raise RecipeError(f"{flag(name)}: wanted none, since {why}; found {value!r}. {cure}, or leave it out")


def _unread(recipe: Mining | Policy | Trial | Training) -> Iterator[tuple[str, str, str]]:
    """Each setting that would have no effect, why, and what would make it count."""
    if isinstance(recipe, Trial | Training):
        if recipe.student == "adapter":
            yield "max_length", "the adapter learns from the run's vectors and reads no text", "Add --student encoder"
        return
    if isinstance(recipe, Policy):
        if all(getattr(recipe, name) is None for name in _FROM_THE_ANCHOR):
            yield "anchor", "no margin or floor starts from it", "Add --relative-margin 0.05"
        if recipe.sampling != "simans":
            for name in ("simans_a", "simans_b"):
                yield name, f"the sampling is {recipe.sampling}", "Add --sampling simans"
        return
    if recipe.document_vectors:
        for name in ("encoder", "query_prompt", "document_prompt", "max_length", "token_disk"):
            yield name, "vectors are given in the encoder's place", 'Add --document-vectors "" --query-vectors ""'
    if recipe.teacher == LATE_INTERACTION:
        yield "teacher_prompt", f"the teacher {LATE_INTERACTION} takes none", "Name a cross-encoder with --teacher"
    else:
        yield "token_disk", f"the teacher is not {LATE_INTERACTION}", f"Add --teacher {LATE_INTERACTION}"
    if not recipe.teacher:
        for name in ("teacher_prompt", "teacher_max_length", "teacher_depth"):
            yield name, "there is no teacher", "Name one with --teacher"
    if "sparse" not in recipe.sources:
        yield "sparse_encoder", "`sparse` is not among the sources", "Add --source sparse"
    if "bm25" not in recipe.sources:
        yield "language", "`bm25`, which reads it, is not among the sources", "Add --source bm25"
    if "dense" not in recipe.sources:
        for name in ("index", "search_memory"):
            yield name, "`dense`, which reads it, is not among the sources", "Add --source dense"
    elif recipe.index != "exact":
        yield "search_memory", f"the index is {recipe.index}", "Add --index exact"


def source_name(source: str) -> str:
    """The short name of a source, as in its columns: `run:splade=FILE` is `splade`."""
    return source.removeprefix("run:").partition("=")[0]


def source_file(source: str) -> tuple[str, Literal["", "rank", "score"]]:
    """The file of a source `run:NAME=FILE`, and "score" or "rank" where `#score` or `#rank` says what it holds."""
    file = source.partition("=")[2]
    path, mark, column = file.rpartition("#")
    if mark and column == "score":
        return path, "score"
    return (path, "rank") if mark and column == "rank" else (file, "")


def with_whole_paths(recipe: Mining) -> Mining:
    """The same recipe with run files and models' folders named from the root, so that later rounds find them."""
    models = {name: _whole_folder(getattr(recipe, name)) for name in ("encoder", "teacher", "sparse_encoder")}
    models |= {name: _whole_vectors(getattr(recipe, name)) for name in ("document_vectors", "query_vectors")}
    sources = tuple(_whole_source(source) for source in recipe.sources)
    # An earlier release's recipe may be outside today's ranges.
    return as_written(Mining, {**vars(recipe), **models, "sources": sources})


def _whole_folder(name: str) -> str:
    """A folder's whole path; a hub name, or another that is no folder here, as it is."""
    if not name or name == LATE_INTERACTION:
        return name
    folder = Path(name).expanduser()
    return str(folder.absolute()) if folder.is_dir() else name


def _whole_vectors(name: str) -> str:
    path = Path(name.removesuffix(IN_ORDER)).expanduser()
    return f"{path.absolute()}{name[len(name.removesuffix(IN_ORDER)) :]}" if name and path.exists() else name


def _whole_source(source: str) -> str:
    if source in SOURCES:
        return source
    name, equals, file = source.partition("=")
    return f"{name}{equals}{Path(file).expanduser().absolute()}"


def flag(field: str) -> str:
    """A field's name as its command-line flag."""
    return "--" + field.replace("_", "-")


def words_of(recipe: type) -> dict[str, str]:
    """The help text of each field."""
    return {name: get_args(hint)[1] for name, hint in get_type_hints(recipe, include_extras=True).items()}


def range_of(recipe: type, field: str) -> Range | None:
    """The numbers that a field may have; None where it holds none."""
    return _rules(recipe)[field].range


def as_written(recipe: type[Settings], values: Mapping[str, Any]) -> Settings:
    """
    A recipe as it was stored: of the right types, but perhaps outside today's ranges.

    Files of earlier versions must still open, and a chart passes through values that nobody could save.
    Fields without a value have their defaults; RecipeError for an unknown field or a value of the wrong type.
    """
    known = {field.name: field.default for field in fields(recipe)}  # type: ignore[arg-type]
    if unknown := sorted(values.keys() - known.keys()):
        raise RecipeError(f"{unknown[0]}: wanted a setting of this version; found one that it does not know")
    made = object.__new__(recipe)
    for name, value in {**known, **values}.items():
        object.__setattr__(made, name, value)
    _check_fields(made, ranges=False)
    return made


class _Rule(NamedTuple):
    """What a field's value must be: one of these words, or a number of this kind within this range."""

    choices: tuple[str, ...]
    number: type[Integral] | type[Real] | None
    repeated: bool
    optional: bool
    range: Range | None


@cache
def _rules(recipe: type[Any]) -> dict[str, _Rule]:
    # Reading the hints costs more than all the checks, and a slider asks for a policy at each of its stops.
    hints = get_type_hints(recipe, include_extras=True)
    return {name: _rule(get_args(hint)[0], get_args(hint)[2:]) for name, hint in hints.items()}


def _rule(kind: Any, extras: tuple[Any, ...]) -> _Rule:
    repeated = get_origin(kind) is tuple
    kinds = get_args(get_args(kind)[0]) if repeated else (kind, *get_args(kind))
    number = Real if float in kinds else Integral if int in kinds else None
    ranges = [extra for extra in extras if isinstance(extra, Range)]
    return _Rule(choices_of(kind), number, repeated, type(None) in get_args(kind), ranges[0] if ranges else None)


def _check_fields(recipe: Any, *, ranges: bool = True) -> None:
    # A dataclass checks nothing itself: a typo would quietly select nothing, and NaN answers False to every limit.
    for name, rule in _rules(type(recipe)).items():  # type: ignore[arg-type]
        value = getattr(recipe, name)
        if value is None and rule.optional:
            continue
        if rule.choices and value not in rule.choices:
            raise RecipeError(f"{flag(name)}: wanted one of {', '.join(rule.choices)}; found {value!r}")
        if rule.range is None or rule.number is None:
            continue
        for place, number in value if rule.repeated else (("", value),):
            where = f"{flag(name)} {place}".strip()
            if not isinstance(number, rule.number) or isinstance(number, bool):
                kind = "a number" if rule.number is Real else "a whole number"
                raise RecipeError(f"{where}: wanted {kind}; found {number!r}")
            if number != number:
                raise RecipeError(f"{where}: wanted a number; found NaN")
            # A value that no release allowed, such as a probability of 7, means a damaged file.
            if (ranges or rule.range.has_high) and not rule.range.holds(number):  # type: ignore[arg-type]
                raise RecipeError(f"{where}: wanted {rule.range.wanted(number)}; found {number}")  # type: ignore[arg-type]


def _check_source(source: str) -> None:
    if source in SOURCES:
        return
    if not (source.startswith("run:") and "=" in source):
        raise RecipeError(f"--source: wanted one of {', '.join(SOURCES)} or run:NAME=FILE; found {source!r}")
    name, (path, _) = source_name(source), source_file(source)
    if not NAME.fullmatch(name):
        # It becomes a folder of the run, and the beginning of two columns.
        raise RecipeError(f"--source {source}: wanted a name of a-z, 0-9 and _, at most 40 of them; found {name!r}")
    if name in RESERVED:
        raise RecipeError(f"--source {source}: wanted a name of your own; found {name!r}, which nearmiss uses itself")
    if not path:
        raise RecipeError(f"--source {source}: wanted a file after the =; found none")


def choices_of(hint: Any) -> tuple[str, ...]:
    """The words a Literal allows, also where it is optional; none for other types."""
    if get_origin(hint) is Literal:
        return get_args(hint)
    return next((get_args(kind) for kind in get_args(hint) if get_origin(kind) is Literal), ())
