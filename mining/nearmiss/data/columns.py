"""
Which role each column of a table has: found by name, and never ambiguous.

In:  a header, and the names that each field may have
Out: a `ColumnRoles`; Wrong where a column is missing, or where two could be meant
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated

from nearmiss.data.checks import Wrong, shortened

NEGATIVES = ("negative", "negatives", "neg", "negs", "hard_negative", "hard_negatives", "hard_neg", "hard_negs")
DOCUMENTS = ("document", "documents", "passage", "passages", "doc", "docs", "text", "texts")


@dataclass(frozen=True)
class ColumnNames:
    """The names that a column may have; a row must have exactly one of them. Give one name to choose it."""

    query: Annotated[tuple[str, ...], "the query's text"] = ("query", "anchor", "question")
    positive: Annotated[tuple[str, ...], "text of a positive, or a list of texts; also NAME_1, NAME_2 ..."] = (
        "positive",
        "positives",
        "answer",
        "pos",
    )
    negative: Annotated[tuple[str, ...], "text of a negative, or a list; also NAME_1, NAME2, NAME.3 ..."] = (
        *NEGATIVES,
        *(f"{name}_{of}" for name in ("negative", "neg", "hard_negative") for of in ("text", "passage", "document")),
    )
    query_id: Annotated[tuple[str, ...], "the query's id, if any"] = ("query_id", "qid")
    positive_id: Annotated[tuple[str, ...], "id of the positive, or a list; without its text, the corpus has it"] = (
        "positive_id",
        "positive_ids",
        "pos_id",
        "pos_ids",
    )
    negative_id: Annotated[tuple[str, ...], "id of the negative, or a list; also NAME_1, NAME_2 ..."] = tuple(
        f"{name}_{ending}" for name in NEGATIVES for ending in ("id", "ids")
    )
    grade: Annotated[tuple[str, ...], "how relevant the positive is, or a list; above 0"] = ("grade",)
    document: Annotated[tuple[str, ...], "text of a labelled document, or a list; else the positive's names"] = (
        DOCUMENTS
    )
    document_id: Annotated[tuple[str, ...], "id of a labelled document, or a list"] = (
        "document_id",
        "document_ids",
        "doc_id",
        "docid",
        "passage_id",
        "pid",
    )
    label: Annotated[tuple[str, ...], "1 for a positive, 0 for a negative, or a list; NAME= for none"] = (
        "label",
        "labels",
        "relevance",
        "relevant",
        "is_relevant",
        "is_positive",
        "is_answer",
        "rel",
        "target",
    )
    score: Annotated[tuple[str, ...], "a score in the label's place, with --positive-from; NAME= for none"] = (
        "score",
        "scores",
        "similarity",
        "similarities",
        "relevance_score",
        "teacher_score",
    )


ColumnPairs = tuple[tuple[str | None, str | None], ...]  # columns of texts and of their ids


@dataclass(frozen=True)
class ColumnRoles:
    """Which column of a header is what; None where there is none. With a label, `positives` are labelled documents."""

    query: str | None
    query_id: str | None
    positives: ColumnPairs
    negatives: ColumnPairs = ()
    grade: str | None = None
    label: str | None = None
    scored: bool = False  # the label is a score, whose size is no grade
    other_label: str | None = None  # a column called so beside columns of negatives, which is the user's own

    @property
    def named(self) -> set[str | None]:
        passages = {name for pair in (*self.positives, *self.negatives) for name in pair}
        return {self.query, self.query_id, self.grade, self.label} | passages

    def __str__(self) -> str:
        document = "document" if self.label is not None else "positive"
        taken = [("query", [self.query]), ("query_id", [self.query_id])]
        for kind, pairs in ((document, self.positives), ("negative", self.negatives)):
            taken += [(kind, [text for text, _ in pairs]), (f"{kind}_id", [key for _, key in pairs])]
        taken += [("grade", [self.grade]), ("label", [self.label])]
        found = [(kind, [name for name in names if name is not None]) for kind, names in taken]
        return ", ".join(f"{kind} = {' and '.join(names)}" for kind, names in found if names)


@cache
def layout(
    header: tuple[str, ...], columns: ColumnNames, thresholded: bool = False, queries: bool = False
) -> ColumnRoles:
    """
    Find the columns by name. Raises Wrong where one is missing or two could be meant.

    `thresholded`: a score may stand in a label's place. `queries`: a query may be named by its id alone.
    """
    query_id = one_of("query_id", columns.query_id, header)
    query = one_of("query", columns.query, header)
    if query is None and (query_id is None or not queries):
        raise missing("query", columns.query, header)
    negatives = passages(columns.negative, columns.negative_id, header)
    label = label_in(header, columns, bool(negatives), thresholded)
    if label is not None:
        found = ColumnRoles(query, query_id, documents(header, columns), label=label, scored=label in columns.score)
        return each_once(found)
    positives = passages(columns.positive, columns.positive_id, header)
    if not positives:
        raise missing("positive", columns.positive, header)
    if len(names := dict.fromkeys(base(text, columns.positive) for text, _ in positives if text is not None)) > 1:
        raise Wrong("one column as positive (--column positive=NAME names it)", str(list(names)), alike=True)
    other = one_of("label", columns.label, header) if negatives else None
    grade = one_of("grade", columns.grade, header)
    return each_once(ColumnRoles(query, query_id, positives, negatives, grade, other_label=other))


def each_once(found: ColumnRoles) -> ColumnRoles:
    """The same roles; Wrong where one column has two of them, as a --column that was mistyped gives."""
    passages = [name for pair in (*found.positives, *found.negatives) for name in pair]
    names = [name for name in (found.query, found.query_id, found.grade, found.label, *passages) if name is not None]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise Wrong("a column of its own for each field", f"{twice!r} for two of them: {found}", alike=True)
    return found


def label_in(header: Sequence[str], columns: ColumnNames, has_negatives: bool, thresholded: bool) -> str | None:
    """The column that says which documents are positives, if any; beside negatives, it means something else."""
    label = one_of("label", columns.label, header)
    if has_negatives:
        if label is not None and columns.label != ColumnNames().label:
            raise Wrong("labels or columns of negatives", f"both in {shortened(str(list(header)))}", alike=True)
        return None
    score = one_of("score", columns.score, header)
    if label is not None or score is None:
        return label
    # A column called positive is clear; an `answer` or a `passage` with a score may be a negative.
    if not thresholded and set(columns.positive[:2]) & set(map(flattened, header)):
        return None
    if not thresholded:
        wanted = (
            f"--positive-from NUMBER, since {score!r} may score negatives too (--column score= if all are positives)"
        )
        raise Wrong(wanted, f"no labels in {shortened(str(list(header)))}", alike=True)
    return score


def documents(header: Sequence[str], columns: ColumnNames) -> ColumnPairs:
    """The labelled documents: the one column of their texts, of their ids, or both."""
    text = one_of("document", dict.fromkeys((*columns.document, *columns.positive)), header)
    key = one_of("document_id", dict.fromkeys((*columns.document_id, *columns.positive_id)), header)
    if text is None and key is None:
        raise missing("document", (*columns.document, *columns.positive), header)
    return ((text, key),)


def one_of(kind: str, names: Sequence[str] | dict[str, None], header: Sequence[str]) -> str | None:
    """The one column of the header that has one of `names`; in another spelling where none has it exactly."""
    flat = {flattened(name) for name in names}
    found = [name for name in names if name in header] or [name for name in header if flattened(name) in flat]
    if len(found) > 1:
        raise Wrong(f"one column as {kind} (--column {kind}=NAME names it)", str(found), alike=True)
    return found[0] if found else None


def missing(kind: str, names: Sequence[str], header: Sequence[str]) -> Wrong:
    """The error for a header that lacks a required column."""
    wanted = f"a column for the {kind}, named {' or '.join(names[:4])} (or --column {kind}=NAME)"
    return Wrong(wanted, shortened(str(list(header))), alike=True)


def passages(texts: Sequence[str], ids: Sequence[str], header: Sequence[str]) -> ColumnPairs:
    """Columns of texts and those of their ids: the ones called so, and with a number as in NAME1, NAME_1, NAME.1."""
    found, keys = numbered(texts, header), numbered(ids, header, inside=texts)
    pairs: list[tuple[str | None, str | None]] = []
    for place, text in found.items():
        own = place if place in keys else next((key for key in keys if key[1] == place[1] and key not in found), None)
        pairs.append((text, None if own is None else keys.pop(own)))
    return (*pairs, *((None, key) for key in keys.values()))


def numbered(names: Sequence[str], header: Sequence[str], inside: Sequence[str] = ()) -> dict[tuple[str, str], str]:
    """Columns called one of `names`, perhaps with a number, or of `inside` with a number and id; by both."""
    found: dict[tuple[str, str], str] = {}
    for column in header:
        flat = flattened(column)
        match = re.fullmatch(rf"({alternatives(names)})_*(\d*)_*", flat)
        if match is None and inside:
            match = re.fullmatch(rf"({alternatives(inside)})_*(\d+)_*ids?", flat)
        if match is None:
            continue
        place = (singular(match[1]), match[2].lstrip("0") or match[2][-1:])
        if place in found:
            raise Wrong(
                "each numbered column once (--column names one)", f"{found[place]!r} and {column!r}", alike=True
            )
        found[place] = column
    return found


def base(column: str, names: Sequence[str]) -> str:
    """The name of which a column is a numbered one."""
    match = re.match(rf"({alternatives(names)})_*\d*_*$", flattened(column))
    return match[1] if match else column


def alternatives(names: Sequence[str]) -> str:
    return "|".join(re.escape(flattened(name)) for name in sorted(names, key=len, reverse=True)) or r"(?!)"


def flattened(name: str) -> str:
    """A column's name in one spelling: hardNegative1, "Hard negative-1" and hard_negative[1] are hard_negative_1."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return re.sub(r"[\W_]+", "_", parted).lower().strip("_")


def singular(name: str) -> str:
    """The name of a text for that of its id, and of one for that of several."""
    return re.sub(r"_ids?$", "", name).removesuffix("s")
