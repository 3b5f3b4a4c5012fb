"""The exports of a run: their list, one of them in full, and how it differs from another."""

import html
from functools import partial
from pathlib import Path

import pandas as pd
import streamlit as st

from nearmiss.export.comparison import Comparison, compare
from nearmiss.export.loading_code import how_to_load
from nearmiss.export.read_back import WrittenExport, written
from nearmiss.session import exporting
from nearmiss.session.exporting import ExportRunner
from nearmiss.workspace import Workspace
from nearmiss_app.charts import export as charts
from nearmiss_app.export_settings import NARROW, STAYS
from nearmiss_app.pictures import picture

HIGH, WIDE = 256, 560  # pixels; what does not fit side by side goes below
SIGNS = {"gained": "+", "lost": "−"}
PASSAGE = """<div style="display: grid; grid-template-columns: 10.5rem 1fr; gap: 1rem; font-size: 0.875rem">
<div>{} {} as {}</div>
<div tabindex="0" style="max-height: 9rem; overflow: auto; overflow-wrap: anywhere">{}</div></div>"""
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
