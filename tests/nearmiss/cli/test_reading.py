"""What `mine` and `teach` say of the data they read, and the reading options that they refuse."""

from io import StringIO

import pytest
from rich.console import Console

from nearmiss.cli import reading, show
from nearmiss.errors import RecipeError

NOTHING = reading.ReadingFlags()


def told(path, **options):
    words = StringIO()
    reading.read(Console(file=words, width=200), str(path), reading.ReadingFlags(**(vars(NOTHING) | options)))
    return words.getvalue().splitlines()


def test_it_is_said_which_column_was_taken_for_what_and_which_was_not_used(tmp_path):
    (tmp_path / "f.csv").write_text(",query,positive,neg0,neg1,[topic]\n0,q,a,n,m,t\n1,r,b,n,,u\n")
    assert told(tmp_path / "f.csv") == [
        "read 2 rows = 2 kept + 0 rejected: 2 queries, 4 documents, 2 positives, 3 labelled negatives",
        "columns: query = query, positive = positive, negative = neg0 and neg1",
        "not used, kept as your own columns: unnamed_1, [topic] (queries)",
    ]


def test_one_of_a_thing_is_told_in_the_singular(tmp_path):
    (tmp_path / "f.csv").write_text("query,positive\nq,a\n")
    assert told(tmp_path / "f.csv")[0] == (
        "read 1 row = 1 kept + 0 rejected: 1 query, 1 document, 1 positive, 0 labelled negatives"
    )


def test_a_label_is_named_and_can_be_denied(tmp_path):
    (tmp_path / "f.csv").write_text("query,positive,label\nq,a,1\nq,n,0\n")
    assert told(tmp_path / "f.csv")[0].endswith("1 query, 2 documents, 1 positive, 1 labelled negative")
    assert told(tmp_path / "f.csv", column=("label=",)) == [
        "read 2 rows = 2 kept + 0 rejected: 1 query, 2 documents, 2 positives, 0 labelled negatives",
        "columns: query = query, positive = positive",
        "not used, kept as your own columns: label (queries)",
    ]


def test_options_that_nothing_would_read_are_refused():
    typed = reading.ReadingFlags("flag", corpus="c.tsv", column=["query=q"], positive_from=0.5)
    with pytest.raises(RecipeError) as error:
        reading.refuse(typed, "a round of R reads the data that the run keeps")
    assert str(error.value) == (
        "--format, --corpus, --column, --positive-from: wanted none, since a round of R reads the data that the run "
        "keeps; found them"
    )
    reading.refuse(NOTHING, "nothing was typed")


@pytest.mark.parametrize("pair", ["text=body", "query", "query=", "=x"])
def test_a_column_needs_a_known_field_and_a_name(pair):
    with pytest.raises(RecipeError, match="--column: wanted FIELD=NAME with a field among query, positive"):
        reading.columns([pair])


@pytest.mark.parametrize(("rate", "words"), [(0.0421, "0.042"), (3.21, "3.2"), (12.7, "13"), (1250.4, "1,250")])
def test_a_slow_rate_keeps_its_decimals(rate, words):
    assert show.rate_in_words(rate) == words


def test_no_rate_is_told_before_one_item_after_the_first_is_done(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(show.time, "monotonic", lambda: now[0])
    words = StringIO()
    with show.ConsoleProgress(Console(file=words, width=200))("map", 100, "rounds") as advance:
        for at, count in ((90.0, 1), (106.0, 0), (122.0, 8)):  # 90 seconds of compiling, then one in 4 seconds
            now[0] = at
            advance(count)
    assert words.getvalue().splitlines() == [
        "map: 1 of 100 rounds",
        "map: 1 of 100 rounds",
        "map: 9 of 100 rounds, 0.25/s, 364 s left",
    ]
