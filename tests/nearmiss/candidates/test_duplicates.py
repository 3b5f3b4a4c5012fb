"""Duplicates of positives: a table worked out by hand, laws, and a slow oracle."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearmiss.candidates import duplicates
from nearmiss.candidates.text_overlap import CONTAINED_WORDS
from nearmiss.retrieval.tokenization import normalise, words

SENTENCE = "the boundary layer grows along the plate until it turns turbulent"  # eleven words
SAME, INSIDE, NEITHER = "same_text", "contained", ""


def pairs(*rows):
    return pd.DataFrame(rows, columns=["query", "document"], dtype="int32")


class Rows(NamedTuple):
    query: np.ndarray
    document: np.ndarray


def marked(documents, candidates, positives, queries=("a query",), vectors=None, group_ids=None):
    vectors = np.eye(len(documents), dtype=np.float32) if vectors is None else np.asarray(vectors, np.float32)
    frame = pd.DataFrame({"doc_id": [f"d{row}" for row in range(len(documents))]})
    frame = frame if group_ids is None else frame.assign(group_id=group_ids)
    copies = duplicates.Copies(documents, queries, frame)
    known = Rows(positives["query"].to_numpy(), positives["document"].to_numpy())
    return copies.mark(candidates, known, vectors.__getitem__)


@pytest.mark.parametrize(
    ("positive", "candidate", "kind"),
    [
        (SENTENCE, SENTENCE, SAME),
        (SENTENCE, f"  {SENTENCE.upper()}\n", SAME),
        ("ｆｕｌｌ ｗｉｄｔｈ Straße", "full width STRASSE", SAME),
        ("short", "short", SAME),
        ("", "", NEITHER),  # two empty texts say nothing at all
        (SENTENCE, SENTENCE + ".", INSIDE),
        (SENTENCE, f"As shown above, {SENTENCE}, and then separates.", INSIDE),
        (f"As shown above, {SENTENCE}, and then separates.", SENTENCE, INSIDE),
        (SENTENCE, SENTENCE.replace("plate", "wing"), NEITHER),
        (SENTENCE, " ".join(reversed(SENTENCE.split())), NEITHER),
        ("boundary layer grows", f"The {SENTENCE}", NEITHER),  # three words lie inside others by chance
        ("1 2 3 4 5 6 7 8", "0 1 2 3 4 5 6 7 80", NEITHER),  # digits of another number
        ("1 2 3 4 5 6 7 8", "0 1 2 3 4 5 6 7 8 0", INSIDE),
        ("東京都の天気は晴れです", "明日も東京都の天気は晴れです。", INSIDE),
    ],
)
def test_what_counts_as_the_same_or_contained(positive, candidate, kind):
    answer = marked([positive, candidate], pairs((0, 1)), pairs((0, 0))).iloc[0]
    assert answer["duplicate_kind"] == kind
    assert (pd.isna(answer["duplicate_of"])) if kind == NEITHER else answer["duplicate_of"] == "d0"


def test_a_document_that_is_the_query_is_told_whatever_its_case_and_width():
    documents = ["How does lift arise?", "ＨＯＷ does  lift arise?", "how does drag arise?"]
    answer = marked(documents, pairs((0, 0), (0, 1), (0, 2), (1, 2)), pairs(), ["how does lift arise?", "x"])
    assert answer["is_the_query"].tolist() == [True, True, False, False]
    assert answer["duplicate_of"].isna().all()
    assert answer["positive_cosine"].isna().all()
    assert answer["is_sibling"].tolist() == [False] * 4


def test_cosine_is_for_every_row_and_jaccard_only_for_near_ones():
    documents = ["a b c d", "a b c e", "a b c d e f", "x"]
    vectors = [[1, 0], [0.96, 0.28], [0.8, 0.6], [0.6, 0.8]]
    answer = marked(documents, pairs((0, 1), (0, 2), (0, 3)), pairs((0, 0)), vectors=vectors)
    np.testing.assert_allclose(answer["positive_cosine"], [0.96, 0.8, 0.6], rtol=1e-6)
    np.testing.assert_allclose(answer["positive_jaccard"], [3 / 5, 4 / 6, np.nan], rtol=1e-6)
    assert answer.dtypes.astype(str).to_dict() == {
        "is_the_query": "bool",
        "duplicate_of": "str",
        "duplicate_kind": "str",
        "positive_cosine": "float32",
        "positive_jaccard": "float32",
        "positive_words": "float32",
        "is_sibling": "bool",
    }


def test_texts_that_differ_by_a_number_are_confusable_and_not_near_duplicates():
    text = "ataxia type 1 is a disorder of movement"
    documents = [text, text.replace("1", "2"), text.replace(" is ", " was "), text + " (type 1)", text + " type-2"]
    answer = marked(documents, pairs((0, 1), (0, 2), (0, 3), (0, 4)), pairs((0, 0)), vectors=[[1.0, 0]] * 5)
    np.testing.assert_allclose(answer["positive_jaccard"], [np.nan, 7 / 9, 1, np.nan], rtol=1e-6)
    np.testing.assert_array_equal(answer["positive_cosine"], np.ones(4))


def test_of_several_positives_the_one_of_highest_evidence_answers():
    longer = f"{SENTENCE} and then it separates"
    documents = [longer, SENTENCE.upper(), SENTENCE, "something else entirely", "a b c d", "a b c x", "p q r s"]
    vectors = [[1, 0], [0.6, 0.8], [0.8, 0.6], [0, 1], [1, 0], [0.96, 0.28], [0.96, 0.28]]
    answer = marked(documents, pairs((0, 2), (1, 5)), pairs((0, 3), (0, 0), (0, 1), (1, 6), (1, 4)), ["q"] * 2, vectors)
    assert answer.loc[0, ["duplicate_of", "duplicate_kind"]].tolist() == ["d1", SAME]
    # Document 6 has the higher cosine, but not a word in common: document 4 is the near duplicate.
    assert answer["duplicate_of"].isna()[1]
    assert answer.loc[1, "duplicate_kind"] == NEITHER
    np.testing.assert_allclose(answer.loc[1, "positive_cosine"], 0.96, rtol=1e-6)
    np.testing.assert_allclose(answer.loc[1, "positive_jaccard"], 3 / 5, rtol=1e-6)


def test_a_positive_is_a_duplicate_and_a_sibling_of_the_others_only():
    documents = ["one text", "One text", "another"]
    candidates, positives = pairs((0, 0), (0, 1), (0, 2)), pairs((0, 0), (0, 1), (0, 2))
    answer = marked(documents, candidates, positives, group_ids=["g", "h", "h"])
    assert answer["duplicate_of"].fillna("").tolist() == ["d1", "d0", ""]
    assert answer["is_sibling"].tolist() == [False, True, True]
    np.testing.assert_array_equal(answer["positive_cosine"], np.ones(3))


def test_siblings_share_a_group_with_a_positive_and_no_group_is_no_sibling():
    candidates, positives = pairs((0, 1), (0, 2), (0, 3), (1, 1)), pairs((0, 0), (1, 3))
    answer = marked(list("abcd"), candidates, positives, ["q"] * 2, group_ids=["g", "g", "h", None])
    assert answer["is_sibling"].tolist() == [True, False, False, False]


def test_rows_keep_their_index_and_order():
    candidates = pairs((1, 2), (0, 1), (1, 0)).set_index(pd.Index([7, 3, 5]))
    answer = marked(["x", "y", "Y"], candidates, pairs((1, 1)), ["a", "b"])
    assert answer.index.tolist() == [7, 3, 5]
    assert answer["duplicate_of"].fillna("").tolist() == ["d1", "", ""]


def test_no_candidates_give_no_rows():
    answer = marked(["x"], pairs((0, 0)).iloc[:0], pairs((0, 0)))
    assert answer.columns.tolist()[:3] == ["is_the_query", "duplicate_of", "duplicate_kind"]
    assert answer.empty


def slow(documents, candidates, positives, vectors):
    """The same columns, pair by pair."""
    rows = []
    for query, document in candidates.itertuples(index=False):
        strongest, nearest = (0, 0, 0), (-1, -2, 0)
        mine = normalise(documents[document])
        for positive in positives.loc[positives["query"].eq(query), "document"]:
            other = normalise(documents[positive])
            inner, outer = sorted((words(mine), words(other)), key=len)
            starts = range(len(outer) - len(inner) + 1)
            inside = len(inner) >= CONTAINED_WORDS and any(outer[at : at + len(inner)] == inner for at in starts)
            kind = 0 if positive == document else 2 if mine == other and mine else int(inside)
            cosine = np.vecdot(vectors[document], vectors[positive])
            union = set(inner) | set(outer)
            jaccard = len(set(inner) & set(outer)) / max(1, len(union))
            if cosine < duplicates.LOWEST_COSINE or any("1" in word for word in set(inner) ^ set(outer)):
                jaccard = np.nan
            strongest = max(strongest, (kind, cosine, -positive))
            nearest = max(nearest, (min(cosine, np.nan_to_num(jaccard)), cosine, -positive, jaccard))
        rows.append((strongest[0], -strongest[2] if strongest[0] else None, *nearest[1::2][:2]))
    return rows


texts = st.lists(st.sampled_from(["a", "A", " ", "b", "c", "1"]), max_size=14).map(" ".join)


@pytest.mark.slow
@settings(max_examples=60)
@given(st.lists(texts, min_size=2, max_size=7), st.data())
def test_marks_are_those_of_the_slow_oracle(documents, data):
    rows = st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, len(documents) - 1)), unique=True, min_size=1, max_size=9
    )
    candidates, positives = pairs(*data.draw(rows)), pairs(*data.draw(rows))
    vectors = np.random.default_rng(len(documents)).random((len(documents), 3), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duplicates, "PAIR_BLOCK", 3)
        answer = marked(documents, candidates, positives, ["q"] * 3, vectors)
    expected = slow(documents, candidates, positives, vectors)
    for row, (kind, of, *near) in zip(answer.itertuples(), expected, strict=True):
        assert row.duplicate_kind == [NEITHER, INSIDE, SAME][kind]
        assert (pd.isna(row.duplicate_of) and of is None) or row.duplicate_of == f"d{of}"
        if len(near) == 2:
            np.testing.assert_allclose([row.positive_cosine, row.positive_jaccard], near, rtol=1e-5)
