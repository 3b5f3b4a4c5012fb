"""Copies of texts in another list: a table worked out by hand, and a slow oracle."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearmiss.candidates import near_texts
from nearmiss.candidates.near_texts import copies
from nearmiss.retrieval.tokenization import normalise, words

LONG = "the harbour of the old town opens at nine in the morning on weekdays"
OTHERS = ["", LONG, "how many planes has gate 7", LONG.replace("weekdays", "Sundays")]


def alike(texts):
    return np.ones((len(texts), 1), np.float32)


def found(own, others=OTHERS, encode=alike, **more):
    lines = copies([own], others, encode, 0.95, **more).itertuples(index=False)
    return [(int(line.other), line.kind) for line in lines]


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        (LONG, [(1, "exact")]),
        (f" {LONG.upper()}\n", [(1, "normalised")]),
        (LONG.replace("weekdays", "holidays"), [(1, "near")]),  # both are near; equally so, and this is the first
        (LONG.replace("town", "town of weekdays and Sundays"), [(1, "near")]),
        ("has gate 7 how many planes", [(2, "near")]),
        ("how many planes has gate 8", []),  # a word with a digit is another one
        ("opens at nine in the morning on weekdays", []),  # shares too little; only documents may lie inside others
        ("", []),
        ("bread", []),
    ],
)
def test_a_text_stands_in_a_list_by_the_surest_kind_of_copy(own, expected):
    assert found(own) == expected


def test_a_passage_of_eight_words_that_lies_inside_another_is_contained_whichever_is_the_longer():
    part = "opens at nine in the morning on weekdays"
    assert found(part, inside=True) == [(1, "contained")]
    assert found(f"Visitors: {LONG}, except on days when the wind blows", inside=True) == [(1, "contained")]
    assert found("in the morning on weekdays", inside=True) == []


def test_vectors_decide_among_texts_that_share_their_words_and_are_asked_for_no_others():
    asked = []

    def encode(texts):
        asked.extend(texts)
        return np.eye(2, dtype=np.float32)[[int("holidays" in text) for text in texts]]

    own = [LONG, "bread", LONG.replace("weekdays", "holidays")]
    assert copies(own, OTHERS, encode, 0.95).values.tolist() == [[0, 1, "exact"]]
    assert sorted(asked) == sorted([own[2], OTHERS[1], OTHERS[3]])


texts = st.lists(st.lists(st.sampled_from("abcdefgh"), max_size=14).map(" ".join), min_size=1, max_size=9)


@settings(max_examples=100, deadline=None)
@given(own=texts, others=texts)
def test_what_is_found_is_what_comparing_everything_finds(own, others):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(near_texts, "ROWS_AT_ONCE", 3)
        found = {row: kind for row, _, kind in copies(own, others, alike, 0.95, inside=True).values.tolist()}
    for row, one in enumerate(own):
        kinds = [_kind(one, other) for other in others if one.strip() and other.strip()]
        known = [kind for kind in near_texts.KINDS if kind in kinds]
        assert found.get(row) == (known[0] if known else None)


def _kind(one, other):
    left, right = words(normalise(one)), words(normalise(other))
    if one == other:
        return "exact"
    if left == right:
        return "normalised"
    shorter, longer = sorted((left, right), key=len)
    inside = any(longer[at : at + len(shorter)] == shorter for at in range(len(longer) - len(shorter) + 1))
    if len(shorter) >= 8 and inside:
        return "contained"
    share = len(set(left) & set(right)) / len(set(left) | set(right))
    return "near" if share >= 0.8 else None
