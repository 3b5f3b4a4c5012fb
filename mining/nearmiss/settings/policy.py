"""`Policy`: the thresholds and quotas of a decision, which cost milliseconds to change."""

from dataclasses import dataclass
from typing import Annotated, Literal

from nearmiss.errors import RecipeError
from nearmiss.settings.field_rules import check_fields, flag
from nearmiss.settings.ranges import COUNT, COUNT_OR_NONE, GAP, NUMBER, SHARE, Range

Anchor = Literal["min", "mean", "max"]
Sampling = Literal["top", "random", "simans", "stratified"]
Shortfall = Literal["fewer", "drop", "deepen"]


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
        check_fields(self)
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


NO_CEILING = Policy(max_p_relevant=None, relative_margin=None)  # a policy without the ceilings of the default
