# ruff: noqa: E501  (a case is one line of its table)
"""Bad input: every row gets an error that names file, line, wanted and found, and none of it is a crash."""

import gzip
import json
import sys

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nearmiss.data import INPUT_FORMATS, ColumnNames, ReadCounts, read
from nearmiss.errors import DatasetError

QUICK = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
GOOD = b'{"query": "q", "positive": "a"}\n'
HALF = "\\" + "ud800"


# fmt: off
ROWS = [
    # format, second line of the file (the first is good), what is said of it
    ("pairs", b"{", "wanted a whole JSON object; found a last line that breaks off at '{'"),
    ("pairs", b'{"query": "q", "posi', """wanted a whole JSON object; found a last line that breaks off at '{"query": "q", "posi'"""),
    ("pairs", b'{"query" "q"}\n', """wanted a JSON object; found broken JSON (expecting ':' delimiter) at column 10 of '{"query" "q"}'"""),
    ("pairs", b'["q", "a"]\n', "wanted a JSON object; found a list of 2"),
    ("pairs", b"12\n", "wanted a JSON object; found 12"),
    ("pairs", b'{"query": "q\xff", "positive": "a"}\n', "wanted UTF-8; found byte 0xff at byte 13 of the line"),
    ("pairs", b"\xff\xfe{\x00}\x00\n", "wanted UTF-8; found byte 0xff at byte 1 of the line"),
    ("pairs", b'{"query": "q\x00", "positive": "a"}\n', "wanted a line without NUL bytes; found one at character 13"),
    ("pairs", b'{"query": "q\\u0000", "positive": "a"}\n', "wanted text without NUL in 'query'; found one at character 2"),
    ("pairs", f'{{"query": "{HALF}", "positive": "a"}}\n'.encode(), f"wanted whole Unicode characters; found half of a surrogate pair, '{HALF}'"),
    ("pairs", f'{{"query": "q", "positive": "a", "own": ["{HALF}"]}}\n'.encode(), f"wanted whole Unicode characters; found half of a surrogate pair, '{HALF}'"),
    ("pairs", b'{"query": "", "positive": "a"}\n', "wanted text in 'query'; found an empty text"),
    ("pairs", b'{"query": "q", "positive": " \\n\\u00a0"}\n', r"wanted text in 'positive'; found only white space, ' \n\xa0'"),
    ("pairs", b'{"query": "q"}\n', "wanted a column for the positive, named positive or positives or answer or pos (or --column positive=NAME); found ['query']"),
    ("pairs", b'{"query": "q", "anchor": "q", "positive": "a"}\n', "wanted one column as query (--column query=NAME names it); found ['query', 'anchor']"),
    ("pairs", b'{"query": null, "positive": "a"}\n', "wanted text in 'query'; found nothing"),
    ("pairs", b'{"query": 5, "positive": "a"}\n', "wanted text in 'query'; found 5"),
    ("pairs", b'{"query": {"a": 1}, "positive": "a"}\n', "wanted text in 'query'; found an object with ['a']"),
    ("pairs", b'{"query": "q", "positive": [true]}\n', "wanted text in 'positive'; found true"),
    ("pairs", b'{"query": "q", "positive": []}\n', "wanted at least one positive; found none"),
    ("pairs", b'{"query": "q", "positive": "a", "grade": NaN}\n', "wanted a finite number in 'grade'; found nan"),
    ("pairs", b'{"query": "q", "positive": "a", "grade": 1e999}\n', "wanted a finite number in 'grade'; found inf"),
    ("pairs", b'{"query": "q", "positive": "a", "grade": 0}\n', "wanted a grade above 0 in 'grade'; found 0"),
    ("pairs", b'{"query": "q", "positive": "a", "grade": "high"}\n', "wanted a number in 'grade'; found 'high'"),
    ("pairs", b'{"query": "q", "positive": "a", "grade": 2}\n', "wanted one grade for 'd-ca978112ca1bbdca'; found 2.0 after 1.0"),
    ("pairs", b'{"query": "q", "positive": ["a", "b"], "grade": [1]}\n', "wanted a list of 2 in 'grade'; found a list of 1"),
    ("pairs", b'{"query": "q", "positive": "b", "negative": "a"}\n', "wanted a positive or a negative; found document 'd-ca978112ca1bbdca' as both for query 'q-8e35c2cd3bf6641b'"),
    ("pairs", b'{"query": "q", "positive": "b", "negative": "b"}\n', "wanted a positive or a negative; found document 'd-3e23e8160039594a' as both for query 'q-8e35c2cd3bf6641b'"),
    ("pairs", b'{"query": "q", "query_id": "a\\tb", "positive": "a"}\n', r"wanted an id without tabs or line ends in 'query_id'; found 'a\tb'"),
    ("pairs", b'{"query": "q", "query_id": 1.5, "positive": "a"}\n', "wanted text in 'query_id'; found 1.5"),
    ("pairs", b'{"query": "r", "query_id": "q-8e35c2cd3bf6641b", "positive": "a"}\n', "wanted one text for query 'q-8e35c2cd3bf6641b'; found 'r', unlike FILE:1"),
    ("pairs", b'{"query": "r", "positive": "b", "positive_id": "d-ca978112ca1bbdca"}\n', "wanted one text for document 'd-ca978112ca1bbdca'; found 'b', unlike FILE:1"),
    ("pairs", b'{"query": "r", "positive_id": "d9"}\n', "wanted a document of the corpus; found 'd9', which is not in it"),
    ("pairs", b'{"query": "r", "positive": ["a", "b"], "positive_id": "d9"}\n', "wanted an id for each text in 'positive_id'; found 1 ids and 2 texts"),
    ("flag", b'{"query": "q", "pos": "a"}\n', "wanted a list in 'pos'; found 'a'"),
    ("flag", b'{"query": "q", "pos": ["a"], "pos_scores": [1, 2]}\n', "wanted a list of 1 in 'pos_scores'; found a list of 2"),
    ("flag", b'{"query": "q", "pos": ["a"], "neg": ["b"], "neg_scores": [NaN]}\n', "wanted a finite number in 'neg_scores'; found nan"),
    ("flag", b'{"query": "q", "neg": []}\n', "wanted a field 'pos'; found only ['neg', 'query']"),
    ("tevatron", b'{"query": "q"}\n', "wanted either 'positive_passages' or 'positive_document_ids'; found an object with ['query']"),
    ("tevatron", b'{"query": "q", "positive_passages": ["a"]}\n', "wanted objects in 'positive_passages'; found 'a'"),
    ("tevatron", b'{"query": "q", "positive_passages": [{"docid": "1"}], "negative_passages": []}\n', "wanted a field 'text'; found only ['docid']"),
    ("tevatron", b'{"query": "q", "positive_passages": [{"title": " ", "text": ""}], "negative_passages": []}\n', "wanted text in 'text'; found an empty text"),
    ("tevatron", b'{"query": "q", "positive_passages": [{"docid": "1", "text": "a"}, {"docid": "1", "text": "b"}], "negative_passages": []}\n', "wanted one text for document '1'; found two in this row"),
    ("tevatron", b'{"query": "q", "positive_passages": [{"text": "a", "group_id": "g"}, {"text": "a", "group_id": "h"}], "negative_passages": []}\n', "wanted one group_id for document 'd-ca978112ca1bbdca'; found ['g', 'h']"),
]
# fmt: on
FIRST = {
    "pairs": GOOD,
    "flag": b'{"query": "q", "pos": ["a"], "neg": []}\n',
    "tevatron": b'{"query": "q", "positive_passages": [{"docid": "d0", "text": "z"}], "negative_passages": []}\n',
}


@pytest.mark.parametrize(("kind", "line", "said"), ROWS)
def test_a_bad_line_is_named_with_what_was_wanted_and_found(tmp_path, kind, line, said):
    path = tmp_path / "file.jsonl"
    path.write_bytes(FIRST[kind] + line)
    with pytest.raises(DatasetError) as error:
        read(path, format=kind)
    assert str(error.value).replace(str(path), "FILE") == (
        f"1 of 2 rows cannot be used (--reject FILE sets them aside and goes on):\nFILE:2: {said}"
    )
    dataset = read(path, format=kind, reject=tmp_path / "bad.jsonl")
    assert dataset.queries.text.tolist() == ["q"]
    assert dataset.counts == ReadCounts(read=2, kept=1, rejected=1)
    (bad,) = map(json.loads, (tmp_path / "bad.jsonl").read_text("utf-8").splitlines())
    assert f"FILE:2: wanted {bad['wanted']}; found {bad['found']}".replace(str(path), "FILE") == f"FILE:2: {said}"
    assert list(bad) == ["file", "line", "wanted", "found", "row"]


CSV = [
    (b"q2\n", 2, "wanted 2 values, as in the header; found 1"),
    (b"q2,b,c\n", 2, "wanted 2 values, as in the header; found 3"),
    (b'q2,"b\nc', 2, "wanted a CSV row; found a quote that never closes (2 lines, to the end of the file)"),
    (b'q2,"b"c\n', 2, "wanted a CSV row; found ',' expected after '\"'"),
    (b"q2,b\rq3,c\n", 2, "wanted a CSV row; found a carriage return outside quotes"),
    (b"q2,b\xff\n", 2, "wanted UTF-8 in 'positive'; found other bytes in 'b\\\\xff'"),
    (b"q2,\n", 2, "wanted at least one positive; found none"),
    (b'"q\n2",a\nq3,a,b\n', 4, "wanted 2 values, as in the header; found 3"),
]


@pytest.mark.parametrize(("rest", "line", "said"), CSV)
def test_a_bad_csv_row_is_placed_at_its_first_line(tmp_path, rest, line, said):
    path = tmp_path / "file.csv"
    path.write_bytes(b"query,positive\n" + rest)
    with pytest.raises(DatasetError) as error:
        read(path)
    assert str(error.value).splitlines()[1] == f"{path}:{line}: {said}"


FILES = [
    # name, bytes, format, whole message: nothing here can be set aside
    ("f.csv", b"q,positive\na,b\n", None, "FILE:1: wanted a column for the query, named query or anchor or question (or --column query=NAME); found ['q', 'positive']"),
    ("f.csv", b"query,positive,positive\n", None, "FILE:1: wanted each column once; found ['query', 'positive', 'positive']"),
    ("f.csv", b"", None, "FILE: wanted a query with a positive; found none in 0 rows"),
    ("f.jsonl", GOOD, None, "FILE: wanted --format, one of beir, pairs, flag, tevatron, dpr, hf, nemo, rocketqa, pylate, msmarco; found 'f.jsonl', which several formats use"),
    ("f.json", b"[]", None, "FILE: wanted --format, one of beir, pairs, flag, tevatron, dpr, hf, nemo, rocketqa, pylate, msmarco; found 'f.json', which several formats use"),
    ("f.txt", GOOD, "pairs", "FILE: wanted a name ending in .jsonl, .ndjson, .json, .csv, .tsv, .parquet, perhaps with .gz or .zst; found 'f.txt'"),
    ("f.jsonl", GOOD, "beir", "FILE: wanted a folder for --format beir; found a file"),
    ("f.jsonl", GOOD, "bier", "--format: wanted one of beir, pairs, flag, tevatron, dpr, hf, nemo, rocketqa, pylate, msmarco; found 'bier'"),
    ("f.jsonl.gz", GOOD, "pairs", "FILE:1: wanted a whole, readable file; found Not a gzipped file (b'{\"')"),
    ("f.jsonl.gz", gzip.compress(GOOD, mtime=0)[:-9], "pairs", "FILE:2: wanted a whole, readable file; found Compressed file ended before the end-of-stream marker was reached"),
    ("f.parquet", b"PAR1", None, "FILE: wanted a readable Parquet file; found Parquet file size is 4 bytes, smaller than the minimum file footer (8 bytes)"),
    ("f.json", b"", "dpr", "FILE: wanted a query with a positive; found none in 0 rows"),
    ("f.json", b"[{}] {}", "dpr", "FILE:1: wanted nothing after the array; found '{}'"),
    ("f.json", b"[\n]\n[", "dpr", "FILE:3: wanted nothing after the array; found '['"),
    ("f.json", b'[\n{"question": "q" "a"}]', "dpr", """FILE:2: wanted a JSON object; found broken JSON (expecting ',' delimiter) after '{"question": "q" '"""),
    ("f.json", b"[{} 2]", "dpr", "FILE:1: wanted a comma or ]; found '2]'"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "kind", "said"), FILES)
def test_a_file_that_cannot_be_read_further_stops_the_reading(tmp_path, name, content, kind, said):
    path = tmp_path / name
    path.write_bytes(content)
    for reject in (None, tmp_path / "bad.jsonl"):
        with pytest.raises(DatasetError) as error:
            read(path, format=kind, reject=reject)
        assert str(error.value).replace(str(path), "FILE") == said


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        (b', {"question": "q2", "pos', """:1: wanted a whole JSON object; found a file that breaks off at 'uestion": "q2", "pos'"""),
        (b"\n", ":2: wanted a comma or ]; found the end of the file"),
        (b", 5]", ":1: wanted a JSON object; found 5"),
        (b', {"question": "q\xff"}]', """:1: wanted UTF-8; found other bytes in '{"question": "q\\\\xff"}'"""),
    ],
)  # fmt: skip
def test_a_bad_item_of_an_array_is_set_aside(tmp_path, rest, said):
    path = tmp_path / "d.json"
    path.write_bytes(b'[{"question": "q", "positive_ctxs": [{"text": "a"}]}' + rest)
    with pytest.raises(DatasetError) as error:
        read(path, format="dpr")
    assert str(error.value).splitlines()[1] == f"{path}{said}"
    assert read(path, format="dpr", reject=tmp_path / "bad").counts == ReadCounts(2, 1, 1)


def test_a_path_with_nothing_there_says_so(tmp_path):
    nothing = "wanted a file or folder; found nothing there \\(a dataset on the hub: --format hf\\)"
    with pytest.raises(DatasetError, match=nothing):
        read(tmp_path / "absent")
    (tmp_path / "f.jsonl").write_bytes(GOOD)
    with pytest.raises(DatasetError, match=nothing):
        read(tmp_path / "f.jsonl", format="pairs", corpus=tmp_path / "absent.csv")


def test_a_split_of_a_file_without_splits_is_refused(tmp_path):
    (tmp_path / "f.jsonl").write_bytes(GOOD)
    with pytest.raises(DatasetError, match="--split: wanted none, since pairs files have no splits; found 'test'"):
        read(tmp_path / "f.jsonl", format="pairs", split="test")


@pytest.mark.parametrize("at", [3, 12, 25])
def test_flipped_bits_in_packed_files_are_no_crash(tmp_path, at):
    packed = bytearray(gzip.compress(GOOD * 5, mtime=0))
    packed[at] ^= 0xFF
    for name, kind in (("f.jsonl.gz", "pairs"), ("f.json.gz", "dpr")):
        (tmp_path / name).write_bytes(packed)
        with pytest.raises(DatasetError, match=name):
            read(tmp_path / name, format=kind)


def test_what_python_cannot_hold_is_a_bad_row(tmp_path):
    path = tmp_path / "f.jsonl"
    digits = sys.get_int_max_str_digits() + 1
    path.write_bytes(GOOD + b"[" * 200_000 + b"\n" + b'{"n": ' + b"9" * digits + b"}\n")
    with pytest.raises(DatasetError) as error:
        read(path, format="pairs")
    assert [line.partition(" (")[0] for line in str(error.value).splitlines()[1:]] == [
        f"{path}:2: wanted a JSON object; found one that Python cannot hold",
        f"{path}:3: wanted a JSON object; found one that Python cannot hold",
    ]


def test_parquet_rows_are_named_by_their_number(tmp_path):
    path = tmp_path / "f.parquet"
    broken = pa.Array.from_buffers(pa.string(), 2, [None, *pa.array([b"a", b"\xff"]).buffers()[1:]])
    pq.write_table(pa.table({"query": ["q", "r"], "positive": broken}), path)
    with pytest.raises(DatasetError) as error:
        read(path)
    assert str(error.value).splitlines()[1:] == [f"{path}:2: wanted UTF-8; found byte 0xff at byte 1 of a text"]
    pd.DataFrame({"query": ["q", "r"], "positive": ["a", 5]}, dtype=object).iloc[:1].to_parquet(path)
    assert read(path).queries.text.tolist() == ["q"]


def test_a_long_list_of_errors_stops_at_twenty_with_the_total(tmp_path):
    path = tmp_path / "f.jsonl"
    path.write_bytes(GOOD + b"{}\n" * 1500)
    with pytest.raises(DatasetError) as error:
        read(path, format="pairs")
    lines = str(error.value).splitlines()
    assert lines[0] == "1,500 of 1,501 rows cannot be used (--reject FILE sets them aside and goes on):"
    assert lines[1:] == [
        f"{path}:2: wanted a column for the query, named query or anchor or question (or --column query=NAME); found [] "
        "(and 1,499 more like it: 3, 4, 5, 6, 7 ...)"
    ]
    path.write_bytes(GOOD + b"".join(b'{"query": %d, "positive": "a"}\n' % number for number in range(1500)))
    with pytest.raises(DatasetError) as error:
        read(path, format="pairs")
    lines = str(error.value).splitlines()
    assert lines[20].startswith(f"{path}:21: ")
    assert lines[21:] == ["and 1,480 more"]


@pytest.fixture
def folder(tmp_path):
    """A BEIR folder in which every table holds bad rows, and good rows that depend on them."""
    (tmp_path / "b" / "qrels").mkdir(parents=True)
    (tmp_path / "b" / "corpus.jsonl").write_text(
        '{"_id": "d1", "title": "", "text": "a"}\n'
        '{"_id": "d2", "title": "", "text": " "}\n'
        '{"_id": "d1", "title": "", "text": "again"}\n'
        '{"title": "", "text": "no id"}\n'
        '{"_id": "d3", "text": "c", "metadata": {"group_id": [1]}}\n'
    )
    (tmp_path / "b" / "queries.jsonl").write_text(
        '{"_id": "q1", "text": "one"}\n'
        '{"_id": "q2", "text": "two"}\n'
        '{"_id": "q3", "text": ""}\n'
        '{"_id": "q1", "text": "one again"}\n'
        '{"_id": "elsewhere", "text": "not in the split"}\n'
        '{"_id": "q5", "text": "five", "own": 1}\n'
    )
    (tmp_path / "b" / "qrels" / "test.tsv").write_text(
        "query-id\tcorpus-id\tscore\n"
        "q1\td1\t2\n"
        "q1\td2\t0\n"
        "q2\td2\t1\n"
        "q2\td1\t0\n"
        "q3\td1\t1\n"
        "q4\td1\t1\n"
        "q1\td9\t1\n"
        "q1\td1\t3\n"
        "q1\td1\n"
        "q5\td1\tnan\n"
        "q1\td1\t-1\n"
        "q1\td1\tx\n"
        "q1\td1\t2\n"
    )
    return tmp_path / "b"


BEIR = """\
corpus.jsonl:3: wanted each id once; found 'd1' again, first at corpus.jsonl:1
corpus.jsonl:4: wanted a field '_id'; found only ['text', 'title']
corpus.jsonl:5: wanted text in 'group_id'; found a list of 1
qrels/test.tsv:4: wanted a document with text; found 'd2', which is empty at corpus.jsonl:2
qrels/test.tsv:5: wanted a query that was kept; found 'q2', rejected at queries.jsonl:2
qrels/test.tsv:6: wanted a query that was kept; found 'q3', rejected at queries.jsonl:3
qrels/test.tsv:7: wanted a query that exists; found no query 'q4'
qrels/test.tsv:8: wanted a document that exists; found no document 'd9'
qrels/test.tsv:9: wanted one grade for 'd1'; found 3.0 after 2.0
qrels/test.tsv:10: wanted 3 fields between tabs; found 2 in 'q1\\td1'
qrels/test.tsv:11: wanted a finite number in 'score'; found nan
qrels/test.tsv:12: wanted a score of 0 or more; found -1
qrels/test.tsv:13: wanted a number in 'score'; found 'x'
queries.jsonl:2: wanted a query with a positive; found that each positive of 'q2' was rejected
queries.jsonl:3: wanted text in 'text'; found an empty text
queries.jsonl:4: wanted each id once; found 'q1' again, first at queries.jsonl:1
queries.jsonl:6: wanted a query with a positive; found that each positive of 'q5' was rejected"""


def test_every_bad_row_of_a_beir_folder_is_told_with_all_that_depends_on_it(folder):
    with pytest.raises(DatasetError) as error:
        read(folder)
    first, *lines = str(error.value).replace(f"{folder}/", "").splitlines()
    # The empty document and the label 0 that names it are set aside, and no reason to stop.
    assert first == "17 of 23 rows cannot be used (--reject FILE sets them aside and goes on):"
    order = sorted(lines, key=lambda line: (line.split(":")[0], int(line.split(":")[1])))
    assert order == BEIR.splitlines()


def test_rejecting_goes_on_with_what_is_left_and_every_row_is_counted(folder, tmp_path):
    dataset = read(folder, reject=tmp_path / "bad.jsonl")
    assert dataset.queries.to_dict("list") == {"query_id": ["q1"], "text": ["one"]}
    assert dataset.documents.doc_id.tolist() == ["d1"]
    assert dataset.positives.to_dict("list") == {"query_id": ["q1"], "doc_id": ["d1"], "grade": [2.0]}
    assert dataset.negatives.empty
    # 5 documents, 5 queries of the split and 13 judgements; kept are d1, q1 and the judgement they share, twice.
    assert dataset.counts == ReadCounts(read=23, kept=4, rejected=19)
    bad = [json.loads(line) for line in (tmp_path / "bad.jsonl").read_text().splitlines()]
    places = [(row["file"], row["line"]) for row in bad]
    assert len(set(places)) == len(places) == 19
    assert "q2\td1\t0" in [row["row"] for row in bad]
    assert {"_id": "q5", "text": "five", "own": 1} in [row["row"] for row in bad]


def test_a_header_that_is_missing_costs_no_judgement(folder):
    qrels = folder / "qrels" / "test.tsv"
    qrels.write_text("q1\td1\t1\n")
    with pytest.raises(DatasetError) as error:
        read(folder)
    assert str(error.value) == (
        f"{qrels}:1: wanted the header ['query-id', 'corpus-id', 'score'], between tabs; found ['q1', 'd1', '1']"
    )


def test_files_of_a_folder_that_are_missing_or_double_are_told(folder):
    (folder / "queries.jsonl.gz").write_bytes(b"")
    with pytest.raises(DatasetError, match=r"b: wanted each table once; found queries\.jsonl, queries\.jsonl\.gz"):
        read(folder)
    (folder / "queries.jsonl.gz").unlink()
    with pytest.raises(DatasetError, match=r"qrels: wanted the split 'dev'; found \['test'\]"):
        read(folder, split="dev")
    (folder / "qrels" / "test.tsv").unlink()
    with pytest.raises(DatasetError, match=r"qrels: wanted one split, or --split NAME; found \[\]$"):
        read(folder)


def test_the_reject_file_is_written_even_when_nothing_is_bad(tmp_path):
    (tmp_path / "f.jsonl").write_bytes(GOOD)
    (tmp_path / "bad.jsonl").write_text("of an earlier reading\n")
    assert read(tmp_path / "f.jsonl", format="pairs", reject=tmp_path / "bad.jsonl").counts == ReadCounts(1, 1, 0)
    assert (tmp_path / "bad.jsonl").read_text() == ""


def test_the_reject_file_cannot_replace_the_data(folder, tmp_path):
    (tmp_path / "f.jsonl").write_bytes(GOOD)
    for path, reject, kind in ((tmp_path / "f.jsonl",) * 2 + ("pairs",), (folder, folder / "corpus.jsonl", "beir")):
        with pytest.raises(DatasetError, match="wanted a file outside the data; found one in"):
            read(path, format=kind, reject=reject)
    assert (tmp_path / "f.jsonl").read_bytes() == GOOD


def test_a_reference_to_a_rejected_document_of_a_corpus_is_rejected_too(tmp_path):
    (tmp_path / "c.jsonl").write_text('{"docid": "d1", "text": ""}\n{"docid": "d2", "text": "b"}\n')
    (tmp_path / "t.jsonl").write_text(
        '{"query_id": "q", "query_text": "q", "positive_document_ids": ["d2"], "negative_document_ids": []}\n'
        '{"query_id": "r", "query_text": "r", "positive_document_ids": ["d1"], "negative_document_ids": []}\n'
    )
    with pytest.raises(DatasetError) as error:
        read(tmp_path / "t.jsonl", format="tevatron", corpus=tmp_path / "c.jsonl")
    assert str(error.value).splitlines()[1] == (
        f"{tmp_path}/t.jsonl:2: wanted a document with text; found 'd1', which is empty at {tmp_path}/c.jsonl:1"
    )


def test_a_dataset_of_bad_rows_alone_is_none(tmp_path):
    (tmp_path / "f.jsonl").write_bytes(b"{}\n{}\n")
    with pytest.raises(DatasetError, match="wanted a query with a positive; found none in 2 rows"):
        read(tmp_path / "f.jsonl", format="pairs", reject=tmp_path / "bad.jsonl")


NAMES = ["query", "question", "pos", "positive", "positive_ctxs", "text", "docid", "grade", "_id"]
mostly_json = st.lists(
    st.one_of(
        st.binary(max_size=20),
        st.sampled_from([GOOD, b"{", b"}", b"[", b"]", b",", b'"', b"\n", b"\t", b"\xef\xbb\xbf", b"query-id\tcorpus-id\tscore\n"]),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=4),
            lambda inner: st.lists(inner, max_size=2)
            | st.dictionaries(st.sampled_from(NAMES), inner),
            max_leaves=6,
        ).map(lambda value: json.dumps(value).encode() + b"\n"),
    ),
    max_size=8,
).map(b"".join)  # fmt: skip


@QUICK
@given(mostly_json, st.sampled_from([*INPUT_FORMATS, "csv", "parquet", "array"]), st.booleans())
def test_no_bytes_at_all_raise_anything_but_a_dataset_error(tmp_path, content, kind, rejecting):
    if kind == "beir":
        path = tmp_path / "b"
        (path / "qrels").mkdir(parents=True, exist_ok=True)
        for name in ("corpus.jsonl", "queries.jsonl", "qrels/test.tsv"):
            (path / name).write_bytes(content)
    else:
        path = tmp_path / {"csv": "f.csv", "parquet": "f.parquet", "dpr": "f.json", "array": "f.json"}.get(
            kind, "f.jsonl"
        )
        path.write_bytes(b"[" + content if kind == "array" else content)
    chosen = {"csv": "pairs", "parquet": "pairs", "array": "dpr"}.get(kind, kind)
    try:
        dataset = read(path, format=chosen, reject=tmp_path / "bad.jsonl" if rejecting else None)
    except DatasetError:
        return
    assert dataset.counts.read == dataset.counts.kept + dataset.counts.rejected
    assert set(dataset.positives.query_id) == set(dataset.queries.query_id)
    assert set(dataset.positives.doc_id) | set(dataset.negatives.doc_id) <= set(dataset.documents.doc_id)


# Silently wrong before: each of these was read, and meant something else.


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (
            "a.csv",
            'query,positive,negatives\nq,a,"[""b"", ""c""]"\n',
            "wanted one text in a cell of 'negatives'; a list needs JSON lines or Parquet",
        ),
        ("a.csv", "query,positive,negatives\nq,a,\"['b', 'c']\"\n", "found a list that is spelled out, ['b', 'c']"),
        ("a.tsv", "query\tpositive\nq\t['b' 'c']\n", "wanted one text in a cell of 'positive'"),
        (
            "a.csv",
            "query,positive,negative,label\nq,a,b,1\nr,c,d,0\n",
            "wanted no 0 in 'label', beside columns of negatives (--column label= if it is no label of the positive)",
        ),
        (
            "a.jsonl",
            '{"query": "q", "positive": "a", "label": 1}\n{"query": "r", "positive": "b"}\n',
            "wanted a label in every row, or in none; found 1 row of 2 without 'label', which would all be positives",
        ),
    ],
)
def test_what_would_be_read_as_something_else_is_refused(tmp_path, name, content, said):
    (tmp_path / name).write_text(content)
    with pytest.raises(DatasetError) as error:
        read(tmp_path / name, format="pairs")
    assert said in str(error.value)


def test_one_column_is_one_field(tmp_path):
    (tmp_path / "a.csv").write_text("a,b\nq,r\n")
    with pytest.raises(DatasetError, match="wanted a column of its own for each field; found 'a' for two of them"):
        read(tmp_path / "a.csv", columns=ColumnNames(query=("a",), positive=("a",)))


def test_margins_beside_negatives_and_lists_in_json_are_what_they_were(tmp_path):
    rows = [{"query": "q", "positive": "['b']", "negative": "c", "label": 0.0}]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    found = read(tmp_path / "a.jsonl", format="pairs")
    assert found.documents["text"].tolist() == ["['b']", "c"]
    assert (len(found.positives), len(found.negatives)) == (1, 1)
    (tmp_path / "b.csv").write_text("query,positive,negative,label\nq,a,b,0\n")
    found = read(tmp_path / "b.csv", columns=ColumnNames(label=()))
    assert found.documents["text"].tolist() == ["a", "b"]
