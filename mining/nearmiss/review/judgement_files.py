"""
Judgement files: which format a file has, and its objects or rows with their places.

In:  a file (plain or .gz), perhaps the name of its format
Out: the name of its format, found in its name and its first object or header and in nothing else; or a ReviewError

Nothing is guessed: what fits none of the formats is refused, with what was found in it.
"""

import csv
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, get_args

from nearmiss.data.checks import Wrong, shortened
from nearmiss.data.lines import decoded, lines, parsed
from nearmiss.errors import ReviewError
from nearmiss.review.annotation_tools import Placed, place_of
from nearmiss.review.history import settle

JudgementFormat = Literal["jsonl", "trec", "rows", "quepid", "label-studio", "prodigy", "argilla"]
JUDGEMENT_FORMATS: tuple[JudgementFormat, ...] = get_args(JudgementFormat)
GRADED = (".tsv", ".txt", ".trec", ".qrels")
HISTORY = ("seq", "client_id", "client_seq", "decided_at")
# An object is of the first format all of whose fields it has.
KNOWN_BY: dict[JudgementFormat, tuple[str, ...]] = {
    "jsonl": ("query_id", "doc_id", "verdict", *HISTORY),
    "label-studio": ("data", "annotations"),
    "argilla": ("fields", "responses"),
    "prodigy": ("answer",),
    "rows": ("query_id", "doc_id", "verdict"),
}


def format_of(path: Path, named: str | None) -> JudgementFormat:
    """The format that was given, else the one found from the file's name and its first object or header."""
    if named is not None:
        found = next((format for format in JUDGEMENT_FORMATS if format == named), None)
        if found is None:
            raise ReviewError(f"--format: wanted one of {', '.join(JUDGEMENT_FORMATS)}; found {named!r}")
        return found
    ending = _ending(path)
    if ending in (".json", ".jsonl"):
        return _by_fields(path, ending)
    if ending == ".csv":
        return _by_header(path, csv_header(path))
    if ending in GRADED:
        return "rows" if "verdict" in _first_words(path) else "trec"
    raise ReviewError(
        f"--format: wanted one of {', '.join(JUDGEMENT_FORMATS)}, which the name of the file does not tell; "
        f"found {path.name!r}"
    )


def format_to_write(path: Path, named: str | None) -> JudgementFormat:
    """jsonl or trec: the one that was given, else the one that the file's name implies."""
    endings: dict[str, JudgementFormat] = {
        ".jsonl": "jsonl",
        ".tsv": "trec",
        ".txt": "trec",
        ".trec": "trec",
        ".qrels": "trec",
    }
    found = endings.get(_ending(path) if named is None else f".{named}")
    if named in ("tsv", "txt", "qrels"):
        found = None
    if found is None:
        raise ReviewError(f"--format: wanted jsonl or trec; found {named or path.name!r}")
    return found


def objects(path: Path) -> Iterator[Placed]:
    """The objects of a JSON array or of JSON lines, with their places. ReviewError where they cannot be read."""
    if _ending(path) != ".json":
        yield from _json_lines(path)
        return
    for number, fields in enumerate(_json_array(path), 1):
        place = place_of(path, number, is_line=False)
        if not isinstance(fields, Mapping):
            raise ReviewError(f"{place}: wanted an object; found {shortened(repr(fields))}")
        yield Placed(number, place, fields)


def table_rows(path: Path) -> Iterator[Placed]:
    """The rows of a CSV file, or of one with tabs, under its header; each with the line on which it ends."""
    reader = _table(path)
    try:
        names = [name.strip() for name in next(reader, [])]
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(names):
                raise ReviewError(
                    f"{path}:{reader.line_num}: wanted {len(names)} columns, as in the header; found {len(cells)}"
                )
            place = place_of(path, reader.line_num, is_line=True)
            yield Placed(reader.line_num, place, {name: cell for name, cell in zip(names, cells, strict=True) if name})
    except csv.Error as error:
        raise ReviewError(f"{path}:{reader.line_num}: wanted rows of a table; found {error}") from error


def csv_header(path: Path) -> list[str]:
    """The names of a CSV file's columns."""
    try:
        return [name.strip() for name in next(_table(path), [])]
    except csv.Error as error:
        raise ReviewError(f"{path}:1: wanted the names of columns; found {error}") from error


def _table(path: Path) -> Any:
    # The default limit of 128 KB would refuse a table with a long document in it.
    csv.field_size_limit(sys.maxsize)
    return csv.reader(_text_lines(path), delimiter="," if _ending(path) == ".csv" else "\t", strict=True)


def is_table(path: Path) -> bool:
    """Whether rows lie in a table, and not in JSON."""
    return _ending(path) not in (".json", ".jsonl")


def _by_fields(path: Path, ending: str) -> JudgementFormat:
    try:
        first: Any = next((one.fields for one in objects(path)), None)
    except ReviewError:
        if ending == ".json":
            raise
        return "jsonl"  # whose reader names each bad line
    if first is None:
        if ending == ".jsonl" and path.stat().st_size == 0:
            return "jsonl"  # a log without a row
        raise ReviewError(f"{path}: wanted judgements; found none")
    for format, fields in KNOWN_BY.items():
        if all(name in first for name in fields):
            return format
    wanted = "; ".join(f"{format} ({', '.join(fields)})" for format, fields in KNOWN_BY.items())
    raise ReviewError(f"{path}: wanted the fields of one format, {wanted}; found {', '.join(map(str, first))}")


def _by_header(path: Path, names: list[str]) -> JudgementFormat:
    found = {name.casefold() for name in names}
    if {"query_id", "doc_id", "verdict"} <= found:
        return "rows"
    if {"query", "docid"} <= found or {"query text", "doc id", "rating"} <= found:
        return "quepid"
    raise ReviewError(
        f"{path}:1: wanted the columns query_id, doc_id, verdict (rows), or query, docid, rating (quepid); "
        f"found {', '.join(names) or 'none'}"
    )


def _ending(path: Path) -> str:
    return Path(path.name.removesuffix(".gz")).suffix.lower()


def _first_words(path: Path) -> list[str]:
    return next((content.decode("utf-8", "replace").strip().split("\t") for _, content in lines(path)), [])


def _json_lines(path: Path) -> Iterator[Placed]:
    for number, content in lines(path):
        if content.strip():
            place = place_of(path, number, is_line=True)
            try:
                yield Placed(number, place, parsed(content))
            except Wrong as wrong:
                settle(1, [(number, f"{place}: {wrong}")])


def _json_array(path: Path) -> list[Any]:
    try:
        content = json.loads(b"".join(content for _, content in lines(path)))
    except (ValueError, RecursionError) as error:
        raise ReviewError(f"{path}: wanted a JSON array of objects; found broken JSON ({error})") from error
    if not isinstance(content, list):
        raise ReviewError(f"{path}: wanted a JSON array of objects; found {shortened(repr(content))}")
    return content


def _text_lines(path: Path) -> Iterator[str]:
    for number, content in lines(path):
        try:
            yield decoded(content)
        except Wrong as wrong:
            raise ReviewError(f"{path}:{number}: {wrong}") from wrong
