"""Export: what would be written and why not the rest, writing it, and the existing exports."""

import html
from dataclasses import replace

import pandas as pd
import streamlit as st

from nearmiss import access
from nearmiss.counts import counted
from nearmiss.errors import NearmissError
from nearmiss.export import DryRun, Export
from nearmiss.export.formats import columns
from nearmiss.export.preview import FilePreview
from nearmiss.session import export_risk, exporting
from nearmiss.session.export_inputs import ExportInputs, prepare
from nearmiss.session.export_risk import ExportRisk
from nearmiss.session.exporting import ExportJob, ExportRunner
from nearmiss.workspace import Version, Workspace
from nearmiss_app import state, theme
from nearmiss_app.charts import export as charts
from nearmiss_app.export_settings import NARROW, chosen, which_format
from nearmiss_app.navigation import as_text
from nearmiss_app.written_exports import NUMBER, WIDE, there_are

PREVIEWED = 3  # rows of each file
# A box that scrolls must be reached by keyboard, which Streamlit's own is not.
BEGINNING = """<pre tabindex="0" role="region" aria-label="The first rows of {}" style="max-height: 14rem;
overflow: auto; margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; font-size: 0.875rem">{}</pre>"""
OWN = "own_export"  # in the session: the export that this page began


@st.cache_resource(max_entries=4)
def _runner(run: str) -> ExportRunner:
    return ExportRunner()


@st.cache_resource(max_entries=8, show_spinner=False)
def _export_inputs(
    _work: Workspace, run: str, number: int, policy: str, version: Version, choices: str, _export: Export
) -> tuple[ExportInputs, DryRun, ExportRisk, list[FilePreview]]:
    export_inputs = prepare(_work, _export)
    told = export_inputs.dry_run()
    first = export_inputs.preview(PREVIEWED) if told.queries else []
    return export_inputs, told, export_risk.risk(_work, export_inputs), first


def planned(work: Workspace, export: Export) -> tuple[ExportInputs, DryRun, ExportRisk, list[FilePreview]]:
    """An export's inputs, how much it would write, at what risk, and its first rows; made again where they change."""
    work.refresh()
    seen = repr((work.policy, work.run.facts.get("avoid"))), work.version, repr(export)
    return _export_inputs(work, str(work.run.folder), work.number, *seen, export)


def amounts(dry_run: DryRun) -> None:
    """How much would be written."""
    st.markdown("**What would be written**")
    with st.container(horizontal=True, gap="medium", key="amounts"):
        st.html("<style>.st-key-amounts [data-testid='stMetricValue'] { font-size: 1.375rem }</style>")
        for label, count in {
            "Rows": dry_run.all_rows,
            "Queries": dry_run.queries,
            "Positives": dry_run.positives,
            "Negatives": dry_run.negatives,
        }.items():
            st.metric(label, f"{count:,}", width="content")
    if not dry_run.queries:
        st.warning("Nothing to write: no query has both a positive and a negative left.", icon=":material/block:")
        return
    parts = [f"In {counted(dry_run.files, 'file')}."]
    if len(dry_run.rows) > 1:
        parts.append(f"Rows by table: {', '.join(f'{stem} {count:,}' for stem, count in dry_run.rows.items())}.")
    if dry_run.promoted:
        parts.append(f"{counted(dry_run.promoted, 'positive')} found by reviewers.")
    st.caption(" ".join(parts))


def left_out(export_inputs: ExportInputs, dry_run: DryRun) -> None:
    """Why the rest would not be written."""
    st.markdown(f"**Left out: {dry_run.left_out:,} of {dry_run.candidates:,} candidates**")
    if bars := _bars(dry_run):
        st.plotly_chart(
            charts.reasons(bars, dark=theme.is_dark()),
            theme=None,
            alt=charts.in_words(bars),
            config={"displayModeBar": False},
            key="reasons",
        )
    if dry_run.left_out_queries:
        rows = pd.DataFrame(list(dry_run.left_out_queries.items()), columns=["Queries left out because", "Queries"])
        st.dataframe(
            rows, hide_index=True, column_config={"Queries": NUMBER}, key="left_out", alt="Queries left out, by reason"
        )
    st.caption(_judgements(export_inputs))


def _bars(dry_run: DryRun) -> list[charts.Bar]:
    looks = theme.STATUS | theme.EXPORT
    bars = []
    for reason, count in sorted(dry_run.left_out_candidates.items(), key=lambda pair: -pair[1]):
        look = looks.get(reason) or replace(theme.LEFT_OUT, word=reason)
        bars.append(charts.Bar(f"{look.sign} {look.word}", count, theme.colour(look), look.says))
    return bars


def _judgements(export_inputs: ExportInputs) -> str:
    reviews = export_inputs.reviews
    if not reviews.judgements:
        return "Nobody has judged any of these candidates yet."
    people = counted(reviews.reviewers, "reviewer")
    return f"With {counted(reviews.judgements, 'judgement')} of {people}, all that the log holds now."


@st.fragment
def plan(work: Workspace, runner: ExportRunner) -> None:
    """Choices on the left, their result on the right, and the button that writes it."""
    which_format()
    about = st.empty()
    with st.container(horizontal=True, gap="large"):
        left, right = st.container(width=NARROW), st.container(width=WIDE)
    with left:
        try:
            export_inputs, dry_run, risk, first = planned(work, chosen(work))
        except NearmissError as mistake:
            st.error(as_text(str(mistake)), icon=":material/error:")
            return
    about.caption(f"Format {export_inputs.export.format}. Columns: {', '.join(columns(export_inputs.export))}.")
    with right:
        amounts(dry_run)
        with st.container(border=bool(dry_run.queries), key="write_it"):
            if dry_run.queries:
                say_risk(risk)
            write_it(work, runner, export_inputs, dry_run)
        under_way(runner)
        first_rows(first)
        left_out(export_inputs, dry_run)


def say_risk(risk: ExportRisk) -> None:
    """How many of the negatives may be answers, beside the button that writes them."""
    st.markdown("**Unlabelled answers among the negatives**")
    for words in risk.words:
        st.text(words)


def first_rows(files: list[FilePreview]) -> None:
    """The beginning of each file, as it would be written."""
    if not files:
        return
    st.markdown("**The first rows**")
    for file in files:
        st.caption(as_text(file.name) + (" (its rows as JSON)" if file.name.endswith(".parquet") else ""))
        st.html(BEGINNING.format(html.escape(file.name), html.escape(file.beginning)))


def write_it(work: Workspace, runner: ExportRunner, export_inputs: ExportInputs, dry_run: DryRun) -> None:
    """The destination, and the button that writes."""
    free = exporting.free_name(work.run.folder, export_inputs.export.format)
    busy = runner.job is not None and runner.job.state == "running"
    own = st.session_state.get(OWN)
    last = own.out if own is not None and own.state == "written" else ""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input(
            "Folder",
            free,
            # A new key after each export, since its name is now taken.
            key=f"folder {free} {last}",
            help=f"A name below the run's {exporting.EXPORTS}, or a whole path",
        )
        pressed = st.button(
            f"Write {counted(dry_run.all_rows, 'row')}",
            type="primary",
            disabled=busy or not dry_run.queries or not access.may("export"),
            key="write",
        )
    if pressed:
        try:
            runner.start(export_inputs, exporting.destination(work.run.folder, name))
        except NearmissError as mistake:
            st.error(as_text(str(mistake)), icon=":material/error:")
            return
        st.session_state["begun"] = st.session_state[OWN] = runner.job
        st.rerun()


def under_way(runner: ExportRunner) -> None:
    """The export that is being written, whoever began it; and how one's own ended."""
    job, own = runner.job, st.session_state.get(OWN)
    if job is not None and job.state == "running":
        if job is not own:
            st.info("Another page is writing an export of this run. One is written at a time.")
        st.fragment(run_every=0.5)(progress)(job)
    elif own is None or own.state == "running":
        return
    elif own.state == "failed":
        st.error(as_text(own.error), icon=":material/error:")
    elif own.state == "stopped":
        st.info("Stopped. Nothing of it was left behind.", icon=":material/stop_circle:")
    else:
        rows, seconds = counted(own.progress.done, "row"), own.progress.seconds
        st.success(
            f"Written: {rows} in {seconds:,.1f} s, to {as_text(str(own.out))}. "
            "How to load them stands below, under *Exports of this run*.",
            icon=":material/check:",
        )


def progress(job: ExportJob) -> None:
    """The progress, and a button to stop."""
    if job.state != "running":
        st.rerun()
    now = job.progress
    left = "" if now.left is None else f", about {counted(round(now.left), 'second')} left"
    st.progress(now.share, text=f"{now.done:,} of {now.total:,} rows, {now.rate:,.0f} a second{left}")
    if st.button("Stop", key="stop", icon=":material/stop:"):
        job.stop()


def page(work: Workspace) -> None:
    """Plan, progress, and the existing exports."""
    st.title("Export")
    st.caption("Write the kept negatives as training files. Nothing is written before you press the button.")
    runner = _runner(str(work.run.folder))
    plan(work, runner)
    st.divider()
    there_are(work, runner)


page(state.workspace())
