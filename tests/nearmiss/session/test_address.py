"""Addresses of a view: what was chosen comes back from its address, and nonsense is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearmiss.session.queue import address
from nearmiss.session.queue.address import Choice
from nearmiss.session.queue.agenda import View

SOURCES = ("bm25", "dense")
NUMBERS = st.none() | st.integers(-50, 50).map(lambda n: n / 8)
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), max_size=8)
VIEWS = st.builds(
    View,
    statuses=st.lists(st.sampled_from(address.STATUSES_OFFERED), min_size=1, unique=True).map(tuple),
    verdict=st.sampled_from(address.VERDICTS),
    reviewer=WORDS,
    sources=st.lists(st.sampled_from(SOURCES), unique=True).map(tuple),
    lowest=NUMBERS,
    highest=NUMBERS,
    disagree=st.booleans(),
    text=WORDS,
    query_id=WORDS,
    order=st.sampled_from(["priority", "queries", "audit"]),
    blind=st.booleans(),
)


@given(VIEWS, st.integers(0, 9))
def test_a_choice_comes_back_from_its_address(view, overlap):
    choice = Choice(view, overlap)
    assert address.to_choice(address.of_choice(choice), SOURCES) == (choice, [])


def test_the_usual_view_has_an_empty_address_and_a_query_only_its_name():
    assert address.of_choice(address.usual()) == {}
    assert address.of_choice(address.usual("q7")) == {"query": ["q7"]}


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ({"status": ["kept", "known_positive"]}, "'known_positive'"),
        ({"verdict": ["great"]}, "'great'"),
        ({"source": ["google"]}, "'google'"),
        ({"low": ["much"]}, "'much'"),
        ({"high": ["inf"]}, "'inf'"),
        ({"order": ["random"]}, "'random'"),
        ({"twice": ["nan"]}, "'nan'"),
    ],
)
def test_what_makes_no_sense_in_an_address_is_told_and_left_as_usual(typed, found):
    choice, [problem] = address.to_choice(typed, SOURCES)
    assert choice == address.usual()
    assert f"found {found}" in problem
