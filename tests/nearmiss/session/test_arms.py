"""Arms: both arms in every reviewer's cards, repeats that nobody can tell, each pair to one person."""

from dataclasses import replace

import numpy as np
import pytest

from nearmiss import audit
from nearmiss.audit import sentences
from nearmiss.audit.planning import LABELS_ASKED
from nearmiss.audit.samples import sample_of
from nearmiss.review import REPEAT
from nearmiss.selection import VERDICTS
from nearmiss.session import cards, incoming
from nearmiss.session.labels import labels_of
from nearmiss.session.queue import agenda, arms, priority
from nearmiss.session.queue.agenda import View
from nearmiss.session.queue.arms import PickedCard
from nearmiss.workspace import open_workspace

MATTERS = View(order="priority")


@pytest.fixture
def work(without_teacher, tmp_path):
    opened = open_workspace(without_teacher, reviews=f"sqlite:///{tmp_path / 'reviews.db'}")
    arms.begin(opened, "ana")
    return opened


def picked(work, reviewer="ana", count=40, view=MATTERS):
    return arms.pick(work, view, reviewer, agenda.rows(work, view, work.decision()), count)


def judge(work, hand, verdict="not_relevant", reviewer="ana", start=1):
    sent = [
        {
            "query_id": one.pair[0],
            "doc_id": one.pair[1],
            "verdict": verdict,
            "reviewer": reviewer,
            "arm": one.arm,
            "inclusion_probability": one.chance,
            "client_id": reviewer,
            "client_seq": start + place,
            "decided_at": 1.0 + place,
        }
        for place, one in enumerate(hand)
    ]
    assert incoming.write(work, sent, arms.arms(work)) == []


def test_a_round_gets_one_audit_however_many_ask(work):
    [plan] = audit.plans(work)
    assert len(audit.drawn(work)) == LABELS_ASKED
    arms.begin(work, "bob")
    assert [one.plan for one in audit.plans(work)] == [plan.plan]
    assert plan.made_by == "ana"


def test_both_arms_are_in_every_hand(work):
    hand = picked(work, count=100)
    arms = [one.arm.partition(":")[0] for one in hand]
    assert set(arms) == {"priority", "audit"}
    assert 0.12 <= arms.count("audit") / 100 <= 0.4  # some that matter most were drawn too
    assert "audit" in arms[:8]
    chances = {draw.pair: draw.inclusion_probability for draw in audit.drawn(work).values()}
    assert all(one.chance == chances.get(one.pair) for one in hand)
    assert len({one.pair for one in hand}) == 100


def test_no_draw_comes_between_what_a_reviewer_searches_for(work):
    query_id = work.pair_at(0)[0]
    hand = picked(work, view=View(order="priority", query_id=query_id), count=50)
    assert {one.pair[0] for one in hand} == {query_id}
    assert picked(work, view=View(order="priority", text="no text holds these words")) == []


def test_query_by_query_has_one_arm_and_no_reason(work):
    drawn = audit.drawn(work)
    found = {(one.arm, one.why) for one in picked(work, view=View()) if one.pair not in drawn}
    assert found == {("", "")}


def test_nobody_gets_what_another_holds(work):
    ana, bob = picked(work), picked(work, "bob")
    assert not {one.pair for one in ana} & {one.pair for one in bob}


def test_a_team_that_opens_a_small_round_at_once_has_cards_for_everyone(work):
    hands = [picked(work, f"reviewer {number}", 60) for number in range(12)]
    assert min(len(hand) for hand in hands) >= 5
    pairs = [one.pair for hand in hands for one in hand]
    assert len(set(pairs)) == len(pairs)


def test_a_verdict_carries_the_arm_and_the_chance_that_picked_its_pair(work):
    hand = picked(work)
    judge(work, hand)
    for one in hand:
        event = work.standing.by_reviewer(one.pair)["ana"].event
        assert (event.arm, event.inclusion_probability) == (one.arm, one.chance)


def test_a_drawn_pair_counts_for_its_audit_however_it_was_reached(work):
    draw = next(iter(audit.drawn(work).values()))
    judge(work, [PickedCard(draw.pair)])
    event = work.standing.by_reviewer(draw.pair)["ana"].event
    assert (event.arm, event.inclusion_probability) == (draw.arm, draw.inclusion_probability)


def choose(work, pair, verdict, arm, reviewer="ana"):
    sent = {"query_id": pair[0], "doc_id": pair[1], "verdict": verdict, "reviewer": reviewer, "arm": arm}
    sent |= {"client_id": f"{reviewer} {arm} {pair}", "client_seq": 1, "decided_at": 1.0}
    assert incoming.write(work, [sent], arms.arms(work)) == []


@pytest.mark.parametrize("arm", ["query", "map", "pairs"])
def test_a_calibration_learns_of_a_draw_what_was_answered_blind_and_not_what_was_chosen_later(work, arm):
    blind, unsure, *_ = audit.drawn(work).values()
    judge(work, [PickedCard(blind.pair)])
    judge(work, [PickedCard(unsure.pair)], "unsure", start=2)
    choose(work, blind.pair, "relevant", arm)
    choose(work, unsure.pair, "relevant", arm)
    assert work.standing.verdict(blind.pair) == "relevant"
    found = labels_of(work, with_audits=True)
    assert found.rows.tolist() == [work.row_of(blind.pair)]
    assert found.answers.tolist() == [False]
    assert found.weights.tolist() == [1 / blind.inclusion_probability]


@pytest.mark.parametrize("arm", ["query", "map", "pairs"])
def test_a_draw_judged_by_choice_with_its_scores_in_sight_is_asked_again_and_counts_only_then(work, arm):
    [plan] = audit.plans(work)
    draws = list(audit.drawn(work).values())
    judge(work, [PickedCard(draw.pair) for draw in draws[50:]])
    before = audit.estimate(work)
    chosen = draws[0]
    choose(work, chosen.pair, "relevant", arm)
    after = audit.estimate(work)
    assert (after.numbers, after.judged, after.waiting) == (before.numbers, before.judged, before.waiting)
    assert (before.in_sight, after.in_sight) == (0, 1)
    assert chosen.pair in [draw.pair for draw in audit.waiting(work, "ana")]
    told = sentences.of_estimate(after, None, 0.02, audit.reviewers(work))
    assert "Of these, 1 had a verdict given with scores in sight, which answers no draw." in told
    # As a verdict it counts: the candidate is no negative any more.
    assert work.table.verdicts[work.row_of(chosen.pair)] == VERDICTS.index("relevant") + 1
    [card] = [one for one in picked(work, count=300, view=View(order="audit")) if one.pair == chosen.pair]
    shown = cards.card(work, card, cards.CardView(work.policy, work.decision()), "ana")
    assert (shown["verdict"], shown["numbers"], shown["status"]) == (None, None, None)
    judge(work, [card], "relevant", start=1000)
    found = audit.estimate(work)
    assert (found.in_sight, found.waiting) == (0, before.waiting - 1)
    assert sample_of(work, plan).verdict[0] == VERDICTS.index("relevant") + 1


def test_scores_of_a_draw_are_hidden_until_it_is_judged_in_any_view(work):
    sight = cards.CardView(work.policy, work.decision())
    for view in (MATTERS, View()):
        hand = picked(work, count=150, view=view)
        hidden = {one.pair for one in hand if cards.card(work, one, sight, "ana")["numbers"] is None}
        assert hidden == {one.pair for one in hand} & set(audit.drawn(work)) != set()
    draw = next(one for one in hand if one.is_drawn)
    judge(work, [draw])
    assert cards.card(work, draw, sight, "ana")["numbers"] is not None


def test_an_old_judgement_comes_again_and_looks_new(work):
    judge(work, picked(work, count=70))
    hand = picked(work, count=60)
    [again] = [one for one in hand if one.again][:1]
    before = work.standing.by_reviewer(again.pair)["ana"]
    old = [entry.pair for entry in work.standing.latest("ana", 100)[arms.REPEAT_AFTER :]]
    assert again.pair in old
    card_view = cards.CardView(work.policy, work.decision(), blind=False)
    shown, fresh = (cards.card(work, one, card_view, "ana") for one in (again, replace(hand[0], why="")))
    assert (shown["verdict"], shown["comments"]) == (None, [])
    assert set(shown) == set(fresh)
    judge(work, [again], "relevant", start=1000)
    # It is written down, and the verdict that counts stays the first.
    last = work.standing.history(again.pair)[-1].event
    assert (before.event.verdict, last.verdict, last.arm) == ("not_relevant", "relevant", REPEAT)
    assert work.standing.by_reviewer(again.pair)["ana"] == before
    assert again.pair not in [one.pair for one in picked(work, count=60) if one.again]


def test_repeats_are_a_small_share(work):
    for turn in range(12):
        judge(work, picked(work, count=20), start=1 + 100 * turn)
    judged = list(work.standing.latest("ana", 1000))
    repeats = sum(entry.event.arm == REPEAT for entry in judged)
    assert 1 <= repeats <= 0.05 * len(judged)


def test_what_the_next_cards_hold_is_the_sum_of_their_chances(work):
    order = agenda.rows(work, MATTERS, work.decision())
    before = arms.expected_answers(work, order)
    assert before == pytest.approx(priority.chance(work)[order[: arms.STRETCH]].sum(), rel=1e-5)
    judge(work, [PickedCard(work.pair_at(row)) for row in order[: arms.STRETCH].tolist()])
    assert arms.expected_answers(work, order) < before


def test_each_card_says_why_it_is_shown(work):
    hand, card_view = picked(work, count=30), cards.CardView(work.policy, work.decision(), blind=False)
    for one in hand:
        said = arms.why(work, one)
        assert (said == arms.RANDOM) == one.arm.startswith("audit:")
        if one.arm != "priority":
            assert "p_relevant" not in said
            continue
        # One chance a card: the reason names the number that the card shows, and none where it is next to nothing.
        shown = cards.card(work, one, card_view, "ana")["numbers"]["p_relevant"]
        assert (f"p_relevant {shown:.3f}" in said) == (shown >= 0.01)
        assert said


def test_a_found_answer_of_the_audit_asks_another_reviewer_for_a_second_look(work):
    decided = work.decision()
    draw = next(d for d in audit.drawn(work).values() if decided.slot[work.row_of(d.pair)] > 0)
    judge(work, [PickedCard(draw.pair)], "relevant")
    judge(work, [PickedCard(work.pair_at(int(np.flatnonzero(~work.table.positive)[-1])))], reviewer="bob")
    asked = {one.pair: one for one in picked(work, "bob", count=2000)}
    assert asked[draw.pair].why == "a second look at an answer found"


def test_audit_only_deals_the_draws_and_nothing_else_and_what_is_put_off_comes_last(work):
    view = View(order="audit")
    drawn = audit.drawn(work)
    hand = picked(work, view=view, count=500)
    assert {one.pair for one in hand} == set(drawn)
    assert {(one.arm, one.chance) for one in hand} == {
        (drawn[one.pair].arm, drawn[one.pair].inclusion_probability) for one in hand
    }
    judge(work, hand[:1], verdict="later")
    judge(work, hand[1:3], start=2)
    again = picked(work, view=view, count=500)
    assert [one.pair for one in again] == [*(one.pair for one in hand[3:]), hand[0].pair]
    told = arms.audit_progress(work, "ana")
    assert (told.drawn, told.judged, told.waiting) == (len(drawn), 2, len(drawn) - 2)
    assert 0 < told.half_width < 0.5


def test_a_pair_with_nothing_but_a_comment_is_no_repeat(work):
    hand = picked(work, count=arms.REPEAT_AFTER + 30)
    judge(work, hand[:1], verdict="comment")
    judge(work, hand[1:], start=2)
    again = [one.pair for one in picked(work, count=60) if one.again]
    assert len(again) == 1
    assert again != [hand[0].pair]


def test_dealing_draws_no_audit(without_teacher, tmp_path):
    opened = open_workspace(without_teacher, reviews=f"sqlite:///{tmp_path / 'fresh.db'}")
    assert {one.arm for one in picked(opened)} == {arms.PRIORITY}
    assert audit.plans(opened) == []
