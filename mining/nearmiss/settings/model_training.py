"""What models are trained with: `Teaching` for a teacher, `Trial` to compare policies, `Training` for a student."""

from dataclasses import dataclass, fields
from typing import Annotated, Literal

from nearmiss.errors import RecipeError
from nearmiss.settings.field_rules import check_fields
from nearmiss.settings.ranges import COUNT, COUNT_OR_NONE, LARGEST_COUNT, PART, TOKENS, Range

OfPartly = Literal["half", "drop"]
TrainingPrecision = Literal["auto", "float32", "bfloat16"]
StudentName = Literal["adapter", "static", "encoder"]
TrialLoss = Literal["mnrl", "margin-mse", "kl", "cached-mnrl", "gist", "cached-gist"]
DISTILLED = ("margin-mse", "kl")  # read the teacher's scores
GUIDED = ("gist", "cached-gist")
ENCODER_LOSSES = ("cached-mnrl", *GUIDED)  # sentence-transformers' own alone


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
        check_fields(self)
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
    folds: Annotated[
        int, "shares that the queries are cut into, each held out in turn; with 1 the share of --held-out", COUNT
    ] = 1
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
        check_fields(self)
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
        check_fields(self)
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
