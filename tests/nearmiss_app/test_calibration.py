"""Calibration: what the page says before and after it learned, and that its button learns."""

import numpy as np

from nearmiss.calibration import stored
from nearmiss.review import Event
from nearmiss.session import refit
from nearmiss.workspace import open_workspace


def texts(page):
    said = [*page.text, *page.caption, *page.markdown, *page.info, *page.warning, *page.subheader]
    return "\n".join(element.value for element in said)


def judge(run, count):
    """Verdicts spread over the candidates: more answers than the shipped weights expect, mostly where they do."""
    work = open_workspace(run)
    likely = work.table.number("p_relevant") > np.median(work.table.number("p_relevant"))
    rows = np.flatnonzero(~work.table.positive)
    rows = rows[np.linspace(0, len(rows) - 1, count).astype(int)].tolist()
    work.append(
        [
            Event(
                query_id=work.pair_at(row)[0],
                doc_id=work.pair_at(row)[1],
                verdict="relevant" if likely[row] != (place % 20 == 0) else "not_relevant",
                reviewer="ana",
                client_id="c",
                client_seq=place,
                decided_at=1.0,
            )
            for place, row in enumerate(rows)
        ]
    )
    return work


def button(page, words):
    return next(button for button in page.button if words in button.label)


def test_before_anyone_judged_the_page_says_whose_weights_they_are(open_page):
    page = open_page("calibration")
    assert "Weights that were fitted on other collections" in texts(page)
    assert "Nothing to compare yet" in texts(page)
    assert page.button[0].disabled


def test_what_would_change_is_seen_first_then_confirmed_then_undone(open_page, run):
    work = judge(run, 160)
    before = stored.probabilities(work.folder, work.candidates)
    seen = refit.preview(work)
    page = open_page("calibration")
    button(page, "Preview with 160 judgements").click().run()
    table = page.table[0].value
    assert table["now"].tolist()[:2] == [f"{seen.before.kept:,}", f"{seen.before.short:,}"]
    assert table["after"].tolist()[:2] == [f"{seen.after.kept:,}", f"{seen.after.short:,}"]
    assert (
        table["after"].iloc[3] == f"{seen.after.auc.value:.2f} ({seen.after.auc.low:.2f} to {seen.after.auc.high:.2f})"
    )
    assert stored.load(work.folder).labels == 0  # so far it was only looked at
    button(page, "Put in force").click().run()
    assert not page.exception
    assert stored.load(work.folder).labels == 160
    assert f"Fitted to 160 judgements of this run, of which answers: {seen.calibration.answers}." in texts(page)
    assert page.table[0].value["count"].iloc[0] == "160"
    button(page, "Undo").click().run()
    assert stored.load(work.folder).labels == 0
    np.testing.assert_array_equal(stored.probabilities(work.folder, work.candidates), before)
    button(page, "Redo").click().run()
    assert stored.load(work.folder).labels == 160


def test_leaving_it_as_it_is_writes_nothing(open_page, run):
    work = judge(run, 160)
    page = open_page("calibration")
    button(page, "Preview").click().run()
    button(page, "Leave it as it is").click().run()
    assert stored.load(work.folder).labels == 0
    assert not [one for one in page.button if one.label == "Put in force"]


def test_a_fit_that_cannot_be_tried_is_not_offered(open_page, run):
    work = judge(run, 12)
    page = open_page("calibration")
    button(page, "Preview with 12 judgements").click().run()
    assert any("wanted at least 30 judgements of 5 queries" in warning.value for warning in page.warning)
    assert not [one for one in page.button if one.label == "Put in force"]
    assert stored.load(work.folder).labels == 0


def test_no_page_of_it_speaks_of_foretelling(open_page, run):
    work = judge(run, 160)
    refit.refit(work)
    told = texts(open_page("calibration"))
    assert "Each judgement was estimated by a fit that never saw its query." in told
    assert not [word for word in ("foretold", "came true", "How true") if word in told]
