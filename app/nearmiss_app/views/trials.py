"""Trials: which policy's export trains the better student, how sure that is, and what such a student is worth."""

from typing import get_args

import pandas as pd
import streamlit as st

from nearmiss import access
from nearmiss.counts import counted
from nearmiss.presets import PRESETS
from nearmiss.session import tuning
from nearmiss.settings import StudentName, Trial
from nearmiss.training.trials import policies, trial_files
from nearmiss.training.trials.policies import LADDERS, SAVED, Tried
from nearmiss.training.trials.students import FINDINGS
from nearmiss.workspace import Workspace
from nearmiss_app import navigation, state, theme, training
from nearmiss_app.charts import trials as charts
from nearmiss_app.tuner.policy_words import label
from nearmiss_app.tuner.two_policies import by_query

TESTED = {1: "a fifth of the queries", 5: "all queries, in five folds"}  # folds
NUMBERS = {
    "name": "policy",
    "queries": "queries",
    "negatives": "negatives",
    "median_dense_rank": "dense rank",
    "ndcg": "nDCG@10",
    "mrr": "MRR@10",
    "recall": "Recall@100",
    "judged_ndcg": "nDCG@10, judged only",
    "seconds": "seconds",
}


def page(work: Workspace) -> None:
    """What to train, how far it is, and what was found."""
    st.title("Trials", anchor=False)
    st.caption(
        "For each policy small students are trained on exactly what it would export, and tested on queries they never "
        "saw. In-batch only, no filter, the 95% rule and the policy in force are always among them."
    )
    with st.container(border=True):
        asked = asking(work)
        training.kept_up_to_date(work, lambda: under_way(work, asked))
    content = trial_files.latest(work.run.folder)
    if content is None:
        st.info("No trial of this run has ended yet.", icon=":material/model_training:")
    else:
        outcome(work, content)


def asking(work: Workspace) -> training.Asked:
    """Which policies, which students and how many."""
    saved = [f"{SAVED}{place}" for place in range(1, len(tuning.history(work.run).saved) + 1)]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        names = st.multiselect(
            "Policies", [*PRESETS, *saved], key="trial_policies", placeholder="presets, saved ones", width=300
        )
        along = st.selectbox(
            "Along a setting",
            list(LADDERS),
            index=None,
            key="trial_along",
            format_func=lambda name: name.replace("_", " "),
            placeholder="none",
            width=200,
        )
        student = st.selectbox("Student", list(get_args(StudentName)), key="trial_student", width=130)
        folds = st.selectbox(
            "Tested on", list(TESTED), key="trial_folds", format_func=lambda number: TESTED[number], width=230
        )
        seeds = st.number_input("Students for each", 1, 20, 5, key="trial_seeds", width=140)
    shown = trial_files.latest(work.run.folder)
    if shown is None or shown["trial"]["student"] != student:
        st.caption(FINDINGS[student])  # else it stands beside what was found

    def asked() -> tuple[list[Tried], Trial]:
        return policies.tried(work.run, names, along or ""), Trial(student=student, seeds=seeds, folds=folds)

    return asked


def under_way(work: Workspace, asked: training.Asked) -> None:
    """The button, or how far it is and what is trained so far."""
    training.controls(work, asked, "train")
    content = trial_files.so_far(work.run.folder)
    if content and content["policies"]:
        done = ", ".join(f"{point.name} {point.ndcg:.4f}" for point in trial_files.points(content))
        st.text(f"nDCG@10 so far: {done}")


def outcome(work: Workspace, content: charts.Content) -> None:
    """The last trial that ended: what follows from it, the picture, the table, and the file."""
    settings = content["trial"]
    st.header("What was found", anchor=False)
    st.text(label("\n".join(content["says"])))
    st.html(charts.forest(content, dark=theme.is_dark()))
    folds = f" in each of {settings['folds']} folds" if settings.get("folds", 1) > 1 else ""
    searched = f"all {content['documents']:,}"
    if content["searched"] < content["documents"]:
        searched = f"a sample of {content['searched']:,} of {content['documents']:,}"
    st.caption(
        f"{counted(settings['seeds'], 'student')} of each policy{folds} ({settings['student']}, loss "
        f"{settings['loss']}), "
        f"tested on {content['questions']:,} unseen queries with {content['answers']:,} answers, over {searched} "
        "documents. "
        "Intervals hold for queries and students alike (paired bootstrap), and for all comparisons of a policy "
        "together. Better or worse is said only where the interval leaves out 0." + _since(work, content)
    )
    with st.container(border=True):
        st.markdown("**What such a student is worth**")
        st.text(content.get("about_student", FINDINGS[settings["student"]]))
    choice(work, content)
    beside_the_policy_in_force(work, content)
    with st.expander("All numbers"):
        st.dataframe(table(content), hide_index=True)
    with st.container(horizontal=True, vertical_alignment="center"):
        whole = trial_files.as_text(content)
        st.download_button("Download as JSON", whole, "trial.json", "application/json", key="trial_json")
        navigation.link_to("tune", "Tune along a ceiling")


def choice(work: Workspace, content: charts.Content) -> None:
    """The policy that should be in force, and a button that puts it there; a trial of before says none."""
    if not (found := content.get("choice")):
        return
    policy = next(point.policy for point in trial_files.points(content) if point.name == found["name"])
    with st.container(border=True):
        st.markdown("**What should be in force**")
        st.text(label(found["says"]))
        if policy is not None and policy != work.policy:
            may = work.run.can_be_written and access.may("change policy")
            if st.button("Put it in force", key="trial_choose", disabled=not may, help="Tune can undo it"):
                tuning.save(work.run, policy, state.reviewer())
                st.rerun()


def beside_the_policy_in_force(work: Workspace, content: charts.Content) -> None:
    """The queries on which a policy of the trial keeps other negatives than the one in force; a press opens one."""
    known = {
        point.name: point.policy for point in trial_files.points(content) if point.policy not in (None, work.policy)
    }
    name = st.selectbox(
        "Where does a policy keep other negatives than the one in force?",
        list(known),
        index=None,
        key="trial_beside",
        placeholder="a policy",
        width=440,
    )
    if name:
        st.caption(f"A: the policy in force. B: {navigation.as_text(name)}.")
        by_query(tuning.compare_two(work, work.policy, known[name]))


def table(content: charts.Content) -> pd.DataFrame:
    """Every number of every policy."""
    rows = [{word: one.get(name) for name, word in NUMBERS.items()} for one in content["policies"]]
    for row, one in zip(rows, content["policies"], strict=True):
        gap = one.get("against_95_rule") or {}
        row |= {"to the 95% rule": gap.get("mean"), "low": gap.get("low"), "high": gap.get("high")}
        row |= {"verdict": gap.get("verdict", ""), "queries needed": gap.get("queries")}
    return pd.DataFrame(rows)


def _since(work: Workspace, content: charts.Content) -> str:
    """What has changed since, so that nobody takes an old trial for a new one."""
    parts = []
    if content.get("round", work.number) != work.number:
        parts.append(f"It was of round {content['round']}.")
    if (entries := work.standing.last_seq - content.get("last_seq", work.standing.last_seq)) > 0:
        parts.append(f"Since then the log has {entries:,} more entries.")
    return "".join(f" {part}" for part in parts)


page(state.workspace())
