"""The agreement page: its empty states, its numbers, and a disagreement from opening it to taking the decision back."""

import json
import re
from html import escape, unescape

import pytest

from nearmiss import access
from nearmiss.access import Person
from nearmiss.judging.judge_costs import note
from nearmiss.models.served.prices import PAID_FILE
from nearmiss.review import ADJUDICATION, REPEAT
from nearmiss.session import model_opinions
from nearmiss.session.queue import agenda
from nearmiss.session.queue.agenda import View
from nearmiss.workspace import open_workspace
from nearmiss_app.theme import VERDICT
from tests.nearmiss.review.test_review import judged

HOSTILE = "<script>alert(1)</script> ![x](http://x.test/y.png) $\\pi$ # [a](b) \u202etxt"


@pytest.fixture
def candidates(work):
    """Pairs of different queries, none of them a positive."""
    chosen = {}
    for row in range(len(work.table.query)):
        if not work.table.positive[row]:
            chosen.setdefault(int(work.table.query[row]), work.pair_at(row))
    return list(chosen.values())


def say(work, who, pairs, verdict, **fields):
    first = work.standing.last_seq + 1
    event = {"reviewer": who, "client_id": who} | fields
    numbered = enumerate(pairs, first)
    work.append([judged(n, verdict, **event | {"query_id": q, "doc_id": d}) for n, (q, d) in numbered])


def logged(run):
    opened = open_workspace(run)
    entries = opened.log.since(0)
    opened.log.close()
    return entries


def texts(page):
    """All that the page says in elements that show text as text, or as escaped HTML."""
    return "\n".join([element.value for element in page.text] + [element.proto.body for element in page.get("html")])


def drawn(page):
    """Each picture of intervals as its rows: name and value, without the limits."""
    bodies = [unescape(one.proto.body) for one in page.get("html") if 'class="intervals"' in one.proto.body]
    found = [
        re.findall(r'class="name"[^>]*>(.*?)</span>.*?class="number">(.*?)(?: \(|</span>)', body) for body in bodies
    ]
    return [[re.sub(r"<.*?>|[\u2068\u2069]", "", f"{name} {value}") for name, value in rows] for rows in found]


def button(page, label):
    [found] = [one for one in page.button if label in one.label]
    return found


def is_on_offer(page, label):
    return any(label in one.label for one in page.button)


def test_nobody_has_judged(open_page):
    page = open_page("agreement")
    assert "Nobody has judged a pair yet" in texts(page)
    assert "intervals" not in texts(page)


def test_one_person_alone_learns_how_to_get_a_second_opinion(open_page, work, candidates):
    say(work, "ann", candidates[:3], "not_relevant")
    page = open_page("agreement")
    assert "No pair has a second opinion yet" in texts(page)
    assert "ann judged 3" in texts(page)
    assert "Every n-th pair is judged twice" in texts(page)
    assert "review import" in page.code[0].value


def test_two_people_with_no_pair_in_common(open_page, work, candidates):
    say(work, "ann", candidates[:3], "not_relevant")
    say(work, "bob", candidates[3:5], "relevant")
    page = open_page("agreement")
    assert "No pair has a second opinion yet" in texts(page)
    assert "ann judged 3, bob judged 2" in texts(page)


def test_the_numbers_say_what_they_come_to(open_page, work, candidates):
    say(work, "ann", candidates[:20], "not_relevant")
    say(work, "bob", candidates[:18], "not_relevant")
    say(work, "bob", candidates[18:20], "relevant")
    page = open_page("agreement")
    said = texts(page)
    assert "20 pairs were judged by two people or more; they said the same on 90%." in said
    assert "95% of the verdicts are “not relevant”." in said
    assert "AC1, beside the plain share of same verdicts" in said
    assert "bob</span> relevant" in said
    assert "No pair has come back to the same person yet" in said
    assert drawn(page)[:2] == [
        [
            "Gwet's AC1 0.90",
            "Same verdict 0.90",
            "Krippendorff's alpha −0.03",
            "Fleiss' kappa −0.05",
            "Cohen's kappa 0.00",
        ],
        ["✚ relevant 0%", "✓ not relevant 95%"],
    ]
    assert "Who differs from whom" not in said  # of two people there is no table


def test_three_people_are_told_apart_and_repeats_are_shown(open_page, work, candidates):
    for who in ("ann", "bob", "cem"):
        say(work, who, candidates[:6], "not_relevant")
    say(work, "ann", candidates[:6], "not_relevant", arm=REPEAT)
    page = open_page("agreement")
    assert "Who differs from whom" in texts(page)
    assert "<b>100%</b>" in texts(page)
    assert [names[0] for names in drawn(page)][2:] == ["ann and bob cannot be told", "ann 100%"]


def test_answer_or_not_counts_partly_as_an_answer(open_page, work, candidates):
    say(work, "ann", candidates[:4], "relevant")
    say(work, "bob", candidates[:4], "partial")
    assert "they said the same on 0%" in texts(open_page("agreement"))
    assert "they said the same on 100%" in texts(open_page("agreement", scale="answers"))


@pytest.fixture
def disputed(work, candidates):
    """Two disputes, the first of them the more harmful."""
    say(work, "ann", candidates[:2], "not_relevant", comment=HOSTILE)
    say(work, "bob", candidates[:1], "relevant", reason="wrong_positive")
    say(work, "bob", candidates[1:2], "unsure")
    return candidates[:2]


def test_a_disagreement_is_shown_with_both_reasons(open_page, work, disputed):
    page = open_page("agreement", view="disagreements", reviewer="zoe")
    said = texts(page)
    assert "Disagreement 1 of 2" in said
    for text in (work.query_text(disputed[0][0]), "not relevant", "wrong positive"):
        assert text in said
    assert "&lt;script&gt;alert(1)&lt;/script&gt; ![x](http://x.test/y.png)" in said
    assert "<script>" not in said
    assert not any(HOSTILE[:10] in one.value for one in page.markdown)
    # The buttons have the verdicts' colours.
    for verdict, look in VERDICT.items():
        assert f"[class*='st-key-{verdict}-'] button:enabled {{ color: {look.light};" in said


def test_a_decision_is_written_and_the_next_disagreement_comes(open_page, run, disputed):
    page = open_page("agreement", view="disagreements", reviewer="zoe")
    [why] = [one for one in page.text_input if one.label.startswith("Why")]
    why.set_value("an advert").run()
    button(page, "not relevant").click().run()
    [decision] = [entry for entry in logged(run) if entry.event.arm == ADJUDICATION]
    event = decision.event
    assert (decision.pair, event.reviewer, event.verdict) == (disputed[0], "zoe", "not_relevant")
    assert event.comment == "an advert"
    assert event.shown_at <= event.decided_at
    assert "Disagreement 1 of 1" in texts(page)
    assert "Decided last" in texts(page)


def test_a_decision_is_taken_back(open_page, run, disputed):
    page = open_page("agreement", view="disagreements", reviewer="zoe")
    button(page, "partly").click().run()
    button(page, "Take back").click().run()
    assert logged(run)[-1].event.verdict == "undo"
    assert "Disagreement 1 of 2" in texts(page)
    assert not is_on_offer(page, "Take back")


def test_only_ones_own_decision_can_be_taken_back(open_page, work, disputed):
    say(work, "eve", disputed[:1], "relevant", arm=ADJUDICATION)
    page = open_page("agreement", view="disagreements", reviewer="zoe")
    assert ">eve</span>" in texts(page)
    assert not is_on_offer(page, "Take back")


def test_whoever_is_nobody_cannot_decide(open_page, disputed):
    page = open_page("agreement", view="disagreements")
    assert button(page, "not relevant").disabled
    assert "type your name" in texts(page)


def test_what_somebody_else_decided_meanwhile_is_not_decided_again(open_page, work, run, disputed):
    page = open_page("agreement", view="disagreements", reviewer="zoe")
    say(work, "eve", disputed[:1], "relevant", arm=ADJUDICATION)
    button(page, "not relevant").click().run()
    assert [entry.event.reviewer for entry in logged(run) if entry.event.arm == ADJUDICATION] == ["eve"]
    assert any("settled already" in one.value for one in page.warning)


def test_an_address_opens_a_pair(open_page, work, disputed):
    page = open_page("agreement", query=disputed[1][0], doc=disputed[1][1])
    assert "Disagreement 2 of 2" in texts(page)
    assert work.query_text(disputed[1][0]) in texts(page)


def test_skipping_goes_on_and_back(open_page, disputed):
    page = open_page("agreement", view="disagreements", reviewer="zoe")
    button(page, "Skip").click().run()
    assert "Disagreement 2 of 2" in texts(page)
    assert page.query_params["doc"] == disputed[1][1]
    button(page, "Back").click().run()
    assert "Disagreement 1 of 2" in texts(page)


def test_nothing_waits(open_page, work, candidates):
    say(work, "ann", candidates[:1], "relevant")
    say(work, "bob", candidates[:1], "relevant")
    page = open_page("agreement", view="disagreements", reviewer="zoe")
    assert page.success[0].value == "No disagreement waits for a decision."


def test_a_model_stands_below_the_people_and_is_not_known_before_fifty_pairs(open_page, work, candidates):
    say(work, "ann", candidates[:49], "not_relevant")
    say(work, "model:m", candidates[:60], "not_relevant", arm="judge:0123")
    note(work, "model:m", 1000, 20)
    note(work, "model:m", 234, 5, batch="one")
    paid = ('{"currency": "EUR", "cost": 0.25}', '{"currency": "USD", "cost": 1.5}', '{"currency": "EUR", "cost": 0.5}')
    (work.run.folder / PAID_FILE).write_text("\n".join([*paid, '{"currency": "EU']))
    page = open_page("agreement")
    said = texts(page)
    in_sidebar = [caption.value.replace("\\", "") for caption in page.sidebar.caption]
    assert in_sidebar[1:] == [
        "Paid to servers for this run so far: 0.7500 EUR (2 requests)",
        "Paid to servers for this run so far: 1.5000 USD (1 request)",
    ]
    assert "Paid to servers for this run so far: 0.7500 EUR (2 requests), encoders and rerankers among them." in said
    assert "Paid to servers for this run so far: 1.5000 USD (1 request), encoders and rerankers among them." in said
    assert "So far 2 requests, 1 of them in batches; 1,234 tokens read and 25 written." in said
    assert "No pair has a second opinion yet" in said  # a model's is none
    assert "ann judged 49;" in said
    assert "model:m</span> judged 60 pairs</p>" in said
    assert "Not yet known: people have judged 49 of its pairs" in said
    say(work, "ann", candidates[49:56], "relevant")
    said = texts(open_page("agreement"))
    assert "On the 56 of them that people judged too." in said
    assert ">Same verdict</span>" in said
    assert ">0.88 (" in said
    assert ">Cohen&#x27;s kappa</span>" in said
    assert "People relevant, the model not relevant" in said


def test_pairs_on_which_a_model_differs_are_listed_with_its_reason_and_its_quote(open_page, work, candidates):
    say(work, "ann", candidates[:3], "not_relevant")
    comment = json.dumps({"grade": 3, "reason": f"It says so {HOSTILE}", "quote": "in so many words", "model": "m"})
    say(work, "model:m", candidates[:2], "not_relevant", arm="judge:0123")
    say(work, "model:m", candidates[2:3], "relevant", arm="judge:0123", comment=comment)
    page = open_page("agreement")
    said = texts(page)
    assert [one.label for one in page.expander] == ["Pairs on which it differs from people (1)"]
    assert "People: not relevant. The model: relevant. It says so &lt;script&gt;" in said
    assert "“in so many words”" in said
    assert escape(work.query_text(candidates[2][0]), quote=True) in said


def test_what_models_judged_otherwise_or_are_unsure_of_is_a_link_and_the_project_says_whether_they_are_shown(
    open_page, work
):
    kept = [work.pair_at(row) for row in agenda.rows(work, View(), work.decision())[:5].tolist()]
    say(work, "ann", kept[:2], "not_relevant")
    say(work, "model:m", kept[:1], "relevant", arm="judge:0123")
    say(work, "model:m", kept[1:4], "partial", arm="judge:0123")
    page = open_page("agreement", reviewer="ann")
    labels = [one.proto.label for one in page.get("page_link")][-2:]
    assert labels == [
        "Look again at 2 pairs judged otherwise by a model",
        "Judge 2 pairs of which a model is unsure",
    ]
    switch = page.button_group(key="models_shown")
    assert switch.value == "after"
    switch.set_value("never").run()
    assert model_opinions.shown(work) == "never"


def test_an_owner_sees_how_far_each_person_is_and_a_reviewer_does_not(open_page, work, candidates, request):
    say(work, HOSTILE, candidates[:3], "not_relevant")
    say(work, "bob", candidates[:2], "unsure")
    page = open_page("agreement", view="people")
    said = texts(page)
    assert "Progress by person" in said
    assert f'<span class="name">{escape(HOSTILE[:23])}…</span>' in said
    assert "<td>3</td><td>–</td><td>0%</td><td>0%</td><td>2</td><td>–</td>" in said
    request.addfinalizer(lambda: access.answered_by(lambda: access.OWN_PROCESS))
    access.answered_by(lambda: Person("bob", "reviewer"))
    page = open_page("agreement", view="people")
    assert "Progress by person" not in texts(page)
    assert "Beyond luck" in texts(page)


def test_where_the_project_says_how_many_judge_a_pair_no_viewer_does(open_page, run):
    (run / "project.toml").write_text("[review]\noverlap = 2\nevery = 5\n")
    page = open_page("review", reviewer="ann", twice="3")
    assert "One pair in 5 is judged by 2 people, the others by one." in texts(page)
    assert not any("judged twice" in one.label for one in page.number_input)
    assert "twice" not in page.query_params
