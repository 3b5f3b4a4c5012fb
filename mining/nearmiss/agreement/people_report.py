"""
The report on people as a file: a table for a spreadsheet, or for a page of Markdown.

In:  a `PersonProgress` for each person, a week
Out: text; a file that is whole or absent
"""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from nearmiss.agreement.gold_scores import GoldScore
from nearmiss.agreement.intervals import AgreementEstimate
from nearmiss.agreement.people import PersonProgress, Week
from nearmiss.errors import ReviewError
from nearmiss.storage.files import write_atomically
from nearmiss.storage.markdown import plain
from nearmiss.storage.spreadsheets import harmless

HEADINGS = (
    "person",
    "pairs today",
    "this week",
    "in all",
    "median seconds a card",
    "unsure",
    "agreement with others",
    "shared pairs",
    "same verdict again",
    "hidden repeats",
    "waiting",
    "known answers",
    "95% interval",
    "hidden pairs",
    "answers missed",
    "training round",
)


def cells(one: PersonProgress) -> list[str]:
    """A person's row under HEADINGS, without the name; what is not known is empty."""
    return [
        f"{one.today}",
        f"{one.this_week}",
        f"{one.in_all}",
        "" if one.median_seconds is None else f"{one.median_seconds:.1f}",
        _percent(one.unsure),
        _percent(one.agreement),
        f"{one.shared}",
        _percent(one.consistency),
        f"{one.repeats}",
        f"{one.waiting}",
        *_gold(one.gold),
    ]


def _gold(score: GoldScore) -> list[str]:
    hidden, training = score.hidden, score.training
    if hidden.low is None or hidden.high is None:
        return ["", "", "0", "0", _of(training)]
    return [
        _percent(hidden.value),
        f"{hidden.low:.0%} to {hidden.high:.0%}",
        f"{hidden.pairs}",
        f"{score.missed}",
        _of(training),
    ]


def _of(found: AgreementEstimate) -> str:
    return f"{found.value:.0%} of {found.pairs}" if found.value is not None else ""


def as_csv(people: Sequence[PersonProgress], week: Week) -> str:
    """A row for each person, with the week before it."""
    content = io.StringIO()
    rows = csv.writer(content, lineterminator="\n")
    rows.writerow(["week", *HEADINGS])
    rows.writerows([week.name, harmless(one.name), *cells(one)] for one in people)
    return content.getvalue()


def as_markdown(people: Sequence[PersonProgress], week: Week) -> str:
    """A heading with the week, and a table."""
    rows = [list(HEADINGS), [":---", *["---:"] * (len(HEADINGS) - 1)]]
    rows += [[plain(one.name), *cells(one)] for one in people]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"# Reviews of {week.name}, {week.in_words}\n\n{table}\n\nDays and weeks are those of UTC.\n"


def write(path: Path, people: Sequence[PersonProgress], week: Week) -> None:
    """Write the report, as the file's name says: .csv or .md."""
    made = {".csv": as_csv, ".md": as_markdown}.get(path.suffix.lower())
    if made is None:
        raise ReviewError(f"--out {path}: wanted a name that ends in .csv or .md")
    with write_atomically(path) as temporary:
        temporary.write_text(made(people, week), "utf-8")


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.0%}"
