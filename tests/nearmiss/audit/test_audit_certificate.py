"""Certificates: exact bounds, the promise kept when the loosest ceiling is taken, and what exports say of them."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta, binom, binomtest

from nearmiss import audit
from nearmiss.audit import sentences
from nearmiss.audit.bounds import Part, evidence, p_value, upper_bound, weights
from nearmiss.audit.certifying import spent
from nearmiss.audit.estimates import Rate
from nearmiss.audit.exported import fingerprint_of_rows
from nearmiss.errors import RecipeError, ReviewError
from nearmiss.review import Event
from nearmiss.session.export_inputs import prepare
from nearmiss.settings import Export, Policy
from tests.benchmarks.auditing import certified, made, tried_again, tried_plainly
from tests.nearmiss.audit.test_audit import judge, mined, work  # noqa: F401  (fixtures)

# The bound.


@settings(max_examples=60)
@given(draws=st.integers(20, 300), hits=st.integers(0, 12), rate=st.floats(0.02, 0.5))
def test_one_part_is_the_exact_binomial_test(draws, hits, rate):
    part = [Part(draws=draws, interval=10, size=10 * draws, hits=hits)]
    p = p_value(evidence(part, 10 * draws * rate), 10 * draws * rate)
    assert p == pytest.approx(binomtest(hits, draws, rate, alternative="less").pvalue, rel=1e-6)


@pytest.mark.parametrize("hits", [0, 1, 5, 20])
def test_the_bound_of_one_part_is_that_of_clopper_and_pearson(hits):
    part = [Part(draws=200, interval=10, size=2000, hits=hits)]
    assert upper_bound(evidence(part, 100), 0.95) == pytest.approx(beta.ppf(0.95, hits + 1, 200 - hits), abs=2e-4)


PARTS = st.lists(
    st.tuples(st.integers(5, 60), st.integers(2, 30), st.floats(0.3, 1), st.integers(0, 3), st.floats(0.1, 50)),
    min_size=2,
    max_size=3,
)


def parts_of(drawn):
    return [Part(n, interval, max(1, int(n * interval * share)), hits, f) for n, interval, share, hits, f in drawn]


def chance_of_hits(part, answers, layout):
    """The chance of 0, 1, 2 ... hits: answers spread evenly over the blocks, or side by side, or something between."""
    blocks, size = part.draws, part.interval
    rates = np.zeros(blocks)
    if layout == "even":
        rates[:] = answers / (blocks * size)
    else:
        # More answers than half of each block holds need more of each.
        share = 1.0 if layout == "packed" else max(0.5, answers / (blocks * size))
        full = min(blocks, int(answers / (share * size)))
        rates[:full] = share
        left = answers - full * share * size
        rates[full : full + 1] = left / size
    chances = np.ones(1)
    for rate in np.minimum(rates, 1):
        chances = np.convolve(chances, [1 - rate, rate])
    return chances


@settings(max_examples=25)
@given(
    sizes=st.lists(st.tuples(st.integers(4, 20), st.integers(2, 30), st.floats(0, 1)), min_size=2, max_size=2),
    share=st.floats(0.05, 0.5),
    first=st.floats(0, 1),
    layouts=st.tuples(*[st.sampled_from(["even", "half", "packed"])] * 2),
)
def test_wherever_the_answers_lie_a_small_p_value_is_as_rare_as_it_says(sizes, share, first, layouts):
    parts = [Part(draws, interval, draws * interval, 0, f * draws) for draws, interval, f in sizes]
    answers = share * sum(part.size for part in parts)
    low, high = max(0.0, answers - parts[1].size), min(answers, parts[0].size)
    spread = low + first * (high - low), answers - low - first * (high - low)
    # A slow, obvious oracle: every outcome of both parts, with its chance.
    one, other = (chance_of_hits(*of) for of in zip(parts, spread, layouts, strict=True))
    seldom = 0.0
    for hits in range(parts[0].draws + 1):
        for more in range(parts[1].draws + 1):
            found = [replace(parts[0], hits=hits), replace(parts[1], hits=more)]
            if p_value(evidence(found, answers), answers) > 0.05:
                break
            seldom += one[hits] * other[more]
    assert seldom <= 0.05 + 1e-9


@settings(max_examples=40)
@given(drawn=PARTS, share=st.floats(0.05, 0.6))
def test_more_hits_or_fewer_allowed_never_pass_more_easily(drawn, share):
    parts = parts_of(drawn)
    answers = share * sum(part.size for part in parts)
    more = [replace(part, hits=part.hits + 1) for part in parts]
    assert p_value(evidence(more, answers), answers) >= p_value(evidence(parts, answers), answers) - 1e-9


def test_what_is_hardly_sampled_is_taken_for_answers():
    parts = [Part(100, 10, 1000, 0), Part(2, 400, 4, 0)]
    seen = evidence(parts, 50)
    assert (len(seen.parts), seen.conceded) == (1, 4)
    assert p_value(seen, 50) == pytest.approx(binom.cdf(0, 100, 46 / 1000))


def test_a_hit_where_few_were_drawn_speaks_louder():
    parts = [Part(100, 5, 500, 0, 30.0), Part(20, 25, 500, 0, 1.0)]
    light, heavy = weights(parts, 60)
    assert heavy > 5 * light > 0  # more than Horvitz and Thompson's 25 / 5


@pytest.mark.slow
def test_certificates_are_rarely_wrong_and_often_given():
    # The benchmark's table has the figures; here few repetitions of a small round, always the same ones.
    known = made(0.08, 0.87, queries=150, candidates=40)
    wrong, passed, _ = certified(known, 200, 40, 0.079)
    assert wrong <= 0.05
    wrong, passed, _ = certified(known, 200, 40, 0.24)
    assert wrong <= 0.05
    assert passed > 0.6


# In a run.


def test_a_certificate_wants_every_draw_judged(work):  # noqa: F811
    with pytest.raises(ReviewError, match="wanted an audit; found none"):
        audit.certify(work)
    made, draws = audit.plan(work, 60)
    judge(work, draws[:-3])
    with pytest.raises(ReviewError, match=f"wanted every draw of an audit judged; found 3 of {made.plan} waiting"):
        audit.certify(work)
    with pytest.raises(ReviewError, match="wanted the audit 'x'; found none"):
        audit.certify(work, plan="x")
    for wrong in ({"max_rate": 0.0}, {"confidence": 0.2}):
        with pytest.raises(RecipeError, match="wanted"):
            audit.certify(work, **wrong)


def test_a_round_without_an_answer_passes_and_one_full_of_them_does_not(work):  # noqa: F811
    _, draws = audit.plan(work, 200)
    judge(work, draws, "not_relevant")
    good = audit.certify(work, 0.1)
    assert (good.passed, good.answers, good.draws) == (True, 0, 200)
    assert good.bound <= 0.1
    assert good.reviewers == ("ann",)
    assert [stop.value for stop in good.stops if stop.passed][-1] == good.loosest
    judge(work, draws, "relevant")
    bad = audit.certify(work, 0.1)
    # The same draws and the same question: the same test, however often it is asked.
    assert (bad.passed, bad.any_passed, bad.attempt, bad.level) == (False, False, 1, pytest.approx(0.025))
    assert bad.bound > 0.9
    assert audit.certificates(work) == [good, bad]


def test_who_cannot_tell_cannot_vouch(work):  # noqa: F811
    _, draws = audit.plan(work, 200)
    judge(work, draws, "unsure")
    made = audit.certify(work, 0.1)
    assert (made.passed, made.unsure, made.answers) == (False, 200, made.labels)


def test_an_export_carries_the_certificate_that_covers_it_and_no_other(work):  # noqa: F811
    _, draws = audit.plan(work, 200)
    judge(work, draws, "not_relevant")
    assert prepare(work, Export()).provenance["certificate"] is None
    made = audit.certify(work, 0.1)
    told = prepare(work, Export()).provenance["certificate"]
    assert (told["plan"], told["max_rate"], told["labels"]) == (made.plan, 0.1, made.labels)

    # Each ceiling that passed is covered, with its own numbers; what else one may keep is not.
    loosest = [stop for stop in made.stops if stop.passed][-1]
    covered = audit.covering(work, replace(work.policy, relative_margin=made.loosest))
    assert (covered.kept, covered.labels) == (loosest.kept, loosest.labels)
    assert audit.covering(work, replace(work.policy, negatives_per_query=3)) is None

    # An answer found later among its draws takes it back.
    kept = {draw.pair for draw in draws if work.decision().slot[work.row_of(draw.pair)] > 0}
    judge(work, [draw for draw in draws if draw.pair in kept][:1], "relevant")
    assert audit.covering(work) is None


def too_easy(work, pairs):  # noqa: F811
    """Verdicts that take rows out of an export, and let others take their places."""
    start = work.log.acknowledged("eve")
    work.append(
        [
            Event(
                query_id=query_id,
                doc_id=doc_id,
                verdict="not_relevant",
                reason="too_easy",
                reviewer="eve",
                client_id="eve",
                client_seq=start + number,
                decided_at=1.0,
            )
            for number, (query_id, doc_id) in enumerate(pairs, 1)
        ]
    )


def pairs_of(rows):
    return list(zip(rows["query_id"], rows["doc_id"], strict=True))


def test_a_certificate_names_its_rows_and_covers_no_others(work, tmp_path):  # noqa: F811
    _, draws = audit.plan(work, 200)
    judge(work, draws, "not_relevant")
    made = audit.certify(work, 0.1)
    first = audit.exported(work, work.policy)
    assert (made.rows, made.rows_fingerprint) == (len(first), fingerprint_of_rows(first.sample(frac=1, random_state=1)))
    undrawn = [pair for pair in pairs_of(first) if pair not in audit.drawn(work)]
    too_easy(work, undrawn[: len(undrawn) // 2])
    second = audit.exported(work, work.policy)
    differ = len(set(pairs_of(first)) ^ set(pairs_of(second)))
    assert differ > 100
    export_inputs = prepare(work, Export())
    told = export_inputs.provenance["certification"]
    assert export_inputs.provenance["certificate"] is None
    assert (told["certified"], told["rows_that_differ"], told["rows"]) == (False, differ, len(second))
    assert "nearmiss audit plan" in told["to_certify"]
    export_inputs.write(tmp_path / "out", lambda rows: None)
    card = (tmp_path / "out" / "card.md").read_text("utf-8")
    assert f"{differ} rows differ from those that were certified last" in card

    # The same draws cannot vouch for so many that nobody judged; draws from what is kept now can.
    again = audit.certify(work, 0.1)
    assert (again.passed, again.attempt, again.rows_fingerprint) == (False, 1, "")
    assert audit.covering(work) is None
    _, draws = audit.plan(work, 200)
    judge(work, draws, "not_relevant")
    last = audit.certify(work, 0.1)
    assert (last.passed, last.attempt, last.level) == (True, 2, pytest.approx(0.05 / 6))
    assert audit.covering(work).rows_fingerprint == fingerprint_of_rows(audit.exported(work, work.policy))
    # Rows that leave after the draws make it another set, and the old one covers it no more.
    too_easy(work, pairs_of(audit.exported(work, work.policy))[:1])
    assert audit.covering(work) is None


def test_answers_that_were_found_leave_and_the_rows_that_take_their_places_are_named(work):  # noqa: F811
    _, draws = audit.plan(work, 200)
    # Before anyone judges: a refused candidate that a person calls a negative is kept, and was not when it was drawn.
    kept = [draw for draw in draws if work.decision().slot[work.row_of(draw.pair)] > 0]
    judge(work, draws, "not_relevant")
    judge(work, kept[:2], "relevant")
    made = audit.certify(work, 0.2)
    assert (made.passed, made.answers) == (True, 2)
    rows = pairs_of(audit.exported(work, work.policy))
    assert not {draw.pair for draw in kept[:2]} & set(rows)
    assert audit.covering(work).plan == made.plan


def test_every_other_question_of_a_round_is_held_to_less(work):  # noqa: F811
    _, draws = audit.plan(work, 200)
    judge(work, draws, "not_relevant")
    levels = [audit.certify(work, rate).level for rate in (0.1, 0.2, 0.1, 0.3)]
    assert levels == pytest.approx([0.05 / 2, 0.05 / 6, 0.05 / 2, 0.05 / 12])
    assert sum(spent(0.05, attempt) for attempt in range(1, 10_000)) <= 0.05
    assert prepare(work, Export()).provenance["certification"]["tests_so_far"] == 3


@pytest.mark.slow
def test_trying_again_until_it_passes_errs_no_more_often_than_once():
    # The benchmark's table has the figures; here a small round and few repetitions, always the same ones.
    known = made(0.08, 0.87, queries=150, candidates=40)
    once, spending, plain = tried_again(known, 200, tries=4, repetitions=10, max_rate=0.079)
    assert once <= spending <= plain <= 0.1
    spending, plain = tried_plainly(tries=20, repetitions=20_000)
    assert spending <= 0.05 < 0.3 < plain  # each held to the whole error, one of twenty plans nearly surely passes


def test_a_certificate_of_version_0_1_names_no_rows_and_covers_none(work):  # noqa: F811
    made_plan, draws = audit.plan(work, 200)
    judge(work, draws, "not_relevant")
    content = audit.certify(work, 0.1).as_json()
    for name in ("test", "level", "rows", "rows_fingerprint", "place"):
        del content[name]
    for stop in content["stops"]:
        del stop["rows_fingerprint"]
    folder = work.run.round_folder(1) / "certificates"
    for path in folder.iterdir():
        path.unlink()
    (folder / f"{made_plan.plan}-1.json").write_text(json.dumps(content))
    assert audit.certificates(work)[0].rows_fingerprint == ""
    assert audit.covering(work) is None
    assert audit.certify(work, 0.1).attempt == 2


def test_the_card_says_what_was_certified(work, tmp_path):  # noqa: F811
    prepare(work, Export()).write(tmp_path / "before", lambda rows: None)
    assert "has not been measured yet" in (tmp_path / "before" / "card.md").read_text("utf-8")
    made_plan, draws = audit.plan(work, 200)
    judge(work, draws, "not_relevant")
    made = audit.certify(work, 0.1)
    manifest = prepare(work, Export()).write(tmp_path / "after", lambda rows: None)
    card = (tmp_path / "after" / "card.md").read_text("utf-8")
    words = " ".join(card.split())
    assert f"With 95% confidence at most **10.0% of these {manifest.exported_negatives} rows**" in words
    assert f"In {made.labels} random draws among the {made.kept} that the policy kept" in words
    assert manifest.provenance["certification"]["tests_so_far"] == 1
    assert made_plan.plan in card
    assert "has not been measured yet" not in card
    assert manifest.provenance["certificate"]["plan"] == made_plan.plan


def test_labels_that_made_the_calibration_may_not_certify_it(work):  # noqa: F811
    from nearmiss.calibration import stored
    from nearmiss.calibration.signals import signals

    made, draws = audit.plan(work, 60)
    judge(work, draws)
    found = signals(work.candidates)
    told = replace(stored.by_prior(found, work.candidates), plans_used=(made.plan,))
    stored.save(work.run.round_folder(1), found, told)
    with pytest.raises(ReviewError, match="labels the calibration was not fitted to"):
        audit.certify(work)


def test_a_policy_without_a_ceiling_can_be_certified_too(work):  # noqa: F811
    work.run.save_policy(Policy(max_p_relevant=None, relative_margin=None))
    _, draws = audit.plan(work, 150)
    judge(work, draws, "not_relevant")
    made = audit.certify(work, 0.1)
    assert (made.field, made.passed, len(made.stops)) == ("", True, 1)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"certified": True, "rows_that_differ": 0}, "These rows are certified: the export carries the certificate."),
        ({"certified": False, "rows_that_differ": 1}, "Not certified: 1 row differs from those certified last."),
        ({"certified": False, "rows_that_differ": 7}, "Not certified: 7 rows differ from those certified last."),
    ],
)
def test_by_how_many_rows_an_export_differs_from_the_certified_one(told, words):
    assert sentences.of_certification(told) == words


def test_one_label_is_said_in_the_singular():
    words = sentences._of("of the kept negatives are answers", Rate(0.5, 0.1, 0.9, 1))
    assert words.startswith("In 1 label: between 10.0% and 90.0% of the kept negatives are answers")
    assert sentences._of("of the kept are answers", Rate(0.5, 0.1, 0.9, 1200)).startswith("In 1,200 labels: ")
