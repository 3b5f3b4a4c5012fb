"""What models said: shown after one's own verdict or never, and two queues to look again."""

import json

import numpy as np
import pytest

from nearmiss import audit
from nearmiss.errors import ReviewError
from nearmiss.review import JUDGE, Event
from nearmiss.session import cards, incoming, model_opinions
from nearmiss.session.highlights import QUOTED, pieces, with_quotes
from nearmiss.session.model_opinions import DIFFERS, UNSURE
from nearmiss.session.queue import agenda, arms
from nearmiss.session.queue.agenda import View
from nearmiss.session.queue.arms import PickedCard
from tests.nearmiss.session import test_cards

sent, work = test_cards.sent, test_cards.work
PAIR = ("q1", "d0")


def say(work, pair, verdict, name="model:toy", quote=""):
    fields = {"query_id": pair[0], "doc_id": pair[1], "verdict": verdict, "reviewer": name, "arm": f"{JUDGE}0123"}
    said = json.dumps({"grade": 3, "reason": "It says when.", "quote": quote, "model": "toy-1"})
    number = work.standing.last_seq + 1
    work.append([Event(**fields, comment=said, client_id=name, client_seq=number, decided_at=1.0)])


def card_for(work, who, blind=False, **picked):
    view = cards.CardView(work.policy, cards.before_verdicts(work, work.policy), blind)
    return cards.card(work, PickedCard(PAIR, **picked), view, who)


def quoted(card):
    return [text for text, marks in card["pieces"] if marks & QUOTED]


@pytest.mark.parametrize("blind", [False, True])
def test_a_model_s_opinion_comes_after_one_s_own_verdict_with_its_quote_in_the_text(work, blind):
    say(work, PAIR, "relevant", quote="“Opens  at NINE”")
    for who in ("ana", "bob"):
        before = card_for(work, who, blind)
        assert (before["models"], quoted(before)) == ([], [])
        assert "model:toy" not in json.dumps(before)
    incoming.write(work, [sent(PAIR, "not_relevant", 1)])
    after = card_for(work, "ana", blind)
    opinion = {"reviewer": "model:toy", "verdict": "relevant", "reason": "It says when.", "quote": "“Opens  at NINE”"}
    assert after["models"] == [opinion]
    assert "".join(quoted(after)) == "opens at nine"
    assert "".join(text for text, _ in after["pieces"]) == "the castle opens at nine on day 0"
    assert card_for(work, "bob", blind)["models"] == card_for(work, "ana", blind, again=True)["models"] == []
    assert after["others"] == []  # no person said anything


def test_a_project_can_show_no_model_s_opinion_at_all(work):
    say(work, PAIR, "relevant")
    incoming.write(work, [sent(PAIR, "relevant", 1)])
    assert model_opinions.shown(work) == "after"
    model_opinions.show(work, "never")
    assert card_for(work, "ana")["models"] == []
    model_opinions.show(work, "after")
    assert len(card_for(work, "ana")["models"]) == 1
    with pytest.raises(ReviewError, match="wanted one of after, never; found 'before'"):
        model_opinions.show(work, "before")
    (work.run.folder / model_opinions.FILE).write_text('{"shown": "first"}')
    with pytest.raises(ReviewError, match="found 'first'"):
        model_opinions.shown(work)


def test_nobody_sees_a_model_s_opinion_of_what_an_audit_drew(work):
    _, draws = audit.plan(work, int(audit.domains.population(work.table).sum()))
    assert PAIR in {draw.pair for draw in draws}
    say(work, PAIR, "relevant")
    incoming.write(work, [sent(PAIR, "not_relevant", 1)])
    assert card_for(work, "ana")["models"] == []
    for verdict in (DIFFERS, UNSURE):
        assert len(agenda.rows(work, View(verdict=verdict), work.decision())) == 0


def pairs_of(work, verdict, before=None):
    rows = agenda.rows(work, View(verdict=verdict), work.decision(), before)
    return {work.pair_at(row) for row in rows.tolist()}


def kept(work):
    return [work.pair_at(row) for row in agenda.rows(work, View(), work.decision()).tolist()]


def test_where_a_model_judges_otherwise_than_people_is_a_queue_of_its_own(work):
    before, pairs = work.decision(), kept(work)
    people = ("relevant", "partial", "not_relevant", "unsure")
    incoming.write(
        work, [sent(pair, said, number) for number, (pair, said) in enumerate(zip(pairs, people, strict=False), 1)]
    )
    for pair, said in zip(pairs, ("not_relevant", "relevant", "partial", "relevant", "relevant"), strict=False):
        say(work, pair, said)
    # Partly is an answer too; nobody judged the fifth, and who cannot tell does not differ.
    assert pairs_of(work, DIFFERS, before) == {pairs[0], pairs[2]}
    order = agenda.rows(work, View(verdict=DIFFERS), work.decision(), before)
    assert set(agenda.next_pairs(work, View(verdict=DIFFERS), "ana", order, 5)) == {pairs[0], pairs[2]}


def test_what_models_are_unsure_of_waits_for_a_person_and_leaves_once_judged(work):
    first, second, sure, *_ = kept(work)
    say(work, first, "partial")
    say(work, second, "relevant")
    say(work, second, "not_relevant", "model:strong")
    say(work, sure, "relevant")
    assert pairs_of(work, UNSURE) == {first, second}
    view = View(verdict=UNSURE, order="priority")
    order = agenda.rows(work, view, work.decision())
    assert {one.pair for one in arms.pick(work, view, "ana", order, 9)} == {first, second}
    incoming.write(work, [sent(first, "relevant", 1)])
    assert arms.pick(work, view, "bob", order, 9) == []  # ana holds the other one
    assert [one.pair for one in arms.pick(work, view, "ana", order, 9)] == [second]


def test_a_quote_is_marked_where_it_stands_whatever_its_spaces_and_case():
    text = "The castle\nopens at nine. Nobody (else) opens at nine."
    found = with_quotes(pieces(text, "castle", "", "en"), ["CASTLE opens", "(else)", "not there", ""])
    assert "".join(piece for piece, _ in found) == text
    marked = "".join(piece if marks & QUOTED else "|" for piece, marks in found)
    assert [part for part in marked.split("|") if part] == ["castle\nopens", "(else)"]
    assert np.all([marks & ~QUOTED == 0 for piece, marks in found if piece == "(else)"])
