"""The page Pairs: a table paged from the core, one verdict for the chosen rows, its undo."""

from nearmiss.review import Event
from nearmiss.session import pair_table as pairs
from nearmiss.session.pair_table import PairFilter
from nearmiss.workspace import open_workspace
from nearmiss_app.charts.overview_lists import opening


def judged_by(reviewer, pair):
    return Event(
        query_id=pair[0],
        doc_id=pair[1],
        verdict="not_relevant",
        reviewer=reviewer,
        client_id=reviewer,
        client_seq=1,
        decided_at=1.0,
    )


def frame(page):
    return page.dataframe[0].value


def test_the_table_shows_the_core_s_rows_in_its_order_and_the_address_keeps_the_filters(open_page, seen):
    work = open_workspace(seen)
    page = open_page("pairs", status="too close", sort="p_relevant", reviewer="ana")
    rows = pairs.in_order(work, PairFilter(statuses=("too_close",)), "p_relevant", reviewer="ana")
    assert f"{len(rows):,} pairs" in [said.value for said in page.text]
    shown = frame(page)
    assert len(shown) == min(50, len(rows))
    assert shown["p_relevant"].tolist() == pairs.read(work, rows[:50], ["p_relevant"])["p_relevant"].tolist()
    assert set(shown["status"]) == {"▲ too close"}
    query_id, doc_id = work.pair_at(int(rows[0]))
    assert shown["open"].iat[0] == f"query?query={query_id}&doc={doc_id}&reviewer=ana"


def test_chosen_rows_are_labelled_together_and_one_press_takes_them_back(open_page, run):
    page = open_page("pairs", status="kept", reviewer="ana")
    work = open_workspace(run)
    rows = pairs.in_order(work, PairFilter(statuses=("kept",)), reviewer="ana")
    chosen = [work.pair_at(int(rows[place])) for place in (0, 2)]
    key = f"pairs_{hash((PairFilter(('kept',)), '', True))}_0_{hash(rows[:50].tobytes())}"
    page.session_state[key] = {"selection": {"rows": [0, 2], "columns": [], "cells": []}}
    page.run()
    assert "Label all 2 pairs as" in [said.value for said in page.text]
    elsewhere = work.pair_at(int(rows[5]))
    work.append([judged_by("bob", elsewhere)])  # what another does meanwhile takes no choice away
    page.run()
    assert "Label all 2 pairs as" in [said.value for said in page.text]
    page.button(key="batch_pairs_relevant").click().run()
    assert not page.exception
    work.refresh()
    assert {pair: work.standing.verdict(pair) for pair in chosen} == dict.fromkeys(chosen, "relevant")
    assert len(work.log.since(0)) == 3
    assert "Your last batch: 2 pairs ✚ relevant." in [said.value for said in page.text]
    next(button for button in page.button if button.label == "Undo all 2").click().run()
    work.refresh()
    assert not any(work.standing.verdict(pair) for pair in chosen)


def test_on_a_telephone_a_pair_is_one_column_and_rows_can_be_chosen_all_the_same(open_page, seen):
    work = open_workspace(seen)
    page = open_page("pairs", status="kept", reviewer="ana")
    assert list(frame(page))[:2] == ["query", "document"]
    page.session_state["window"] = {"narrow": True}
    page.run()
    assert [fold.label for fold in page.expander] == ["Filter and sort"]
    rows = pairs.in_order(work, PairFilter(statuses=("kept",)), reviewer="ana")
    first = pairs.read(work, rows[:1], ["query", "document"]).iloc[0]
    assert list(frame(page))[:2] == ["pair", "status"]
    shown = frame(page)["pair"].iat[0]
    assert shown == f"{opening(first.query, 55)} ▸ {opening(first.document, 70)}"
    assert len(shown) < 135  # what six lines of a telephone hold
    key = f"pairs_{hash((PairFilter(('kept',)), '', True))}_0_{hash(rows[:50].tobytes())}_narrow"
    page.session_state[key] = {"selection": {"rows": [0, 2], "columns": [], "cells": []}}
    page.run()
    assert "Label all 2 pairs as" in [said.value for said in page.text]


def test_where_no_pair_is_left_the_page_says_so_and_shows_no_empty_table(open_page):
    page = open_page("pairs", text="no text holds these words", reviewer="ana")
    assert [said.value for said in page.info] == ["No pair is like this. Take away a filter above."]
    assert len(page.dataframe) == 0
    assert "0 pairs" in [said.value for said in page.text]


def test_without_a_name_nothing_can_be_labelled(open_page):
    page = open_page("pairs", status="kept", query="q03")
    page.toggle[0].set_value(True).run()
    assert page.button(key="batch_pairs_relevant").disabled
    assert "To label, type your name into the sidebar." in [caption.value for caption in page.caption]
