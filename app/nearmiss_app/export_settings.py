"""The settings of an export, as controls: the training code, what becomes of verdicts, and the files."""

import streamlit as st

from nearmiss.export import EXPORT_FORMATS, Export, own_columns
from nearmiss.export.formats import by_library, choices
from nearmiss.settings import words_of
from nearmiss.workspace import Workspace
from nearmiss_app import navigation, theme

HELP = words_of(Export)
STAYS = {"persist_state": "session"}
NARROW, MIDDLE = 340, 440  # pixels
BECOMES = {
    "relevant": {"promote": "make it a positive", "drop": "leave it out"},
    "partial": {"mask": "leave it out", "keep": "treat it as not judged"},
    "unsure": {"drop": "leave it out", "keep": "treat it as not judged"},
}
CONTAINERS = {"jsonl": "JSON lines", "parquet": "Parquet"}
COMPRESSIONS = {"auto": "as its reader needs", "zst": "zst", "gz": "gz", "none": "none"}


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
        words = f"{HELP['own_columns']}. Here: {navigation.as_text(', '.join(own))}"
        options["own_columns"] = st.checkbox("Add my own columns", key="own_columns", help=words, **STAYS)
    if "batch_groups" in offered:
        words = HELP["batch_groups"]
        options["batch_groups"] = st.checkbox("Group rows for batches", key="batch_groups", help=words, **STAYS)
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
