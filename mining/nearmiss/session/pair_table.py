"""
Pairs: every pair of a round as one table, filtered, sorted and read a page at a time.

In:  a `Workspace`, a `PairFilter`, a column to sort by, the reviewer
Out: row numbers in order; frames of some rows and columns; the whole as CSV

Others' verdicts are left out until the reviewer has judged the same pair, and so is a status that follows from them.
"""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from nearmiss.review import JUDGEMENTS
from nearmiss.selection import STATUSES, VERDICTS, verdict_code
from nearmiss.session import cards
from nearmiss.storage.spreadsheets import FORMULA
from nearmiss.types import Bools, Floats, Ints
from nearmiss.workspace import Workspace

BLOCK = 5000  # rows of the CSV at a time
ORDERS_KEPT = 8
CODES_KEPT = 16
OPENING = 300  # characters of a text in the table
SHOWN = ("query", "document", "status", "verdict", "score", "p_relevant", "margin")
Codes = npt.NDArray[np.int8]


@dataclass(frozen=True)
class PairFilter:
    """Which pairs to show; empty fields do not filter."""

    statuses: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()  # found by one of these
    verdict: str = ""  # unjudged, judged, or one verdict
    text: str = ""  # in query or document, in any case
    query_id: str = ""


def columns(work: Workspace) -> list[str]:
    """The columns that a run has, in the order of the table."""
    sources = [f"{source}_{kind}" for source in work.table.sources for kind in ("rank", "score")]
    known = [name for name in (*sources, "fused_rank") if not np.isnan(work.table.number(name)).all()]
    return ["query_id", "query", "doc_id", "document", "status", "verdict", "score", "p_relevant", "margin", *known]


def in_order(work: Workspace, wanted: PairFilter, sort: str = "", *, falling: bool = True, reviewer: str = "") -> Ints:
    """
    Row numbers of the pairs that a filter shows, (n,): in the data's order, or by a column.

    Numbers that are missing come last either way; texts and statuses sort by the alphabet. A million pairs take half
    a second, the first time by a text a few, and asked again none.
    """

    def make() -> Ints:
        rows = np.flatnonzero(_shown(work, wanted, reviewer))
        return rows if not sort else rows[_places(work, rows, sort, falling, reviewer)]

    key = wanted, sort, falling, reviewer, work.policy, work.version
    return work.cached("pairs", make, key, ORDERS_KEPT)


def read(
    work: Workspace, rows: Ints, names: Sequence[str], reviewer: str = "", opening: int | None = OPENING
) -> pd.DataFrame:
    """Some rows, in the order given, with these columns; texts are cut after `opening` characters, None for whole."""
    return pd.DataFrame({name: _column(work, rows, name, reviewer, opening) for name in names})


def as_csv(work: Workspace, rows: Ints, names: Sequence[str], reviewer: str = "") -> bytes:
    """
    All rows with whole texts as CSV in UTF-8; ids come first, whatever was chosen.

    A text that a spreadsheet would run as a formula has an apostrophe before it.
    """
    named = list(dict.fromkeys(["query_id", "doc_id", *names]))
    content = io.BytesIO()
    for block in _blocks(work, rows, named, reviewer):
        _harmless(block).to_csv(content, index=False, header=content.tell() == 0, lineterminator="\n")
    return content.getvalue()


def _harmless(block: pd.DataFrame) -> pd.DataFrame:
    shown = block.copy()
    for name in block.columns[block.dtypes.astype(str) == "str"]:
        shown[name] = block[name].mask(block[name].str.startswith(FORMULA), "'" + block[name])
    return shown


def _blocks(work: Workspace, rows: Ints, names: Sequence[str], reviewer: str) -> Iterator[pd.DataFrame]:
    for start in range(0, max(len(rows), 1), BLOCK):
        yield read(work, rows[start : start + BLOCK], names, reviewer, None)


def own_codes(work: Workspace, reviewer: str) -> Codes:
    """A reviewer's verdicts, (n,), as in `Table.verdicts`; without a name those that count."""
    if not reviewer:
        return work.table.verdicts

    def make() -> Codes:
        codes = np.zeros(len(work.table.query), np.int8)
        for pair in work.standing.judged_by(reviewer):
            own, row = work.standing.by_reviewer(pair).get(reviewer), work.row_of(pair)
            if own is not None and row is not None:
                codes[row] = verdict_code(own.event.verdict)
        return codes

    return work.cached("own verdicts", make, (reviewer, work.standing.last_seq), CODES_KEPT)


def statuses(work: Workspace, reviewer: str) -> Codes:
    """The status of each pair, (n,), as places in STATUSES; for a named reviewer without what others judged."""
    if not reviewer:
        return work.decision().status

    def make() -> Codes:
        codes = cards.before_verdicts(work, work.policy).status.copy()
        own = own_codes(work, reviewer)
        for verdict, status in cards.STATUS_OF_OWN.items():
            codes[own == verdict_code(verdict)] = STATUSES.index(status)
        return codes

    return work.cached("own statuses", make, (reviewer, work.policy, work.version), CODES_KEPT)


def _shown(work: Workspace, wanted: PairFilter, reviewer: str) -> Bools:
    table = work.table
    shown = np.ones(len(table.query), bool)
    if wanted.query_id:
        shown[:] = False
        if work.has_query(wanted.query_id):
            shown[work.rows_of(wanted.query_id)] = True
    if wanted.statuses:
        shown &= np.isin(statuses(work, reviewer), [STATUSES.index(status) for status in wanted.statuses])
    if wanted.verdict:
        codes = own_codes(work, reviewer)
        shown &= (
            codes == verdict_code(wanted.verdict)
            if wanted.verdict in JUDGEMENTS
            else (codes > 0) == (wanted.verdict == "judged")
        )
    found = [table.found_by(source) for source in wanted.sources if source in table.sources]
    if found:
        shown &= np.logical_or.reduce(found)
    if wanted.text.strip():
        queries, documents = work.with_text(wanted.text.strip())
        shown &= queries[table.query] | documents[table.document]
    return shown


def _places(work: Workspace, rows: Ints, sort: str, falling: bool, reviewer: str) -> Ints:
    values = _sortable(work, rows, sort, reviewer)
    order = np.argsort(-values if falling else values, kind="stable")  # NaN comes last in both
    return order


def _sortable(work: Workspace, rows: Ints, sort: str, reviewer: str) -> Floats:
    """A number for each row that sorts as its column does."""
    table = work.table
    if sort in ("query", "query_id"):
        return work.cached("alphabetical", lambda: _alphabetical(_texts(work, sort)), sort)[table.query[rows]]
    if sort in ("document", "doc_id"):
        return work.cached("alphabetical", lambda: _alphabetical(_texts(work, sort)), sort)[table.document[rows]]
    if sort == "status":
        return _alphabetical(STATUSES)[statuses(work, reviewer)[rows]]
    if sort == "verdict":
        codes = own_codes(work, reviewer)[rows].astype(np.float64)
        return np.where(codes == 0, np.nan, codes)
    return _number(work, rows, sort)


def _texts(work: Workspace, name: str) -> Sequence[str]:
    """What a column of texts or ids holds for each query, or for each document, as the table numbers them."""
    if name in ("query_id", "doc_id"):
        return work.query_ids if name == "query_id" else work.doc_ids
    if name == "query":
        return [work.query_text(query_id) for query_id in work.query_ids]
    return [f"{title} {text[:OPENING]}" for title, text in work.titles(work.doc_ids)]


def _alphabetical(texts: Sequence[str]) -> Floats:
    places = np.empty(len(texts))
    places[np.argsort(np.array([text.casefold() for text in texts], object), kind="stable")] = np.arange(len(texts))
    return places


def _number(work: Workspace, rows: Ints, name: str) -> Floats:
    table = work.table
    if name == "score":
        return table.score[rows]
    if name == "margin":
        return table.anchors[work.policy.anchor][rows] - table.score[rows]
    return table.number(name)[rows]


def _column(
    work: Workspace, rows: Ints, name: str, reviewer: str, opening: int | None
) -> npt.NDArray[np.generic] | list[str]:
    table = work.table
    if name in ("query", "query_id"):
        ids = [work.query_ids[number] for number in table.query[rows].tolist()]
        return ids if name == "query_id" else [_opened(work.query_text(one), opening) for one in ids]
    if name in ("document", "doc_id"):
        ids = [work.doc_ids[number] for number in table.document[rows].tolist()]
        if name == "doc_id":
            return ids
        return [_opened(f"{title} {text}".strip(), opening) for title, text in work.titles(ids)]
    if name == "status":
        return [STATUSES[code] for code in statuses(work, reviewer)[rows].tolist()]
    if name == "verdict":
        return [("", *VERDICTS)[code] for code in own_codes(work, reviewer)[rows].tolist()]
    return _number(work, rows, name)


def _opened(text: str, opening: int | None) -> str:
    return text if opening is None else " ".join(text[:opening].split())
