"""Twins: queries that ask the same share their answers; a table worked out by hand, and a slow oracle."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearmiss import data as dataset
from nearmiss import pipeline
from nearmiss.candidates import near_texts, twins
from nearmiss.candidates.pooling import CandidatePairs
from nearmiss.candidates.text_overlap import digest, read_texts
from nearmiss.reports import explanation, funnel
from nearmiss.retrieval.tokenization import normalise, words
from nearmiss.settings import Mining, Policy
from tests.words import OverlapTeacher, WordEncoder

QUESTION = "what are the treatments for Paget disease of bone"


def pairs(*rows):
    query, document = np.array(sorted(rows), np.int64).reshape(-1, 2).T
    return CandidatePairs(query, document)


def as_set(found):
    return set(zip(found.query.tolist(), found.document.tolist(), strict=True))


@pytest.mark.parametrize(
    "other", [QUESTION, QUESTION.upper(), f"  {QUESTION.replace(' ', '  ')} ", "ＷＨＡＴ" + QUESTION[4:]]
)
def test_queries_of_one_text_share_their_answers(other):
    shared = twins.share_answers([QUESTION, "bread", other], pairs((0, 5), (1, 6), (2, 7)), pairs())
    assert as_set(shared) == {(0, 5), (0, 7), (1, 6), (2, 5), (2, 7)}
    assert shared.query.tolist() == sorted(shared.query)


def test_what_is_labelled_a_negative_of_a_query_is_not_shared_with_it():
    shared = twins.share_answers(["a", "A"], pairs((0, 5), (1, 6)), pairs((1, 5)))
    assert as_set(shared) == {(0, 5), (0, 6), (1, 6)}


def test_queries_of_different_texts_share_nothing():
    labelled = pairs((0, 1), (1, 1), (1, 0))
    assert twins.share_answers(["a", "b"], labelled, pairs()) is labelled


def marked(queries, vectors, positives, candidates, documents):
    vectors = np.asarray(vectors, np.float32)
    ids = pd.Series([f"q{place}" for place in range(len(queries))])
    digests = np.array([digest(normalise(text)) for text in documents], np.uint64)
    frame = pd.DataFrame(candidates, columns=["query", "document"], dtype="int32")
    return twins.TwinQueries(queries, ids, vectors.__getitem__, positives).mark(frame, digests)


NEAR, FAR = [0.99, np.sqrt(1 - 0.99**2)], [0.97, np.sqrt(1 - 0.97**2)]


@pytest.mark.parametrize(
    ("other", "vector", "is_twin"),
    [
        ("what are the treatments for Paget's disease of bone", NEAR, True),
        ("what are the treatments for Paget's disease of bone", FAR, False),
        ("which treatments are there for this disease of bone", NEAR, False),  # other words
        ("what are the treatments for Paget disease of bone 2", NEAR, False),  # another number
        (QUESTION.upper(), [0, 1], True),  # the same text needs no vector
    ],
)
def test_a_near_twin_has_near_vectors_and_shared_words_and_the_same_numbers(other, vector, is_twin):
    found = marked([QUESTION, other], [[1, 0], vector], pairs((0, 0), (1, 1)), [(0, 1), (1, 0), (0, 0)], ["x", "y"])
    assert found["twin_query"].fillna("").tolist() == (["q1", "q0", ""] if is_twin else ["", "", ""])
    assert found["twin_cosine"].notna().tolist() == [is_twin, is_twin, False]
    assert found.dtypes.astype(str).tolist() == ["str", "float32", "float32"]


def test_a_copy_of_a_twin_s_answer_answers_the_twin_too():
    documents = ["the answer", "The  ANSWER", "another text"]
    found = marked([QUESTION, QUESTION + "s"], [[1, 0], NEAR], pairs((1, 0)), [(0, 1), (0, 2)], documents)
    assert found["twin_query"].fillna("").tolist() == ["q1", ""]
    np.testing.assert_allclose(found["twin_cosine"], [0.99, np.nan], rtol=1e-5)
    np.testing.assert_allclose(found["twin_jaccard"], [8 / 10, np.nan], rtol=1e-5)


def test_rows_keep_their_index_and_none_are_lost():
    found = marked(["a", "b"], [[1, 0], [0, 1]], pairs((0, 0), (1, 1)), [(1, 0), (0, 1)], ["x", "y"])
    assert found.index.tolist() == [0, 1]
    assert found["twin_query"].isna().all()


queries = st.lists(
    st.lists(st.sampled_from("abcdefgh12"), min_size=0, max_size=9).map(" ".join), min_size=1, max_size=12
)


@settings(max_examples=150)
@given(queries)
def test_no_pair_that_shares_enough_words_is_missed(texts):
    read = read_texts(texts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(near_texts, "ROWS_AT_ONCE", 5)
        blocks = list(twins._may_be_twins(read))
    found = {pair for left, right in blocks for pair in zip(left.tolist(), right.tolist(), strict=True)}
    held = [set(words(normalise(text))) for text in texts]
    for left in range(len(texts)):
        for right in range(left + 1, len(texts)):
            either = len(held[left] | held[right])
            if either and len(held[left] & held[right]) / either >= twins.JACCARD:
                assert (left, right) in found


@pytest.fixture
def almanac(tmp_path):
    """The same question under two ids, a near twin, and one of another thing."""
    folder = tmp_path / "data"
    (folder / "qrels").mkdir(parents=True)
    asked = [
        "how to prune an apple tree in the cold of a winter",
        "How to  prune an apple tree in the cold of a winter",
    ]
    asked += ["how to prune an apple tree in the cold of the winter", "bread oven heat"]
    told = [
        "Prune apple trees in winter, cutting branches.",
        "See chapter nine of the almanac.",
        "An apple tree, cold.",
    ]
    told += ["Bake bread in an oven at a heat of 220 degrees.", "prune apple trees in WINTER, cutting branches."]
    lines = [f'{{"_id": "d{i}", "text": "{text}"}}' for i, text in enumerate(told)]
    (folder / "corpus.jsonl").write_text("\n".join(lines))
    lines = [f'{{"_id": "q{i}", "text": "{text}"}}' for i, text in enumerate(asked)]
    (folder / "queries.jsonl").write_text("\n".join(lines))
    judged = "".join(f"q{i}\td{i}\t1\n" for i in range(4))
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + judged)
    return dataset.read(folder)


class Level(WordEncoder):
    """All queries about apples lie in one place."""

    def _vector(self, text):
        return super()._vector("apple" if "apple" in text and "prune an" in text.casefold() else text)


def test_an_answer_to_the_same_question_is_never_a_hard_negative(tmp_path, almanac):
    recipe = Mining(teacher="toy", language="en")
    run = pipeline.mine(tmp_path / "run", recipe, almanac, encoder=Level(), teacher=OverlapTeacher())
    policy = Policy(max_p_relevant=None, relative_margin=None)
    run.save_policy(policy)
    status = run.selected().set_index(["query_id", "doc_id"])["status"].astype(str)
    assert status["q0", "d1"] == status["q1", "d0"] == "known_positive"  # of one text: shared
    assert status["q0", "d2"] == status["q2", "d0"] == status["q2", "d1"] == "answers_twin_query"
    assert status["q2", "d4"] == "answers_twin_query"  # the copy of a twin's answer
    assert status["q0", "d4"] == status["q1", "d4"] == "duplicate"
    assert status["q0", "d3"] == status["q3", "d0"] == "kept"
    told = funnel.report(run)
    assert (told["status"]["answers_twin_query"], told["shared_answers"]) == (5, 2)
    [why] = explanation.explain(run.candidates(), policy, "q0", "d2")
    assert why.reasons[0].startswith("answers_twin_query: labelled as an answer to the query q2, which asks the same")
    run.save_policy(Policy(max_p_relevant=None, relative_margin=None, allow_twin_answers=True))
    again = run.selected().set_index(["query_id", "doc_id"])["status"].astype(str)
    assert again["q0", "d2"] == again["q2", "d4"] == "kept"
    assert again["q0", "d1"] == "known_positive"


def test_a_run_without_the_columns_of_twins_still_opens(tmp_path, almanac):
    run = pipeline.mine(tmp_path / "run", Mining(teacher="toy"), almanac, encoder=Level(), teacher=OverlapTeacher())
    shard = next((run.folder / "rounds/1/candidates").glob("*.parquet"))
    rows = pd.read_parquet(shard)
    rows.drop(columns=["twin_query", "twin_cosine", "twin_jaccard"]).to_parquet(shard)
    assert "answers_twin_query" not in run.selected()["status"].astype(str).tolist()
