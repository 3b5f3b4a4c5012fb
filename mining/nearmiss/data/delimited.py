"""
Rows of CSV and TSV files, with their named columns, and lines of tab-separated values without names.

In:  a path, and a check that the header must pass before any row is read
Out: one `InputRow` after another, placed at its first line; an empty cell is None, since CSV cannot tell the two apart
"""

import csv
import sys
from collections.abc import Collection, Iterator
from pathlib import Path

from nearmiss.data.checks import Wrong, shortened, unicode_safe
from nearmiss.data.lines import HeaderCheck, InputRow, checked_header, decoded, lines, raw, readable
from nearmiss.data.rejects import Ledger
from nearmiss.errors import DatasetError


def csv_rows(path: Path, ledger: Ledger, check: HeaderCheck, delimiter: str = ",") -> Iterator[InputRow]:
    """Separated rows after a header; a row may span lines and is placed at its first."""
    # The default limit of 128 KB would refuse a long document.
    csv.field_size_limit(sys.maxsize)
    header: list[str] | None = None
    for line, record in records(path, ledger, delimiter):
        if header is None:
            header = named_columns(record)
            check_separator(path, header, delimiter)
            checked_header(str(path), header, check)
            continue
        try:
            row = InputRow(str(path), line, dict(zip(header, cells(record, header), strict=True)))
        except Wrong as wrong:
            ledger.refuse(str(path), line, wrong, [readable(value) for value in record])
            continue
        yield row


def named_columns(header: list[str]) -> list[str]:
    """The header with a name for each column without one, as pandas' index is: such columns are the user's own."""
    names = list(header)
    for position, name in enumerate(header, start=1):
        if not name.strip():
            free = f"unnamed_{position}"
            while free in names:
                free += "_"
            names[position - 1] = free
    return names


def check_separator(path: Path, header: list[str], delimiter: str) -> None:
    """Refuse a header of one column that contains another separator: the file is of another kind."""
    other = next((mark for mark in "\t;," if mark != delimiter and mark in header[0]), "") if len(header) == 1 else ""
    if other:
        wanted, found = ({",": "commas", "\t": "tabs", ";": "semicolons"}[mark] for mark in (delimiter, other))
        raise DatasetError(f"{path}:1: wanted columns between {wanted}; found {found} in {shortened(repr(header[0]))}")


def tab_separated(path: Path, ledger: Ledger, wanted: str, sizes: Collection[int]) -> Iterator[tuple[int, list[str]]]:
    """
    The line and the values of each row of a file without a header, whose quotes are part of the text.

    `wanted` names the columns in an error, `sizes` are the numbers of columns that a row may have.
    """
    for line, content in lines(path):
        if not content.strip():
            continue
        try:
            values = decoded(content).rstrip("\r\n").split("\t")
            if len(values) not in sizes:
                raise Wrong(f"{wanted} between tabs", f"{len(values)} of them", alike=True)
        except Wrong as wrong:
            ledger.refuse(str(path), line, wrong, raw(content))
            continue
        yield line, values


def records(path: Path, ledger: Ledger, delimiter: str = ",") -> Iterator[tuple[int, list[str]]]:
    """The first line and the values of each record; broken quotes go to the ledger."""
    taken: list[str] = []

    def texts() -> Iterator[str]:
        for _, line in lines(path):
            # Bytes that are no UTF-8 pass as surrogates, to be refused with the row they belong to.
            taken.append(line.decode("utf-8", "surrogateescape"))
            yield taken[-1]

    reader = csv.reader(texts(), delimiter=delimiter, strict=True)
    ended = 0
    while True:
        taken.clear()
        try:
            record = next(reader, None)
        except csv.Error as error:
            ledger.refuse(str(path), ended + 1, Wrong("a CSV row", broken(error, len(taken))), readable("".join(taken)))
            record = []
        if record is None:
            return
        first, ended = ended + 1, reader.line_num
        if record:
            yield first, record


def broken(error: csv.Error, taken: int) -> str:
    """The csv module's error in plain words."""
    if "unexpected end of data" in str(error):
        return f"a quote that never closes ({taken} lines, to the end of the file)"
    if "new-line character" in str(error):
        return "a carriage return outside quotes"
    return str(error)


def cells(record: list[str], header: list[str]) -> list[str | None]:
    """The values of a record, one for each column."""
    if len(record) != len(header):
        raise Wrong(f"{len(header)} values, as in the header", f"{len(record)}")
    for name, value in zip(header, record, strict=True):
        if not unicode_safe(value):
            raise Wrong(f"UTF-8 in {name!r}", f"other bytes in {shortened(repr(readable(value)))}")
    return [value or None for value in record]
