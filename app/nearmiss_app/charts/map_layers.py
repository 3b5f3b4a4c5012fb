"""The layers of the map: which points look alike, how, and in which order they lie."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from nearmiss.maps import Around, Atlas, Grouping, Groups
from nearmiss_app.charts.style import SYMBOLS
from nearmiss_app.theme import STATUS, VERDICT, Look, source_word


def _looks(*signs_and_colours: tuple[str, str, str]) -> tuple[Look, ...]:
    """Looks without a name: sign, colour on light, colour on dark."""
    return tuple(Look("", *one, "") for one in signs_and_colours)


# Groups without a look of their own; their signs differ as well as their colours.
CATEGORIES = _looks(
    ("●", "#0072b2", "#56a7e0"),
    ("▲", "#b3430f", "#f5a26b"),
    ("□", "#0b6e4f", "#4fd1a5"),
    ("✚", "#8a2f8f", "#e2a3e6"),
    ("◇", "#7a6200", "#e3c94f"),
    ("⬟", "#a3195b", "#ff8fb8"),
    ("○", "#00707a", "#5fd0da"),
    ("★", "#3c4a9e", "#9fb0ff"),
    ("△", "#8f3b00", "#ffb07a"),
    ("✖", "#4b6b00", "#b4d84a"),
    ("⊙", "#6b3fa0", "#c9a6ff"),
    ("▽", "#5c4633", "#cbb59c"),
)
# From the highest scores to the lowest: larger is more, and further from the page's own colour.
BANDS = _looks(
    ("●", "#08306b", "#e6f1fb"),
    ("●", "#1d5fa3", "#a8cdf0"),
    ("●", "#3f8cc9", "#6ba5da"),
    ("●", "#74aede", "#447db3"),
    ("●", "#a5c9e8", "#2f5d8a"),
)
BAND_SIZES = (1.4, 1.2, 1.0, 0.8, 0.65)
EACH_QUERY = Look("query", "◇", "#1d2228", "#ffffff", "")
OTHERS = Look("other documents", "●", "#b4b8be", "#4a525c", "")
MANY = 2000  # points of one look; more are discs or rings, since WebGL is slow with other symbols
BACKDROP = 2000  # other documents around a query


@dataclass(frozen=True)
class Layer:
    """Points that look alike: their numbers (n,), how they look, and how large, in pixels."""

    name: str
    points: np.ndarray
    look: Look
    size: float
    opacity: float = 1.0
    of: int = 0  # how many there are, where not all are drawn

    @property
    def sign(self) -> str:
        """The sign as it is drawn."""
        if len(self.points) <= MANY:
            return self.look.sign
        return "○" if SYMBOLS.get(self.look.sign, "").endswith("-open") else "●"

    @property
    def count(self) -> str:
        """How many points, in words; nothing for a single one."""
        drawn = len(self.points)
        return f"{drawn:,} of {self.of:,}" if self.of > drawn else f"{drawn:,}" if drawn > 1 else ""


def layers(
    atlas: Atlas, by: Grouping, groups: Groups, around: Around | None, chosen: Collection[int] | None = None
) -> list[Layer]:
    """
    Layers from bottom to top: documents of no group, queries, groups from the last to the first.

    Queries are hollow and below the groups: an answer often lies where its query does, and must not be hidden by it.
    Where some points are `chosen`, only those have their group's look; the others stay, in grey.
    """
    if chosen is not None:
        wanted = np.zeros(len(groups.of), bool)
        wanted[list(chosen)] = True
        groups = Groups(groups.names, np.where(wanted, groups.of, -1))
    size = 10 if around is not None else _size(len(atlas.map.ids))
    rest = _rest(atlas, by, groups, around, size, narrowed=chosen is not None)
    named = [
        Layer(
            name_of(atlas, by, name),
            np.flatnonzero(groups.of == place),
            look,
            size * factor,
        )
        for place, name in enumerate(groups.names)
        for look, factor in [_look(by, name, place)]
    ]
    queries = _all_queries(atlas) if around is None else _query(around)
    return [layer for layer in (rest, queries, *reversed(named)) if len(layer.points)]


def name_of(atlas: Atlas, by: Grouping, name: str) -> str:
    """A group's name in plain words."""
    if by == "status":
        return STATUS[name].word
    if by == "verdict":
        return VERDICT[name].word
    if by == "cluster":
        return topic(atlas, int(name), 3) or f"topic {name}"
    return _sources(name) if by == "source" else name


def topic(atlas: Atlas, cluster: int, count: int = 2) -> str:
    """The words that mark a topic; empty where it has none."""
    return ", ".join(atlas.map.facts["clusters"]["words"][cluster][:count])


def topics(atlas: Atlas) -> dict[int, np.ndarray]:
    """The largest topics with words, the largest first, and the documents of each."""
    groups = atlas.groups("cluster", atlas.work.decision())
    found = {int(name): np.flatnonzero(groups.of == place) for place, name in enumerate(groups.names)}
    return {cluster: points for cluster, points in found.items() if len(points) and topic(atlas, cluster)}


def _rest(atlas: Atlas, by: Grouping, groups: Groups, around: Around | None, size: float, *, narrowed: bool) -> Layer:
    others = np.flatnonzero(groups.of < 0)
    if around is not None:
        name = "unjudged and other documents" if by == "verdict" else "other documents"
        return Layer(name, atlas.backdrop(others, around, BACKDROP), OTHERS, 5, 0.6, of=len(others))
    if narrowed:
        return Layer("not chosen", others, OTHERS, min(size, 5), 0.6)
    name = {"verdict": "not judged", "cluster": "smaller topics"}.get(by, "candidate of no query")
    return Layer(name, others, OTHERS, min(size, 5), 0.6)


def _all_queries(atlas: Atlas) -> Layer:
    points = np.arange(atlas.map.documents, len(atlas.map.ids))
    return Layer("query", points, EACH_QUERY, 1.5 * _size(len(atlas.map.ids)))


def _query(around: Around) -> Layer:
    return Layer("the query", np.array([] if around.point is None else [around.point], np.int64), EACH_QUERY, 26)


def _size(points: int) -> float:
    """A point's size on the whole map, in pixels: the more points, the smaller."""
    return next((size for most, size in ((500, 8), (3000, 6.5), (20_000, 5), (50_000, 3.5)) if points <= most), 2.5)


def _look(by: Grouping, name: str, place: int) -> tuple[Look, float]:
    """How a group looks, and how large beside the others."""
    if by == "status":
        return STATUS[name], 1.4 if name == "known_positive" else 1.0
    if by == "verdict":
        return VERDICT[name], 1.3
    if by == "score":
        return BANDS[place], BAND_SIZES[place]
    return CATEGORIES[place % len(CATEGORIES)], 1.0


def _sources(name: str) -> str:
    if name == "none":
        return "found by none"
    words = [source_word(source) for source in name.split("+")]
    return f"{words[0]} alone" if len(words) == 1 else " and ".join(words)
