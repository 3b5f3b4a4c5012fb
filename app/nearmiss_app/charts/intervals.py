"""
Values with their intervals, one row each on one scale, as HTML: names wrap, numbers are text, a phone has room.

No Streamlit inside. What stands in a row is other people's text, and is escaped.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

TRACK_STYLE = """
.track { position: relative; display: block; height: 1.25rem; }
.track::before { content: ""; position: absolute; inset: 50% 0 auto; border-top: 1px solid var(--line); }
.track .bar { position: absolute; top: calc(50% - 2px); height: 4px; background: var(--own); opacity: 0.55; }
.track .dot { position: absolute; top: calc(50% - 6px); width: 12px; height: 12px; margin-left: -6px; }
.track .dot { border-radius: 50%; background: var(--own); }
.track .at { position: absolute; top: 0; bottom: 0; border-left: 2px dashed currentColor; opacity: 0.6; }
"""
STYLE = f"""<style>
.intervals {{
  --line: color-mix(in srgb, currentColor 22%, transparent);
  container-type: inline-size;
  font-variant-numeric: tabular-nums;
  line-height: 1.35;
}}
.intervals ul {{
  display: grid; gap: 0.5rem 1rem; align-items: center; list-style: none; margin: 0.5rem 0 0; padding: 0;
  grid-template-columns: fit-content(19rem) minmax(5rem, 1fr) max-content;
}}
.intervals li {{
  display: grid; grid-column: 1 / -1; grid-template-columns: subgrid; align-items: center; margin: 0; padding: 0;
  grid-template-areas: "name track number";
}}
.intervals li .name {{ grid-area: name; font-weight: inherit; overflow-wrap: anywhere; }}
.intervals :is(.track, .ticks) {{ grid-area: track; margin-inline: 6px; }}
.intervals .number {{ grid-area: number; font-size: 0.875rem; white-space: nowrap; }}
.intervals .ticks {{ position: relative; height: 1.25rem; font-size: 0.875rem; opacity: 0.85; }}
.intervals .ticks span {{ position: absolute; white-space: nowrap; }}
@container (max-width: 30rem) {{
  .intervals ul {{ grid-template-columns: minmax(0, 1fr) max-content; }}
  .intervals li {{ align-items: baseline; grid-template-areas: "name number" "track track"; }}
}}
{TRACK_STYLE}
</style>"""
Span = tuple[float, float]


@dataclass(frozen=True)
class Row:
    """One row: its name, its numbers as text, and where they lie; no `middle`: nothing is drawn."""

    name: str
    number: str
    limits: str = ""
    low: float = 0.0
    middle: float | None = None
    high: float = 0.0
    colour: str = "currentColor"
    strong: bool = False
    says: str = ""  # what a pointer on the row is told


def rows(shown: Sequence[Row], span: Span, ticks: Sequence[tuple[float, str]] = (), mark: float | None = None) -> str:
    """All rows under one scale with its ticks; `mark` is a dashed line through all of them."""
    at = "".join(_tick(place(span, value), text) for value, text in ticks)
    scale = f'<li aria-hidden="true"><span class="ticks">{at}</span></li>' if ticks else ""
    return f'{STYLE}<div class="intervals"><ul>{scale}{"".join(_row(one, span, mark) for one in shown)}</ul></div>'


def track(span: Span, low: float, middle: float, high: float, mark: float | None = None) -> str:
    """A line with an interval, its middle, and a mark that all rows share; screen readers have the numbers instead."""
    left, right = place(span, low), place(span, high)
    at = "" if mark is None else f'<span class="at" style="left:{place(span, mark):.2f}%"></span>'
    return (
        f'<span class="track" aria-hidden="true">{at}'
        f'<span class="bar" style="left:{left:.2f}%;width:{right - left:.2f}%"></span>'
        f'<span class="dot" style="left:{place(span, middle):.2f}%"></span></span>'
    )


def place(span: Span, value: float) -> float:
    """Where a value lies on the scale, in per cent of its width."""
    return min(100.0, max(0.0, 100 * (value - span[0]) / (span[1] - span[0])))


def _tick(at: float, text: str) -> str:
    """A number of the scale; those at its ends do not hang over them."""
    return f'<span style="left:{at:.2f}%;transform:translateX(-{at:.2f}%)">{escape(text)}</span>'


def _row(one: Row, span: Span, mark: float | None) -> str:
    drawn = "" if one.middle is None else track(span, one.low, one.middle, one.high, mark)
    name, number = (f"<b>{escape(text)}</b>" if one.strong else escape(text) for text in (one.name, one.number))
    limits = f" ({escape(one.limits)})" if one.limits else ""
    title = f' title="{escape(one.says)}"' if one.says else ""
    return (
        f'<li style="--own: {one.colour}"{title}><span class="name" dir="auto">{name}</span>{drawn}'
        f'<span class="number">{number}{limits}</span></li>'
    )
