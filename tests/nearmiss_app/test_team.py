"""What a team sees on the pages: the training round's answers, and comments that name somebody."""

import csv

import pytest

from nearmiss.review import open_log
from nearmiss.session.queue import agenda
from nearmiss.session.queue.agenda import View
from nearmiss.workspace import open_to_read
from tests.nearmiss.review.test_review import judged


@pytest.fixture
def pairs(run):
    work = open_to_read(run)
    order = agenda.rows(work, View(), work.decision())[:2]
    found = [work.pair_at(row) for row in order.tolist()]
    work.log.close()
    return found


def press(page, word):
    [button] = [one for one in page.button if one.label == word]
    return button.click().run()


def test_the_known_answer_stands_above_the_cards_after_each_verdict_of_the_training_round(run, pairs, open_page):
    with (run / "gold.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["query_id", "doc_id", "verdict", "comment"])
        rows.writerows([[*pairs[0], "relevant", "it says *so*"], [*pairs[1], "not_relevant", ""]])
    (run / "project.toml").write_text("[review]\ntraining = 2\n")
    page = open_page("review", reviewer="ann")
    assert "A training round of 2 pairs comes first." in page.info[0].value
    page.toggle(key="plain").set_value(True).run()
    page = press(page, "Not relevant")
    assert page.warning[0].value == (
        "You said not relevant; the known answer is relevant. it says \\*so\\*  \nTraining round: 1 of 2, 0 right."
    )
    page = press(page, "Not relevant")
    assert page.success[0].value.endswith("2 of 2, 1 right. It is done: what you judge from now on counts.")
    page = press(page, "Relevant")
    assert not page.exception
    assert [one.value for one in page.success if "Training" in one.value] == []


def test_a_comment_that_names_a_reviewer_waits_for_them_on_two_pages(run, pairs, open_page):
    log = open_log(run / "reviews.db")
    about = {"query_id": pairs[0][0], "doc_id": pairs[0][1]}
    log.append([judged(1, "comment", **about, reviewer="eve", client_id="eve", comment="@ann *really*?")])
    log.append([judged(1, "relevant", **about, reviewer="bob", client_id="bob")])
    log.close()
    for name in ("overview", "review"):
        page = open_page(name, reviewer="ann")
        assert "eve; judge the pair to read what is said of it" in [text.value for text in page.text]
        page = open_page(name, reviewer="bob")
        assert "eve" not in " ".join(text.value for text in page.text)
