"""
NeMo Automodel's corpus-id JSON: one object {"corpus": [{"path"}], "data": [{"question", "pos_doc", "neg_doc"}]}, whose
documents are ids of the corpus that lies at `path` beside the file; and its inline rows {"query", "pos_doc", "neg_doc"}
with texts.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from nearmiss.data.checks import Wrong, described, wanted_field, wanted_id, wanted_list, wanted_text
from nearmiss.data.example import InputDocument, InputExample
from nearmiss.data.lines import InputRow
from nearmiss.data.opening import UNREADABLE, opened_text, reason
from nearmiss.data.rejects import Ledger
from nearmiss.data.sheets import rows
from nearmiss.errors import DatasetError

OURS = {"question", "question_id", "query", "query_id", "corpus_id", "pos_doc", "neg_doc"}


def nemo_rows(path: Path, ledger: Ledger) -> tuple[list[Path], Iterator[InputRow]]:
    """Where the corpus lies, as the file says (nowhere where texts are inline), and the rows; numbered from 1."""
    content = whole_object(path)
    if content is None:
        return [], rows(path, ledger, lambda header: None)
    data = content["data"]
    if not isinstance(data, list):
        raise DatasetError(f"{path}: wanted a list in 'data'; found {described(data)}")
    return corpora(path, content.get("corpus")), data_rows(path, data, ledger)


def whole_object(path: Path) -> dict[str, Any] | None:
    """The object that is the file, if it is one with `data`; NeMo too holds all of it in memory."""
    try:
        with opened_text(path) as stream:
            content = json.load(stream)
    except UNREADABLE as error:
        raise DatasetError(f"{path}: wanted a whole, readable file; found {reason(error)}") from error
    except (ValueError, RecursionError):
        return None  # lines, or broken: the reader of rows says where
    return content if isinstance(content, dict) and "data" in content else None


def data_rows(path: Path, data: list[Any], ledger: Ledger) -> Iterator[InputRow]:
    """The items of `data`."""
    for number, item in enumerate(data, start=1):
        if isinstance(item, dict):
            yield InputRow(str(path), number, item)
        else:
            ledger.refuse(str(path), number, Wrong("a JSON object in 'data'", described(item)), item)


def corpora(path: Path, found: Any) -> list[Path]:
    """The paths of the corpora; relative ones begin at the file."""
    entries = found if isinstance(found, list) else [] if found is None else [found]
    named = [entry.get("path") if isinstance(entry, dict) else entry for entry in entries]
    paths = [path.parent / name for name in named if isinstance(name, str) and name]
    if len(paths) < len(named):
        raise DatasetError(f"{path}: wanted a 'path' for each corpus; found {described(found)}")
    return paths


def nemo_example(row: Mapping[str, Any]) -> InputExample:
    """The content of one item; an item of `data` names documents by their ids, an inline one by their texts."""
    by_id = "question" in row
    name, id_name = ("question", "question_id") if by_id else ("query", "query_id")
    query = wanted_text(wanted_field(row, name), name)
    query_id = row.get(id_name)
    positives = documents(wanted_field(row, "pos_doc"), "pos_doc", by_id=by_id)
    return InputExample(
        query_id=None if query_id is None else wanted_id(query_id, id_name),
        query=query,
        positives=[(found, 1.0) for found in positives],
        negatives=documents([] if row.get("neg_doc") is None else row["neg_doc"], "neg_doc", by_id=by_id),
        own={key: value for key, value in row.items() if key not in OURS},
    )


def documents(value: Any, name: str, *, by_id: bool) -> list[InputDocument]:
    """The documents of a list: {"id"} objects or ids, or texts."""
    found = []
    for item in wanted_list(value if isinstance(value, list) else [value], name):
        if by_id:
            found.append(InputDocument(wanted_id(wanted_field(item, "id") if isinstance(item, dict) else item, name)))
        else:
            text = wanted_field(item, "text") if isinstance(item, dict) else item
            found.append(InputDocument(None, text=wanted_text(text, name)))
    return found
