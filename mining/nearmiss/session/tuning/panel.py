"""
The panel: every setting of a policy with the values its slider stops at and what would be counted there.

In:  a `Workspace`, a `Policy`
Out: `PanelSetting`s, group by group, made from the dataclass: its words, its type and its choices

Values reach as far as the run's own scores and ranks do.
"""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from threading import RLock
from typing import Any, Literal, get_args, get_type_hints

import numpy as np

from nearmiss import audit, selection
from nearmiss.audit.domains import ceiling_field
from nearmiss.candidates.duplicates import LOWEST_COSINE
from nearmiss.errors import RecipeError, ReviewError
from nearmiss.selection import Table
from nearmiss.session.tuning.along import LOOSENS, MOVABLE, MOVES, CountsAlongSlider, Refusals, SliderStop
from nearmiss.session.tuning.harm import HarmAlong, HarmAlongSlider
from nearmiss.session.tuning.slider_steps import even_steps, in_words, whole_steps
from nearmiss.settings import NO_CEILING, NUMBER, Policy, choices_of, range_of
from nearmiss.workspace import Workspace

ControlKind = Literal["slider", "switch", "choice", "shares", "number"]
GROUPS: dict[str, tuple[str, ...]] = {
    "ceiling": ("max_p_relevant", "relative_margin", "absolute_margin", "max_score", "anchor"),
    "floor": ("relative_floor", "absolute_floor", "min_score", "min_p_relevant"),
    "ranks": ("skip_top", "skip_survivors", "max_rank"),
    "copies": (
        "duplicate_cosine",
        "duplicate_jaccard",
        "allow_twin_answers",
        "allow_siblings",
        "different_cluster",
        "reuse_cap",
    ),
    "how many": ("negatives_per_query", "quota", "sampling", "simans_a", "simans_b", "shortfall", "seed"),
}
GROUP_WORDS = {
    "ceiling": "above it, a candidate is probably an unlabelled answer; of several the lowest holds",
    "floor": "below it, a candidate teaches nothing; of several the highest holds",
    "ranks": "where in the sources' lists a candidate may stand",
    "copies": "what says the same as a positive, or comes from its place",
    "how many": "what is taken of the candidates that no rule refused",
}
# Settings that matter only for one value of another.
ONLY_WITH = {"simans_a": ("sampling", "simans"), "simans_b": ("sampling", "simans")}
# Settings that some runs cannot apply: tried on one query, so that the reason is the rule's own.
PROBES: dict[str, dict[str, Any]] = {
    "max_p_relevant": {"max_p_relevant": 0.5},
    "min_p_relevant": {"min_p_relevant": 0.05},
    "different_cluster": {"different_cluster": True},
}
LARGEST_MARGIN = 1.0  # a margin as large as the positive's score
MOST_RANKS, MOST_SKIPPED, MOST_USES, MOST_WANTED, SHARPEST = 200, 20, 50, 100, 5.0
KEPT_ALONG = 64
Key = tuple[Any, ...]
SMALL = 200_000  # candidates


@dataclass(frozen=True)
class PanelSetting:
    """One field of `Policy` as a control."""

    name: str
    words: str
    kind: ControlKind
    unavailable: str = ""  # why this run cannot use it
    only_with: tuple[str, str] | None = None  # shown only while that setting has that value
    choices: tuple[str, ...] = ()  # of a choice; of shares, the sources
    stops: tuple[str, ...] = ()  # of a slider, rising; "none" at the loose end where it may be off
    at: int = 0  # the stop of its value
    counts: bool = False  # whether counts change with it and can be computed beforehand
    along: CountsAlongSlider | None = None  # those counts, once `count_along` has found them
    harm: HarmAlongSlider | None = None  # the same for the harm; None too where it cannot be followed along the slider
    rule: str = ""  # the status that the setting gives or takes away


def settings(work: Workspace, policy: Policy) -> dict[str, list[PanelSetting]]:
    """Every setting, by group, with such counts as are known."""
    keys = _keys(work, policy)
    reach = _reach(work)

    def setting(name: str) -> PanelSetting:
        key = keys.get(name, ())
        return _setting(work, policy, name, name in keys, reach.along.get(key), reach.harm.get((*key, work.policy)))

    return {group: [setting(name) for name in names] for group, names in GROUPS.items()}


def count_along(work: Workspace, policy: Policy) -> Iterator[str]:
    """Find the counts along every setting, one after the other, and yield each name when done: a caller may stop."""
    reach, keys = _reach(work), _keys(work, policy)
    refusals: Refusals | None = None
    harm: HarmAlong | None = None
    for name, key in keys.items():
        with reach.lock:
            known, against = key in reach.along, (*key, work.policy)
            if not known or against not in reach.harm:
                refusals = refusals or Refusals(work.table, policy)
                harm = harm or HarmAlong(work, policy, refusals)
                reach.along[key] = reach.along[key] if known else refusals.along(name, key[1])
                reach.harm[against] = harm.along(name, key[1])
            _keep(reach.along, key)
            _keep(reach.harm, against)
        yield name


def _keep(known: OrderedDict[Key, Any], key: Key) -> None:
    """Mark one as used last, and forget those used longest ago."""
    known.move_to_end(key)
    while len(known) > KEPT_ALONG:
        known.popitem(last=False)


def stops_of(work: Workspace, policy: Policy, name: str) -> tuple[list[SliderStop], tuple[str, ...]]:
    """The values at which one setting's slider stops, rising, and the same as text; the policy's own is among them."""
    stops = _stops(work, policy, name)
    return stops, in_words(stops)


def measured_along(work: Workspace, policy: Policy, name: str) -> list[tuple[float, float, float]] | None:
    """
    The share of answers among the kept that audits measure, with its band, at each stop of the ceiling in use.

    None where nobody judged an audit, and for any other setting. NaN where nothing kept was judged.
    """
    if name != ceiling_field(policy):
        return None
    stops = _stops(work, policy, name)
    strict_first = list(stops) if name in LOOSENS else list(reversed(stops))
    try:
        band = audit.curve(work, name, strict_first, policy).false_negative_rate
    except ReviewError:
        return None
    found = list(zip(band.estimate.tolist(), band.low.tolist(), band.high.tolist(), strict=True))
    return found if name in LOOSENS else found[::-1]


def is_small(work: Workspace) -> bool:
    """Whether counting along every setting takes no noticeable time."""
    return len(work.table.query) <= SMALL


def _setting(
    work: Workspace,
    policy: Policy,
    name: str,
    counts: bool,
    along: CountsAlongSlider | None,
    harm: HarmAlongSlider | None,
) -> PanelSetting:
    kind = _KINDS[name]
    made = PanelSetting(
        name=name,
        words=_WORDS[name],
        kind=kind,
        unavailable=_reach(work).unavailable.get(name, ""),
        only_with=ONLY_WITH.get(name),
        counts=counts,
        along=along,
        harm=harm,
        rule=MOVES.get(name, ""),
    )
    if kind == "slider":
        stops = _stops(work, policy, name)
        return replace(made, stops=in_words(stops), at=stops.index(getattr(policy, name)))
    if kind == "shares":
        return replace(made, choices=tuple(dict.fromkeys([source for source, _ in policy.quota] + work.table.sources)))
    return replace(made, choices=choices_of(_TYPES[name]))


def _keys(work: Workspace, policy: Policy) -> dict[str, tuple[Any, ...]]:
    """What the counts along each setting depend on: all but the setting's own value."""
    version, usable = work.version, [name for name in MOVABLE if name not in _reach(work).unavailable]
    return {
        name: (
            name,
            tuple(_stops(work, policy, name)),
            tuple(getattr(policy, field.name) for field in fields(Policy) if field.name != name),
            version,
        )
        for name in usable
    }


class _Reach:
    """The range of a run's scores and ranks, settings it cannot apply, and the latest counts."""

    def __init__(self, table: Table) -> None:
        self.lock = RLock()
        self.along: OrderedDict[Key, CountsAlongSlider] = OrderedDict()
        self.harm: OrderedDict[Key, HarmAlongSlider | None] = OrderedDict()  # the policy in force ends the key
        others = ~table.positive
        positive = table.anchors["min"][others]
        gaps = positive - table.score[others]
        with np.errstate(divide="ignore", invalid="ignore"):
            shares = gaps / np.abs(positive)
        self.score = float(table.score.min()), float(table.score.max())
        self.gap = max(0.1, _quantile(gaps, 0.995))
        self.share = min(5.0, max(1.0, _quantile(shares, 0.98)))
        ranks = table.best_rank[np.isfinite(table.best_rank)]
        self.rank = int(ranks.max(initial=1))
        self.candidates = int(np.diff(table.starts).max(initial=1))
        first = selection.prepare(table.candidates.iloc[: int(table.starts[1])]) if len(table.query) else table
        self.unavailable = {name: reason for name, probe in PROBES.items() if (reason := _refusal(first, probe))}


_REACHING = RLock()


def _reach(work: Workspace) -> _Reach:
    with _REACHING:
        return work.cached("reach", lambda: _Reach(work.table))


def _refusal(table: Table, probe: dict[str, Any]) -> str:
    try:
        selection.decide(table, replace(NO_CEILING, **probe))
    except RecipeError as mistake:
        return str(mistake).partition(": ")[2]
    return ""


def _quantile(numbers: Any, share: float) -> float:
    finite = numbers[np.isfinite(numbers)]
    return float(np.quantile(finite, share)) if len(finite) else 0.0


def _stops(work: Workspace, policy: Policy, name: str) -> list[SliderStop]:
    """The values of a slider, rising, the policy's own among them; None at the loose end where it may be off."""
    own = getattr(policy, name)
    values: list[SliderStop] = sorted({*_grid_of(_reach(work), name), *([own] if own is not None else [])})
    if type(None) not in get_args(_TYPES[name]):
        return values
    return [*values, None] if name in LOOSENS or name == "reuse_cap" else [None, *values]


def _grid_of(reach: _Reach, name: str) -> Sequence[float]:
    allowed = range_of(Policy, name) or NUMBER
    if name == "max_rank":
        return whole_steps(reach.rank)
    most = {
        "skip_top": min(MOST_RANKS, reach.rank),
        "skip_survivors": MOST_SKIPPED,
        "reuse_cap": MOST_USES,
        "negatives_per_query": min(MOST_WANTED, reach.candidates),
    }
    if name in most:
        return list(range(int(allowed.low), most[name] + 1))
    ends = {
        **dict.fromkeys(("max_score", "min_score"), reach.score),
        **dict.fromkeys(("absolute_margin", "absolute_floor"), (allowed.low, reach.gap)),
        "relative_margin": (allowed.low, LARGEST_MARGIN),
        "relative_floor": (allowed.low, reach.share),
        "duplicate_cosine": (LOWEST_COSINE, allowed.high),
        "simans_a": (allowed.low, SHARPEST),
        "simans_b": (-reach.gap, reach.gap),
    }
    return even_steps(*ends.get(name, (allowed.low, allowed.high)))


def _kind(name: str, default: Any) -> ControlKind:
    if name == "seed":
        return "number"
    if isinstance(default, bool):
        return "switch"
    if isinstance(default, tuple):
        return "shares"
    return "choice" if choices_of(_TYPES[name]) else "slider"


_TYPES = get_type_hints(Policy)
_WORDS = {name: get_args(hint)[1] for name, hint in get_type_hints(Policy, include_extras=True).items()}
_KINDS = {field.name: _kind(field.name, field.default) for field in fields(Policy)}
