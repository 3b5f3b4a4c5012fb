"""A trial as a picture: each policy's nDCG@10 and its difference to the 95% rule, with intervals; no Streamlit."""

from html import escape
from typing import Any

from nearmiss.training.trials.policies import AND
from nearmiss_app.charts.intervals import TRACK_STYLE, track
from nearmiss_app.theme import STATUS
from nearmiss_app.tuner.policy_words import label

Content = dict[str, Any]
LOOKS = {"better": ("▲", STATUS["kept"]), "worse": ("▼", STATUS["too_close"])}
STYLE = f"""<style>
{TRACK_STYLE}
.trial {{
  --line: color-mix(in srgb, currentColor 22%, transparent);
  font-variant-numeric: tabular-nums;
  line-height: 1.4;
}}
.trial .row {{
  display: grid; gap: 0.25rem 1.5rem; align-items: center; padding: 0.5rem 0; border-top: 1px solid var(--line);
  grid-template-columns: minmax(9rem, 1fr) minmax(0, 2fr) minmax(0, 2fr) minmax(11rem, 1.4fr);
}}
.trial .head {{ border-top: none; font-size: 0.875rem; align-items: end; }}
.trial .name {{ overflow-wrap: anywhere; font-weight: 600; }}
.trial .quiet {{ display: block; font-size: 0.875rem; font-weight: 400; opacity: 0.85; }}
.trial .ends {{ display: flex; justify-content: space-between; }}
.trial .said {{ color: var(--own); font-weight: 600; }}
.trial .only-narrow {{ display: none; }}
@media (max-width: 1000px) {{
  .trial .only-narrow {{ display: inline; }}
  .trial .row {{ grid-template-columns: minmax(0, 1fr); padding: 0.75rem 0; }}
  .trial .head .only-wide {{ display: none; }}
}}
</style>"""


def forest(content: Content, *, dark: bool) -> str:
    """The picture as HTML: a row for each policy, in the trial's order."""
    policies = content["policies"]
    reach = _span([end for one in policies for end in one["ndcg_interval"]])
    gaps = [gap for one in policies if (gap := one.get("against_95_rule"))]
    far = max((abs(gap[end]) for gap in gaps for end in ("low", "high")), default=0.0) * 1.05 or 0.01
    start = content["untrained"]["ndcg"]
    rows = [_row(one, content, reach, far, start, dark=dark) for one in policies]
    inside = _head(reach, far) + "".join(rows)
    return f'{STYLE}<div class="trial" role="table" aria-label="Policies of the trial">{inside}</div>'


def in_words(one: Content) -> str:
    """How a policy compares with the 95% rule: better or worse only where the interval says so."""
    gap = one.get("against_95_rule")
    if gap is None:
        return "the 95% rule itself" if "95% rule" in one["name"] else "not compared"
    if gap["verdict"] in LOOKS:
        return f"{LOOKS[gap['verdict']][0]} {gap['verdict']}"
    needed = gap.get("queries")
    return "no difference found" + (f"; about {needed:,} queries would tell" if needed else "")


def _head(reach: tuple[float, float], far: float) -> str:
    cells = [
        '<span class="only-wide" role="columnheader">Policy</span>',
        _axis("nDCG@10 on unseen queries; dashed: before training", f"{reach[0]:.3f}", f"{reach[1]:.3f}"),
        _axis("Difference to the 95% rule", _signed(-far, 3), "0", _signed(far, 3)),
        '<span class="only-wide" role="columnheader">Which is better</span>',
    ]
    return f'<div class="row head" role="row">{"".join(cells)}</div>'


def _axis(title: str, *ends: str) -> str:
    shown = "".join(f"<span>{end}</span>" for end in ends)
    return f'<span role="columnheader">{escape(title)}<span class="ends">{shown}</span></span>'


def _row(one: Content, content: Content, reach: tuple[float, float], far: float, start: float, *, dark: bool) -> str:
    gap = one.get("against_95_rule")
    look = LOOKS.get(gap["verdict"]) if gap else None
    colour = "currentColor" if look is None else look[1].colour(dark)
    low, high = one["ndcg_interval"]
    numbers = f"{one['ndcg']:.4f} ({low:.4f} to {high:.4f})"
    reached = track(reach, low, one["ndcg"], high, start) + _quiet(numbers, "nDCG@10 ")
    compared = ""
    if gap is not None:
        numbers = f"{_signed(gap['mean'])} ({_signed(gap['low'])} to {_signed(gap['high'])})"
        compared = track((-far, far), gap["low"], gap["mean"], gap["high"], 0.0) + _quiet(numbers, "To the 95% rule: ")
    name, *others = label(one["name"]).split(AND)
    cells = [
        f'<span class="name" role="rowheader">{escape(name)}{_quiet(_facts(one, content, others))}</span>',
        f'<span role="cell">{reached}</span>',
        f'<span role="cell">{compared}</span>',
        f'<span class="{"said" if look else ""}" role="cell">{escape(in_words(one))}</span>',
    ]
    return f'<div class="row" role="row" style="--own: {colour}">{"".join(cells)}</div>'


def _quiet(text: str, narrow: str = "") -> str:
    """Small print; `narrow` stands before it where no heading stands above."""
    before = f'<span class="only-narrow">{escape(narrow)}</span>' if narrow else ""
    return f'<span class="quiet">{before}{escape(text)}</span>'


def _facts(one: Content, content: Content, others: list[str]) -> str:
    """What else the policy is called, whether it is the best, and what its students learnt from."""
    also = f"also {', '.join(others)}; " if others else ""
    best = "highest here; " if one["name"] == content["best"] else ""
    return f"{also}{best}{one['queries']:,} queries, {one['negatives']:,} negatives"


def _signed(value: float, digits: int = 4) -> str:
    """A difference with its sign, which is a proper minus; never "-0"."""
    return f"{round(value, digits) + 0.0:+.{digits}f}".replace("-", "−")


def _span(ends: list[float]) -> tuple[float, float]:
    low, high = min(ends), max(ends)
    room = 0.04 * (high - low) or 0.01
    return low - room, high + room
