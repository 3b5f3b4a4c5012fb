"""Vectors that a user already has: read in every form, checked by their ids, mined like an encoder's, written out."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

import nearmiss as nm
from nearmiss import cli
from nearmiss.errors import ModelError, RecipeError
from nearmiss.retrieval.given_vectors import given_vectors
from nearmiss.training.round_series import _recipe
from nearmiss.training.trials.students.trial_texts import TrialTexts
from tests.words import WordEncoder

DOCUMENTS = ["apple pie", "bridge toll", "castle wall", "salt sea"]
QUERIES = ["pie of apple", "sea salt"]
DOC_IDS, QUERY_IDS = ["d0", "d1", "d2", "d3"], ["q0", "q1"]
FRAMES = {
    "queries": pd.DataFrame({"query_id": QUERY_IDS, "text": QUERIES}),
    "documents": pd.DataFrame({"doc_id": DOC_IDS, "text": DOCUMENTS}),
    "positives": pd.DataFrame({"query_id": QUERY_IDS, "doc_id": ["d0", "d3"]}),
}
DENSE = nm.Mining(sources=("dense",), teacher="")
ENCODER = WordEncoder()
OF_DOCUMENTS, OF_QUERIES = ENCODER.encode_document(DOCUMENTS), ENCODER.encode_query(QUERIES)
BACKWARDS = [3, 2, 1, 0]


def npy(folder, ids, rows, suffix=".ids.txt"):
    np.save(folder / "own.npy", rows)
    content = json.dumps(ids) if suffix == ".ids.json" else "\n".join(ids)
    (folder / f"own{suffix}").write_text(content)
    return folder / "own.npy"


def table(ids, rows):
    return pa.table({"id": ids, "embedding": list(rows)})


def parquet(folder, ids, rows):
    pq.write_table(table(ids, rows), folder / "own.parquet")
    return folder / "own.parquet"


def arrow(folder, ids, rows):
    feather.write_feather(table(ids, rows), folder / "own.arrow", compression="uncompressed")
    return folder / "own.arrow"


def long_lists(folder, ids, rows):
    """As other programs write lists: with offsets of 64 bits, in several chunks."""
    chunks = [
        pa.array(list(rows[:2]), pa.large_list(pa.float32())),
        pa.array(list(rows[2:]), pa.large_list(pa.float32())),
    ]
    feather.write_feather(pa.table({"id": ids, "embedding": pa.chunked_array(chunks)}), folder / "own.arrow")
    return folder / "own.arrow"


def parts(folder, ids, rows):
    for number, (first, end) in enumerate(((0, 1), (1, len(ids)))):
        pq.write_table(table(ids[first:end], rows[first:end]), folder / f"part-{number}.parquet")
    return folder


@pytest.mark.parametrize("write", [npy, parquet, arrow, long_lists, parts])
def test_every_form_gives_the_vectors_of_the_data_s_ids_whatever_their_order_and_length(tmp_path, write):
    ids, rows = [*DOC_IDS, "of another"], np.concatenate([OF_DOCUMENTS, OF_DOCUMENTS[:1]]) * np.float32(7)
    order = [4, *BACKWARDS]
    found = given_vectors(write(tmp_path, [ids[n] for n in order], rows[order]), OF_QUERIES, DOC_IDS, QUERY_IDS)
    np.testing.assert_allclose(found.documents.between(0, 4), OF_DOCUMENTS, atol=1e-6)
    assert found.facts == {"dimension": 32, "normalised": False}
    in_order = given_vectors(OF_DOCUMENTS * np.float32(7), OF_QUERIES, DOC_IDS, QUERY_IDS)
    assert found.fingerprint == in_order.fingerprint
    assert given_vectors(OF_DOCUMENTS, OF_QUERIES, DOC_IDS, QUERY_IDS).facts["normalised"]


@pytest.mark.parametrize("write", [npy, parquet, parts])
def test_vectors_of_files_stay_on_disk(tmp_path, write):
    found = given_vectors(write(tmp_path, DOC_IDS, OF_DOCUMENTS), OF_QUERIES, DOC_IDS, QUERY_IDS)
    assert all(isinstance(shard, np.memmap) for shard in found.documents.shards)


def test_rows_of_a_parquet_file_with_other_lengths_are_refused(tmp_path):
    rows = [OF_DOCUMENTS[0], OF_DOCUMENTS[1], OF_DOCUMENTS[2][:5], OF_DOCUMENTS[3]]
    with pytest.raises(ModelError, match="wanted one dimension; found vectors of 32 and of 5"):
        given_vectors(parquet(tmp_path, DOC_IDS, rows), OF_QUERIES, DOC_IDS, QUERY_IDS)


def test_rows_without_ids_are_read_only_where_the_user_says_that_they_are_in_order(tmp_path):
    path = tmp_path / "own.npy"
    np.save(path, OF_DOCUMENTS)
    with pytest.raises(ModelError, match=r"wanted ids beside it, in own\.ids\.txt .*#in-order"):
        given_vectors(path, OF_QUERIES, DOC_IDS, QUERY_IDS)
    found = given_vectors(f"{path}#in-order", OF_QUERIES, DOC_IDS, QUERY_IDS)
    np.testing.assert_allclose(found.documents.between(1, 3), OF_DOCUMENTS[1:3], atol=1e-6)


@pytest.mark.parametrize(
    ("ids", "change", "words"),
    [
        (["d0", "d1", "d2", "x"], {}, "found none for 1 of 4, the first 'd3'"),
        (["d0", "d1", "d1", "d3"], {}, "wanted each id once; found 'd1' twice"),
        (["d0", "d1", "d2"], {}, "wanted an id for each of 4 rows; found 3"),
        (DOC_IDS, {2: np.nan}, "for document 'd2'; found NaN"),
        (DOC_IDS, {1: 0}, "for document 'd1'; found zeros alone"),
    ],
)
def test_what_is_wrong_with_vectors_is_named(tmp_path, ids, change, words):
    rows = OF_DOCUMENTS.copy()
    for row, number in change.items():
        rows[row] = number
    with pytest.raises(ModelError, match=words):
        given_vectors(npy(tmp_path, ids, rows, ".ids.json"), OF_QUERIES, DOC_IDS, QUERY_IDS)


@pytest.mark.parametrize(
    ("documents", "words"),
    [
        (OF_DOCUMENTS[:, :8], "wanted 8 numbers a vector, as the documents have; found 32"),
        (OF_DOCUMENTS[:3], "wanted a row for each document of the data, 4; found 3"),
        (OF_DOCUMENTS[0], r"wanted an array \(n, dimension\)"),
    ],
)
def test_arrays_of_another_shape_are_refused(documents, words):
    with pytest.raises(ModelError, match=words):
        given_vectors(documents, OF_QUERIES, DOC_IDS, QUERY_IDS)


def test_mining_with_vectors_finds_what_their_encoder_finds_and_hands_them_back(tmp_path, capsys, monkeypatch):
    mined = nm.mine(FRAMES, tmp_path / "encoder", encoder=ENCODER, mining=DENSE)
    given = nm.mine(FRAMES, tmp_path / "given", mining=DENSE, document_vectors=OF_DOCUMENTS, query_vectors=OF_QUERIES)
    pd.testing.assert_frame_equal(given.candidates(), mined.candidates())
    for form in ([], ["--parquet"]):
        words = ["nearmiss", "vectors", tmp_path / "given", tmp_path / f"out{len(form)}", *form]
        monkeypatch.setattr("sys.argv", [str(word) for word in words])
        with pytest.raises(SystemExit, match="0"):
            cli.main()
    paths = [str(tmp_path / "out0" / "document_vectors.npy"), str(tmp_path / "out1" / "query_vectors.parquet")]
    again = nm.mine(FRAMES, tmp_path / "again", mining=DENSE, document_vectors=paths[0], query_vectors=paths[1])
    pd.testing.assert_frame_equal(again.candidates(), mined.candidates())
    facts = json.loads((tmp_path / "again" / "run.json").read_text())["rounds"][0]["encoder"]
    assert facts["name"] == paths[0]
    assert (facts["dimension"], facts["normalised"]) == (32, True)
    assert "4 vectors of 32 numbers" in capsys.readouterr().out


def test_late_interaction_has_nothing_to_read_and_the_report_says_so(tmp_path):
    recipe = nm.Mining(sources=("dense",))
    run = nm.mine(FRAMES, tmp_path / "run", mining=recipe, document_vectors=OF_DOCUMENTS, query_vectors=OF_QUERIES)
    candidates = run.candidates()
    assert candidates["teacher_score"].tolist() == candidates["dense_score"].tolist()
    assert "late interaction needs a vector for each token" in run.report()["model_doubts"][0]


def test_no_student_starts_from_an_encoder_that_did_not_make_the_given_vectors(tmp_path):
    run = nm.mine(FRAMES, tmp_path / "run", mining=DENSE, document_vectors=OF_DOCUMENTS, query_vectors=OF_QUERIES)
    mining = run.mining(1)
    with pytest.raises(ModelError, match="--encoder: wanted a model, to read texts with; found a recipe whose vectors"):
        TrialTexts(QUERIES, DOCUMENTS, [], np.arange(4), mining).model(None)
    # A model that is named afterwards takes the vectors' place.
    again = nm.mine(None, tmp_path / "run", encoder=ENCODER)
    assert again.mining(2).document_vectors == ""
    assert _recipe(mining, tmp_path / "student").document_vectors == ""


def test_vectors_of_one_side_alone_are_refused():
    with pytest.raises(RecipeError, match="--query-vectors: wanted vectors of both"):
        nm.Mining(document_vectors="d.npy")
