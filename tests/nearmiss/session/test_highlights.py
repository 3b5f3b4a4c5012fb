"""Reading: shared words, changed words, and where a long passage opens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearmiss.session.highlights import (
    BEST_BEGINS,
    IN_POSITIVE,
    IN_QUERY,
    SEARCH_HIT,
    alike,
    changes,
    pieces,
    with_found,
)

QUERY = "when do the castles open"
POSITIVE = "The castle opens at nine."


def marked(text, mark, **changed):
    arguments = {"query": QUERY, "positive": POSITIVE, "language": "en"} | changed
    return [piece for piece, marks in pieces(text, **arguments) if marks & mark]


def test_words_are_shared_by_their_stem_and_stop_words_never():
    text = "A castle opening the gate, at nine"
    assert marked(text, IN_QUERY) == ["castle", "opening"]
    assert marked(text, IN_POSITIVE) == ["castle", "opening", "nine"]


@pytest.mark.parametrize(
    ("language", "text", "telling"),
    [
        ("en", "She walked up from the harbour into town with him", ["harbour", "town"]),
        ("de", "Sie ging vom Hafen mit ihm in die Stadt", ["Hafen", "Stadt"]),
        ("uk", "Вона прийшла до міста з порту", ["прийшла", "міста", "порту"]),
        ("fr", "Elle est venue avec lui du port dans la ville", ["port", "ville"]),
    ],
)
def test_function_words_are_never_marked(language, text, telling):
    query = "up from into with him vom mit ihm die avec lui du dans la harbour town Hafen Stadt port ville"
    query += " прийшла до міста з порту"
    assert marked(text, IN_QUERY, query=query, language=language) == telling


def test_japanese_words_are_found_without_spaces():
    arguments = {"query": "熱中症になった人", "positive": "涼しい場所", "language": "ja"}
    assert marked("熱中症の人を涼しい日陰へ", IN_QUERY, **arguments) == ["熱中症", "人"]


@given(st.text(max_size=400), st.text(max_size=50), st.text(max_size=50))
def test_the_pieces_are_the_text(text, query, positive):
    assert "".join(piece for piece, _ in pieces(text, query, positive, "en")) == text


@given(st.text(max_size=200), st.text(max_size=200))
def test_the_changes_give_both_texts(old, new):
    found = changes(old, new)
    assert "".join(text for kind, text in found if kind != "gone") == new
    # Kept words are spelled as in the new text, and alike in both.
    assert "".join(text for kind, text in found if kind != "new") == old


def test_a_changed_word_is_gone_and_new():
    found = changes("open at nine daily", "open at ten daily")
    assert found == [("same", "open at "), ("gone", "nine"), ("new", "ten"), ("same", " daily")]


def test_a_long_passage_opens_at_the_sentence_that_shares_most():
    text = "Nothing here. " * 100 + "In spring the castle opens early. " + "Nothing more. " * 50
    [best] = [piece for piece, marks in pieces(text, QUERY, POSITIVE, "en") if marks & BEST_BEGINS]
    assert best.startswith("In spring")


@pytest.mark.parametrize("text", ["The castle opens.", "Nothing at all. " * 200])
def test_a_short_passage_or_one_that_shares_nothing_opens_at_its_beginning(text):
    assert marked(text, BEST_BEGINS) == []


@pytest.mark.parametrize("language", ["und", "en"])
def test_function_words_of_the_language_a_passage_is_found_in_are_not_marked(language):
    text = "Der Hafen liegt in der Stadt und ist nicht mit dem Zug zu erreichen"
    assert marked(text, IN_QUERY, query="und mit der Hafen ist zu", language=language) == ["Hafen"]


def test_what_is_searched_for_is_marked_in_any_case_and_across_pieces():
    found = with_found([("the Castle", IN_QUERY | BEST_BEGINS), (" opens at nine", 0)], "castle OPENS ")
    assert found == [
        ("the ", IN_QUERY | BEST_BEGINS),
        ("Castle", IN_QUERY | SEARCH_HIT),
        (" opens", SEARCH_HIT),
        (" at nine", 0),
    ]


@given(st.text(max_size=100), st.text(max_size=5))
def test_marking_what_is_searched_for_changes_no_text(text, searched):
    cut = with_found(pieces(text, QUERY, POSITIVE, "en"), searched)
    assert "".join(piece for piece, _ in cut) == text


@pytest.mark.parametrize(
    ("other", "said"),
    [("open at ten daily", True), ("the garden closes early", False), ("", False)],
)
def test_texts_are_alike_that_have_half_their_words_in_common(other, said):
    assert alike("open at nine daily", other) == said
