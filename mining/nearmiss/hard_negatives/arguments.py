"""
The caller's arguments, checked before any slow work.

In:  the arguments of `mine_hard_negatives` as they were given
Out: `Arguments`; ValueError or ImportError with sentence-transformers' messages, for code that parses them

The defaults of `range_max` and the warnings follow the documentation of sentence-transformers 6.2.
"""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

logger = logging.getLogger(__name__)

OUTPUT_FORMATS = ("triplet", "n-tuple", "labeled-pair", "labeled-list")
STRATEGIES = ("top", "random")
FAISS_ON_GPU = 2048  # documents that FAISS finds for one query on a GPU


@dataclass(frozen=True)
class Thresholds:
    """Which scores a negative may have; None for no limit."""

    absolute_margin: float | None
    relative_margin: float | None
    max_score: float | None
    min_score: float | None
    max_p_relevant: float | None

    @property
    def has_ceiling(self) -> bool:
        """Whether some candidates may be refused for being too similar to an answer."""
        return any(value is not None for name, value in vars(self).items() if name != "min_score")

    @property
    def any(self) -> bool:
        """Whether a score decides at all; the cross-encoder is asked only then."""
        return any(value is not None for value in vars(self).values())


@dataclass(frozen=True)
class Prompt:
    """The prompt before each text: given as text, or by its name among the model's prompts; else the model's own."""

    text: str | None
    name: str | None


@dataclass(frozen=True)
class GivenArguments:
    """The arguments as the caller gave them; `function` says what each is."""

    anchor_column_name: str | None
    positive_column_name: str | None
    thresholds: Thresholds
    range_min: int
    range_max: int | None
    num_negatives: int
    sampling_strategy: str
    query_prompt: Prompt
    corpus_prompt: Prompt
    include_positives: bool
    output_format: str
    output_scores: bool
    batch_size: int
    faiss_batch_size: int
    use_faiss: bool
    processes: list[str] | bool  # devices of a pool, or whether to use one
    verbose: bool
    cache_folder: str | None
    as_triplets: bool | None
    margin: float | None
    seed: int


@dataclass(frozen=True)
class Arguments(GivenArguments):
    """The same, checked, with every default filled in."""

    anchor: str  # column of the queries
    positive: str  # column of the positives
    most_positives: int  # rows of the query that has the most
    range_max: int

    @property
    def width(self) -> int:
        """How many candidates of each query are looked at, positives among them."""
        return self.range_max + self.most_positives


def resolve(dataset: Any, given: GivenArguments, *, has_cross_encoder: bool) -> Arguments:
    """Check the arguments in the order in which sentence-transformers does, and fill in what follows from the data."""
    if len(dataset) == 0:
        raise ValueError("The dataset is empty. Please provide a non-empty dataset.")
    if given.faiss_batch_size <= 0:
        raise ValueError(f"faiss_batch_size must be a positive integer, got {given.faiss_batch_size}.")
    gpus = faiss_gpus(given.use_faiss)
    anchor, positive = columns(dataset.column_names, given.anchor_column_name, given.positive_column_name)
    if given.include_positives:
        warn_of_lost_positives(given)
    thresholds = replace(given.thresholds, absolute_margin=absolute_margin(given))
    given = replace(given, thresholds=thresholds, **output_format(given))
    if given.num_negatives < 1:
        raise ValueError(f"num_negatives must be at least 1, got num_negatives={given.num_negatives}.")
    if given.sampling_strategy not in STRATEGIES:
        raise ValueError(f"Invalid sampling_strategy: {given.sampling_strategy}. Must be one of 'random' or 'top'.")
    most_positives = max(Counter(dataset[anchor]).values())
    skips = thresholds.has_ceiling or (has_cross_encoder and thresholds.min_score is not None)
    range_max = range_of(given, most_positives, skips=skips, gpus=gpus)
    fields = vars(given) | {"range_max": range_max}
    return Arguments(**fields, anchor=anchor, positive=positive, most_positives=most_positives)


def columns(names: Sequence[str], anchor: str | None, positive: str | None) -> tuple[str, str]:
    """The columns of the queries and of the positives: those named, else the first two."""
    for given in (anchor, positive):
        if given and given not in names:
            logger.warning(
                "The dataset has no column %r, so the column is chosen by position; it has %s.", given, list(names)
            )
    chosen_anchor, chosen_positive = (given if given in names else None for given in (anchor, positive))
    if chosen_positive is None and len(names) < 2:
        raise ValueError("Dataset must contain at least two columns to select the positive column automatically.")
    first, second = names[0], names[-1] if len(names) < 2 else names[1]
    # If one of the first two is named for the other role, its neighbour is used: no column is its own positive.
    if chosen_anchor is None:
        chosen_anchor = first if chosen_positive != first else second
    if chosen_positive is None:
        chosen_positive = second if chosen_anchor != second else first
    return chosen_anchor, chosen_positive


def output_format(given: GivenArguments) -> dict[str, Any]:
    """The format and whether it has scores, after the deprecated names; ValueError for an unknown one."""
    wanted, scores = given.output_format, given.output_scores
    if given.as_triplets is not None:
        wanted = "triplet" if given.as_triplets else "n-tuple"
        logger.warning(
            "The `as_triplets` parameter is deprecated. Use the `output_format` parameter instead. "
            f"Setting `output_format` to `{wanted}`."
        )
    if given.include_positives and wanted != "n-tuple":
        logger.warning(
            'When using `include_positives=True`, `output_format` will be set to `"n-tuple"` to ensure that the '
            "ranking order is preserved."
        )
        wanted = "n-tuple"
    if wanted == "n-tuple-scores":
        logger.warning(
            '`output_format="n-tuple-scores"` is deprecated. Use `output_format="n-tuple"` with '
            "`output_scores=True` instead for equivalent output formats."
        )
        wanted, scores = "n-tuple", True
    if wanted not in OUTPUT_FORMATS:
        raise ValueError(
            f"Invalid output_format: {wanted}. Must be one of 'triplet', 'n-tuple', 'labeled-pair', or 'labeled-list'."
        )
    return {"output_format": wanted, "output_scores": scores}


def warn_of_lost_positives(given: GivenArguments) -> None:
    """Warn that thresholds may remove the positives that `include_positives` asks for."""
    usual = given.range_min == 0 and given.range_max is None and given.sampling_strategy == "top"
    if not usual or given.thresholds.any or given.margin is not None:
        logger.warning(
            "When using `include_positives=True`, updating `range_min`, `range_max`, `max_score`, `min_score`, "
            "`absolute_margin`, `relative_margin`, or `sampling_strategy` from the default values may still "
            "discard the positive values."
        )


def absolute_margin(given: GivenArguments) -> float | None:
    """The margin, also from its deprecated name."""
    if given.margin is None:
        return given.thresholds.absolute_margin
    logger.warning(
        "The `margin` parameter is deprecated. Use the `absolute_margin` and/or `relative_margin` parameter instead. "
        f"Setting `absolute_margin` to `{given.margin}`."
    )
    return given.margin


def range_of(given: GivenArguments, most_positives: int, *, skips: bool, gpus: int) -> int:
    """
    The highest rank to look at; ValueError where it leaves no room for the negatives.

    `skips`: whether thresholds may remove candidates; `gpus`: on how many GPUs FAISS searches.
    """
    range_min, range_max, note = given.range_min, given.range_max, ""
    if range_max is None:
        range_max = range_min + given.num_negatives * (10 if skips else 1) + most_positives
        if gpus and range_max + most_positives > FAISS_ON_GPU:
            range_max = FAISS_ON_GPU - most_positives
            note = (
                f" Note that range_max was capped to {range_max} because FAISS on GPU can only retrieve up to"
                f" {FAISS_ON_GPU} documents per query, some of which are reserved for the positives. Passing"
                " use_faiss=False lifts that cap, although it can cost a lot more memory."
            )
            if given.verbose:
                print(
                    f"Using FAISS on GPU, we can only retrieve up to {FAISS_ON_GPU} documents per query, some of which "
                    f"are reserved for the positives. Setting range_max to {range_max}."
                )
        if given.verbose:
            print(f"Setting range_max to {range_max} based on the provided parameters.")
    check_range(range_min, range_max, given.num_negatives, note)
    return range_max


def check_range(range_min: int, range_max: int, num_negatives: int, note: str) -> None:
    """ValueError where the ranks leave no room for the negatives."""
    if range_min < 0:
        raise ValueError(f"range_min must be non-negative, got range_min={range_min}.")
    if range_min >= range_max:
        raise ValueError(
            f"range_min must be smaller than range_max, got range_min={range_min} and range_max={range_max}.{note}"
        )
    if num_negatives > range_max - range_min:
        raise ValueError(
            f"Cannot mine {num_negatives} negatives per query: only {range_max - range_min} candidates remain after "
            f"skipping the first range_min={range_min} of range_max={range_max}. Consider decreasing num_negatives "
            f"or range_min, or increasing range_max.{note}"
        )


def faiss_gpus(use_faiss: bool) -> int:
    """GPUs that FAISS would search on; ImportError where it is wanted and not installed."""
    if not use_faiss:
        return 0
    try:
        import faiss
    except ImportError as error:
        raise ImportError(
            "Please install `faiss` to use this function with `use_faiss=True`: "
            "`pip install faiss-cpu` (or `faiss-gpu`)."
        ) from error
    return int(getattr(faiss, "get_num_gpus", lambda: 0)())
