"""Agreement: published examples, a second implementation, slow oracles; who counts as of a mind; decisions."""

from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from nearmiss.agreement import AC1, ALPHA, COHEN, FLEISS, RAW, SCALES, disputes, measure
from nearmiss.agreement.coefficients import of_each_verdict, of_patterns, of_table
from nearmiss.agreement.intervals import draws, estimate, share, unseen_patterns
from nearmiss.agreement.opinions import VerdictScale, opinions
from nearmiss.errors import ReviewError
from nearmiss.review import ADJUDICATION, REPEAT, Entry, Standing
from tests.nearmiss.review.test_review import judged, undo

VERDICTS = SCALES["verdicts"]
# Krippendorff (2011), "Computing Krippendorff's alpha-reliability": four observers, twelve units, some not observed.
KRIPPENDORFF = [
    "1 2 3 3 2 1 4 1 2 . . .",
    "1 2 3 3 2 2 4 1 2 5 . 3",
    ". 3 3 3 2 3 4 2 2 5 1 .",
    "1 2 3 3 2 4 4 1 2 5 1 .",
]
# The worked example of the encyclopedia's page on Fleiss' kappa: ten subjects, fourteen raters, five categories.
FLEISS_EXAMPLE = [
    [0, 0, 0, 0, 14],
    [0, 2, 6, 4, 2],
    [0, 0, 3, 5, 6],
    [0, 3, 9, 2, 0],
    [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0],
    [3, 2, 6, 3, 0],
    [2, 5, 3, 2, 2],
    [6, 5, 2, 1, 0],
    [0, 2, 2, 3, 7],
]
LOPSIDED = {(0, 0): 118, (0, 1): 5, (1, 0): 2}  # Feinstein and Cicchetti (1990): 94% agree, and kappa is below 0


def votes(rows, categories):
    units = list(zip(*(row.split() for row in rows), strict=True))
    counted = np.array([[unit.count(str(category)) for category in categories] for unit in units])
    return counted[counted.sum(axis=1) > 1]


def once(patterns):
    """The coefficients of patterns that were each seen once."""
    found = of_patterns(np.asarray(patterns), np.ones((1, len(patterns))))
    return {name: float(one.coefficient[0]) for name, one in found.items()}


def of_two(cells):
    found = of_table(np.array(list(cells)), np.array([list(cells.values())], float))
    return {name: float(one.coefficient[0]) for name, one in found.items()}


# Values.


def test_krippendorffs_own_example():
    found = once(votes(KRIPPENDORFF, range(1, 6)))
    assert found[ALPHA] == pytest.approx(0.743, abs=5e-4)
    # irrCAC 0.4.4 on the eleven units with two voices or more.
    assert found[AC1] == pytest.approx(0.77515, abs=5e-6)
    assert found[FLEISS] == pytest.approx(0.76248, abs=5e-6)
    assert found[RAW] == pytest.approx(0.81818, abs=5e-6)


def test_a_table_of_random_voices_as_a_second_implementation_has_it():
    # Made once, and measured once with irrCAC 0.4.4 and krippendorff 0.9.0, neither of which runs beside this pandas.
    random = np.random.default_rng(7)
    truth = random.choice(4, 60, p=[0.1, 0.1, 0.7, 0.1])
    said = np.full((60, 5), -1)
    for person in range(5):
        seen = random.random(60) < 0.6
        verdict = np.where(random.random(60) < 0.8, truth, random.choice(4, 60, p=[0.2, 0.2, 0.5, 0.1]))
        said[seen, person] = verdict[seen]
    patterns = np.stack([(said == place).sum(axis=1) for place in range(4)], axis=1)
    patterns = patterns[patterns.sum(axis=1) > 1]
    assert len(patterns) == 53
    found = once(patterns)
    wanted = {RAW: 0.73899, AC1: 0.68470, ALPHA: 0.50141, FLEISS: 0.49475}
    assert found == pytest.approx(wanted, abs=5e-6)


def test_the_worked_example_of_fleiss_kappa():
    assert once(FLEISS_EXAMPLE)[FLEISS] == pytest.approx(0.210, abs=5e-4)


def test_the_worked_example_of_cohens_kappa():
    assert of_two({(0, 0): 20, (0, 1): 5, (1, 0): 10, (1, 1): 15})[COHEN] == pytest.approx(0.4)


def test_kappa_collapses_where_nearly_all_are_negatives_and_ac1_does_not():
    assert of_two(LOPSIDED)[RAW] == pytest.approx(0.944)
    assert of_two(LOPSIDED)[COHEN] == pytest.approx(-0.0234, abs=5e-5)
    patterns = [[2, 0]] * 118 + [[1, 1]] * 7
    assert once(patterns)[AC1] == pytest.approx(0.9408, abs=5e-5)  # Gwet (2008)
    assert once(patterns)[ALPHA] < 0


two_people = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=40)


@given(two_people)
def test_cohens_kappa_is_scikit_learns(said):
    first, second = zip(*said, strict=True)
    if len({*first, *second}) == 1:
        return  # luck leaves no room
    ours = of_two({cell: said.count(cell) for cell in said})[COHEN]
    assert ours == pytest.approx(cohen_kappa_score(first, second))


several = st.lists(st.lists(st.integers(0, 3), min_size=2, max_size=5), min_size=1, max_size=12)


@given(several)
def test_raw_agreement_and_alpha_are_what_counting_pairs_of_voices_gives(said):
    patterns = [[voices.count(place) for place in range(4)] for voices in said]
    found = once(patterns)
    agree = [np.mean([a == b for a, b in combinations(voices, 2)]) for voices in said]
    assert found[RAW] == pytest.approx(np.mean(agree))
    every = [voice for voices in said for voice in voices]
    apart = [sum(a != b for a, b in permutations(voices, 2)) / (len(voices) - 1) for voices in said]
    by_luck = sum(a != b for a, b in permutations(every, 2)) / (len(every) - 1)
    if by_luck:
        assert found[ALPHA] == pytest.approx(1 - sum(apart) / by_luck)
    else:
        assert np.isnan(found[ALPHA])


@given(several, st.permutations(range(4)))
def test_the_names_of_the_verdicts_do_not_matter(said, renamed):
    patterns = np.array([[voices.count(place) for place in range(4)] for voices in said])
    assert once(patterns[:, list(renamed)]) == pytest.approx(once(patterns), nan_ok=True)


@given(several, st.lists(st.integers(1, 4), min_size=12, max_size=12))
def test_a_weight_is_so_many_pairs(said, times):
    patterns = np.array([[voices.count(place) for place in range(4)] for voices in said])
    weights = np.array(times[: len(said)])
    weighted = of_patterns(patterns, weights[None].astype(float))
    repeated = once(np.repeat(patterns, weights, axis=0))
    assert {name: float(one.coefficient[0]) for name, one in weighted.items()} == pytest.approx(repeated, nan_ok=True)


def test_how_far_each_verdict_is_shared():
    # Says one "0", so does the other on one of the two pairs where it was said: twice of three times.
    each = of_each_verdict(np.array([[2, 0, 0], [1, 1, 0], [0, 2, 0]]), np.ones((1, 3)))[0]
    assert each.tolist() == pytest.approx([2 / 3, 2 / 3, np.nan], nan_ok=True)


# Intervals.


def test_twelve_pairs_without_a_quarrel_promise_no_full_agreement():
    standing = log_of(("ann", d, "not_relevant") for d in range(12)) | ("bob", range(12), "not_relevant")
    raw = measure(standing.standing, VERDICTS).coefficients[RAW]
    assert (raw.value, raw.high) == (1.0, 1.0)
    assert 0.7 < raw.low < 0.95


def test_nobody_can_tell_luck_from_skill_where_all_say_the_same():
    standing = log_of(("ann", d, "not_relevant") for d in range(12)) | ("bob", range(12), "not_relevant")
    found = measure(standing.standing, VERDICTS).coefficients
    assert found[ALPHA].value is found[COHEN].value is found[FLEISS].value is None
    assert found[AC1].value == 1.0


def test_wilsons_limits():
    # Wilson's limits of 8 of 10, as textbooks have them.
    found = share(8, 10)
    assert (found.low, found.high) == pytest.approx((0.4902, 0.9433), abs=5e-5)
    assert share(0, 0).value is None


@pytest.mark.slow
def test_the_limits_hold_about_as_often_as_they_say():
    random = np.random.default_rng(3)
    shares = np.array([0.03, 0.03, 0.9, 0.04])

    def votes_of(pairs):
        truth = random.choice(4, pairs, p=shares)
        said = [np.where(random.random(pairs) < 0.8, truth, random.choice(4, pairs, p=shares)) for _ in range(2)]
        counted = np.stack([sum(one == place for one in said) for place in range(4)], axis=1)
        return np.unique(counted, axis=0, return_counts=True)

    patterns, counts = votes_of(400_000)
    truth = {n: one.coefficient[0] for n, one in of_patterns(patterns, counts[None].astype(float)).items()}
    unseen, weights = unseen_patterns(4)
    held = dict.fromkeys((RAW, AC1, ALPHA), 0)
    for attempt in range(100):
        patterns, counts = votes_of(40)
        drawn = of_patterns(np.concatenate([patterns, unseen]), draws(np.concatenate([counts, weights]), 40, attempt))
        for name in held:
            limits = estimate(truth[name], drawn[name].coefficient, 40)
            low, high = np.nanquantile(drawn[name].coefficient, (0.025, 0.975))
            assert limits.low <= low
            held[name] += low <= truth[name] <= high
    assert min(held.values()) >= 85


def test_more_pairs_say_more():
    def width(pairs):
        rows = [("ann", d, "relevant" if d % 3 else "not_relevant") for d in range(pairs)]
        rows += [("bob", d, "relevant" if d % 4 else "not_relevant") for d in range(pairs)]
        found = measure(log_of(rows).standing, VERDICTS).coefficients[AC1]
        return found.high - found.low

    assert width(400) < width(100) < width(20)


# From the log.


class Said:
    """A standing that grows by rows of (reviewer, documents, verdict)."""

    def __init__(self):
        self.standing, self.seq = Standing(), 0

    def __or__(self, row):
        who, documents, verdict = row[:3]
        for document in documents if hasattr(documents, "__iter__") else [documents]:
            self.add(document, verdict, who, *row[3:])
        return self

    def add(self, document, verdict, who, arm="", **fields):
        self.seq += 1
        event = judged(self.seq, verdict, doc_id=f"d{document}", reviewer=who, arm=arm, **fields)
        self.standing.absorb([Entry(self.seq, event)])
        return self.seq


def log_of(rows):
    said = Said()
    for row in rows:
        said |= row
    return said


def test_an_opinion_is_the_latest_that_stands_and_ones_own():
    said = log_of([("ann", 1, "relevant"), ("ann", 1, "partial"), ("ann", 2, "later"), ("bob", 1, "unsure")])
    said |= ("eve", 1, "not_relevant", ADJUDICATION)
    said |= ("ann", 1, "relevant", REPEAT)
    said.add(3, "relevant", "ann", parent=1)
    taken_back = said.add(4, "relevant", "bob")
    said.standing.absorb([Entry(99, undo(99, taken_back, doc_id="d4", reviewer="bob"))])
    held = opinions(said.standing, VERDICTS)
    assert (held.pairs, held.people) == ([("q1", "d1")], ["ann", "bob"])
    assert held.verdicts.tolist() == [[1, 3]]


def test_people_stand_in_the_order_of_their_work():
    said = log_of([("bob", 1, "relevant"), ("ann", range(3), "unsure"), ("cem", 2, "unsure")])
    held = opinions(said.standing, VERDICTS)
    assert (held.people, [doc_id for _, doc_id in held.pairs]) == (["ann", "bob", "cem"], ["d1", "d0", "d2"])
    assert held.verdicts.tolist() == [[3, 0, -1], [3, -1, -1], [3, -1, 3]]
    assert held.shared().tolist() == [[3, 0, -1], [3, -1, 3]]


def test_partly_counts_as_an_answer_and_unsure_as_no_opinion_where_only_answers_count():
    said = log_of([("ann", 1, "relevant"), ("bob", 1, "partial"), ("ann", 2, "unsure"), ("bob", 2, "not_relevant")])
    found = measure(said.standing, SCALES["answers"])
    assert (found.pairs, found.judged) == (1, {"bob": 2, "ann": 1})
    assert found.coefficients[RAW].value == 1.0
    assert measure(said.standing, VERDICTS).coefficients[RAW].value == 0.0


def test_what_is_measured_of_three_people():
    rows = [("ann", range(20), "not_relevant"), ("bob", range(16), "not_relevant"), ("bob", (16, 17), "relevant")]
    rows += [("cem", (0, 1), "not_relevant"), ("cem", 2, "partial")]
    found = measure(log_of(rows).standing, VERDICTS)
    assert found.judged == {"ann": 20, "bob": 18, "cem": 3}
    assert found.pairs == 18
    assert (found.commonest, found.lopsided, found.to_read) == ("not_relevant", True, AC1)
    assert found.commonest_share == pytest.approx(36 / 39)
    assert COHEN not in found.coefficients
    # All three kappas are 0, but that of ann and bob is the surest.
    with_bob, with_cem, others = found.between
    assert [(one.first, one.second, one.raw.pairs) for one in (with_bob, with_cem, others)] == [
        ("ann", "bob", 18),
        ("ann", "cem", 3),
        ("bob", "cem", 3),
    ]
    assert with_bob.differences == (("not_relevant", "relevant", 2),)
    assert with_bob.raw.value == pytest.approx(16 / 18)
    assert found.informative == (with_bob,)
    assert set(found.by_verdict) == {"relevant", "partial", "not_relevant"}
    assert found.by_verdict["relevant"].value == 0.0
    assert found.by_verdict["relevant"].pairs == 2


def test_mixed_verdicts_are_read_by_alpha():
    rows = [
        ("ann", range(10), "relevant"),
        ("ann", range(10, 20), "not_relevant"),
        ("bob", range(10), "relevant"),
        ("bob", range(10, 16), "not_relevant"),
    ]
    assert measure(log_of(rows).standing, VERDICTS).to_read == ALPHA


@pytest.mark.parametrize("rows", [[], [("ann", range(5), "relevant")], [("ann", 1, "relevant"), ("bob", 2, "partial")]])
def test_without_two_opinions_on_a_pair_there_is_nothing_to_measure(rows):
    found = measure(log_of(rows).standing, VERDICTS)
    assert (found.pairs, found.coefficients, found.by_verdict, found.between) == (0, {}, {}, ())


def test_the_same_log_gives_the_same_numbers():
    rows = [("ann", range(9), "relevant"), ("bob", range(3, 12), "relevant"), ("bob", 4, "partial")]
    assert measure(log_of(rows).standing, VERDICTS) == measure(log_of(rows).standing, VERDICTS)


def test_a_hidden_repeat_measures_a_person_against_themselves():
    said = log_of([("ann", range(4), "relevant"), ("bob", 1, "relevant")])
    said |= ("ann", (0, 1, 2), "relevant", REPEAT)
    said |= ("ann", 3, "partial", REPEAT)
    said |= ("ann", 3, "partial", REPEAT)  # again: against what was said last
    said |= ("bob", 9, "partial", REPEAT)  # nothing to compare it with
    found = measure(said.standing, VERDICTS).with_themselves
    assert list(found) == ["ann"]
    assert (found["ann"].value, found["ann"].pairs) == (0.8, 5)
    answers = measure(said.standing, SCALES["answers"]).with_themselves
    assert (answers["ann"].value, answers["ann"].pairs) == (1.0, 5)


def test_a_scale_may_have_any_categories():
    scale = VerdictScale(("a", "b"), {"relevant": "a", "not_relevant": "b"})
    said = log_of([("ann", range(6), "relevant"), ("bob", range(5), "relevant"), ("bob", 5, "not_relevant")])
    assert measure(said.standing, scale).coefficients[RAW].value == pytest.approx(5 / 6)


# Decisions.


def say(work, who, row, verdict, **fields):
    query_id, doc_id = work.pair_at(row)
    number = work.standing.last_seq + 1
    event = judged(number, verdict, query_id=query_id, doc_id=doc_id, reviewer=who, client_id=who, **fields)
    work.append([event])
    return query_id, doc_id


def negatives(work):
    return np.flatnonzero(~work.table.positive).tolist()


def test_the_most_harmful_disagreements_come_first(work):
    kinds = [("not_relevant", "unsure"), ("relevant", "partial"), ("not_relevant", "partial")]
    kinds += [("relevant", "not_relevant"), ("not_relevant", "relevant"), ("partial", "partial")]
    pairs = []
    for row, (first, second) in zip(negatives(work), kinds, strict=False):
        pairs.append(say(work, "ann", row, first))
        say(work, "bob", row, second)
    assert disputes.waiting(work) == [pairs[place] for place in (3, 4, 2, 1, 0)]
    say(work, "cem", negatives(work)[3], "relevant")
    assert disputes.waiting(work, ("ann", "bob"))[0] == pairs[3]
    assert disputes.waiting(work, ("bob", "cem")) == [pairs[3]]


def test_pairs_that_are_no_candidates_are_counted_apart(work):
    for who, verdict in (("ann", "relevant"), ("bob", "partial")):
        event = judged(
            work.standing.last_seq + 1, verdict, query_id="elsewhere", doc_id="x", reviewer=who, client_id=who
        )
        work.append([event])
    assert disputes.waiting(work) == []
    assert disputes.elsewhere(work) == 1


def test_a_dispute_is_read_with_all_texts_and_everyones_words(work):
    row = negatives(work)[0]
    pair = say(work, "ann", row, "relevant", comment="the last sentence", reason="wrong_positive")
    say(work, "ann", row, "comment", comment="and the title")
    say(work, "bob", row, "not_relevant")
    dispute = disputes.read(work, pair)
    assert dispute.pair == pair
    assert dispute.query == work.query_text(pair[0])
    assert (dispute.document.title, dispute.document.text) == work.titles([pair[1]])[0]
    positives = work.run.dataset.positives
    assert [one.doc_id for one in dispute.positives] == positives.doc_id[positives.query_id.eq(pair[0])].tolist()
    said = [(one.reviewer, one.verdict, one.reason, one.comments) for one in dispute.opinions]
    assert said == [
        ("ann", "relevant", "wrong_positive", ("the last sentence", "and the title")),
        ("bob", "not_relevant", "", ()),
    ]


def test_a_decision_counts_until_it_is_taken_back(work):
    row = negatives(work)[0]
    pair = say(work, "ann", row, "relevant")
    say(work, "bob", row, "not_relevant")
    disputes.decide(work, pair, "not_relevant", "eve", comment="an advert", shown_at=1.0, now=2.0)
    assert work.standing.verdict(pair) == "not_relevant"
    assert disputes.waiting(work) == []
    [decision] = disputes.decided(work.standing, 5)
    event = decision.event
    assert (event.arm, event.reviewer, event.comment) == (ADJUDICATION, "eve", "an advert")
    assert (event.shown_at, event.decided_at, event.scores_visible) == (1.0, 2.0, False)
    assert measure(work.standing, VERDICTS).judged == {"ann": 1, "bob": 1}

    with pytest.raises(ReviewError, match="settled already"):
        disputes.decide(work, pair, "relevant", "zoe", shown_at=1.0, now=3.0)
    disputes.take_back(work, decision, now=4.0)
    assert disputes.waiting(work) == [pair]
    assert disputes.decided(work.standing, 5) == []
    disputes.take_back(work, decision, now=5.0)
    assert work.standing.last_seq == 4
    disputes.decide(work, pair, "relevant", "eve", shown_at=6.0, now=7.0)
    assert work.standing.verdict(pair) == "relevant"


def test_a_decision_is_one_of_the_verdicts(work):
    with pytest.raises(ReviewError, match="verdict: wanted one of"):
        disputes.decide(work, ("q", "d"), "later", "eve", shown_at=1.0, now=2.0)
