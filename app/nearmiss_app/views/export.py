"""Export: what would be written and why not the rest, writing it, and the existing exports."""

import html
import re
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd
import streamlit as st

from nearmiss.audit import sentences
from nearmiss.errors import NearmissError
from nearmiss.export import EXPORT_FORMATS, DryRun, Export, own_columns
from nearmiss.export.comparison import Comparison, compare
from nearmiss.export.formats import by_library, choices, columns
from nearmiss.export.loading_code import how_to_load
from nearmiss.export.read_back import WrittenExport, written
from nearmiss.session import exporting
from nearmiss.session.export_inputs import ExportInputs, prepare
from nearmiss.session.exporting import ExportJob, ExportRunner
from nearmiss.settings import words_of
from nearmiss.workspace import Version, Workspace
from nearmiss_app import state, theme
from nearmiss_app.charts import export as charts
from nearmiss_app.pictures import picture

HELP = words_of(Export)
STAYS = {"persist_state": "session"}
HIGH, NARROW, MIDDLE, WIDE = 256, 340, 440, 560  # pixels; what does not fit side by side goes below
SIGNS = {"gained": "+", "lost": "−"}
PASSAGE = """<div style="display: grid; grid-template-columns: 10.5rem 1fr; gap: 1rem; font-size: 0.9rem">
<div>{} {} as {}</div>
<div tabindex="0" style="max-height: 9rem; overflow: auto; overflow-wrap: anywhere">{}</div></div>"""
BECOMES = {
    "relevant": {"promote": "make it a positive", "drop": "leave it out"},
    "partial": {"mask": "leave it out", "keep": "treat it as not judged"},
    "unsure": {"drop": "leave it out", "keep": "treat it as not judged"},
}
CONTAINERS = {"jsonl": "JSON lines", "parquet": "Parquet"}
COMPRESSIONS = {"auto": "as its reader needs", "zst": "zst", "gz": "gz", "none": "none"}
SECTIONS = {"export": "Export", "judgements": "Judgements", "recipe": "Mining", "policy": "Policy", "dataset": "Data"}
COUNTS = {
    "rows": "Rows",
    "exported_queries": "Queries",
    "exported_positives": "Positives",
    "promoted_positives": "of them found by reviewers",
    "exported_negatives": "Negatives",
}
NUMBER = st.column_config.NumberColumn(format="localized")
SIZE = st.column_config.NumberColumn("Size", format="bytes")


@st.cache_resource(max_entries=4)
def _runner(run: str) -> ExportRunner:
    return ExportRunner()


@st.cache_resource(max_entries=8, show_spinner=False)
def _export_inputs(
    _work: Workspace, run: str, number: int, policy: str, version: Version, choices: str, _export: Export
) -> tuple[ExportInputs, DryRun]:
    export_inputs = prepare(_work, _export)
    return export_inputs, export_inputs.dry_run()


def planned(work: Workspace, export: Export) -> tuple[ExportInputs, DryRun]:
    """An export's inputs and how much it would write, computed again only when something changes."""
    work.refresh()
    seen = repr(work.policy), work.version, repr(export)
    return _export_inputs(work, str(work.run.folder), work.number, *seen, export)


def chosen(work: Workspace) -> Export:
    """The export settings, from the controls."""
    name = st.session_state["format"]
    offered = choices(name)
    own = own_columns(work.run.dataset, name)
    options = _judged()
    st.markdown("**Rows**")
    if "negatives" in offered:
        options["negatives"] = _whole("Negatives in a row", "negatives", "as many as any query has")
    if "scores" in offered:
        options["scores"] = st.checkbox("Add the teacher's scores", key="scores", help=HELP["scores"], **STAYS)
    if own:
        words = f"{HELP['own_columns']}. Here: {_literal(', '.join(own))}"
        options["own_columns"] = st.checkbox("Add my own columns", key="own_columns", help=words, **STAYS)
    if "prompt" in offered:
        options["prompt"] = st.text_input("Instruction for the queries", key="prompt", help=HELP["prompt"], **STAYS)
    if "corpus_id" in offered:
        options["corpus_id"] = st.text_input(
            "Name of the corpus", "nearmiss", key="corpus_id", help=HELP["corpus_id"], **STAYS
        )
    options["shard_size"] = _whole("Rows in a file", "shard_size", "all in one file")
    st.markdown("**Files**")
    if "container" in offered:
        options["container"] = _one_of("Kind", "container", CONTAINERS)
    compress = _one_of("Compressed", "compress", COMPRESSIONS)
    return Export(format=name, compress=None if compress == "auto" else compress, **options)


def _judged() -> dict:
    st.markdown("**What reviewers judged**")
    return {
        verdict: _one_of(f"{theme.VERDICT[verdict].sign} {theme.VERDICT[verdict].word}", verdict, words)
        for verdict, words in BECOMES.items()
    }


def _one_of(label: str, field: str, words: dict) -> str:
    return st.segmented_control(
        label,
        list(words),
        default=next(iter(words)),
        required=True,
        format_func=words.get,
        key=field,
        help=HELP[field],
        **STAYS,
    )


def _whole(label: str, field: str, unset: str) -> int | None:
    return st.number_input(
        label, min_value=1, value=None, step=1, placeholder=unset, key=field, help=HELP[field], **STAYS
    )


def amounts(told: DryRun) -> None:
    """How much would be written."""
    st.markdown("**What would be written**")
    with st.container(horizontal=True, gap="medium", key="amounts"):
        st.html("<style>.st-key-amounts [data-testid='stMetricValue'] { font-size: 1.6rem }</style>")
        for label, count in {
            "Rows": told.all_rows,
            "Queries": told.queries,
            "Positives": told.positives,
            "Negatives": told.negatives,
        }.items():
            st.metric(label, f"{count:,}", width="content")
    if not told.queries:
        st.warning("Nothing to write: no query has both a positive and a negative left.", icon=":material/block:")
        return
    parts = [f"In {_count(told.files, 'file')}."]
    if len(told.rows) > 1:
        parts.append(f"Rows by table: {', '.join(f'{stem} {count:,}' for stem, count in told.rows.items())}.")
    if told.promoted:
        parts.append(f"{_count(told.promoted, 'positive')} found by reviewers.")
    st.caption(" ".join(parts))


def left_out(export_inputs: ExportInputs, told: DryRun) -> None:
    """Why the rest would not be written."""
    st.markdown(f"**Left out: {told.left_out:,} of {told.candidates:,} candidates**")
    if bars := _bars(told):
        st.plotly_chart(
            charts.reasons(bars, dark=theme.is_dark()),
            alt=charts.in_words(bars),
            config={"displayModeBar": False},
            key="reasons",
        )
    if told.left_out_queries:
        rows = pd.DataFrame(list(told.left_out_queries.items()), columns=["Queries left out because", "Queries"])
        st.dataframe(
            rows, hide_index=True, column_config={"Queries": NUMBER}, key="left_out", alt="Queries left out, by reason"
        )
    st.caption(_judgements(export_inputs))
    st.caption(_literal(sentences.of_certification(export_inputs.provenance["certification"])))


def _bars(told: DryRun) -> list[charts.Bar]:
    looks = theme.STATUS | theme.EXPORT
    bars = []
    for reason, count in sorted(told.left_out_candidates.items(), key=lambda pair: -pair[1]):
        look = looks.get(reason) or replace(theme.LEFT_OUT, word=reason)
        bars.append(charts.Bar(f"{look.sign} {look.word}", count, theme.colour(look), look.says))
    return bars


def _judgements(export_inputs: ExportInputs) -> str:
    reviews = export_inputs.reviews
    if not reviews.judgements:
        return "Nobody has judged any of these candidates yet. Their false-negative rate is not known."
    people = _count(reviews.reviewers, "reviewer")
    return (
        f"With {_count(reviews.judgements, 'judgement')} of {people}, up to entry {reviews.last_seq:,} of the log. "
        "The false-negative rate of the rest has not been measured."
    )


def _literal(text: str) -> str:
    # Ids, paths and names of columns are other people's: never read as Markdown.
    return re.sub(r"([^\w\s])", r"\\\1", text)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def which_format() -> None:
    """The training library and one of its formats, kept in the address."""
    libraries = by_library()
    asked = st.session_state.get("format") or st.query_params.get("format")
    name = asked if asked in EXPORT_FORMATS else next(iter(EXPORT_FORMATS))
    st.session_state["library"], st.session_state["format"] = EXPORT_FORMATS[name].library, name
    with st.container(horizontal=True):
        st.selectbox("Training code", list(libraries), key="library", width=NARROW, on_change=first_of, **STAYS)
        st.selectbox(
            "Loss or form",
            libraries[EXPORT_FORMATS[name].library],
            format_func=lambda form: EXPORT_FORMATS[form].use,
            key="format",
            width=MIDDLE,
            **STAYS,
        )
    st.query_params["format"] = name


def first_of() -> None:
    """Start with the first format of another training library."""
    st.session_state["format"] = by_library()[st.session_state["library"]][0]


@st.fragment
def plan(work: Workspace, runner: ExportRunner) -> None:
    """Choices on the left, their result on the right, and the button that writes it."""
    which_format()
    about = st.empty()
    with st.container(horizontal=True, gap="large"):
        left, right = st.container(width=NARROW), st.container(width=WIDE)
    with left:
        try:
            export_inputs, told = planned(work, chosen(work))
        except NearmissError as mistake:
            st.error(_literal(str(mistake)), icon=":material/error:")
            return
    about.caption(f"Format {export_inputs.export.format}. Columns: {', '.join(columns(export_inputs.export))}.")
    with right:
        amounts(told)
        write_it(work, runner, export_inputs, told)
        under_way(runner)
        left_out(export_inputs, told)


def write_it(work: Workspace, runner: ExportRunner, export_inputs: ExportInputs, told: DryRun) -> None:
    """The destination, and the button that writes."""
    free = exporting.free_name(work.run.folder, export_inputs.export.format)
    busy = runner.job is not None and runner.job.state == "running"
    last = runner.job.out if runner.job is not None and runner.job.state == "written" else ""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input(
            "Folder",
            free,
            # A new key after each export, since its name is now taken.
            key=f"folder {free} {last}",
            help=f"A name below the run's {exporting.EXPORTS}, or a whole path",
        )
        pressed = st.button(
            f"Write {_count(told.all_rows, 'row')}", type="primary", disabled=busy or not told.queries, key="write"
        )
    if pressed:
        try:
            runner.start(export_inputs, exporting.destination(work.run.folder, name))
        except NearmissError as mistake:
            st.error(_literal(str(mistake)), icon=":material/error:")
            return
        st.session_state["begun"] = runner.job
        st.rerun()


def under_way(runner: ExportRunner) -> None:
    """The export that is being written, or how it ended."""
    job = runner.job
    if job is None:
        return
    if job.state == "running":
        st.fragment(run_every=0.5)(progress)(job)
    elif job.state == "failed":
        st.error(_literal(job.error), icon=":material/error:")
    elif job.state == "stopped":
        st.info("Stopped. Nothing of it was left behind.", icon=":material/stop_circle:")
    else:
        st.success(
            f"Written: {_count(job.progress.done, 'row')} in {job.progress.seconds:,.1f} s.", icon=":material/check:"
        )


def progress(job: ExportJob) -> None:
    """The progress, and a button to stop."""
    if job.state != "running":
        st.rerun()
    now = job.progress
    left = "" if now.left is None else f", about {_count(round(now.left), 'second')} left"
    st.progress(now.share, text=f"{now.done:,} of {now.total:,} rows, {now.rate:,.0f} a second{left}")
    if st.button("Stop", key="stop", icon=":material/stop:"):
        job.stop()


@st.fragment
def there_are(work: Workspace, runner: ExportRunner) -> None:
    """The exports of the run, one of them in full, and how another differs from it."""
    st.header("Exports of this run")
    found = {exporting.short_name(work.run.folder, export): export for export in exporting.written_of(work, runner)}
    if not found:
        st.caption("None yet. What you write is listed here.")
        return
    _list(found)
    if runner.job is not None and runner.job.state == "written" and st.session_state.get("begun") is runner.job:
        del st.session_state["begun"]
        st.session_state["export"] = next(iter(found))
    with st.container(horizontal=True):
        name = _picked("Look at", "export", list(found), next(iter(found)))
        other = _picked("Compare with", "with", [other for other in found if other != name], None)
    one(found[name])
    if other:
        difference(found[other], found[name], (other, name))


def _picked(label: str, parameter: str, options: list[str], otherwise: str | None) -> str | None:
    """One of the options, remembered in the address."""
    asked = st.session_state.get(parameter, st.query_params.get(parameter))
    st.session_state[parameter] = asked if asked in options else otherwise
    index = None if otherwise is None else 0
    name = st.selectbox(
        label, options, index, placeholder="nothing", key=parameter, width=NARROW, disabled=not options, **STAYS
    )
    if name is None:
        st.query_params.pop(parameter, None)
    else:
        st.query_params[parameter] = name
    return name


def _list(found: dict[str, WrittenExport]) -> None:
    picture(charts.listed(found, st.context.timezone or "UTC"), key="exports")


def one(export: WrittenExport) -> None:
    """One export: its path, its files, how to load it, its manifest."""
    st.code(str(export.folder), language=None)
    files, load, manifest = st.tabs(["Files", "Load it", "Manifest"])
    with files:
        shards = pd.DataFrame(export.manifest["shards"])
        table = shards.rename(columns={"name": "File", "rows": "Rows", "bytes": "Size"})[["File", "Rows", "Size"]]
        st.dataframe(
            table,
            hide_index=True,
            column_config={"Rows": NUMBER, "Size": SIZE},
            key="files",
            alt="The files of this export",
        )
        st.caption(f"Beside them: {', '.join(export.manifest['other_files'])}. Checksums, SHA-256:")
        sums = "\n".join(f"{shard['sha256']}  {shard['name']}" for shard in export.manifest["shards"])
        st.code(sums, language=None, wrap_lines=True, height=HIGH if len(shards) > 6 else "content")
        download(export)
    with load:
        st.code(how_to_load(export.manifest["format"], export.folder), language="python", wrap_lines=True)
    with manifest:
        st.json(dict(export.manifest), expanded=1)


def download(export: WrittenExport) -> None:
    """The whole folder as one file, where it is not too large for that."""
    if export.bytes > exporting.LARGEST_ZIP:
        st.caption("Too large to download here: take it from its folder.")
        return
    st.download_button(
        "Download as ZIP",
        data=partial(exporting.zipped, export.folder),
        file_name=f"{export.name}.zip",
        mime="application/zip",
        on_click="ignore",
        icon=":material/download:",
        key="download",
    )


@st.cache_data(max_entries=4, show_spinner="Comparing the two ...")
def _compared(first: str, second: str, written_at: tuple[float, float]) -> Comparison:
    return compare(written(Path(first)), written(Path(second)))


def difference(before: WrittenExport, after: WrittenExport, titles: tuple[str, str]) -> None:
    """How one export differs from another."""
    st.markdown("**What differs**")
    found = _compared(str(before.folder), str(after.folder), (before.written_at, after.written_at))
    counts = [(COUNTS[name], *pair) for name, pair in found.counts.items()]
    with st.container(horizontal=True, gap="large"):
        left, right = st.container(width=NARROW), st.container(width=WIDE)
    with left:
        st.dataframe(
            pd.DataFrame(counts, columns=["Count", *titles]),
            hide_index=True,
            column_config=dict.fromkeys(titles, NUMBER),
            key="counts",
            alt="How much each of the two holds",
        )
    with right:
        settings = [
            (SECTIONS.get(s.part, s.part.replace("_", " ").capitalize()), s.name, *_both(s)) for s in found.settings
        ]
        if settings:
            st.dataframe(
                pd.DataFrame(settings, columns=["Part", "Setting", *titles]),
                hide_index=True,
                key="settings",
                alt="The settings in which the two differ",
            )
        else:
            st.caption("Every setting is the same.")
    passages(found)


def _both(setting) -> tuple[str, str]:
    return tuple("none" if value is None else str(value) for value in (setting.first, setting.second))


def passages(found: Comparison) -> None:
    """Which passages came or went, query by query."""
    if found.changes is None:
        st.caption(found.why_not)
    elif found.changes.empty:
        st.caption("Both train on the same passages.")
    else:
        table = found.by_query.rename(columns=str.capitalize)
        pressed = st.dataframe(
            table,
            hide_index=True,
            column_config=dict.fromkeys(table.columns[1:], NUMBER),
            height=min(36 * (len(table) + 1), HIGH),
            on_select="rerun",
            selection_mode="single-row-required",
            selection_default={"selection": {"rows": [0]}},
            key="by_query",
            alt="Queries whose passages changed",
        )
        rows = pressed["selection"]["rows"] or [0]
        query = table["Query"].iat[min(rows[0], len(table) - 1)]
        st.text(query)
        for change, role, passage in found.passages_of(query):
            st.html(PASSAGE.format(SIGNS[change], html.escape(change), html.escape(role), html.escape(passage)))


def page(work: Workspace) -> None:
    """Plan, progress, and the existing exports."""
    st.title("Export")
    st.caption("Write the kept negatives as training files. Nothing is written before you press the button.")
    runner = _runner(str(work.run.folder))
    plan(work, runner)
    st.divider()
    there_are(work, runner)


page(state.workspace())
