"""
What a run avoids: its queries and documents that stand in a set which a model will be evaluated on.

In:  the lines of avoided.jsonl in a run folder, one for each query or document, with what it was found to be a copy of
Out: their ids; and the counts in run.json as a sentence
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from nearmiss.counts import counted
from nearmiss.storage.damage import damaged, missing
from nearmiss.storage.files import write_atomically

AVOIDED_FILE = "avoided.jsonl"
_WANTED = "lines of JSON with a query_id or a doc_id, as nearmiss wrote them"


@dataclass(frozen=True)
class Avoided:
    """Ids of queries and documents that stand in an evaluation set."""

    queries: frozenset[str] = frozenset()
    documents: frozenset[str] = frozenset()


NOTHING_AVOIDED = Avoided()


def in_words(facts: Mapping[str, Any], queries: int) -> str:
    """What a run avoids, of so many queries of its data, in sentences."""
    return f"{found_in_words(facts, queries)} {AVOIDED_FILE} in the run lists them"


def found_in_words(facts: Mapping[str, Any], queries: int) -> str:
    """What of so many queries stands in evaluation sets, in sentences."""
    names = ", ".join(one["name"] for one in facts["sets"])
    found, answers = sum(facts["queries"].values()), sum(facts["positives"].values())
    said = f"{found:,} of {counted(queries, 'query')}{_kinds(facts['queries'])}"
    if facts["answers"]:
        said += f" and {counted(answers, 'labelled answer')} of other queries{_kinds(facts['positives'])}"
    left = facts["queries_without_positive"]
    without = f" {counted(left, 'query')} {'is' if left == 1 else 'are'} left without an answer." if left else ""
    if 2 * left > queries:
        without += " Where train and test share a corpus, --no-avoid-answers leaves out queries alone."
    return f"{said} stand in {names}: no training row holds them.{without}"


def _kinds(counts: Mapping[str, int]) -> str:
    return f" ({', '.join(f'{count:,} {kind}' for kind, count in counts.items())})" if counts else ""


def write_avoided(path: Path, lines: Iterable[Mapping[str, Any]]) -> None:
    """Write the list, one query or document a line."""
    with write_atomically(path) as draft, draft.open("w", encoding="utf-8", newline="\n") as file:
        for line in lines:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def read_avoided(path: Path) -> Avoided:
    """The ids of a list; FileError where it is missing or damaged."""
    try:
        state = path.stat()
    except FileNotFoundError:
        raise missing(path, _WANTED) from None
    return _read(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=8)
def _read(path: Path, changed: int, size: int) -> Avoided:
    # A large list is read once, and again when the file is another.
    ids: dict[str, set[str]] = {"query_id": set(), "doc_id": set()}
    try:
        content = path.read_text("utf-8")
        # Not `splitlines`, which also cuts at line separators that stand in texts.
        for text in content.removesuffix("\n").split("\n") if content else ():
            line = json.loads(text)
            name = next(name for name in ids if name in line)
            ids[name].add(str(line[name]))
    except (ValueError, TypeError, StopIteration) as error:
        raise damaged(path, _WANTED, error) from error
    return Avoided(frozenset(ids["query_id"]), frozenset(ids["doc_id"]))
