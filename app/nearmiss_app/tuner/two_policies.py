"""Two policies side by side, A and B: what each comes to, where they differ, and the pairs that only one keeps."""

import math

import pandas as pd
import streamlit as st

from nearmiss.errors import RecipeError
from nearmiss.presets import PRESETS
from nearmiss.session import tuning
from nearmiss.session.tuning import TwoPolicies
from nearmiss.settings import Policy
from nearmiss.workspace import Workspace
from nearmiss_app import navigation, theme
from nearmiss_app.tuner.pair_lists import columns
from nearmiss_app.tuner.policy_words import differences_in_words

IN_FORCE, TRIED = "in force", "tried now"


def two_policies(work: Workspace, policy: Policy) -> None:
    """Choose A and B, and see them side by side."""
    known = choices(work, policy)
    first, second = st.columns(2, gap="medium")
    a = first.selectbox("A", list(known), index=0, key="policy_a")
    b = second.selectbox("B", list(known), index=1, key="policy_b")
    try:
        found = tuning.compare_two(work, known[a], known[b])
    except RecipeError as mistake:
        st.warning(navigation.as_text(str(mistake)), icon=":material/tune:")
        return
    differs = differences_in_words(known[b], known[a])
    st.text(f"B differs from A: {differs}" if differs else "A and B are the same policy.")
    st.dataframe(table(found), hide_index=True, column_config={"candidates": st.column_config.Column(width=290)})
    by_query(found)
    st.text("Pairs that only one of them keeps, likeliest answers first")
    columns(
        work,
        known[b],
        (f"Only A: {len(found.only.lost):,}", found.only.lost, "A keeps nothing that B does not."),
        (f"Only B: {len(found.only.gained):,}", found.only.gained, "B keeps nothing that A does not."),
        None,
    )


def choices(work: Workspace, policy: Policy) -> dict[str, Policy]:
    """The policies that can be compared, by name: in force, tried, saved before, and the presets."""
    saved = tuning.history(work.run).saved
    before = {f"saved-{place}": one.policy for place, one in enumerate(saved, start=1)}
    return {IN_FORCE: work.policy, TRIED: policy} | before | {name: preset.policy for name, preset in PRESETS.items()}


def table(found: TwoPolicies) -> pd.DataFrame:
    """Each count of A and of B as text, and the difference."""
    a, b = found.a.counts, found.b.counts
    rows = [
        ("kept", a.status["kept"], b.status["kept"]),
        ("kept by both", found.both, found.both),
        ("queries with fewer negatives than wanted", a.short, b.short),
        ("queries with none", a.empty, b.empty),
    ]
    rows += [
        (look.word, a.status[status], b.status[status])
        for status, look in theme.STATUS.items()
        if status != "kept" and (a.status[status] or b.status[status])
    ]
    texts = [(word, f"{one:,}", f"{other:,}", f"{other - one:+,}" if other != one else "") for word, one, other in rows]
    texts.insert(1, ("of them answers, estimated", *_shares(found.a.harm.estimated, found.b.harm.estimated)))
    return pd.DataFrame(texts, columns=["candidates", "A", "B", "difference"])


def _shares(one: float, other: float) -> tuple[str, str, str]:
    """Both shares in percent, and the difference in points."""
    shown = ["none kept" if math.isnan(share) else f"{share:.1%}" for share in (one, other)]
    return shown[0], shown[1], "" if math.isnan(one - other) else f"{100 * (other - one):+.1f} points"


def by_query(found: TwoPolicies) -> None:
    """The queries that differ most, and a way to one of them."""
    if not found.by_query:
        return
    st.text(f"{found.queries_that_differ:,} queries have other negatives; those that differ most first. Press one.")
    frame = pd.DataFrame(
        [(one.query_id, one.query, one.only_a, one.both, one.only_b) for one in found.by_query],
        columns=["id", "query", "only A", "both", "only B"],
    )
    chosen = st.dataframe(
        frame, hide_index=True, height=260, key="by_query", on_select="rerun", selection_mode="single-row"
    )
    if rows := chosen.selection.rows:
        navigation.go_to("query", query=found.by_query[rows[0]].query_id)
