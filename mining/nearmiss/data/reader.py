"""
`read`: from a path to a checked `Dataset`, whatever the format.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from nearmiss.counts import counted
from nearmiss.data import in_memory
from nearmiss.data.beir import read_beir
from nearmiss.data.checks import Wrong
from nearmiss.data.columns import ColumnNames, ColumnRoles, layout
from nearmiss.data.corpus import read_corpus, read_queries
from nearmiss.data.dataset import Dataset
from nearmiss.data.dpr import dpr_example
from nearmiss.data.example import InputExample
from nearmiss.data.flagembedding import flag_example
from nearmiss.data.frames import frames
from nearmiss.data.gathering import Gathered, add_example, drop_unanswered
from nearmiss.data.hf import hf_rows
from nearmiss.data.input_formats import InputFormat, ReadOptions, checked_format, existing, options_of
from nearmiss.data.lines import InputRow
from nearmiss.data.msmarco import check_form, judgements_in, msmarco_example, msmarco_rows, needs_tables
from nearmiss.data.nemo import nemo_example, nemo_rows
from nearmiss.data.opening import kind_of
from nearmiss.data.pairs import first_is_positive, pair_example, refuse_spelled_lists
from nearmiss.data.parts import CORPUS, QUERIES, companion, named, rows_table
from nearmiss.data.pylate import pylate_example
from nearmiss.data.rejects import Ledger, settle
from nearmiss.data.rocketqa import rocketqa_example, rocketqa_rows
from nearmiss.data.sheets import rows
from nearmiss.data.tevatron import tevatron_example
from nearmiss.errors import DatasetError

Understood = Callable[[Mapping[str, Any]], InputExample]


def read(
    path: Any,
    *,
    format: str | None = None,
    split: str | None = None,
    corpus: str | Path | None = None,
    queries: str | Path | None = None,
    columns: ColumnNames = ColumnNames(),  # noqa: B008  (frozen)
    positive_from: float | None = None,
    reject: str | Path | None = None,
) -> Dataset:
    """
    Read and check a dataset.

    `path` is a file, a folder, a hub name, a `datasets.Dataset` or a pandas frame of pairs, or a mapping of frames
    `queries`, `documents`, `positives` and perhaps `negatives`. `format` is its form, which is recognised unless given;
    `split` says which qrels or split, where there are several.
    `corpus` is a file or a folder whose documents join the pool; `queries` has the texts of queries that rows name by
    id; `columns` names those of pairs and hf, and `positive_from` is the label or score from which on a document is a
    positive. Bad rows raise one DatasetError that lists them, or go to the file `reject`, with all that depended on
    them. Other remarks about the reading are in the dataset's `notes`.

    Example:
        >>> import nearmiss as nm
        >>> data = nm.read("sample_data")
        >>> len(data.queries), len(data.documents)
        (84, 952)
        >>> import pandas as pd
        >>> pairs = pd.DataFrame({"query": ["why is the sea salty"], "answer": ["Rivers carry salt into it."]})
        >>> nm.read(pairs).documents["text"].tolist()
        ['Rivers carry salt into it.']
    """
    reject = None if reject is None else Path(reject)
    asked = ReadOptions(split, optional(corpus), optional(queries), columns, positive_from)
    if not isinstance(path, str | Path):
        return read_memory(path, format, asked, reject)
    path = Path(path)
    chosen = checked_format(path, format, asked)
    check_reject(reject, (path, asked.corpus, asked.queries))
    gathered, ledger = begin(asked, reject)
    if chosen == "beir":
        read_beir(path, split, gathered, ledger)
    else:
        read_examples(chosen, path, asked, gathered, ledger)
    return finish(str(path), gathered, ledger, reject)


def optional(path: str | Path | None) -> Path | None:
    return None if path is None else Path(path)


def begin(asked: ReadOptions, reject: Path | None) -> tuple[Gathered, Ledger]:
    """Nothing yet but what the files beside the rows hold: more documents, and texts of queries."""
    gathered, ledger = Gathered(), Ledger(keeps_rows=reject is not None)
    if asked.corpus is not None:
        read_corpus(existing(asked.corpus), gathered, ledger)
    if asked.queries is not None:
        read_queries([existing(asked.queries)], gathered, ledger)
    return gathered, ledger


def finish(place: str, gathered: Gathered, ledger: Ledger, reject: Path | None) -> Dataset:
    """The dataset of what was read from `place`; DatasetError for bad rows, and where no query has a positive."""
    count_unanswered(gathered, ledger)
    counts = settle(ledger, reject)
    if not gathered.queries:
        raise DatasetError(f"{place}: wanted a query with a positive; found none in {counts.read:,} rows")
    return frames(gathered, counts, tuple(ledger.notes))


def read_memory(given: Any, format: str | None, asked: ReadOptions, reject: Path | None) -> Dataset:
    """A dataset from objects in memory."""
    if format not in (None, "pairs"):
        raise DatasetError(f"format: wanted none, or pairs, for data in memory; found {format!r}")
    check_reject(reject, (asked.corpus, asked.queries))
    gathered, ledger = begin(asked, reject)
    if isinstance(given, Mapping) and not hasattr(given, "column_names"):
        in_memory.read_frames(given, gathered, ledger)
    else:
        read_table(given, asked, gathered, ledger)
    return finish("data", gathered, ledger, reject)


def read_table(given: Any, asked: ReadOptions, gathered: Gathered, ledger: Ledger) -> None:
    """Add the rows of one table with named columns, which may hold labels."""
    thresholded, by_id = asked.positive_from is not None, bool(gathered.asked)

    def found(header: Sequence[str]) -> ColumnRoles:
        return layout(tuple(header), asked.columns, thresholded, by_id)

    def understood(row: Mapping[str, Any]) -> InputExample:
        return pair_example(row, found(list(row)), asked.positive_from)

    add_examples(in_memory.pair_rows(given, asked.split, ledger, found), understood, gathered, ledger)


def check_reject(reject: Path | None, sources: Iterable[Path | None]) -> None:
    """Refuse a `reject` file that would overwrite an input."""
    if reject is None:
        return
    target = reject.resolve()
    for source in sources:
        if source is not None and (target == source.resolve() or source.resolve() in target.parents):
            raise DatasetError(f"--reject {reject}: wanted a file outside the data; found one in {source}")


def read_examples(format: InputFormat, path: Path, asked: ReadOptions, gathered: Gathered, ledger: Ledger) -> None:
    """Add the rows of every format whose rows each hold a query with its documents."""
    files = [path] if format == "hf" or not path.is_dir() else files_of(format, path, asked.split)
    if len(files) > 1:
        ledger.notes.append(f"read together, as parts of one table: {named(files)}")
    beside = path if path.is_dir() else None
    if format in ("tevatron", "pairs", "flag", "dpr") and beside is not None:
        add_beside(beside, asked, gathered, ledger)
    match format:
        case "hf" | "pairs":
            read_named(format, path, files, asked, gathered, ledger)
        case "flag":
            add_files(files, plain_rows, flag_example, gathered, ledger)
        case "tevatron":
            add_files(files, plain_rows, tevatron_example, gathered, ledger)
        case "dpr":
            add_files(files, plain_rows, dpr_example, gathered, ledger)
        case "rocketqa":
            add_files(files, rocketqa_rows, rocketqa_example, gathered, ledger)
        case "pylate":
            add_beside(beside, asked, gathered, ledger, needed_by=path)
            add_files(files, plain_rows, pylate_example, gathered, ledger)
        case "nemo":
            read_nemo(files, asked, gathered, ledger)
        case _:
            read_msmarco(files, beside, asked, gathered, ledger)


def files_of(format: InputFormat, folder: Path, split: str | None) -> list[Path]:
    """The files of a folder that hold the rows."""
    return judgements_in(folder, split) if format == "msmarco" else rows_table(folder, split)


def add_beside(
    folder: Path | None, asked: ReadOptions, gathered: Gathered, ledger: Ledger, *, needed_by: Path | None = None
) -> None:
    """Add the corpus and the queries that lie beside the rows, unless they were named."""
    found_corpus = None if folder is None else companion(folder, CORPUS, asked.split)
    found_queries = None if folder is None else companion(folder, QUERIES, asked.split)
    for option, named_one, found, words in (
        ("--corpus", asked.corpus, found_corpus, "the passages (id and text)"),
        ("--queries", asked.queries, found_queries, "the queries (id and text)"),
    ):
        if named_one is not None and found:
            raise DatasetError(f"{option}: wanted {words} once; found {named_one} and {named(found)} beside the rows")
        if needed_by is not None and named_one is None and not found:
            raise DatasetError(f"{needed_by}: wanted {words}, beside the rows or as {option} FILE; found none")
    for file in found_corpus or []:
        read_corpus(file, gathered, ledger)
    read_queries(found_queries or [], gathered, ledger)


def read_named(
    format: InputFormat, path: Path, files: Sequence[Path], asked: ReadOptions, gathered: Gathered, ledger: Ledger
) -> None:
    """Add rows with named columns, and say which column was taken for what."""
    seen: Counter[ColumnRoles] = Counter()
    thresholded, by_id = asked.positive_from is not None, bool(gathered.asked)
    written_as, options = options_of(path)
    ordered = written_as == "labeled-list" and bool(options.get("scores")) and not thresholded
    in_cells = format == "pairs" and kind_of(files[0]) in (".csv", ".tsv")

    def understood(row: Mapping[str, Any]) -> InputExample:
        row = first_is_positive(row) if ordered else row
        found = layout(tuple(row), asked.columns, thresholded, by_id)
        seen[found] += 1
        if in_cells:
            refuse_spelled_lists(row, found)
        return pair_example(row, found, asked.positive_from)

    def check(header: Sequence[str]) -> None:
        if not ordered:
            layout(tuple(header), asked.columns, thresholded, by_id)

    def source(file: Path, ledger: Ledger) -> Iterator[InputRow]:
        return hf_rows(file, asked.split, ledger, check) if format == "hf" else rows(file, ledger, check)

    add_files(files, source, understood, gathered, ledger)
    check_labels(path, seen)
    if thresholded and seen and all(found.label is None for found in seen):
        raise DatasetError(f"--positive-from: wanted a column of labels or scores; found none in {path}")
    ledger.notes += [f"columns: {words}" for words in dict.fromkeys(map(str, seen))]


def read_nemo(files: Sequence[Path], asked: ReadOptions, gathered: Gathered, ledger: Ledger) -> None:
    """Add the corpus that each file names, once, then the questions."""
    read_already: set[Path] = set()
    found = [nemo_rows(file, ledger) for file in files]
    for file, (corpora, _) in zip(files, found, strict=True):
        for corpus in corpora if asked.corpus is None else ():
            if not corpus.exists():
                raise DatasetError(f"{file}: wanted its corpus at {corpus}, or --corpus FILE; found nothing there")
            if corpus.resolve() not in read_already:
                read_already.add(corpus.resolve())
                read_corpus(corpus, gathered, ledger)
    for _, questions in found:
        add_examples(questions, nemo_example, gathered, ledger)


def read_msmarco(
    files: Sequence[Path], beside: Path | None, asked: ReadOptions, gathered: Gathered, ledger: Ledger
) -> None:
    """Add the judgements, and the collection and the queries if these name them by id."""
    for file in files:
        check_form(file)
    by_id = any(needs_tables(file) for file in files)
    add_beside(beside if by_id else None, asked, gathered, ledger, needed_by=files[0] if by_id else None)

    def understood(row: Mapping[str, Any]) -> InputExample:
        return msmarco_example(row, by_id=by_id)

    add_files(files, msmarco_rows, understood, gathered, ledger)


def plain_rows(file: Path, ledger: Ledger) -> Iterator[InputRow]:
    """Rows without a check of the header: errors come from the rows."""
    return rows(file, ledger, lambda header: None)


def add_files(
    files: Iterable[Path],
    source: Callable[[Path, Ledger], Iterable[InputRow]],
    understood: Understood,
    gathered: Gathered,
    ledger: Ledger,
) -> None:
    """Take in the rows of several files."""
    for file in files:
        add_examples(source(file, ledger), understood, gathered, ledger)


def add_examples(found: Iterable[InputRow], understood: Understood, gathered: Gathered, ledger: Ledger) -> None:
    """Take in each row as it is understood, or list it as bad."""
    for row in found:
        try:
            example = understood(row.fields)
            query_id = add_example(gathered, example, row.place)
        except Wrong as wrong:
            ledger.refuse(row.file, row.line, wrong, row.fields)
            continue
        ledger.kept += 1
        if example.positives:
            gathered.unanswered.pop(query_id, None)
            gathered.answered.add(query_id)
        elif query_id not in gathered.answered:
            kept = row.fields if ledger.keeps_rows else None
            gathered.unanswered.setdefault(query_id, []).append((row.file, row.line, kept))


def count_unanswered(gathered: Gathered, ledger: Ledger) -> None:
    """Set aside the rows of queries that have labelled negatives alone, and note how many queries nobody judged."""
    for query_id in drop_unanswered(gathered):
        for file, line, row in gathered.unanswered[query_id]:
            ledger.kept -= 1
            ledger.set_aside(file, line, Wrong("a query with a positive", "one with labelled negatives alone"), row)
    unjudged = len(gathered.asked.keys() - gathered.queries.keys())
    if unjudged:
        ledger.notes.append(f"left out, since no row names a positive for them: {counted(unjudged, 'query')}")


def check_labels(path: Path, seen: Counter[ColumnRoles]) -> None:
    """DatasetError where only some rows have a label: the others would all count as positives."""
    labels = {found.label for found in seen if found.label is not None}
    without = sum(count for found, count in seen.items() if found.label is None and not found.negatives)
    if labels and without:
        raise DatasetError(
            f"{path}: wanted a label in every row, or in none; found {counted(without, 'row')} of {seen.total():,} "
            f"without {' or '.join(map(repr, sorted(filter(None, labels))))}, which would all be positives"
        )
