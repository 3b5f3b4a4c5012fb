"""Judgements of other tools: read, counted by verdict, refused where they are of another collection."""

import gzip
import json

import pytest

from nearmiss.errors import ReviewError
from nearmiss.review import open_log
from nearmiss.review.annotation_tools import Words
from nearmiss.review.exchange import Belonging, format_of
from nearmiss.review.trec_qrels import Borders
from nearmiss.run import open_run
from tests.nearmiss.cli.test_cli import call
from tests.nearmiss.review.importing import import_reviews
from tests.nearmiss.review.test_review import judged

TREE = "how to do apple tree pruning"
OURS = Belonging(frozenset({"q0", "q1", "q2"}), frozenset({"d0b", "d1a", "d1b"}), {TREE: ["q0", "q2"], "why": ["q1"]})


@pytest.fixture
def log(tmp_path):
    opened = open_log(tmp_path / "reviews.db")
    yield opened
    opened.close()


def label_studio(label="relevant", **annotation):
    result = {"from_name": "rel", "to_name": "text", "type": "choices", "value": {"choices": [label]}}
    made = {"id": 9, "completed_by": 1, "result": [result]} | annotation
    return {"id": 1, "data": {"query_id": "q0", "doc_id": "d0b", "text": "y"}, "annotations": [made]}


def prodigy(answer="accept", **more):
    return {"query_id": "q0", "doc_id": "d0b", "text": "y", "answer": answer, "_timestamp": 1_700_000_000} | more


def argilla(responses):
    ids = {"query_id": "q0", "doc_id": "d0b"}
    return {"id": "r1", "fields": {"text": "y"}, "metadata": ids, "suggestions": {}, "responses": responses}


ONE = {"relevance": [{"value": "relevant", "user_id": "ann"}]}
ROW = {"query_id": "q0", "doc_id": "d0b", "verdict": "relevant"}


def written(path, content):
    """A file of these objects, or of this text."""
    if isinstance(content, str):
        path.write_text(content)
    elif path.suffix == ".json":
        path.write_text(json.dumps(content, indent=1))
    else:
        path.write_text("".join(json.dumps(one) + "\n" for one in content))
    return path


def read(log, path, format=None, **more):
    format = format or format_of(path, None)
    return import_reviews(log, path, format, **{"reviewer": "judge", "belonging": OURS} | more)


@pytest.mark.parametrize(
    ("name", "content", "format", "events"),
    [
        ("a.json", [label_studio()], "label-studio", [("q0", "d0b", "relevant", "annotator 1", None)]),
        (
            "a.json",
            [label_studio("Not relevant", completed_by={"email": "ann@x"}, updated_at="2023-11-14T22:13:20Z")],
            "label-studio",
            [("q0", "d0b", "not_relevant", "ann@x", 1_700_000_000.0)],
        ),
        (
            "a.jsonl",
            [prodigy(), prodigy("reject", doc_id="d1a", _annotator_id="bob")],
            "prodigy",
            [
                ("q0", "d0b", "relevant", "judge", 1_700_000_000.0),
                ("q0", "d1a", "not_relevant", "bob", 1_700_000_000.0),
            ],
        ),
        (
            "a.jsonl",
            [prodigy(accept=["partial"]), prodigy("reject", label="RELEVANT", doc_id="d1a")],
            "prodigy",
            [
                ("q0", "d0b", "partial", "judge", 1_700_000_000.0),
                ("q0", "d1a", "not_relevant", "judge", 1_700_000_000.0),
            ],
        ),
        ("a.json", [argilla(ONE)], "argilla", [("q0", "d0b", "relevant", "ann", None)]),
        (
            "a.jsonl",
            [argilla([{"user_id": "ann", "status": "submitted", "values": {"relevance": {"value": "unsure"}}}])],
            "argilla",
            [("q0", "d0b", "unsure", "ann", None)],
        ),
        ("a.jsonl", [ROW | {"reviewer": "ann"}], "rows", [("q0", "d0b", "relevant", "ann", None)]),
        ("a.jsonl", [{"seq": 1} | ROW], "rows", [("q0", "d0b", "relevant", "judge", None)]),
        ("a.json", [ROW | {"decided_at": 5}], "rows", [("q0", "d0b", "relevant", "judge", 5.0)]),
        (
            "a.csv",
            'query_id,doc_id,verdict,comment\nq0,d0b,relevant,"so, yes"\n',
            "rows",
            [("q0", "d0b", "relevant", "judge", None)],
        ),
        ("a.tsv", "query_id\tdoc_id\tverdict\nq0\td0b\tpartial\n", "rows", [("q0", "d0b", "partial", "judge", None)]),
        (
            "a.csv",
            f"query,docid,rating\n{TREE.upper()},d0b,3.0\nwhy,d1a,0.0\n",
            "quepid",
            [
                ("q0", "d0b", "relevant", "judge", None),
                ("q2", "d0b", "relevant", "judge", None),
                ("q1", "d1a", "not_relevant", "judge", None),
            ],
        ),
        (
            "a.csv",
            "query,docid,Ann,Bob\nwhy,d0b,1,Unknown\nwhy,d1a,0,2\n",
            "quepid",
            [
                ("q1", "d0b", "partial", "Ann", None),
                ("q1", "d1a", "not_relevant", "Ann", None),
                ("q1", "d1a", "relevant", "Bob", None),
            ],
        ),
        (
            "a.csv",
            "Team Name,Query Text,Doc ID,Title,Rating\nus,why,d0b,T,3\n",
            "quepid",
            [("q1", "d0b", "relevant", "judge", None)],
        ),
    ],
)
def test_what_other_tools_export_is_read(log, tmp_path, name, content, format, events):
    path = written(tmp_path / name, content)
    assert format_of(path, None) == format
    done = read(log, path)
    assert done.new == len(events)
    found = [entry.event for entry in log.since(0)]
    assert [(e.query_id, e.doc_id, e.verdict, e.reviewer) for e in found] == [event[:4] for event in events]
    told = [at for *_, at in events]
    assert [e.decided_at if at is not None else None for e, at in zip(found, told, strict=True)] == told
    assert {e.arm for e in found} == {"import"}
    again = read(log, path)
    assert (again.new, again.known) == (0, len(events))


def test_a_packed_file_is_read_too(log, tmp_path):
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(json.dumps(prodigy()).encode()))
    assert read(log, tmp_path / "a.jsonl.gz").verdicts["relevant"] == 1


def test_what_is_left_out_is_counted_with_its_reason(log, tmp_path):
    rows = [prodigy(), prodigy("ignore", doc_id="d1a"), prodigy("reject", _timestamp=1_800_000_000)]
    done = read(log, written(tmp_path / "a.jsonl", rows))
    assert done.left_out == {"skipped by the annotator": 1, "judged again later by the same reviewer": 1}
    assert done.verdicts == {"relevant": 0, "partial": 0, "not_relevant": 1, "unsure": 0}
    assert done.rows == 3
    tasks = [label_studio(was_cancelled=True), label_studio(result=[]), label_studio() | {"annotations": []}]
    done = read(log, written(tmp_path / "b.json", tasks))
    assert done.left_out == {"skipped by the annotator": 1, "without an annotation": 2}
    answers = [{"value": "relevant", "user_id": "x", "status": "draft"}]
    done = read(log, written(tmp_path / "c.json", [argilla({"relevance": answers})]))
    assert done.left_out == {"not submitted": 1}
    done = read(log, written(tmp_path / "d.csv", "query,docid,rating\nwhy,d0b,\nwho,d0b,1\nwhy,d1b,1\n"))
    assert done.left_out == {"without a rating": 1, "whose text is that of no query of the run": 1}


def test_what_is_assumed_and_what_was_not_read_is_said(log, tmp_path):
    done = read(log, written(tmp_path / "a.jsonl", [ROW | {"coment": "x", "seq": 4}]))
    assert done.assumed == ("decided now, where no time is told",)
    assert done.unused == ("coment", "seq")


def test_labels_of_ones_own_and_a_question_are_named(log, tmp_path):
    both = argilla({"relevance": [{"value": "yes", "user_id": "ann"}], "why": [{"value": "so", "user_id": "ann"}]})
    path = written(tmp_path / "a.json", [both])
    with pytest.raises(ReviewError, match=r"object 1: wanted one question, or --question NAME; found answers to relev"):
        read(log, path)
    with pytest.raises(ReviewError, match=r"wanted a label among relevant, partial, .*--label.*; found 'yes'"):
        read(log, path, words=Words({}, "relevance"))
    assert read(log, path, words=Words({"yes": "relevant"}, "relevance")).verdicts["relevant"] == 1


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.jsonl", [ROW, ROW | {"verdict": "maybe"}], ":2: wanted a label among relevant, partial, not_relevant"),
        ("a.jsonl", [ROW, {"query_id": "q0", "verdict": "relevant"}], ":2: wanted query_id and doc_id, in the object"),
        ("a.jsonl", [ROW | {"decided_at": "soon"}], ":1: wanted seconds since 1970 or a date"),
        ("a.jsonl", [prodigy("perhaps")], ":1: wanted an answer among accept, reject, ignore; found"),
        ("a.jsonl", [{"text": "x", "stars": 5}], "wanted the fields of one format, jsonl (query_id"),
        ("a.json", [label_studio("great")], ", object 1: wanted a label among"),
        ("a.json", [label_studio(), {"data": 5, "annotations": "none"}], ", object 2: wanted query_id and doc_id"),
        ("a.json", {"data": 1}, "wanted a JSON array of objects; found"),
        ("a.json", "[1, 2", "wanted a JSON array of objects; found broken JSON"),
        ("a.json", [], "wanted judgements; found none"),
        ("a.csv", "a,b\n1,2\n", ":1: wanted the columns query_id, doc_id, verdict (rows), or query, docid, rating"),
        ("a.csv", "query_id,doc_id,verdict\nq0,d0b\n", ":2: wanted 3 columns, as in the header; found 2"),
        ("a.csv", "query,docid,rating\nwhy,d0b,many\n", ":2: wanted a number in 'rating'; found 'many'"),
        ("a.csv", "query,docid,rating\nwho,d0b,1\n", "wanted the texts of the run's queries; found none of them"),
        ("a.xml", "<a/>", "--format: wanted one of jsonl, trec, rows, quepid, label-studio, prodigy, argilla, which"),
        ("a.csv", "query,docid\r,rating\nwhy,d0b,1\n", ":1: wanted the names of columns; found new-line character"),
        ("a.jsonl", [argilla(ONE), {"id": "r"} | ROW], ":2: wanted a field 'responses'"),
        (
            "a.jsonl",
            [argilla({"relevance": [{"value": "relevant", "user_id": []}]})],
            ":1: wanted one user_id, status and updated_at in the responses to 'relevance'",
        ),
        ("a.qrels", "q0 Q0 d0b 1 12.3 run\n", ":1: wanted query_id, iteration, doc_id and grade"),
    ],
)
def test_what_cannot_be_read_is_named_and_nothing_is_written(log, tmp_path, name, content, said):
    path = written(tmp_path / name, content)
    with pytest.raises(ReviewError) as error:
        read(log, path)
    assert said in str(error.value)
    assert path.name in str(error.value)
    assert log.since(0) == []


def test_a_long_text_beside_a_verdict_is_no_obstacle(log, tmp_path):
    text = "x" * 200_000  # the csv module's own limit is 131,072
    read(log, written(tmp_path / "a.csv", f"query_id,doc_id,verdict,text\nq0,d0b,relevant,{text}\n"))
    assert [entry.event.verdict for entry in log.since(0)] == ["relevant"]


def test_who_judged_must_be_known(log, tmp_path):
    path = written(tmp_path / "a.jsonl", [ROW, ROW | {"doc_id": "d1a", "reviewer": "ann"}])
    with pytest.raises(ReviewError, match=r"--reviewer: wanted a name for the judgements of .* that name nobody \(1\)"):
        read(log, path, reviewer="")
    assert read(log, path).assumed[-1] == "reviewer 'judge' where none is named"


# Grades


@pytest.mark.parametrize(
    ("grades", "verdicts"),
    [
        ([1, 0, 1], ["relevant", "not_relevant", "relevant"]),
        ([2, 1, 0], ["relevant", "partial", "not_relevant"]),
        ([0, 0], ["not_relevant", "not_relevant"]),
        ([3.0, 0.5], ["relevant", "not_relevant"]),
    ],
)
def test_where_the_highest_grade_is_1_it_means_relevant(grades, verdicts):
    borders = Borders.of(grades)
    assert [borders.verdict(grade) for grade in grades] == verdicts


def test_judgements_of_another_collection_are_refused_unless_asked_for(log, tmp_path):
    path = written(tmp_path / "a.qrels", "x1 0 d0b 1\nq0 0 y2 0\n")
    with pytest.raises(ReviewError, match=r"a\.qrels: wanted judgements of this run; found 2 of which none .*'x1'"):
        read(log, path)
    assert log.since(0) == []
    assert read(log, path, allow_foreign=True).foreign == 2
    some = written(tmp_path / "b.qrels", "q0 0 d0b 1\nqX 0 d0b 1\nq0 0 dX 1\n")
    done = read(log, some)
    assert (done.new, done.foreign) == (3, 2)


@pytest.mark.parametrize("name", ["a.qrels", "a.jsonl"])
def test_a_file_without_judgements_is_refused(log, tmp_path, name):
    path = written(tmp_path / name, "\n")
    with pytest.raises(ReviewError, match="wanted judgements; found none"):
        read(log, path)


def test_a_history_of_another_collection_is_refused_too(log, tmp_path):
    other = open_log(tmp_path / "other.db")
    other.append([judged(1, "relevant", query_id="x", doc_id="y")])
    from nearmiss.review.exchange import export_reviews

    export_reviews(other, tmp_path / "a.jsonl", "jsonl")
    other.close()
    assert format_of(tmp_path / "a.jsonl", None) == "jsonl"
    with pytest.raises(ReviewError, match="wanted judgements of this run; found 1 of which none"):
        read(log, tmp_path / "a.jsonl")


# On the command line


def pairs_of(run, count):
    candidates = open_run(run).candidates()
    return list(candidates[["query_id", "doc_id"]].head(count).itertuples(index=False, name=None))


def test_a_dry_run_says_what_would_be_written_and_writes_nothing(run, tmp_path, capsys, monkeypatch):
    (first, second) = pairs_of(run, 2)
    path = written(tmp_path / "a.qrels", "".join(f"{q} 0 {d} {n}\n" for n, (q, d) in enumerate([first, second])))
    words = ("review", "import", run, path, "--reviewer", "judge")
    code, out, err = call(capsys, monkeypatch, *words, "--dry-run")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "nothing was written: this is what would be",
        "2 rows: 2 new, 0 known already",
        "  1 relevant, 1 not relevant",
        "  the highest grade of the file is 1, so it means relevant: relevant from grade 1, partial from 1 "
        "(--relevant-from, --partial-from)",
        "  2 pairs are candidates of the run, 0 are not",
    ]
    assert not (run / "reviews.db").exists()
    assert call(capsys, monkeypatch, *words)[1].splitlines() == out.splitlines()[1:]
    code, out, _ = call(capsys, monkeypatch, *words, "--dry-run", "--relevant-from", "2", "--json")
    told = json.loads(out)
    assert told["verdicts"] == {"relevant": 0, "partial": 1, "not_relevant": 1, "unsure": 0}
    assert (told["new"], told["written"], told["format"]) == (1, False, "trec")


def test_labels_are_told_on_the_command_line(run, tmp_path, capsys, monkeypatch):
    [(query_id, doc_id)] = pairs_of(run, 1)
    task = label_studio("Gut") | {"data": {"query_id": query_id, "doc_id": doc_id}}
    words = ("review", "import", run, written(tmp_path / "a.json", [task]))
    code, _, err = call(capsys, monkeypatch, *words)
    assert code == 1
    assert "wanted a label among" in err
    code, out, _ = call(capsys, monkeypatch, *words, "--label", "gut=relevant")
    assert code == 0
    assert "  1 relevant" in out.splitlines()
    assert call(capsys, monkeypatch, *words, "--label", "gut=yes")[2].startswith("error: --label: wanted LABEL=VERDICT")


def test_a_refused_file_makes_no_log(run, tmp_path, capsys, monkeypatch):
    path = written(tmp_path / "a.qrels", "x 0 y 1\n")
    code, _, err = call(capsys, monkeypatch, "review", "import", run, path, "--reviewer", "judge")
    assert code == 1
    assert "wanted judgements of this run" in err
    assert not (run / "reviews.db").exists()


def test_an_export_of_reviews_makes_no_log(run, tmp_path, capsys, monkeypatch):
    code, out, _ = call(capsys, monkeypatch, "review", "export", run, tmp_path / "a.jsonl")
    assert (code, out) == (0, f"{tmp_path / 'a.jsonl'}: 0 rows\n")
    assert not (run / "reviews.db").exists()


@pytest.mark.parametrize(
    "words",
    [("report",), ("select",), ("review", "export"), ("app",), ("calibrate",), ("export",), ("review", "import")],
)
@pytest.mark.parametrize("name", ["revews.db", "sqlite:///revews.db"])
def test_a_log_that_is_not_there_is_a_mistake(run, tmp_path, capsys, monkeypatch, words, name):
    monkeypatch.chdir(tmp_path)
    file = [tmp_path / "a.jsonl"] if words[0] in ("review", "export") else []
    code, _, err = call(capsys, monkeypatch, *words, run, *file, "--reviews", name)
    assert code == 1
    assert f"--reviews {name}: wanted a log that exists; found no such file" in err
    assert not (tmp_path / "revews.db").exists()


def test_a_relative_log_is_meant_from_where_the_command_was_typed(run, tmp_path, capsys, monkeypatch):
    [(query_id, doc_id)] = pairs_of(run, 1)
    monkeypatch.chdir(tmp_path)
    file = written(tmp_path / "a.jsonl", [ROW | {"query_id": query_id, "doc_id": doc_id, "reviewer": "ann"}])
    code, _, err = call(capsys, monkeypatch, "review", "import", run, file, "--new-reviews", "mine.db")
    assert (code, err) == (0, "")
    assert (tmp_path / "mine.db").exists()
    for name in ("mine.db", "sqlite:///mine.db"):
        opened = open_run(run, name)
        monkeypatch.chdir("/")
        assert opened.verdicts() == {(query_id, doc_id): "relevant"}
        monkeypatch.chdir(tmp_path)


def test_the_app_is_told_the_whole_path_of_its_log(run, tmp_path, monkeypatch):
    from nearmiss.cli import serving

    began = {}
    monkeypatch.chdir(tmp_path)
    open_log(tmp_path / "mine.db").close()
    monkeypatch.setattr(serving, "serve", lambda run, reviews, *_, **__: began.update(reviews=reviews))
    import sys

    from nearmiss import cli

    monkeypatch.setattr(sys, "argv", ["nearmiss", "app", str(run), "--reviews", "mine.db"])
    with pytest.raises(SystemExit):
        cli.main()
    assert began == {"reviews": str(tmp_path / "mine.db")}


def test_one_judgement_is_told_in_the_singular_and_spaces_make_no_other_person(run, tmp_path, capsys, monkeypatch):
    [(query_id, doc_id)] = pairs_of(run, 1)
    row = {"query_id": query_id, "doc_id": doc_id, "verdict": "relevant", "reviewer": " ann "}
    words = ("review", "import", run, written(tmp_path / "a.jsonl", json.dumps(row)), "--format", "rows")
    _, out, _ = call(capsys, monkeypatch, *words)
    assert out.splitlines()[0] == "1 row: 1 new, 0 known already"
    assert out.splitlines()[-1] == "  1 pair is a candidate of the run, 0 are not"
    [entry] = open_run(run).log().since(0)
    assert entry.event.reviewer == "ann"
