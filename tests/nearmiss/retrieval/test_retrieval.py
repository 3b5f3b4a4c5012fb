"""Dense, sparse, run files and fusion, each against a slow and obvious answer."""

import gzip

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearmiss.errors import DatasetError, ModelError
from nearmiss.retrieval import approximate, dense, sparse
from nearmiss.retrieval.fusion import pool
from nearmiss.retrieval.results import best_rows, ranked
from nearmiss.retrieval.run_file import read_run
from nearmiss.retrieval.vectors import blocks, score_pairs, take

DTYPES = ["int32", "int32", "int32", "float32"]


def unit(rows, dimensions, seed):
    vectors = np.random.default_rng(seed).standard_normal((rows, dimensions), dtype=np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def oracle(queries, documents, k):
    """Every score, sorted in plain sight."""
    rows = []
    for query, vector in enumerate(queries):
        scores = [float(np.vecdot(vector, document)) for document in documents.astype(np.float32)]
        best = sorted(range(len(documents)), key=lambda row: (-scores[row], row))[:k]
        rows += [(query, row, rank, scores[row]) for rank, row in enumerate(best, 1)]
    frame = pd.DataFrame(rows, columns=["query", "document", "rank", "score"])
    return frame.astype(dict(zip(frame.columns, DTYPES, strict=True)))


@pytest.mark.parametrize("k", [1, 10, 200, 500])
def test_the_exact_search_is_the_sorted_list_of_all_cosines(k):
    queries, documents = unit(20, 16, 1), unit(200, 16, 2)
    pd.testing.assert_frame_equal(dense.search(queries, [documents], k), oracle(queries, documents, k))


def test_shards_and_blocks_change_nothing(monkeypatch):
    queries, documents = unit(30, 8, 1), unit(300, 8, 2).astype(np.float16)
    documents[40:120] = documents[7]  # eighty ties, more than the spare places of the shortlist
    queries[3] = documents[7]
    whole = dense.search(queries, [documents], 25)
    pd.testing.assert_frame_equal(whole, oracle(queries, documents, 25))
    assert whole.loc[whole["query"].eq(3), "document"].tolist() == [7, *range(40, 64)]
    monkeypatch.setattr(dense, "QUERY_BLOCK", 7)
    monkeypatch.setattr(dense, "block_rows", lambda memory_mb, dimensions: 13)
    pd.testing.assert_frame_equal(dense.search(queries, np.split(documents, [50, 51, 190]), 25), whole)


def test_vectors_on_disk_are_read_where_they_lie(tmp_path):
    documents = unit(50, 8, 2)
    for number, part in enumerate(np.split(documents, [20])):
        np.save(tmp_path / f"{number}.npy", part)
    shards = [np.load(tmp_path / f"{number}.npy", mmap_mode="r") for number in range(2)]
    assert [first for first, _ in blocks(shards, 15)] == [0, 15, 20, 35]
    rows = np.array([49, 0, 20, 19, 20])
    np.testing.assert_array_equal(take(shards, rows), documents[rows])


def test_scores_of_pairs_do_not_depend_on_their_neighbours(monkeypatch):
    queries, documents = unit(9, 33, 1), unit(70, 33, 2)
    rng = np.random.default_rng(0)
    left, right = rng.integers(0, 9, 500), rng.integers(0, 70, 500)
    scores = score_pairs(queries.__getitem__, documents.__getitem__, left, right)
    np.testing.assert_allclose(scores, (queries @ documents.T)[left, right], atol=1e-6)
    found = dense.search(queries, [documents], 70).set_index(["query", "document"])["score"]
    assert (found.loc[list(zip(left, right, strict=True))].to_numpy() == scores).all()
    monkeypatch.setattr("nearmiss.retrieval.vectors.PAIR_BLOCK", 3)
    assert (score_pairs(queries.__getitem__, documents.__getitem__, left, right) == scores).all()


def test_no_queries_find_nothing():
    assert dense.search(np.zeros((0, 4), np.float32), [unit(5, 4, 0)], 3).empty


@pytest.mark.parametrize("kind", ["ivf", "hnsw"])
def test_an_approximate_index_says_what_it_misses(kind, tmp_path):
    queries, shards = unit(60, 16, 1), np.split(unit(2000, 16, 2), 4)
    index = approximate.build_index(shards, kind, seed=5)
    found = approximate.search_index(index, queries, shards, 10)
    exact = dense.search(queries, shards, 10)
    both = found.merge(exact, on=["query", "document"])
    assert (both["score_x"] == both["score_y"]).all()
    recall = approximate.measured_recall(index, queries, shards, 10)
    assert recall == pytest.approx(len(both) / len(exact))
    assert 0.3 < recall <= 1
    approximate.write_index(index, tmp_path / "index.faiss")
    again = approximate.search_index(approximate.read_index(tmp_path / "index.faiss"), queries, shards, 10)
    pd.testing.assert_frame_equal(again, found)
    rebuilt = approximate.search_index(approximate.build_index(shards, kind, seed=5), queries, shards, 10)
    pd.testing.assert_frame_equal(rebuilt, found)


@pytest.mark.parametrize("kind", ["ivf", "hnsw"])
def test_an_approximate_index_of_three_documents_finds_them_all(kind):
    documents = unit(3, 8, 0)
    index = approximate.build_index([documents], kind, seed=0)
    found = approximate.search_index(index, documents, [documents], 10)
    pd.testing.assert_frame_equal(found, oracle(documents, documents, 10))


@given(st.lists(st.integers(0, 5), min_size=1, max_size=30), st.integers(1, 35))
def test_the_best_rows_are_the_head_of_a_stable_sort(scores, k):
    expected = sorted(range(len(scores)), key=lambda row: (-scores[row], row))[:k]
    assert sorted(best_rows(np.array(scores, np.float32), k).tolist()) == sorted(expected)


@pytest.fixture(scope="module")
def splade(tmp_path_factory):
    """A SPLADE of random weights, saved as a real one is."""
    from sentence_transformers import SparseEncoder
    from sentence_transformers.sparse_encoder.modules import MLMTransformer, SpladePooling
    from transformers import BertConfig, BertForMaskedLM, BertTokenizerFast, set_seed

    set_seed(1)
    folder = tmp_path_factory.mktemp("splade")
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{letter}" for letter in letters)]
    (folder / "vocab.txt").write_text("\n".join(words))
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    BertForMaskedLM(BertConfig(vocab_size=len(words), **sizes)).save_pretrained(folder / "bert")
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder / "bert")
    modules = [MLMTransformer(str(folder / "bert")), SpladePooling("max")]
    SparseEncoder(modules=modules, device="cpu").save_pretrained(str(folder / "model"))
    return sparse.load_encoder(str(folder / "model"))


PASSAGES = ["wing in a stream", "heat of a plate", "", "a jet", "wing in a stream", "drag of cones", "lift"]


@pytest.mark.slow
def test_sparse_search_is_the_sorted_list_of_all_products(splade, tmp_path):
    queries = ["the lift of a wing", "cone", "plates"]
    vectors = sparse.encode_queries(splade, queries)
    shards = sparse.encode_documents(splade, PASSAGES, tmp_path / "shards", shard_rows=3)
    assert [path.name for path in shards] == ["00000.npz", "00001.npz", "00002.npz"]
    expected = splade.encode_query(queries).to_dense().numpy() @ splade.encode_document(PASSAGES).to_dense().numpy().T
    assert (expected > 0).any()
    found = sparse.search(vectors, shards, 4)
    assert found.dtypes.astype(str).tolist() == DTYPES
    for query in range(3):
        mine = found[found["query"].eq(query)]
        np.testing.assert_allclose(mine["score"], -np.sort(-expected[query])[:4], rtol=1e-4)
        np.testing.assert_allclose(mine["score"], expected[query][mine["document"]], rtol=1e-4)
    twins = sparse.search(vectors, shards, 7).pivot(index="query", columns="document", values="rank")
    assert (twins[4] == twins[0] + 1).all()  # the same text: the earlier row first


@pytest.mark.slow
def test_sparse_shards_are_resumed_and_searched_alike_in_any_size(splade, tmp_path):
    one = sparse.encode_documents(splade, PASSAGES, tmp_path / "one", shard_rows=100)
    many = sparse.encode_documents(splade, PASSAGES, tmp_path / "many", shard_rows=2)
    before = [path.read_bytes() for path in many]
    many[1].unlink()
    (tmp_path / "many" / "00003.npz").write_bytes(before[3] + b"untouched")
    sparse.encode_documents(splade, PASSAGES, tmp_path / "many", shard_rows=2)
    assert [path.read_bytes() for path in many] == [*before[:3], before[3] + b"untouched"]
    many[3].write_bytes(before[3])
    vectors = sparse.encode_queries(splade, ["wing lift", "jet"])
    by_one, by_many = (sparse.search(vectors, shards, 5, memory_mb=1) for shards in (one, many))
    pd.testing.assert_frame_equal(by_one.drop(columns="score"), by_many.drop(columns="score"))
    np.testing.assert_allclose(by_one["score"], by_many["score"], rtol=1e-5)


def test_a_folder_without_a_sparse_encoder_is_a_model_error(tmp_path):
    with pytest.raises(ModelError, match="found no config"):
        sparse.load_encoder(str(tmp_path))


QUERY_IDS, DOC_IDS = ["q1", "q2"], ["a", "b", "c", "12345"]


def write(path, *lines):
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def as_rows(run):
    return [tuple(row) for row in run.found[["query", "document", "rank", "score"]].itertuples(index=False)]


@pytest.mark.parametrize(
    "lines",
    [
        ("q1 Q0 c 1 2.5 tag", "q1 Q0 a 2 0.5 tag", "q2 Q0 b 1 -3 tag"),
        ("q1\tQ0\ta\t1\t0.5\tmy tag", "q2\tQ0\tb\t9\t-3\tmy tag", "q1\tQ0\tc\t7\t2.5\tmy tag"),
        ("q1\tc\t1\t2.5", "", "q1\ta\t2\t0.5\r", "q2\tb\t1\t-3"),
        ("\ufeffscore\tpid\tqid", "2.5\tc\tq1", "0.5\ta\tq1", "-3\tb\tq2"),
    ],
)
def test_scores_decide_the_ranks_of_a_run(tmp_path, lines):
    run = read_run(write(tmp_path / "run.txt", *lines), QUERY_IDS, DOC_IDS, 10)
    assert as_rows(run) == [(0, 2, 1, 2.5), (0, 0, 2, 0.5), (1, 1, 1, -3.0)]
    assert run.found.dtypes.astype(str).tolist() == DTYPES


@pytest.mark.parametrize(
    "lines",
    [
        ("q1\tb", "q2\tc", "q1\ta"),
        ("q1 b 1", "q2 c 1", "q1 a 2"),
        ("q1 b 0", "q1 a 1", "q2 c 0"),  # some systems count from 0
        ("q1 Q0 b 1", "q1 Q0 a 2", "q2 Q0 c 1"),
        ("query_id\tdoc_id\trank", "q1\ta\t2", "q1\tb\t1", "q2\tc\t1"),
    ],
)
def test_a_run_without_scores_keeps_its_order(tmp_path, lines):
    run = read_run(write(tmp_path / "run.tsv", *lines), QUERY_IDS, DOC_IDS, 10)
    assert as_rows(run) == [(0, 1, 1, 1.0), (0, 0, 2, 0.5), (1, 2, 1, 1.0)]


def test_ties_depth_other_queries_and_gzip_in_a_run(tmp_path):
    text = "q1 Q0 c 1 1 t\nq1 Q0 b 2 1 t\nq9 Q0 zzz 1 5 t\nq1 Q0 a 3 1 t\nq1 Q0 12345 4 7 t\n"
    (tmp_path / "run.gz").write_bytes(gzip.compress(text.encode()))
    run = read_run(tmp_path / "run.gz", QUERY_IDS, DOC_IDS, 3)
    assert as_rows(run) == [(0, 3, 1, 7.0), (0, 0, 2, 1.0), (0, 1, 3, 1.0)]
    assert run.skipped == 1


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("run.txt", "q1 Q0 a 1 2 t\n".encode("utf-16"), "wanted text in UTF-8; found UTF-16: save it as UTF-8"),
        (
            "run.gz",
            gzip.compress(b"q1 Q0 a 1 2 t\n" * 999, mtime=0)[:-9],
            "wanted a whole, readable file; found Compressed file",
        ),
        ("run.txt", gzip.compress(b"q1 Q0 a 1 2 t\n", mtime=0), "found gzip: give it a name that ends in .gz"),
    ],
)
def test_a_run_that_is_no_text_is_said_to_be_what_it_is(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DatasetError) as refused:
        read_run(tmp_path / name, QUERY_IDS, DOC_IDS, 10)
    assert str(refused.value).startswith(f"{tmp_path / name}: ")
    assert said in str(refused.value)


def test_a_bad_run_is_refused_line_by_line(tmp_path):
    lines = ["q1 Q0 a 1 2 t", "q1 Q0 123 2 1 t", "q1 Q0 b 3 nan t", "q1 Q0 a 4 1 t", "q1 Q0 c 5", "q2 Q0 c 1 x t"]
    path = write(tmp_path / "run.txt", *lines)
    with pytest.raises(DatasetError) as refused:
        read_run(path, QUERY_IDS, DOC_IDS, 10)
    assert str(refused.value).splitlines() == [
        f"{path}:2: wanted a doc_id of the dataset; found '123'",
        f"{path}:3: wanted a score that is a finite number; found 'nan'",
        f"{path}:4: wanted each query and document once; found this pair above, too",
        f"{path}:5: wanted 6 columns (query_id Q0 doc_id rank score tag); found 4",
        f"{path}:6: wanted a score that is a finite number; found 'x'",
        "5 problems in all",
    ]


def test_twenty_problems_of_a_run_are_shown_and_all_are_counted(tmp_path):
    path = write(tmp_path / "run.txt", *(f"q1 Q0 unknown{row} {row} 1 t" for row in range(500)))
    with pytest.raises(DatasetError) as refused:
        read_run(path, QUERY_IDS, DOC_IDS, 10)
    assert len(str(refused.value).splitlines()) == 21
    assert str(refused.value).endswith("500 problems in all")


def test_a_run_that_is_not_there_or_names_nothing(tmp_path):
    with pytest.raises(DatasetError, match="wanted a run file; found none"):
        read_run(tmp_path / "none.txt", QUERY_IDS, DOC_IDS, 10)
    for text in ("", "\t\t", "query_id doc_id rank"):
        with pytest.raises(DatasetError, match="wanted lines of a run, as query_id, Q0"):
            read_run(write(tmp_path / "run.txt", text), QUERY_IDS, DOC_IDS, 10)


@pytest.mark.parametrize(
    "lines",
    [
        ("q1 c 2.5", "q1 a 0.5", "q2 b -3"),  # fractions
        ("q1\tc\t30", "q1\ta\t20", "q2\tb\t7"),  # falling
        ("q1 a -2", "q1 c -1", "q2 b 3"),  # below 0, in any order
        ("q1 Q0 c 30", "q1 Q0 a 20", "q2 Q0 b 7"),
        ("qid docid score", "q1 a 1", "q1 c 2", "q2 b 1"),  # a header says so
    ],
)
def test_a_third_column_that_cannot_be_ranks_holds_scores(tmp_path, lines):
    run = read_run(write(tmp_path / "run.tsv", *lines), QUERY_IDS, DOC_IDS, 10)
    assert [row[:3] for row in as_rows(run)] == [(0, 2, 1), (0, 0, 2), (1, 1, 1)]


@pytest.mark.parametrize("numbers", [(3, 2, 1), (4, 9, 6), (7, 7, 7), (2, 3, 4)])
def test_numbers_that_may_be_ranks_or_scores_must_be_named_by_the_user(tmp_path, numbers):
    path = write(tmp_path / "run.tsv", *(f"q1 {doc} {number}" for doc, number in zip("abc", numbers, strict=True)))
    with pytest.raises(DatasetError, match=r"ranks or scores; found .* Write .*#rank where 1 is the best, .*#score"):
        read_run(path, QUERY_IDS, DOC_IDS, 10)
    best = {column: as_rows(read_run(path, QUERY_IDS, DOC_IDS, 1, column))[0][1] for column in ("rank", "score")}
    assert best == {"rank": int(np.argmin(numbers)), "score": int(np.argmax(numbers))}


def test_of_ranks_and_scores_the_scores_decide_unless_the_user_says_otherwise(tmp_path):
    path = write(tmp_path / "run.txt", "q1 Q0 a 1 0.1 t", "q1 Q0 b 2 0.9 t")
    assert [row[1] for row in as_rows(read_run(path, QUERY_IDS, DOC_IDS, 10))] == [1, 0]
    assert [row[1] for row in as_rows(read_run(path, QUERY_IDS, DOC_IDS, 10, "rank"))] == [0, 1]
    plain = write(tmp_path / "plain.txt", "q1 a")
    with pytest.raises(DatasetError, match=r"plain.txt#score: wanted a column of scores; found none"):
        read_run(plain, QUERY_IDS, DOC_IDS, 10, "score")


@pytest.mark.parametrize(("ours", "others"), [(0, 3), (1, 2), (4, 9)])
def test_a_run_that_is_mostly_of_other_queries_is_refused(tmp_path, ours, others):
    lines = [f"q1 Q0 {doc} 1 {place} t" for place, doc in enumerate(DOC_IDS[:ours])]
    path = write(tmp_path / "run.txt", *lines, *(f"{place} Q0 a 1 1 t" for place in range(others)))
    with pytest.raises(DatasetError) as refused:
        read_run(path, QUERY_IDS, DOC_IDS, 10)
    assert f"such as 'q1'; found them in {ours} of {ours + others} lines: '0' is none" in str(refused.value)


def test_a_run_of_which_half_is_ours_is_read(tmp_path):
    run = read_run(write(tmp_path / "run.txt", "q1 Q0 a 1 1 t", "q9 Q0 a 1 1 t"), QUERY_IDS, DOC_IDS, 10)
    assert (as_rows(run), run.skipped) == ([(0, 0, 1, 1.0)], 1)


def found(*rows):
    queries, documents, scores = (np.array(column) for column in zip(*rows, strict=True))
    return ranked(queries, documents, scores.astype(np.float32))


def test_the_pool_is_the_union_with_every_rank_and_score():
    pooled = pool({"bm25": found((0, 5, 9.0), (0, 3, 8.0), (1, 1, 2.0)), "dense": found((0, 3, 0.9), (0, 4, 0.8))})
    expected = pd.DataFrame(
        {
            "query": np.array([0, 0, 0, 1], np.int32),
            "document": np.array([3, 5, 4, 1], np.int32),
            "bm25_rank": pd.array([2, 1, None, 1], "Int32"),
            "bm25_score": np.array([8, 9, np.nan, 2], np.float32),
            "dense_rank": pd.array([1, None, 2, None], "Int32"),
            "dense_score": np.array([0.9, np.nan, 0.8, np.nan], np.float32),
            "fused_rank": pd.array([1, 2, 3, 1], "Int32"),
        }
    )
    pd.testing.assert_frame_equal(pooled, expected)


def slow_fusion(sources):
    """Ordered (query, document) by the formula, as a dictionary of dictionaries."""
    ranks = {}
    for frame in sources.values():
        for row in frame.itertuples(index=False):
            ranks.setdefault(row.query, {}).setdefault(row.document, []).append(int(row.rank))
    ordered = []
    for query in sorted(ranks):
        keys = {}
        for document, held in ranks[query].items():
            fused = sum(1 / (60 + rank) for rank in sorted(held))
            keys[document] = (-fused, min(held), document)
        ordered += [(query, document) for document in sorted(keys, key=keys.get)]
    return ordered


lists = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 6), st.integers(0, 3)), max_size=15)


@pytest.mark.slow
@settings(max_examples=60)
@given(st.lists(lists, min_size=1, max_size=4))
def test_fusion_is_the_formula(drawn):
    sources = {}
    for number, rows in enumerate(drawn):
        unique = list({row[:2]: row for row in rows}.values())
        columns = np.array(unique, np.int64).reshape(-1, 3)
        sources[f"s{number}"] = ranked(columns[:, 0], columns[:, 1], columns[:, 2].astype(np.float32))
    pooled = pool(sources)
    assert list(zip(pooled["query"], pooled["document"], strict=True)) == slow_fusion(sources)
    assert pooled["fused_rank"].tolist() == (pooled.groupby("query").cumcount() + 1).tolist()
    for name, frame in sources.items():
        mine = pooled.dropna(subset=f"{name}_rank")
        assert set(zip(mine["query"], mine["document"], mine[f"{name}_rank"], strict=True)) == set(
            zip(frame["query"], frame["document"], frame["rank"], strict=True)
        )
