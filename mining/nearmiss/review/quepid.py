"""
Quepid: ratings of documents for the text of a query, as its cases and books export them.

In:  a CSV file with `query`, `docid` and `rating`; or `Query Text`, `Doc ID` and `Rating`; or, of a book, a column for
     each rater in the place of `rating`
Out: the judgements, for every query of the run that has this text

Quepid knows queries by their text alone, so case and white space make no difference here.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from nearmiss.data.checks import Wrong, shortened, wanted_id, wanted_number
from nearmiss.review.annotation_tools import Placed
from nearmiss.review.given import Judgement, ReadJudgements
from nearmiss.review.history import settle

NAMES = {"query text": "query", "doc id": "docid"}
# Columns of the long form that hold nothing about a judgement.
DESCRIBING = ("team name", "case name", "case id", "doc position", "title", "thumb", "image", "notes")
NO_QUERY = "whose text is that of no query of the run"
UNRATED = "without a rating"
Rated = tuple[str, str, float, str]  # query_id, doc_id, rating, rater


def plain_text(text: str) -> str:
    """A query's text without case and runs of white space."""
    return " ".join(text.casefold().split())


def read_ratings(
    rows: Iterable[Placed], queries: Mapping[str, Sequence[str]]
) -> tuple[list[Rated], int, dict[str, int], tuple[str, ...]]:
    """
    The ratings, the number of rows, those left out and why, and the columns that nobody read.

    `queries` has the ids of each query by its `plain_text`. ReviewError lists what is wrong, row by row.
    """
    rated: list[Rated] = []
    left: Counter[str] = Counter()
    bad: list[tuple[int, str]] = []
    unused: dict[str, None] = {}
    count = 0
    for row in rows:
        count += 1
        fields = {NAMES.get(name.casefold(), name): cell for name, cell in row.fields.items()}
        by_name = {name.casefold(): cell for name, cell in fields.items()}
        others = [name for name in fields if name.casefold() not in ("query", "docid", "rating")]
        raters = (
            {"": by_name["rating"]}
            if "rating" in by_name
            else {n: fields[n] for n in others if n.casefold() not in DESCRIBING}
        )
        unused |= dict.fromkeys(name for name in others if name not in raters)
        try:
            doc_id = wanted_id(by_name["docid"], "docid")
            ids = queries.get(plain_text(by_name["query"]), ())
            if not ids:
                left[NO_QUERY] += 1
                continue
            for rater, cell in raters.items():
                if cell.strip().casefold() in ("", "unknown", "n/a"):
                    left[UNRATED] += 1
                else:
                    rated += [(query_id, doc_id, _rating(cell), rater) for query_id in ids]
        except Wrong as wrong:
            bad.append((row.number, f"{row.place}: {wrong}"))
    settle(count, bad)
    return rated, count, dict(left), tuple(unused)


def given(
    rated: Iterable[Rated], verdict: Callable[[float], str], rows: int, left: Mapping[str, int]
) -> ReadJudgements:
    """The ratings as judgements."""
    judgements = [Judgement(q, d, verdict(rating), rater) for q, d, rating, rater in rated]
    return ReadJudgements(judgements, rows, left, ("decided now: the file tells no time",))


def _rating(cell: str) -> float:
    try:
        number = wanted_number(float(cell), "rating")
    except ValueError:
        raise Wrong("a number in 'rating'", shortened(repr(cell))) from None
    if number < 0:
        raise Wrong("a rating of 0 or more", cell)
    return number
