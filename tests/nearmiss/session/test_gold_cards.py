"""Known answers: the training round before all else, gold cards that nothing gives away, and the score of a person."""

import json

import pytest

from nearmiss import audit
from nearmiss.agreement import people
from nearmiss.agreement.gold_scores import scores
from nearmiss.audit.domains import population
from nearmiss.errors import ReviewError
from nearmiss.review import ADJUDICATION, GOLD, REPEAT, TRAINING
from nearmiss.review.gold_answers import GoldAnswer
from nearmiss.session import batch_labels, cards, incoming
from nearmiss.session.queue import agenda, arms, gold_cards
from nearmiss.session.queue.agenda import View
from tests.nearmiss.review.test_chain import call
from tests.nearmiss.review.test_review import judged

MATTERS = View(order="priority")


@pytest.fixture
def known(work):
    """Twelve kept pairs whose answer the project knows: every third is an answer."""
    order = agenda.rows(work, View(), work.decision())[:120:10]
    pairs = [work.pair_at(row) for row in order.tolist()]
    return {pair: "not_relevant" if place % 3 else "relevant" for place, pair in enumerate(pairs)}


def settle(work, known, settings):
    rows = [
        {"query_id": query_id, "doc_id": doc_id, "verdict": verdict, "comment": f"since {doc_id}"}
        for (query_id, doc_id), verdict in known.items()
    ]
    (work.run.folder / "gold.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    (work.run.folder / "project.toml").write_text(f"[review]\n{settings}\n")


def dealt(work, who="ann", count=20, view=MATTERS):
    return arms.pick(work, view, who, agenda.rows(work, view, work.decision()), count)


def say(work, one, seq, verdict="not_relevant", who="ann", **fields):
    """What the browser sends for a card."""
    sent = {"query_id": one.pair[0], "doc_id": one.pair[1], "verdict": verdict, "reviewer": who, "arm": one.arm}
    sent |= {"client_id": who, "client_seq": seq, "decided_at": float(seq), "shown_at": seq - 2.0}
    return incoming.write(work, [sent | fields], arms.arms(work))


def test_everybody_begins_with_the_training_round_and_is_told_the_answer_after_each(work, known):
    settle(work, known, "training = 3")
    first = list(known)[:3]
    hand = {who: dealt(work, who) for who in ("ann", "bob")}
    # The same pairs for everybody at once: no lease keeps one from another.
    assert {who: [one.pair for one in cards_] for who, cards_ in hand.items()} == {"ann": first, "bob": first}
    assert [one.pair for one in dealt(work, view=View(order="audit"))] == first
    assert gold_cards.training_progress(work, "ann") is None
    assert say(work, hand["ann"][0], 1, "not_relevant") == []
    told = gold_cards.training_progress(work, "ann")
    answer = GoldAnswer("relevant", f"since {first[0][1]}")
    assert told == gold_cards.TrainingProgress(1, 3, 0, first[0], "not_relevant", answer)
    # Nothing else is judged before the round is done.
    other = work.pair_at(agenda.rows(work, View(), work.decision())[1])
    for seq, arm in ((2, "query"), (22, "")):  # of another page, of a view of what is judged or of a link
        [refused] = say(work, arms.PickedCard(other), seq, arm=arm)
        assert "wanted the training round judged first" in refused
    with pytest.raises(ReviewError, match="training round"):
        batch_labels.label(work, [other], "not_relevant", "ann", "pairs", 5.0)
    # An undo changes nothing about what was known when the verdict was given.
    assert incoming.write(work, [judged_undo(23)]) == []
    assert [one.pair for one in dealt(work)] == first[1:]
    for seq, one in enumerate(hand["ann"][1:], 24):
        assert say(work, one, seq) == []
    assert gold_cards.training_progress(work, "ann").right == 2
    assert not {one.pair for one in dealt(work)} & set(known)
    assert say(work, dealt(work)[0], 29) == []
    assert gold_cards.training_progress(work, "ann") is None
    assert [one.pair for one in dealt(work, "bob")] == first


def judged_undo(seq):
    sent = {"query_id": "-", "doc_id": "-", "verdict": "undo", "reviewer": "ann", "client_id": "ann"}
    return sent | {"client_seq": seq, "decided_at": float(seq)}


def test_gold_cards_come_as_often_as_the_project_says_and_nothing_tells_them_from_others(work, known):
    settle(work, known, "gold = 5")
    seq = met = 0
    while met < 8:
        hand = dealt(work, count=10)
        one = next((card for card in hand if card.pair in known), hand[0])
        met += one.pair in known
        seq += 1
        assert (one.arm, one.again, one.chance) == (arms.PRIORITY, False, None)
        card = cards.card(work, one, cards.CardView(work.policy, work.decision()), "ann")
        assert (card["verdict"], card["others"]) == (None, [])
        assert say(work, one, seq) == []
    # Those ahead are counted too: one in five of what was judged, and of the cards at hand.
    assert (seq - met + 10) // 5 >= met
    found = [entry.event.arm for entry in work.standing.rows_of("ann")]
    assert found.count(GOLD) == 8
    assert {one["arm"] for one in cards.history(work, "ann")} == {arms.PRIORITY}


def test_what_is_said_of_known_answers_decides_nothing(work, known):
    settle(work, known, "training = 2\ngold = 1")
    for seq, one in enumerate(dealt(work), 1):
        say(work, one, seq, "relevant")
    gold = [one for one in dealt(work) if one.pair in known]
    for seq, one in enumerate(gold, 10):
        say(work, one, seq, "relevant")
    arms_said = [entry.event.arm for entry in work.standing.rows_of("ann")]
    assert (arms_said.count(TRAINING), arms_said.count(GOLD)) == (2, 10)
    assert work.standing.verdicts() == {}
    assert not work.table.verdicts.any()
    # An audit that draws one asks for it as a draw, and it is no gold from then on.
    audit.plan(work, int(population(work.table).sum()), made_by="ann")
    assert gold_cards.in_round(work).answers == {}


def test_what_an_adjudicator_decided_is_known_to_all_who_have_not_judged_it(work):
    (work.run.folder / "project.toml").write_text("[review]\ngold = 1\ngold_from_decisions = true\n")
    order = agenda.rows(work, View(), work.decision())
    pair = work.pair_at(order[0])
    about = {"query_id": pair[0], "doc_id": pair[1]}
    work.append([judged(1, "relevant", **about, reviewer="ann", client_id="ann")])
    work.append([judged(1, "partial", **about, reviewer="eve", client_id="eve", arm=ADJUDICATION)])
    assert {who: pair in [one.pair for one in dealt(work, who)] for who in ("ann", "bob", "eve")} == {
        "ann": False,
        "bob": True,
        "eve": False,
    }
    say(work, arms.PickedCard(pair, arms.PRIORITY), 1, "relevant", who="bob")
    assert work.standing.verdict(pair) == "partial"
    assert scores(work.standing, gold_cards.verdicts(work.run.folder, work.standing))["bob"].hidden.value == 0


def test_the_score_of_a_person_is_their_share_of_right_verdicts(work, known, capsys, monkeypatch):
    settle(work, known, "training = 2\ngold = 1")
    pairs = list(known)
    say(work, arms.PickedCard(pairs[0]), 1, "partial")
    say(work, arms.PickedCard(pairs[0]), 2, "relevant")  # once it was told
    say(work, arms.PickedCard(pairs[1]), 3, "not_relevant")
    for seq, pair in enumerate(pairs[2:], 4):
        say(work, arms.PickedCard(pair), seq, "not_relevant")
    say(work, arms.PickedCard(pairs[3]), 20, "relevant")  # thought again, before anybody said anything
    say(work, arms.PickedCard(pairs[4], REPEAT), 21, "relevant")
    found = scores(work.standing, known)["ann"]
    assert (found.training.value, found.training.pairs) == (0.5, 2)
    assert (found.hidden.value, found.hidden.pairs, found.missed) == (0.8, 10, 2)
    [ann] = people.measure(work.standing, {}, 100.0, known=known)
    assert (ann.in_all, ann.gold) == (0, found)
    code, out = call(capsys, monkeypatch, "review", "people", work.run.folder, "--json")
    [told] = json.loads(out)
    assert (code, told["gold"]["hidden"]["value"], told["gold"]["missed"]) == (0, 0.8, 2)


@pytest.mark.parametrize(
    ("settings", "gold", "message"),
    [
        ("gold = 5", None, "gold: wanted known answers in gold.jsonl or gold.csv"),
        ("training = 2", "query_id,doc_id,verdict\nq,d,relevant\n", "training: wanted at least 2 known answers"),
        ("gold = 5", "query_id,doc_id,verdict\nq,d,maybe\n", "gold.csv:2: wanted a label among relevant"),
        ("gold = 5", "query_id,doc_id,verdict\nq,d,relevant\nq,d,partial\n", "found relevant and partial"),
        ("gold_from_decisions = 1", None, "gold_from_decisions: wanted true or false; found 1"),
        ("gold = 0", None, "gold: wanted a whole number from 1 to 1,000; found 0"),
    ],
)
def test_what_is_wrong_with_known_answers_is_named(work, settings, gold, message):
    (work.run.folder / "project.toml").write_text(f"[review]\n{settings}\n")
    if gold is not None:
        (work.run.folder / "gold.csv").write_text(gold)
    with pytest.raises(ReviewError) as refused:
        gold_cards.in_round(work)
    assert message in str(refused.value)
