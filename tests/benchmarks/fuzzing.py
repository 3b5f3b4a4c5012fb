"""
Mutated rows through every reader of data and of judgements: nothing but the package's own errors, and no row is lost.

    python -m tests.benchmarks.fuzzing [--rows N] [--seed S] [--only SOURCE ...]

Files of a few rows as users bring them, in which about every second row is changed: in a value (bidi controls,
zero-width and control characters, halves of surrogate pairs, numbers that Python or a database cannot hold, deep
nesting), in its keys, or in its bytes; and to each format two files with a line of 10 MB. Counted as a fault is

    raised    any exception but those of nearmiss.errors
    lost      rows read that are neither kept nor rejected, or rejected rows that are not in the file of rejects
    broken    a dataset that names what it does not hold, or a text that no file can hold

A fault is printed with its file's content, shortened.
"""

import argparse
import copy
import csv
import io
import json
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from nearmiss.data import Dataset, read
from nearmiss.errors import NearmissError, ReviewError
from nearmiss.review import Standing, open_log
from nearmiss.review.events import event_from
from nearmiss.review.exchange import Belonging, check, format_of, read_file, write
from nearmiss.review.given import events_of

LONG = 10_000_000  # bytes of a long line
WRITTEN = 50  # every so many files of judgements are also written to a log
TEXTS = (
    "\u202egnirts\u202c",
    "\u2066\u2067a\u2069",
    "a\u200bb\u200d\ufeff",
    "\x00",
    "\x07\x1b[31mred\x1b[0m",
    "\x85\u2028\u2029\x0b\x0c\r",
    "\ud800",
    "a\udfffb",
    "\U0001f469\u200d\U0001f52c",
    "e\u0301" * 50,
    "'=cmd()|'!A0",
    "<script>alert(1)</script>![x](http://x.test/y.png)$\\pi$",
    "",
    " \n\u00a0",
    '"',
    "\\",
    "a\tb",
    "a,b;c",
    "1e999",
    "NaN",
    "['a', 'b']",
    "q" * 3000,
)
VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1.5,
    float("nan"),
    float("inf"),
    10**30,
    -(2**63) - 1,
    2**63,
    1e308,
    [],
    {},
    [[]],
    ["a", 1, None],
    {"a": {"b": []}},
)
BYTES = (b"\xff", b"\xed\xa0\x80", b"\x00", b"\xef\xbb\xbf", b"\r", b"\n", b"\r\n", b"\t", b",", b'"', b"'", b"{", b"}")
BYTES += (b"[", b"]", b":", b"\\u", b"\\ud800", b"NaN", b"-", b"1" * 5000, b"[" * 3000, b'{"a":' * 3000)


@dataclass(frozen=True)
class Source:
    """
    Rows as a format has them; `#` becomes the number of the row.

    `path` is what is read: a file, "" for the folder, or what a program holds (IN_MEMORY). `corpus` lies beside it.
    """

    format: str
    rows: dict[str, tuple[Any, ...]]
    path: str = ""
    corpus: str = ""


@dataclass(frozen=True)
class Fault:
    """What went wrong with which file."""

    source: str
    kind: str
    said: str
    content: str


@dataclass
class Found:
    """Counts by source, and the faults."""

    files: Counter[str]
    rows: Counter[str]
    kept: Counter[str]
    rejected: Counter[str]
    refused: Counter[str]  # rows of files that were refused as a whole
    faults: list[Fault]


IN_MEMORY = ("frame", "frames", "dataset")
PAIR = {"query": "query #", "positive": "answer #", "negative": "passage #"}
IDS = {"query": "query #", "query_id": "q#", "positive": "answer #", "positive_id": "d#", "grade": 1}
PASSAGES = ({"docid": "p#", "title": "t", "text": "answer #"},)
DATA: dict[str, Source] = {
    "pairs.jsonl": Source("pairs", {"r.jsonl": (PAIR, IDS | {"own": {"a": [1]}})}, "r.jsonl"),
    "pairs.json": Source("pairs", {"r.json": (PAIR, PAIR | {"negatives": ["x #", "y #"]})}, "r.json"),
    "pairs.csv": Source("pairs", {"r.csv": (PAIR,)}, "r.csv"),
    "pairs.tsv": Source("pairs", {"r.tsv": (IDS,)}, "r.tsv"),
    "labelled.csv": Source("pairs", {"r.csv": ({"query": "query #", "document": "a #", "label": 1},)}, "r.csv"),
    "pairs.parquet": Source("pairs", {"r.parquet": (PAIR,)}, "r.parquet"),
    "frame": Source("pairs", {"frame": (PAIR, IDS)}, "frame"),
    "frames": Source(
        "pairs",
        {
            "queries": ({"query_id": "q#", "text": "query #"},),
            "documents": ({"doc_id": "d#", "text": "answer #", "title": "t"},),
            "positives": ({"query_id": "q#", "doc_id": "d#"},),
            "negatives": ({"query_id": "q#", "doc_id": "d0"},),
        },
        "frames",
    ),
    "hf": Source("hf", {"dataset": (PAIR,)}, "dataset"),
    "corpus.csv": Source(
        "pairs",
        {"r.jsonl": (IDS | {"query_id": "q#"},), "c.csv": ({"id": "e#", "text": "other #", "title": "t"},)},
        "r.jsonl",
        "c.csv",
    ),
    "corpus.tsv": Source("pairs", {"r.jsonl": (PAIR,), "c.tsv": (["#", "other #"],)}, "r.jsonl", "c.tsv"),
    "flag": Source("flag", {"r.jsonl": ({"query": "query #", "pos": ["a #"], "neg": ["b #", "c"]},)}, "r.jsonl"),
    "tevatron": Source(
        "tevatron",
        {"r.jsonl": ({"query_id": "q#", "query": "query #", "positive_passages": PASSAGES, "negative_passages": []},)},
        "r.jsonl",
    ),
    "dpr": Source(
        "dpr",
        {"r.json": ({"question": "query #", "positive_ctxs": PASSAGES, "hard_negative_ctxs": [{"text": "b #"}]},)},
        "r.json",
    ),
    "rocketqa": Source("rocketqa", {"r.tsv": (["query #", "t", "answer #", "1"], ["query #", "", "b", "0"])}, "r.tsv"),
    "nemo": Source(
        "nemo", {"r.jsonl": ({"query": "query #", "pos_doc": ["a #"], "neg_doc": ["b #", "c #"]},)}, "r.jsonl"
    ),
    "beir": Source(
        "beir",
        {
            "corpus.jsonl": ({"_id": "d#", "title": "t", "text": "answer #"},),
            "queries.jsonl": ({"_id": "q#", "text": "query #"},),
            "qrels/test.tsv": (["query-id", "corpus-id", "score"], ["q#", "d#", "1"], ["q#", "d0", "0"]),
        },
    ),
    "msmarco": Source(
        "msmarco",
        {
            "collection.tsv": (["#", "answer #"],),
            "queries.tsv": (["#", "query #"],),
            "qrels.train.tsv": (["#", "0", "#", "1"],),
        },
    ),
    "triples.tsv": Source("msmarco", {"triples.tsv": (["query #", "answer #", "passage #"],)}, "triples.tsv"),
    "pylate": Source(
        "pylate",
        {
            "train.jsonl": ({"query_id": "q#", "document_ids": ["d#", "d1"], "scores": [1.0, 0.2]},),
            "queries.jsonl": ({"query_id": "q#", "text": "query #"},),
            "documents.jsonl": ({"document_id": "d#", "text": "answer #"},),
        },
    ),
}
HISTORY = {"seq": "#", "query_id": "q#", "doc_id": "d#", "verdict": "relevant", "reviewer": "ann", "client_id": "c"}
HISTORY |= {"client_seq": "#", "decided_at": 1.5, "shown_at": 1.0, "comment": "x", "inclusion_probability": 0.5}
ROW = {"query_id": "q#", "doc_id": "d#", "verdict": "relevant", "reviewer": "ann", "decided_at": "2026-01-31"}
CHOICE = {"from_name": "rel", "to_name": "text", "type": "choices", "value": {"choices": ["relevant"]}}
RATED = {"Query Text": "query #", "Doc ID": "d#", "Rating": "1"}
JUDGEMENTS: dict[str, Source] = {
    "history.jsonl": Source("jsonl", {"j.jsonl": (HISTORY,)}, "j.jsonl"),
    "trec": Source("trec", {"j.qrels": (["q#", "0", "d#", "1"], ["q#", "0", "d0", "2"])}, "j.qrels"),
    "rows.csv": Source("rows", {"j.csv": (ROW,)}, "j.csv"),
    "rows.tsv": Source("rows", {"j.tsv": (ROW,)}, "j.tsv"),
    "rows.jsonl": Source("rows", {"j.jsonl": (ROW,)}, "j.jsonl"),
    "rows.json": Source("rows", {"j.json": (ROW,)}, "j.json"),
    "quepid": Source("quepid", {"j.csv": (RATED,)}, "j.csv"),
    "label-studio": Source(
        "label-studio",
        {
            "j.json": (
                {
                    "id": "#",
                    "data": {"query_id": "q#", "doc_id": "d#"},
                    "annotations": [{"id": 9, "completed_by": 1, "result": [CHOICE]}],
                },
            )
        },
        "j.json",
    ),
    "prodigy": Source(
        "prodigy",
        {"j.jsonl": ({"query_id": "q#", "doc_id": "d#", "answer": "accept", "_timestamp": 1_700_000_000},)},
        "j.jsonl",
    ),
    "argilla": Source(
        "argilla",
        {
            "j.jsonl": (
                {
                    "id": "r#",
                    "fields": {"text": "y"},
                    "metadata": {"query_id": "q#", "doc_id": "d#"},
                    "responses": {"relevance": [{"value": "relevant", "user_id": "ann"}]},
                },
            )
        },
        "j.jsonl",
    ),
}
BROWSER = "browser"  # what a page sends: an event for each row
IN_A_FILE = {"data": 40, "judgements": 3}
OURS = Belonging(frozenset({"q0", "q1"}), frozenset({"d0", "d1"}), {"query 0": ["q0"], "query 1": ["q1"]})


def fuzz(
    rows: int, seed: int = 0, *, only: Collection[str] = (), long: bool = False, folder: Path | None = None
) -> Found:
    """About so many rows, shared out to the sources, and `long` lines; the same seed gives the same files."""
    found = Found(Counter(), Counter(), Counter(), Counter(), Counter(), [])
    sources = [(name, source, _read_data, IN_A_FILE["data"]) for name, source in DATA.items()]
    sources += [(name, source, _read_judgements, IN_A_FILE["judgements"]) for name, source in JUDGEMENTS.items()]
    wanted = [one for one in sources if not only or one[0] in only]
    each = rows // (len(wanted) + 1)
    with TemporaryDirectory(dir=folder) as made:
        for name, source, reader, in_a_file in wanted:
            _repeat(found, name, source, each, in_a_file, seed, Path(made), reader)
            if long:
                _long(found, name, source, Path(made), reader)
    if not only or BROWSER in only:
        _browser(found, each, seed)
    return found


def _repeat(
    found: Found, name: str, source: Source, rows: int, in_a_file: int, seed: int, made: Path, reader: Callable
) -> None:
    random = Random(f"{seed} {name}")
    first = 1 if name == "history.jsonl" else 0
    while found.rows[name] < rows:
        files = {
            file: list(_mutated(random, kinds, in_a_file, first, keep_keys=random.random() < _share_of_headers(file)))
            for file, kinds in source.rows.items()
        }
        if source.path == "dataset" or (source.path in IN_MEMORY and random.random() < 0.7):
            # One type in each column, as what somebody read from a file has.
            files = {file: [_as_texts(row) for row in made_rows] for file, made_rows in files.items()}
        written = {file: _as_bytes(random, file, made_rows) for file, made_rows in files.items()}
        found.rows[name] += sum(map(len, files.values()))
        _one(found, name, source, made, written, files, reader)


def _one(found: Found, name: str, source: Source, made: Path, written: dict, files: dict, reader: Callable) -> None:
    found.files[name] += 1
    place = made / name.replace(".", "-")
    for file, content in written.items():
        (place / file).parent.mkdir(parents=True, exist_ok=True)
        if content is not None:
            (place / file).write_bytes(content)
    try:
        reader(found, name, source, place, files)
    except NearmissError as error:
        found.refused[name] += sum(map(len, files.values()))
        str(error).encode("utf-8", "backslashreplace")
    except Exception as bug:
        here = [frame for frame in _frames(bug) if "nearmiss" in frame] or ["?"]
        said = f"{type(bug).__name__}: {str(bug)[:200]} at {here[-1]}"
        found.faults.append(Fault(name, "raised", said, _shown(written, files)))


def _frames(bug: BaseException) -> list[str]:
    traceback, found = bug.__traceback__, []
    while traceback is not None:
        found.append(f"{traceback.tb_frame.f_code.co_filename}:{traceback.tb_lineno}")
        traceback = traceback.tb_next
    return found


def _shown(written: dict, files: dict) -> str:
    return "; ".join(
        f"{file}: {content if content is not None else files[file]!r}" for file, content in written.items()
    )


def _read_data(found: Found, name: str, source: Source, place: Path, files: dict) -> None:
    rejects = place.parent / f"{name}.rejects"
    format = None if source.path in ("frame", "frames") else source.format
    corpus = place / source.corpus if source.corpus else None
    data = read(_given(source, place, files), format=format, corpus=corpus, reject=rejects)
    counts = data.counts
    found.kept[name] += counts.kept
    found.rejected[name] += counts.rejected
    for kind, said in _faults(data, counts.rejected - len(rejects.read_text("utf-8").splitlines())):
        found.faults.append(Fault(name, kind, said, repr(files)))


def _given(source: Source, place: Path, files: dict) -> Any:
    """What `read` is given: a path, frames, or the folder of a `datasets.Dataset`."""
    if source.path not in IN_MEMORY:
        return place / source.path
    if source.path == "dataset":
        import datasets

        datasets.disable_progress_bars()
        folder = place / f"{len(list(place.glob('*')))}"
        datasets.Dataset.from_dict(_columns(files["dataset"])).save_to_disk(folder)
        return folder
    frames = {file: pd.DataFrame(_columns(rows), dtype=object) for file, rows in files.items()}
    return frames["frame"] if source.path == "frame" else frames


def _faults(data: Dataset, unwritten: int) -> Iterator[tuple[str, str]]:
    counts = data.counts
    if counts.read != counts.kept + counts.rejected or unwritten:
        yield "lost", f"{counts}, {unwritten} not in the file"
    if set(data.positives.query_id) != set(data.queries.query_id):
        yield "broken", "a query without a positive"
    if not set(data.positives.doc_id) | set(data.negatives.doc_id) <= set(data.documents.doc_id):
        yield "broken", "a document that is not there"
    for frame in (data.queries, data.documents):
        for text in [*frame["text"].tolist(), *frame.iloc[:, 0].tolist()]:
            if "\0" in text or any("\ud800" <= sign <= "\udfff" for sign in text):
                yield "broken", f"a text that no file can hold: {text!r}"


def _read_judgements(found: Found, name: str, source: Source, place: Path, files: dict) -> None:
    path = place / source.path
    format_of(path, None)
    content = read_file(path, source.format, "judge", belonging=OURS)
    check(content, OURS, allow_foreign=True)
    judged, left = len(content.given.judgements), sum(content.given.left_out.values())
    held = judged if content.history is None else len(content.history)
    found.kept[name] += held
    found.rejected[name] += left
    if content.given.rows != held + left:
        said = f"{content.given.rows} read, {held} kept, {left} left out"
        found.faults.append(Fault(name, "lost", said, repr(files)))
    list(events_of(content.given.judgements, Standing(), 1.0))
    if found.files[name] % WRITTEN == 0:
        log = open_log("sqlite://")
        try:
            done = write(log, content, OURS)
            if done.new != len(log.since(0)) or log.verify().faults:
                found.faults.append(Fault(name, "lost", f"{done}", repr(files)))
        finally:
            log.close()


def _browser(found: Found, rows: int, seed: int) -> None:
    random = Random(f"{seed} {BROWSER}")
    kinds = ({name: value for name, value in HISTORY.items() if name != "seq"} | {"client_seq": 1},)
    for row in _mutated(random, kinds, rows):
        found.files[BROWSER] += 1
        found.rows[BROWSER] += 1
        try:
            event_from(row)
            found.kept[BROWSER] += 1
        except ReviewError:
            found.rejected[BROWSER] += 1
        except Exception as bug:
            said = f"{type(bug).__name__}: {str(bug)[:200]} at {_frames(bug)[-1]}"
            found.faults.append(Fault(BROWSER, "raised", said, repr(row)))


def _long(found: Found, name: str, source: Source, made: Path, reader: Callable) -> None:
    """A row with a text of 10 MB; and a line of 10 MB that is no row."""
    file = source.path if source.path in source.rows else next(iter(source.rows))
    for number, content in enumerate(("x" * LONG, None)):
        files = {one: list(_numbered(kinds, 3, 1)) for one, kinds in source.rows.items()}
        if content is not None:
            row = files[file][-1]
            row[-1 if isinstance(row, list) else list(row)[number]] = content
        written = {one: _plain(one, rows) for one, rows in files.items()}
        if content is None and written[file] is not None:
            written[file] += b"[" * LONG + b"\n"
        found.rows[name] += 1
        _one(found, name, source, made, written, files, reader)


def _numbered(kinds: tuple[Any, ...], count: int, first: int = 0) -> Iterator[Any]:
    """Good rows; a header that a table begins with stays as it is."""
    head = kinds[:1] if kinds[0] == ["query-id", "corpus-id", "score"] else ()
    yield from map(copy.deepcopy, head)
    rest = kinds[len(head) :]
    for number in range(first, first + count):
        yield _with_number(rest[number % len(rest)], number)


def _with_number(value: Any, number: int) -> Any:
    if isinstance(value, dict):
        return {name: _with_number(inner, number) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_with_number(inner, number) for inner in value]
    if value == "#":
        return number
    return value.replace("#", str(number)) if isinstance(value, str) else value


def _mutated(
    random: Random, kinds: tuple[Any, ...], count: int, first: int = 0, *, keep_keys: bool = False
) -> Iterator[Any]:
    for row in _numbered(kinds, count, first):
        while random.random() < 0.35:
            row = _changed(random, row, keep_keys=keep_keys)
        yield row


def _changed(random: Random, row: Any, *, keep_keys: bool = False) -> Any:
    """The row with one value, key or cell changed, at any depth."""
    inner = [key for key in (row if isinstance(row, dict) else range(len(row))) if isinstance(row[key], dict | list)]
    if inner and random.random() < 0.6:
        key = random.choice(inner)
        if row[key]:
            row[key] = _changed(random, row[key])
            return row
    deed = random.uniform(0.3 if keep_keys else 0.0, 1.0)
    if not row or deed < 0.1:
        new = copy.deepcopy(random.choice((*TEXTS, *VALUES)))
        row.update({random.choice(TEXTS): new}) if isinstance(row, dict) else row.append(new)
        return row
    key = random.choice(list(row)) if isinstance(row, dict) else random.randrange(len(row))
    if deed < 0.2:
        del row[key]
    elif deed < 0.3 and isinstance(row, dict):
        row[random.choice((key.upper(), f" {key}", f"{key}s", random.choice(TEXTS)))] = row.pop(key)
    elif deed < 0.7:
        text = random.choice(TEXTS)
        row[key] = f"{row[key]}{text}" if random.random() < 0.5 else text
    else:
        row[key] = copy.deepcopy(random.choice(VALUES))
    return row


def _as_bytes(random: Random, file: str, rows: list[Any]) -> bytes | None:
    content = _plain(file, rows, ascii=random.random() < 0.5)
    while content and random.random() < 0.15:
        at, new = random.randrange(len(content)), random.choice(BYTES)
        cut = random.choice((0, 1, 20))
        content = content[:at] + (new if random.random() < 0.8 else b"") + content[at + cut :]
    return content


def _plain(file: str, rows: list[Any], *, ascii: bool = True) -> bytes | None:
    """The rows as the file's ending has them; None where they stay in memory."""
    if "." not in file:
        return None
    if file.endswith(".parquet"):
        content = io.BytesIO()
        pd.DataFrame(map(_as_texts, rows)).to_parquet(content)
        return content.getvalue()
    if file.endswith((".jsonl", ".json")):
        made = [json.dumps(row, ensure_ascii=ascii) for row in rows]
        text = f"[{', '.join(made)}]" if file.endswith(".json") else "".join(f"{line}\n" for line in made)
        return text.encode("utf-8", "surrogatepass")
    if isinstance(rows[0], dict):
        out = io.StringIO()
        names = list(dict.fromkeys(name for row in rows for name in row))
        table = csv.DictWriter(out, names, delimiter="," if file.endswith(".csv") else "\t", lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
        return out.getvalue().encode("utf-8", "surrogatepass")
    return "".join("\t".join(map(str, row)) + "\n" for row in rows).encode("utf-8", "surrogatepass")


def _share_of_headers(file: str) -> float:
    """In how many files the names of columns stay: another one in a row of a table changes the header of all."""
    return 0.0 if file.endswith((".json", ".jsonl")) else 1.0 if file == "dataset" else 0.8


def _as_texts(row: dict) -> dict[str, str]:
    return {_text(name): _text(value) for name, value in row.items()}


def _columns(rows: list[dict]) -> dict[str, list]:
    return {
        _text(name): [row.get(name) for row in rows] for name in dict.fromkeys(name for row in rows for name in row)
    }


def _text(value: Any) -> str:
    return str(value).encode("utf-8", "replace").decode()


def main() -> None:
    """Print the counts by source, and the faults; exit 1 where there are some."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", default=(), choices=[*DATA, *JUDGEMENTS, BROWSER], metavar="SOURCE")
    asked = parser.parse_args()
    begun = time.perf_counter()
    found = fuzz(asked.rows, asked.seed, only=asked.only, long=True)
    print(f"{'source':16} {'files':>8} {'rows':>10} {'kept':>10} {'rejected':>10} {'in refused files':>17}")
    for name in found.rows:
        counts = (found.files, found.rows, found.kept, found.rejected, found.refused)
        print(
            f"{name:16} "
            + " ".join(f"{one[name]:>{wide},}" for one, wide in zip(counts, (8, 10, 10, 10, 17), strict=True))
        )
    print(f"{sum(found.rows.values()):,} rows, {time.perf_counter() - begun:.0f} s, {len(found.faults):,} faults")
    kinds = Counter((fault.source, fault.kind, fault.said) for fault in found.faults)
    for (source, kind, said), count in kinds.most_common():
        first = next(one for one in found.faults if (one.source, one.said) == (source, said))
        print(f"\n{count:,} times {source}, {kind}: {said}\n  {first.content[:1500]}")
    raise SystemExit(1 if found.faults else 0)


if __name__ == "__main__":
    main()
