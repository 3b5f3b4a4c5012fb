"""Calibration: what the page says before and after it learned, and that its button learns."""

import numpy as np

from nearmiss.calibration import stored
from nearmiss.review import Event
from nearmiss.workspace import open_workspace


def texts(page):
    said = [*page.text, *page.caption, *page.markdown, *page.info, *page.warning, *page.subheader]
    return "\n".join(element.value for element in said)


def judge(run, count):
    work = open_workspace(run)
    rows = np.flatnonzero(~work.table.positive)[:: 12_000 // count][:count].tolist()
    work.append(
        [
            Event(
                query_id=work.pair_at(row)[0],
                doc_id=work.pair_at(row)[1],
                verdict="relevant" if place % 4 == 0 else "not_relevant",
                reviewer="ana",
                client_id="c",
                client_seq=place,
                decided_at=1.0,
            )
            for place, row in enumerate(rows)
        ]
    )
    return work


def test_before_anyone_judged_the_page_says_whose_weights_they_are(open_page):
    page = open_page("calibration")
    assert "Weights that were fitted on other collections" in texts(page)
    assert "Nothing to compare yet" in texts(page)
    assert page.button[0].disabled


def test_the_button_learns_from_what_was_judged(open_page, run):
    work = judge(run, 120)
    page = open_page("calibration")
    button = next(button for button in page.button if "Learn from" in button.label)
    assert button.label == "Learn from 120 judgements"
    button.click().run()
    assert not page.exception
    assert stored.load(work.folder).labels == 120
    assert "Fitted to 120 judgements of this run, 30 of them answers." in texts(page)
    table = page.table[0].value
    assert table["judged"].iloc[0] == "120"


def test_it_warns_where_it_knows_too_little(open_page, run):
    judge(run, 12)
    page = open_page("calibration")
    next(button for button in page.button if "Learn from" in button.label).click().run()
    assert any("wanted at least 30" in warning.value for warning in page.warning)
