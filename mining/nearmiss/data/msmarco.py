"""
MS MARCO's files: collection.tsv and queries.tsv, with judgements in one of three forms.

- qrels (`qid 0 pid grade`)
- triples (`query`, positive, negative between tabs): three texts, or three ids of the queries and the collection
- hard negatives as sentence-transformers gives them: {"qid", "pos": [ids], "neg": {"system": [ids], ...}} on each line

In:  the file of judgements, or a folder in which it lies beside the collection and the queries
Out: rows and the content of each
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from nearmiss.data.beir_qrels import LINES, read_qrels
from nearmiss.data.checks import Wrong, wanted_field, wanted_id, wanted_list, wanted_text
from nearmiss.data.delimited import tab_separated
from nearmiss.data.example import InputDocument, InputExample
from nearmiss.data.json_values import json_rows
from nearmiss.data.lines import InputRow
from nearmiss.data.opening import kind_of
from nearmiss.data.parts import CORPUS, QUERIES, first_word, named, one_table, stem, tables
from nearmiss.data.rejects import Ledger
from nearmiss.errors import DatasetError

TRIPLE = ("query", "positive", "negative")
FORMS = ("qrels", "triples", "hard negatives")


def form_of(path: Path) -> str:
    """Which of the forms a file has, by its name alone; "" where it has none of these names."""
    name = stem(path).lower()
    if kind_of(path) in (".jsonl", ".json", ".ndjson"):
        return "hard negatives"
    if "triples" in name:
        return "triples"
    return "qrels" if "qrels" in name or kind_of(path) in (".qrels", ".trec") else ""


def judgements_in(folder: Path, split: str | None) -> list[Path]:
    """The files of judgements in a folder; where it has several forms, the user says which."""
    found = tables(folder, {".jsonl", ".json", *LINES})
    found = {name: files for name, files in found.items() if first_word(name) not in (*CORPUS, *QUERIES)}
    found = {name: files for name, files in found.items() if form_of(files[0])}
    forms = {form_of(files[0]) for files in found.values()}
    if len(forms) > 1:
        files = named([path for paths in found.values() for path in paths])
        raise DatasetError(
            f"{folder}: wanted one of {', '.join(FORMS)}; found {files}: give the file, with --corpus and --queries"
        )
    if not found:
        raise DatasetError(f"{folder}: wanted a file of {', '.join(FORMS)} beside collection and queries; found none")
    return one_table(folder, found, split)


def check_form(path: Path) -> None:
    """Refuse a file whose name is that of none of the forms."""
    if not form_of(path):
        raise DatasetError(
            f"{path}: wanted qrels, triples or hard negatives, by the file's name (qrels.train.tsv, triples.tsv, "
            f"hard-negatives.jsonl); found {path.name!r}"
        )


def needs_tables(path: Path) -> bool:
    """Whether a file names queries and passages by id; triples of texts alone do not."""
    if form_of(path) != "triples":
        return True
    first = next((values for _, values in tab_separated(path, Ledger(keeps_rows=False), "", (3,))), None)
    return first is not None and all(value.isdecimal() for value in first)


def msmarco_rows(path: Path, ledger: Ledger) -> Iterator[InputRow]:
    """The rows of a file of judgements."""
    match form_of(path):
        case "hard negatives":
            yield from json_rows(path, ledger)
        case "qrels":
            for found in read_qrels(path, set(), ledger):
                yield InputRow(
                    found.file, found.line, {"qid": found.query_id, "pid": found.doc_id, "grade": found.score}
                )
        case _:
            for line, values in tab_separated(path, ledger, "query, positive and negative", (3,)):
                yield InputRow(str(path), line, dict(zip(TRIPLE, values, strict=True)))


def msmarco_example(row: Mapping[str, Any], *, by_id: bool) -> InputExample:
    """The content of one row."""
    if "query" in row:
        return triple(row, by_id=by_id)
    query_id = wanted_id(wanted_field(row, "qid"), "qid")
    if "pid" in row:
        passage = InputDocument(row["pid"])
        is_positive = row["grade"] > 0
        positives, negatives = ([(passage, row["grade"])], []) if is_positive else ([], [passage])
        return InputExample(query_id, None, positives, negatives, {}, labelled=True)
    positives = [(InputDocument(key), 1.0) for key in ids(wanted_field(row, "pos"), "pos")]
    negative = [InputDocument(key) for key in mined(row.get("neg"))]
    own = {name: value for name, value in row.items() if name not in ("qid", "pos", "neg")}
    return InputExample(query_id, None, positives, negative, own, labelled=True)


def triple(row: Mapping[str, Any], *, by_id: bool) -> InputExample:
    """A query with a positive and a negative."""
    if by_id:
        query, positive, negative = (wanted_id(row[name], name) for name in TRIPLE)
        return InputExample(query, None, [(InputDocument(positive), 1.0)], [InputDocument(negative)], {})
    query, positive, negative = (wanted_text(row[name], name) for name in TRIPLE)
    return InputExample(
        None, query, [(InputDocument(None, text=positive), 1.0)], [InputDocument(None, text=negative)], {}
    )


def mined(value: Any) -> dict[str, None]:
    """The ids of the negatives of all systems, each once."""
    if value is None:
        return {}
    lists = value if isinstance(value, Mapping) else {"neg": value}
    return dict.fromkeys(key for name, found in lists.items() for key in ids(found, str(name)))


def ids(value: Any, name: str) -> list[str]:
    """A list of ids."""
    if not isinstance(value, list):
        raise Wrong(f"a list of ids in {name!r}", str(type(value).__name__))
    return [wanted_id(item, name) for item in wanted_list(value, name)]
