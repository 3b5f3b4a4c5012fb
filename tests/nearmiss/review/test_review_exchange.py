"""Judgements carried in and out, and what the command line makes of them."""

import gzip
import json
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearmiss.errors import ReviewError
from nearmiss.review import Event, Standing, open_log
from nearmiss.review.exchange import export_reviews, format_to_write
from nearmiss.review.trec_qrels import Borders, read_qrels
from nearmiss.run import open_run
from tests.conftest import ROOT
from tests.nearmiss.cli.test_cli import call
from tests.nearmiss.review.importing import import_reviews
from tests.nearmiss.review.test_review import HOSTILE, histories, judged, standing_of, undo

JUDGEMENTS = ROOT / "sample_data" / "judgements.tsv"


@pytest.fixture
def log(tmp_path):
    opened = open_log(tmp_path / "reviews.db")
    yield opened
    opened.close()


@pytest.fixture
def other(tmp_path):
    opened = open_log(tmp_path / "other.db")
    yield opened
    opened.close()


# The whole history.


def test_a_history_has_every_column_and_comes_back_whole(log, other, tmp_path):
    log.append([judged(1, "relevant", reason="wrong_positive", comment="…", shown_at=1.5, inclusion_probability=0.25)])
    log.append([judged(2, "relevant", parent=1), undo(3, 1)])
    log.append([undo(4, 3, doc_id="d1")])
    file = tmp_path / "reviews.jsonl"
    assert export_reviews(log, file, "jsonl").rows == 4
    assert json.loads(file.read_text("utf-8").splitlines()[0]) == {
        "seq": 1,
        "query_id": "q1",
        "doc_id": "d1",
        "verdict": "relevant",
        "reviewer": "ann",
        "client_id": "c",
        "client_seq": 1,
        "reason": "wrong_positive",
        "comment": "…",
        "arm": "",
        "inclusion_probability": 0.25,
        "scores_visible": True,
        "shown_at": 1.5,
        "decided_at": 1001.0,
        "parent": None,
        "undoes": None,
    }
    done = import_reviews(other, file, "jsonl")
    assert (done.rows, done.new, done.known) == (4, 4, 0)
    assert other.since(0) == log.since(0)
    again = import_reviews(other, file, "jsonl")
    assert (again.rows, again.new, again.known) == (4, 0, 4)
    assert other.since(0) == log.since(0)


@pytest.mark.slow
@given(histories(), st.sampled_from(HOSTILE[:8]))
@settings(max_examples=25)
def test_out_and_in_again_is_the_same_log(tmp_path_factory, rows, text):
    folder = tmp_path_factory.mktemp("exchange")
    first, second = open_log(folder / "1.db"), open_log(folder / "2.db")
    first.adopt(rows)
    if text.strip():
        first.append([judged(99, client_id=text, reviewer=text, query_id=text, comment=text)])
    export_reviews(first, folder / "a.jsonl", "jsonl")
    import_reviews(second, folder / "a.jsonl", "jsonl")
    export_reviews(second, folder / "b.jsonl", "jsonl")
    assert (folder / "a.jsonl").read_bytes() == (folder / "b.jsonl").read_bytes()


def test_two_histories_become_one(log, other, tmp_path):
    log.append([judged(1, "relevant", client_id="ann")])
    other.append([judged(1, "partial", client_id="bob", reviewer="bob")])
    other.append([undo(2, 1, client_id="bob", reviewer="bob")])
    export_reviews(other, tmp_path / "bob.jsonl", "jsonl")
    import_reviews(log, tmp_path / "bob.jsonl", "jsonl")
    assert [entry.event.undoes for entry in log.since(0)] == [None, None, 2]
    assert standing_of(log).verdicts() == {("q1", "d1"): "relevant"}


ROW = {"seq": 1, "query_id": "q1", "doc_id": "d1", "verdict": "relevant", "client_id": "c", "client_seq": 1}
ROW |= {"decided_at": 5.0, "reviewer": "ann"}


@pytest.mark.parametrize(
    ("second", "complaint"),
    [
        ("{", "wanted a whole JSON object"),
        ("[]", "wanted a JSON object"),
        ('{"seq": 2}', "event: missing ['query_id'"),
        (ROW | {"seq": 1}, "seq: wanted a whole number above those before it; found 1"),
        (ROW | {"seq": "2"}, "seq: wanted a whole number above those before it; found '2'"),
        (ROW | {"seq": 2}, "client_id, client_seq: wanted each once; found ('c', 1) again"),
        (ROW | {"seq": 2, "client_seq": 2, "verdict": "maybe"}, "verdict: wanted one of relevant"),
        (ROW | {"seq": 2, "client_seq": 2, "coment": "x"}, "found ['coment']"),
        (ROW | {"seq": 2, "client_seq": 2, "decided_at": None}, "wanted decided_at of another type; found None"),
        (ROW | {"seq": 2, "client_seq": 2, "parent": 7}, "parent 7: wanted an earlier row of 'ann'; found no such row"),
        (ROW | {"seq": 2, "client_seq": 2, "parent": 1, "reviewer": "bob"}, "found one of 'ann'"),
        (ROW | {"seq": 2, "client_seq": 2, "query_id": "a\u0000"}, "NUL"),
    ],
)
def test_a_bad_row_is_named_by_its_line_and_nothing_is_written(log, tmp_path, second, complaint):
    file = tmp_path / "in.jsonl"
    lines = [json.dumps(ROW), second if isinstance(second, str) else json.dumps(second)]
    file.write_text("\n".join(lines), "utf-8")
    with pytest.raises(ReviewError) as error:
        import_reviews(log, file, "jsonl")
    first, second = str(error.value).splitlines()
    assert first == "1 of 2 rows cannot be used; nothing was written:"
    assert second.startswith(f"{file}:2: ")
    assert complaint in second
    assert log.since(0) == []


def test_twenty_bad_rows_are_listed_and_all_are_counted(log, tmp_path):
    file = tmp_path / "in.jsonl"
    file.write_text("nonsense\n" * 10 + '{"seq": 0}\n' * 15, "utf-8")
    with pytest.raises(ReviewError) as error:
        import_reviews(log, file, "jsonl")
    lines = str(error.value).splitlines()
    assert lines[0] == "25 of 25 rows cannot be used; nothing was written:"
    assert [line.split(": ")[0] for line in lines[1:-1]] == [f"{file}:{number}" for number in range(1, 21)]
    assert lines[-1] == "and 5 more"


def test_a_row_that_names_nobody_is_the_named_reviewers(log, tmp_path):
    file = tmp_path / "in.jsonl"
    rows = [{k: v for k, v in ROW.items() if k != "reviewer"}, ROW | {"seq": 2, "client_seq": 2}]
    file.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    import_reviews(log, file, "jsonl", "judge")
    assert [entry.event.reviewer for entry in log.since(0)] == ["judge", "ann"]
    with pytest.raises(ReviewError, match="missing"):
        import_reviews(log, file, "jsonl")


def test_a_number_that_the_log_has_for_something_else_is_a_mistake(log, tmp_path):
    log.append([judged(1, "partial")])
    file = tmp_path / "in.jsonl"
    file.write_text(json.dumps(ROW), "utf-8")
    with pytest.raises(ReviewError, match="wanted a new number for each event"):
        import_reviews(log, file, "jsonl")


# Judgements as grades.


@pytest.mark.parametrize(
    ("grade", "verdict"), [(0, "not_relevant"), (1, "partial"), (2, "relevant"), (3, "relevant"), (7, "relevant")]
)
def test_grades_are_verdicts(grade, verdict):
    assert Borders().verdict(grade) == verdict


@pytest.mark.parametrize(
    ("grade", "verdict"), [(0, "not_relevant"), (1, "not_relevant"), (2, "partial"), (3, "relevant")]
)
def test_the_borders_can_be_moved(grade, verdict):
    assert Borders(relevant=3, partial=2).verdict(grade) == verdict


def test_borders_out_of_order_are_refused():
    with pytest.raises(ReviewError, match="--partial-from, --relevant-from: wanted them above 0"):
        Borders(relevant=1, partial=2)


@pytest.mark.parametrize(
    "content",
    [
        "q1 0 d1 2\nq1 0 d2 0\n",
        "q1\t0\td1\t2\r\nq1\tQ0\td2\t0",
        "query_id\tdoc_id\tgrade\nq1\td1\t2\nq1\td2\t0\n",
        "qid 0 docid grade\nq1 0 d1 2\nq1 0 d2 0\n",
        "query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t0\n",
        "\ufeffq1\td1\t2\n\nq1\td2\t0\nq1\td2\t0\n",
    ],
)
def test_qrels_are_read_in_each_of_their_forms(tmp_path, content):
    for name, pack in (("in.tsv", lambda text: text), ("in.tsv.gz", gzip.compress)):
        (tmp_path / name).write_bytes(pack(content.encode()))
        assert read_qrels(tmp_path / name) == ([("q1", "d1", 2.0), ("q1", "d2", 0.0)], 0)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("q1 0 2", "wanted query_id, iteration, doc_id and grade"),
        ("q1 0 d2 high", "wanted a number in 'grade'; found 'high'"),
        ("q1 0 d2 nan", "wanted a finite number in 'grade'"),
        ("q1\t\t1", "wanted text in 'doc_id'"),
        ("q1 0 d1 1", "wanted each pair once, with one grade; line 1 says 2; found 1"),
    ],
)
def test_a_bad_line_of_qrels_is_named(log, tmp_path, line, complaint):
    file = tmp_path / "in.qrels"
    file.write_text(f"q1 0 d1 2\n{line}\n")
    with pytest.raises(ReviewError) as error:
        import_reviews(log, file, "trec", "judge")
    assert f"{file}:2: {complaint}" in str(error.value)
    assert log.since(0) == []


def test_marks_below_0_are_left_out_and_counted(log, tmp_path):
    file = tmp_path / "in.qrels"
    file.write_text("q1 0 d1 -2\nq1 0 d2 1\n")
    done = import_reviews(log, file, "trec", "judge")
    assert (done.rows, done.new, done.marks) == (2, 1, 1)
    assert standing_of(log).verdicts() == {("q1", "d2"): "relevant"}


def test_qrels_read_twice_are_written_once_and_a_change_counts(log, tmp_path):
    file = tmp_path / "in.qrels"

    def read(text):
        file.write_text(text)
        done = import_reviews(log, file, "trec", "judge")
        return done.new, done.known

    log.append([judged(1, "unsure")])
    assert read("q1 0 d1 2\nq1 0 d2 0\n") == (2, 0)
    assert read("q1 0 d1 2\nq1 0 d2 0\n") == (0, 2)
    assert read("q1 0 d1 0\nq1 0 d2 0\n") == (1, 1)
    assert read("q1 0 d1 2\nq1 0 d2 0\n") == (1, 1)
    assert [entry.event.verdict for entry in standing_of(log).by_reviewer(("q1", "d1")).values()] == [
        "unsure",
        "relevant",
    ]
    assert {entry.event.arm for entry in log.since(1)} == {"import"}
    assert not any(entry.event.scores_visible for entry in log.since(1))


def test_qrels_need_a_name(log, tmp_path):
    (tmp_path / "in.qrels").write_text("q1 0 d1 2\n")
    with pytest.raises(ReviewError, match="--reviewer: wanted a name"):
        import_reviews(log, tmp_path / "in.qrels", "trec", "  ")


def test_verdicts_go_out_as_grades_and_come_back(log, other, tmp_path):
    verdicts = ["relevant", "partial", "not_relevant", "unsure"]
    log.append([judged(number, verdict) for number, verdict in enumerate(verdicts, 1)])
    file = tmp_path / "out.qrels"
    done = export_reviews(log, file, "trec")
    assert (done.rows, done.unsure) == (3, 1)
    assert file.read_text() == "q1 0 d1 2\nq1 0 d2 1\nq1 0 d3 0\n"
    import_reviews(other, file, "trec", "someone")
    verdicts = standing_of(log).verdicts()
    assert standing_of(other).verdicts() == {pair: v for pair, v in verdicts.items() if v != "unsure"}


def test_an_id_that_would_shift_the_columns_is_not_written(log, tmp_path):
    log.append([judged(1, doc_id="two words")])
    with pytest.raises(ReviewError, match="wanted ids without white space; found 'two words'"):
        export_reviews(log, tmp_path / "out.qrels", "trec")
    assert not (tmp_path / "out.qrels").exists()


@pytest.mark.parametrize(
    ("name", "told", "format"),
    [
        ("a.jsonl", None, "jsonl"),
        ("a.jsonl.gz", None, "jsonl"),
        ("a.tsv", None, "trec"),
        ("a.qrels.gz", None, "trec"),
        ("a.txt", "jsonl", "jsonl"),
        ("a", "trec", "trec"),
    ],
)
def test_the_name_tells_the_format_to_write_unless_told(tmp_path, name, told, format):
    assert format_to_write(tmp_path / name, told) == format


@pytest.mark.parametrize(("name", "told"), [("a.csv", None), ("a", None), ("a.jsonl", "xml"), ("a.tsv", "tsv")])
def test_an_unknown_format_to_write_is_refused(tmp_path, name, told):
    with pytest.raises(ReviewError, match="--format: wanted jsonl or trec"):
        format_to_write(tmp_path / name, told)


# On the command line.


@pytest.mark.slow
def test_known_judgements_are_loaded_as_a_reviewers(run, capsys, monkeypatch):
    words = ("review", "import", run, JUDGEMENTS, "--reviewer", "judgements")
    code, out, err = call(capsys, monkeypatch, *words)
    assert (code, err) == (0, "")
    rows = len(JUDGEMENTS.read_text().splitlines()) - 1
    candidates = open_run(run).candidates()
    pairs = {tuple(line.split("\t")[:2]) for line in JUDGEMENTS.read_text().splitlines()[1:]}
    among = sum(pair in pairs for pair in zip(candidates.query_id, candidates.doc_id, strict=True))
    grades = Counter(line.split("\t")[2] for line in JUDGEMENTS.read_text().splitlines()[1:])
    assert out.splitlines() == [
        f"{rows:,} rows: {rows:,} new, 0 known already",
        f"  {grades['2'] + grades['3']:,} relevant, {grades['1']:,} partial, {grades['0']:,} not relevant",
        "  relevant from grade 2, partial from 1 (--relevant-from, --partial-from)",
        f"  {among:,} pairs are candidates of the run, {rows - among:,} are not",
    ]
    code, out, _ = call(capsys, monkeypatch, *words, "--json")
    counts = json.loads(out)
    wanted = {"rows": rows, "new": 0, "marks": 0, "pairs": rows, "known": rows, "candidates": among, "foreign": 0}
    assert {name: counts[name] for name in wanted} == wanted
    assert counts["verdicts"]["relevant"] == grades["2"] + grades["3"]


def test_what_people_judged_counts_in_select_report_and_explain(run, capsys, monkeypatch):
    before = open_run(run).selected()
    kept = before[before.status.eq("kept")].iloc[0]
    close = before[before.status.eq("too_close")].iloc[0]
    partly = before[before.status.eq("kept")].iloc[-1]
    voices = [(kept, "relevant"), (close, "not_relevant"), (partly, "partial")]
    log = open_run(run).log()
    log.append([voice(n, row, verdict) for n, (row, verdict) in enumerate(voices, 1)])
    log.close()

    after = open_run(run).selected()
    assert list(after.doc_id) == list(before.doc_id)
    status = after.set_index(["query_id", "doc_id"]).status
    assert status[kept.query_id, kept.doc_id] == "reviewed_relevant"
    assert status[close.query_id, close.doc_id] in ("kept", "over_quota")
    assert status[partly.query_id, partly.doc_id] == "reviewed_partial"

    _, out, _ = call(capsys, monkeypatch, "report", run, "--json")
    counts = json.loads(out)["status"]
    assert counts["reviewed_relevant"] == counts["reviewed_partial"] == 1
    _, out, _ = call(capsys, monkeypatch, "select", run, "--json")
    assert json.loads(out)["status"] == counts
    _, out, _ = call(capsys, monkeypatch, "explain", run, kept.query_id, kept.doc_id, "--json")
    assert json.loads(out)[0]["reasons"] == ["reviewed_relevant: a reviewer judged it an answer"]
    _, out, _ = call(capsys, monkeypatch, "explain", run, close.query_id, close.doc_id, "--json")
    assert json.loads(out)[0]["status"] != "too_close"
    assert json.loads(out)[0]["reasons"][0].startswith("judged not relevant: a reviewer outranks the teacher")


def test_what_people_judged_counts_in_the_export(run, tmp_path, capsys, monkeypatch):
    selected = open_run(run).selected()
    kept = selected[selected.status.eq("kept")].iloc[0]
    log = open_run(run).log()
    log.append([voice(1, kept, "relevant")])
    log.close()
    code, _, err = call(capsys, monkeypatch, "export", run, tmp_path / "out", "--format", "flag", "--compress", "none")
    assert code == 0, err
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["status"]["reviewed_relevant"] == 1


def test_a_log_elsewhere_is_read_where_it_is_named(run, tmp_path, capsys, monkeypatch):
    url = f"sqlite:///{tmp_path / 'elsewhere.db'}"
    selected = open_run(run).selected()
    kept = selected[selected.status.eq("kept")].iloc[0]
    log = open_log(url)
    log.append([voice(1, kept, "relevant")])
    log.close()
    _, out, _ = call(capsys, monkeypatch, "report", run, "--json", "--reviews", url)
    assert json.loads(out)["status"]["reviewed_relevant"] == 1
    _, out, _ = call(capsys, monkeypatch, "report", run, "--json")
    assert json.loads(out)["status"]["reviewed_relevant"] == 0
    call(capsys, monkeypatch, "review", "export", run, tmp_path / "all.jsonl", "--reviews", url)
    assert len((tmp_path / "all.jsonl").read_text().splitlines()) == 1


def test_reading_a_run_makes_no_log(run, capsys, monkeypatch):
    call(capsys, monkeypatch, "report", run)
    assert not (run / "reviews.db").exists()


def test_undone_judgements_do_not_count(run):
    selected = open_run(run).selected()
    kept = selected[selected.status.eq("kept")].iloc[0]
    log = open_run(run).log()
    [entry] = log.append([voice(1, kept, "relevant")])
    log.append([undo(2, entry.seq, query_id=kept.query_id, doc_id=kept.doc_id)])
    log.close()
    assert "verdict" not in open_run(run).selected()


def voice(number, row, verdict):
    return judged(number, verdict, query_id=row.query_id, doc_id=row.doc_id)


def test_thousands_of_judgements_are_written_at_once_and_chained(log, tmp_path):
    file = tmp_path / "in.qrels"
    file.write_text("".join(f"q{n % 100} 0 d{n} {n % 4}\n" for n in range(5_000)))
    import_reviews(log, file, "trec", "judge")
    assert isinstance(log.since(4_999)[0].event, Event)
    assert (log.verify().faults, log.verify().head.seq) == ((), 5_000)
    standing = Standing()
    standing.absorb(log.since(0))
    assert len(standing.verdicts()) == 5_000
