"""Guidelines: the project's own or the usual ones, their version, and which one a verdict was given with."""

import json
import sqlite3

import pytest

from nearmiss.errors import ReviewError
from nearmiss.review import Event, open_log, versions_read
from nearmiss.review.exchange import export_reviews
from nearmiss.session import guidelines
from tests.nearmiss.review.importing import import_reviews


def test_the_usual_scale_stands_in_until_the_project_writes_its_own(work):
    usual = guidelines.in_force(work)
    assert (usual.text, usual.is_usual) == (guidelines.USUAL, True)
    (work.run.folder / guidelines.FILE).write_text("# Ours\n", "utf-8")
    own = guidelines.in_force(work)
    assert (own.text, own.is_usual) == ("# Ours\n", False)
    assert own.version != usual.version


def test_a_verdict_knows_the_version_that_its_reviewer_had_read_by_then(work):
    path = work.run.folder / guidelines.FILE
    versions = []
    for second, text in ((10, "first"), (20, "second")):
        path.write_text(text, "utf-8")
        guidelines.note_reading(work, "ana", second)
        versions.append(guidelines.in_force(work).version)

    def version(reviewer, decided_at):
        told = {"query_id": "q", "doc_id": "d", "verdict": "unsure", "client_id": "c", "client_seq": 1}
        [read] = versions_read(work.log.readings(), [Event(**told, reviewer=reviewer, decided_at=decided_at)])
        return read

    assert [version("ana", second) for second in (9, 10, 19, 20)] == ["", versions[0], versions[0], versions[1]]
    assert version("bob", 30) == ""
    assert work.log.guideline_texts() == dict(zip(versions, ("first", "second"), strict=True))


def test_an_export_of_the_log_names_the_version_that_each_reviewer_had_read(work, tmp_path):
    guidelines.note_reading(work, "ana", 10)
    pair = dict(zip(("query_id", "doc_id"), work.pair_at(0), strict=True))
    for name in ("ana", "bob"):
        judged = {"verdict": "unsure", "reviewer": name, "client_id": name, "client_seq": 1, "decided_at": 20.0}
        work.append([Event(**pair, **judged)])
    export_reviews(work.log, tmp_path / "log.jsonl", "jsonl")
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text("utf-8").splitlines()]
    assert [row.get("guidelines") for row in rows] == [guidelines.in_force(work).version, None]
    other = open_log(tmp_path / "other.db")
    assert import_reviews(other, tmp_path / "log.jsonl", "jsonl").new == 2
    assert other.since(0) == work.log.since(0)


def test_a_log_of_before_there_were_guidelines_has_no_readings(tmp_path):
    open_log(tmp_path / "reviews.db").close()
    with sqlite3.connect(tmp_path / "reviews.db") as connection:
        connection.execute("DROP TABLE readings")
        connection.execute("DROP TABLE guidelines")
    log = open_log(tmp_path / "reviews.db")
    assert (log.readings(), log.guideline_texts()) == ([], {})


def test_a_file_that_is_no_text_is_refused_with_its_place(work):
    path = work.run.folder / guidelines.FILE
    path.write_bytes(b"\xff\xfe#")
    with pytest.raises(ReviewError, match=r"guidelines\.md: wanted Markdown in UTF-8; found byte 0xff"):
        guidelines.in_force(work)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("# A *b*", [["h1", ["A ", ["em", ["b"]]]]]),
        ("- **x**: y", [["ul", [["li", [["p", [["strong", ["x"]], ": y"]]]]]]]),
        ("`a`\n\n```\nb\n```", [["p", [["code", ["a"]]]], ["pre", ["b\n"]]]),
        ("[words](javascript:x)", [["p", ["[words](javascript:x)"]]]),
        ("<script>x</script>", [["p", ["<script>x</script>"]]]),
    ],
)
def test_parts_of_markdown_by_hand(text, told):
    assert guidelines.tree(text) == told


def test_neither_pictures_nor_addresses_come_through():
    told = str(guidelines.tree("![pixel](http://example.com/x.png) [here](http://example.com/y) <b onclick=z>bold</b>"))
    assert "example.com" not in told
    assert "here" in told
    assert "pixel" in told
