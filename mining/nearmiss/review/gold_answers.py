"""
Gold answers: pairs whose verdict is known before a reviewer gives theirs.

In:  `gold.jsonl` or `gold.csv` in the run's folder, as the project writes it; decisions of adjudicators in the log
Out: for each pair its known verdict, with words that explain it

A row of the file has `query_id`, `doc_id` and `verdict`, and perhaps a `comment`: why that is the answer.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from nearmiss.errors import ReviewError
from nearmiss.review.annotation_tools import Words, given
from nearmiss.review.current import ADJUDICATION, Standing
from nearmiss.review.judgement_files import objects, table_rows
from nearmiss.types import Pair

FILES = ("gold.jsonl", "gold.csv")


@dataclass(frozen=True)
class GoldAnswer:
    """The verdict that is right, and why; `why` may be empty."""

    verdict: str
    why: str = ""


def of_file(folder: Path) -> dict[Pair, GoldAnswer]:
    """
    The known answers in a run's folder, in the order of their file; none where there is no file.

    ReviewError names a row that cannot be used, a pair with two verdicts, and two files beside each other.
    """
    found = version(folder)
    if len(found) > 1:
        raise ReviewError(f"{folder}: wanted one file of known answers; found {' and '.join(FILES)}")
    return dict(_read(*found[0])) if found else {}


def version(folder: Path) -> tuple[tuple[Path, int, int], ...]:
    """The files of known answers in a folder, with the time of their last change and their size."""
    found = (folder / name for name in FILES)
    return tuple((path, path.stat().st_mtime_ns, path.stat().st_size) for path in found if path.is_file())


@lru_cache(maxsize=8)
def _read(path: Path, changed: int, size: int) -> dict[Pair, GoldAnswer]:
    rows = table_rows(path) if path.suffix == ".csv" else objects(path)
    answers: dict[Pair, GoldAnswer] = {}
    for one in given("rows", rows, Words({})).judgements:
        before = answers.setdefault(one.pair, GoldAnswer(one.verdict, one.comment))
        if before.verdict != one.verdict:
            raise ReviewError(
                f"{path}: query {one.query_id!r}, document {one.doc_id!r}: wanted one verdict for each pair; "
                f"found {before.verdict} and {one.verdict}"
            )
    return answers


def decided(standing: Standing) -> dict[Pair, GoldAnswer]:
    """What adjudicators decided, in the order of their decisions."""
    pairs = dict.fromkeys(entry.pair for entry in list(standing.entries.values()) if entry.event.arm == ADJUDICATION)
    decisions = ((pair, standing.decision(pair)) for pair in pairs)
    return {pair: GoldAnswer(one.event.verdict, one.event.comment) for pair, one in decisions if one is not None}
