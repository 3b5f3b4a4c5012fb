"""
The words of topics on the map: where each stands, and which of them a narrow page has room for.

The picture is as wide as the page lets it be, which nobody here knows. So labels are placed for a phone first, then
those that also have room on wider pages; rules of CSS hide these where they would lie over others.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from nearmiss.maps import Atlas
from nearmiss.types import Ints
from nearmiss_app.charts.map_layers import topic, topics

LETTER, LINE = 7.5, 19  # pixels: of a letter and a line of a topic's words
# The picture's width in pixels, and from which width of the window on it is that wide: phone, small window, desk.
WIDTHS = {335: 0, 430: 700, 680: 1250}
ABOVE = 0.9  # of a topic's points lie below words that stand above it
Window = tuple[float, float, float, float]  # left, right, bottom, top


@dataclass(frozen=True)
class TopicLabel:
    """A topic's words, their middle as shares of the picture's width and height, and the width they need it to have."""

    words: str
    x: float
    y: float
    width: int

    @property
    def wide(self) -> float:
        """Its own width in pixels."""
        return LETTER * len(self.words)

    def covers(self, other: "TopicLabel", width: int, height: int) -> bool:
        """Whether it lies over another in a picture of this size."""
        apart = abs(self.x - other.x) * width
        return apart < (self.wide + other.wide) / 2 and abs(self.y - other.y) * height < LINE


def topic_labels(atlas: Atlas, window: Window, height: int) -> list[TopicLabel]:
    """
    The words of the largest topics in the window, above their points or else below them, where no others stand.

    The picture is as wide as the page lets it be: those come first that have room on a phone, then those that also have
    room on a wider page.
    """
    waiting = [
        places
        for cluster, points in topics(atlas).items()
        if (places := _places(atlas, cluster, points, window, height))
    ]
    placed: list[TopicLabel] = []
    for width in WIDTHS:
        for places in list(waiting):
            for one in places:
                half = min(0.5, one.wide / 2 / width)
                there = replace(one, x=float(np.clip(one.x, half, 1 - half)), width=width)  # not cut at the edges
                if not any(there.covers(other, width, height) for other in placed):
                    placed.append(there)
                    waiting.remove(places)
                    break
    return placed


def _places(atlas: Atlas, cluster: int, points: Ints, window: Window, height: int) -> list[TopicLabel]:
    """Where a topic's words may stand: above its points, and below them; nowhere if it lies outside the window."""
    left, right, bottom, top = window
    x = (float(np.median(atlas.map.x[points])) - left) / (right - left)
    middle = (float(np.median(atlas.map.y[points])) - bottom) / (top - bottom)
    if not (0 <= x <= 1 and 0 <= middle <= 1):
        return []
    low, high = ((float(np.quantile(atlas.map.y[points], q)) - bottom) / (top - bottom) for q in (1 - ABOVE, ABOVE))
    half = LINE / 2 / height
    return [
        TopicLabel(topic(atlas, cluster), x, float(np.clip(y, half, 1 - half)), 0) for y in (high + half, low - half)
    ]


def hidden_labels(labels: Sequence[TopicLabel]) -> str:
    """The rules that hide labels where the page is too narrow for them."""
    rules = [
        f"@media (max-width: {page - 1}px) {{ .annotation:is({', '.join(places)}) {{ display: none; }} }}"
        for width, page in WIDTHS.items()
        if (places := [f'[data-index="{n}"]' for n, one in enumerate(labels) if one.width == width]) and page
    ]
    return f"<style>{' '.join(rules)}</style>"
