"""Mutated rows through every reader, as tests/benchmarks/fuzzing.py makes them; and each fault that they ever found."""

import json

import pandas as pd
import pytest

from nearmiss.data import INPUT_FORMATS, ReadCounts, read
from nearmiss.errors import DatasetError
from nearmiss.review.judgement_files import JUDGEMENT_FORMATS
from tests.benchmarks import fuzzing


@pytest.mark.slow
def test_no_mutated_row_raises_anything_else_or_is_lost(tmp_path):
    found = fuzzing.fuzz(20_000, seed=5, folder=tmp_path)
    assert found.faults == []
    sources = [*fuzzing.DATA, *fuzzing.JUDGEMENTS, fuzzing.BROWSER]
    # Each reader saw good rows and bad ones.
    assert [name for name in sources if not found.kept[name]] == []
    assert [name for name in sources if not found.rejected[name] + found.refused[name]] == []


def test_a_line_of_ten_megabytes_is_a_row_or_is_refused(tmp_path):
    found = fuzzing.fuzz(0, only=("pairs.csv", "history.jsonl", "rows.csv"), long=True, folder=tmp_path)
    assert (found.faults, found.rows) == ([], {"pairs.csv": 2, "history.jsonl": 2, "rows.csv": 2})
    assert found.kept["pairs.csv"] >= 3


def test_every_format_is_mutated():
    assert {source.format for source in fuzzing.DATA.values()} == set(INPUT_FORMATS)
    assert {source.format for source in fuzzing.JUDGEMENTS.values()} == set(JUDGEMENT_FORMATS)


@pytest.mark.parametrize(
    ("name", "format", "content", "found"),
    [
        (
            "a.jsonl",
            "nemo",
            b'{"query": "q", "pos_doc": ["a"]}\n{"query": "r", "pos_doc": [{"id": "b"}]}\n',
            "a field 'text'",
        ),
        (
            "a.tsv",
            "rocketqa",
            b"q\tt\ta\t1\nq\tt\tb\0\t0\n",
            "text without NUL in 'passage'",
        ),
    ],
)
def test_a_row_that_slipped_through_is_refused_with_its_line(tmp_path, name, format, content, found):
    (tmp_path / name).write_bytes(content)
    data = read(tmp_path / name, format=format, reject=tmp_path / "rejects")
    assert data.counts == ReadCounts(read=2, kept=1, rejected=1)
    [row] = map(json.loads, (tmp_path / "rejects").read_text().splitlines())
    assert (row["line"], row["wanted"]) == (2, found)


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        (
            "a.csv",
            b"query,positive,a\xff\nq,a,b\n",
            r":1: wanted names of columns in UTF-8; found other bytes in 'a\\xff'",
        ),
        (
            "frame",
            [{"query": "q\ud800", "positive": "a"}],
            r"wanted whole Unicode characters; found half of a surrogate",
        ),
        ("frame", [{"query": 10**30, "positive": "a"}], "wanted one type of values in each column"),
    ],
)
def test_a_table_that_no_file_can_hold_is_refused(tmp_path, name, given, said):
    if name == "frame":
        given = pd.DataFrame(given, dtype=object)
    else:
        (tmp_path / name).write_bytes(given)
        given = tmp_path / name
    with pytest.raises(DatasetError) as refused:
        read(given)
    assert said in str(refused.value)


def test_a_judgement_of_white_space_alone_is_refused_with_its_line(tmp_path):
    (tmp_path / "qrels").mkdir()
    (tmp_path / "corpus.jsonl").write_text('{"_id": "d", "text": "a"}\n')
    (tmp_path / "queries.jsonl").write_text('{"_id": "q", "text": "q"}\n')
    (tmp_path / "qrels/test.tsv").write_bytes("q 0 d 1\n\x1c\u2028\n".encode())
    data = read(tmp_path, reject=tmp_path.parent / "rejects")
    assert data.positives[["query_id", "doc_id"]].values.tolist() == [["q", "d"]]
    [row] = map(json.loads, (tmp_path.parent / "rejects").read_text().splitlines())
    assert (row["line"], row["row"]) == (2, "\x1c\u2028")


def test_a_query_of_a_frame_that_lost_its_only_positive_is_rejected_with_it(tmp_path):
    frames = {
        "queries": pd.DataFrame({"query_id": ["q", "r"], "text": ["why", "how"]}),
        "documents": pd.DataFrame({"doc_id": ["d", "e"], "text": ["so", " "]}),
        "positives": pd.DataFrame({"query_id": ["q", "r"], "doc_id": ["d", "e"]}),
    }
    data = read(frames, reject=tmp_path / "rejects")
    assert data.queries["query_id"].tolist() == ["q"]
    rows = [json.loads(line) for line in (tmp_path / "rejects").read_text().splitlines()]
    lost = [row["found"] for row in rows if row["file"] == "queries"]
    assert lost == ["that each positive of 'r' was rejected"]
    assert data.counts.read == data.counts.kept + len(rows)
