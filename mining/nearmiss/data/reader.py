"""
`read`: from a path to a checked `Dataset`, whatever the format.

The format is chosen by the caller, or by file names that mean only one; never by looking at the first row.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

from nearmiss.data.array import json_array
from nearmiss.data.beir import read_beir
from nearmiss.data.checks import Wrong
from nearmiss.data.corpus import read_corpus
from nearmiss.data.dataset import Dataset
from nearmiss.data.dpr import dpr_example
from nearmiss.data.example import Example
from nearmiss.data.flagembedding import flag_example
from nearmiss.data.frames import frames
from nearmiss.data.gathering import Gathered, add_example
from nearmiss.data.hf import hf_rows
from nearmiss.data.lines import Row, json_lines
from nearmiss.data.pairs import Columns, layout, pair_example
from nearmiss.data.rejects import Ledger, settle
from nearmiss.data.sheets import rows
from nearmiss.data.tevatron import tevatron_example
from nearmiss.errors import DatasetError

Format = Literal["beir", "pairs", "flag", "tevatron", "dpr", "hf"]
FORMATS: tuple[Format, ...] = get_args(Format)


def read(
    path: str | Path,
    *,
    format: str | None = None,
    split: str | None = None,
    corpus: str | Path | None = None,
    columns: Columns = Columns(),  # noqa: B008  (frozen)
    reject: str | Path | None = None,
) -> Dataset:
    """
    Read and check a dataset.

    `corpus` is a JSONL, CSV or Parquet file whose documents join the pool; `columns` names those of pairs and hf.
    Bad rows raise one DatasetError that lists them, or go to the file `reject`, with all that depended on them.
    """
    path, reject = Path(path), None if reject is None else Path(reject)
    chosen = checked_format(path, format, split)
    check_reject(reject, path, None if corpus is None else Path(corpus))
    gathered, ledger = Gathered(), Ledger(keeps_rows=reject is not None)
    if corpus is not None:
        read_corpus(existing(Path(corpus)), gathered, ledger)
    if chosen == "beir":
        read_beir(path, split, gathered, ledger)
    else:
        read_examples(chosen, path, split, columns, gathered, ledger)
    counts = settle(ledger, reject)
    if not gathered.queries:
        raise DatasetError(f"{path}: wanted a query with a positive; found none in {counts.read:,} rows")
    return frames(gathered, counts)


def checked_format(path: Path, format: str | None, split: str | None) -> Format:
    """The format, once it and the path go together."""
    chosen = format_of(path) if format is None else next((known for known in FORMATS if known == format), None)
    if chosen is None:
        raise DatasetError(f"--format: wanted one of {', '.join(FORMATS)}; found {format!r}")
    if chosen != "hf":
        existing(path)
    if split is not None and chosen not in ("beir", "hf"):
        raise DatasetError(f"--split: wanted none, since {chosen} files have no splits; found {split!r}")
    wanted, found = ("folder" if is_folder else "file" for is_folder in (chosen == "beir", path.is_dir()))
    if chosen != "hf" and wanted != found:
        raise DatasetError(f"{path}: wanted a {wanted} for --format {chosen}; found a {found}")
    return chosen


def format_of(path: Path) -> Format:
    """The one format that has such names. Raises DatasetError where several do."""
    existing(path)
    names = {file.name.removesuffix(".gz") for file in path.iterdir()} if path.is_dir() else set()
    beir = {"corpus.jsonl", "queries.jsonl"} <= names
    hf = {"dataset_info.json", "state.json"} <= names or "dataset_dict.json" in names
    if beir != hf:
        return "beir" if beir else "hf"
    if path.name.removesuffix(".gz").endswith((".csv", ".parquet")) and not path.is_dir():
        return "pairs"
    found = f"a folder with {sorted(names)[:8]}" if path.is_dir() else f"{path.name!r}, which several formats use"
    raise DatasetError(f"{path}: wanted --format, one of {', '.join(FORMATS)}; found {found}")


def existing(path: Path) -> Path:
    """The path, if there is something at it."""
    if not path.exists():
        raise DatasetError(f"{path}: wanted a file or folder; found nothing there (a dataset on the hub: --format hf)")
    return path


def check_reject(reject: Path | None, path: Path, corpus: Path | None) -> None:
    """The bad rows must not replace what they come from."""
    if reject is None:
        return
    target = reject.resolve()
    for source in (path, corpus):
        if source is not None and (target == source.resolve() or source.resolve() in target.parents):
            raise DatasetError(f"--reject {reject}: wanted a file outside the data; found one in {source}")


def read_examples(
    format: Format, path: Path, split: str | None, columns: Columns, gathered: Gathered, ledger: Ledger
) -> None:
    """Add the rows of every format whose rows each hold a query with its documents."""

    def as_pair(row: Mapping[str, Any]) -> Example:
        return pair_example(row, columns)

    def check(header: Sequence[str]) -> None:
        layout(tuple(header), columns)

    match format:
        case "hf":
            add_examples(hf_rows(path, split, ledger, check), as_pair, gathered, ledger)
        case "flag":
            add_examples(json_lines(path, ledger), flag_example, gathered, ledger)
        case "tevatron":
            add_examples(json_lines(path, ledger), tevatron_example, gathered, ledger)
        case "dpr":
            add_examples(json_array(path, ledger), dpr_example, gathered, ledger)
        case _:
            add_examples(rows(path, ledger, check), as_pair, gathered, ledger)


def add_examples(
    found: Iterable[Row], example: Callable[[Mapping[str, Any]], Example], gathered: Gathered, ledger: Ledger
) -> None:
    """Take in each row as `example` understands it, or list it as bad."""
    for row in found:
        try:
            add_example(gathered, example(row.fields), row.place)
        except Wrong as wrong:
            ledger.refuse(row.file, row.line, wrong, row.fields)
            continue
        ledger.kept += 1
