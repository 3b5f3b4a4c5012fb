"""
The files of a folder: which of them are the parts of one table, and which table each is.

In:  a folder, perhaps the name of a split
Out: tables by name, each a list of files in order; DatasetError where two could be meant, or a part is missing

A table's name is that of its files without the endings and without the number of the part: train-00000-of-00002.parquet
and train-00001-of-00002.parquet are `train`.
"""

import re
from collections.abc import Collection
from pathlib import Path

from nearmiss.data.opening import bare_name, kind_of
from nearmiss.data.sheets import KINDS
from nearmiss.errors import DatasetError
from nearmiss.storage.numbered import by_number

# Facts about the data, which lie beside it.
NO_DATA = {"manifest.json", "dataset_info.json", "dataset_infos.json", "state.json", "merlin_metadata.json"}
# train-00000-of-00002, train-3, part3 and 3 are parts; fold3 and v3 are names.
COUNTED = re.compile(r"^(?P<name>.*?)[-_.]?(?P<number>\d+)[-_.]?of[-_.]?(?P<of>\d+)$")
NUMBERED = re.compile(r"^(?P<name>|.*(?=[-_.]\d)|(?:.*[-_.])?(?:part|shard|chunk|split|file))[-_.]?(?P<number>\d+)$")
SPARK = re.compile(r"^(?P<name>part)-(?P<number>\d+)-[0-9a-f-]{36}.*$")
CORPUS = ("corpus", "documents", "collection")
QUERIES = ("queries", "query")

Tables = dict[str, list[Path]]


def tables(folder: Path, kinds: Collection[str] = KINDS) -> Tables:
    """Every table that has files in a folder, by name; hidden files are skipped."""
    found: Tables = {}
    for path in sorted(folder.iterdir(), key=by_number):
        if path.is_file() and kind_of(path) in kinds and path.name not in NO_DATA and path.name[0] not in "._":
            found.setdefault(name_of(path), []).append(path)
    for paths in found.values():
        check_whole(folder, paths)
    return found


def stem(path: Path) -> str:
    """The name without its endings."""
    return bare_name(path).removesuffix(Path(bare_name(path)).suffix)


def name_of(path: Path) -> str:
    """The name of the table that a file is a part of."""
    bare = stem(path).removesuffix(".snappy")
    match = SPARK.match(bare) or COUNTED.match(bare) or NUMBERED.match(bare)
    return match["name"] if match else bare


def check_whole(folder: Path, paths: list[Path]) -> None:
    """Refuse two copies of a part, two kinds of file for one table, and a part that its own name says is missing."""
    if len({kind_of(path) for path in paths}) > 1 or len({bare_name(path) for path in paths}) < len(paths):
        raise DatasetError(f"{folder}: wanted each table once; found {named(paths)}")
    matches = [match for path in paths if (match := COUNTED.match(stem(path)))]
    for of in {int(match["of"]) for match in matches}:
        there = {int(match["number"]) for match in matches if int(match["of"]) == of}
        if there not in (set(range(of)), set(range(1, of + 1))):
            raise DatasetError(f"{folder}: wanted {of} parts; found {len(there)}: {named(paths)}")


def named(paths: Collection[Path]) -> str:
    """The first few files."""
    names = [path.name for path in paths]
    return ", ".join(names[:5]) + (f" and {len(names) - 5:,} more" if len(names) > 5 else "")


def rows_table(folder: Path, split: str | None) -> list[Path]:
    """The files of the one table that is no corpus and no queries, or of the split; here, else in data/."""
    found = {name: paths for name, paths in tables(folder).items() if first_word(name) not in (*CORPUS, *QUERIES)}
    if not found and (folder / "data").is_dir():
        return rows_table(folder / "data", split)
    if not found:
        raise DatasetError(f"{folder}: wanted files ending in {', '.join(KINDS)}; found {sorted_names(folder)}")
    return one_table(folder, found, split)


def companion(folder: Path, names: Collection[str], split: str | None = None) -> list[Path] | None:
    """The files of a table beside the rows, as corpus.jsonl or the parts in corpus/; None where there is none."""
    found = {name: paths for name, paths in tables(folder).items() if first_word(name) in names}
    inside = [path for path in sorted(folder.iterdir()) if path.is_dir() and path.name in names and tables(path)]
    if len(inside) > 1 or (inside and found):
        raise DatasetError(f"{folder}: wanted one of {', '.join(names)}; found {sorted([*found, *map(str, inside)])}")
    if inside:
        folder, found = inside[0], tables(inside[0])
    if not found:
        return None
    return next(iter(found.values())) if len(found) == 1 else one_table(folder, found, split)


def one_table(folder: Path, found: Tables, split: str | None) -> list[Path]:
    """The table that the split names, or the only one."""
    if split is None:
        if len(found) == 1:
            return next(iter(found.values()))
        raise DatasetError(f"{folder}: wanted the parts of one table, or --split NAME; found {sorted(found)}")
    chosen = [name for name in found if name == split] or [name for name in found if split in words(name)]
    if len(chosen) != 1:
        raise DatasetError(f"{folder}: wanted the split {split!r}; found {sorted(found)}")
    return found[chosen[0]]


def words(name: str) -> list[str]:
    """The words of a table's name: qrels.dev.small is three."""
    return re.split(r"[-_.]", name)


def first_word(name: str) -> str:
    """The word that says what a table is."""
    return words(name)[0].lower()


def sorted_names(folder: Path) -> list[str]:
    """Some of what lies in a folder."""
    return sorted(path.name for path in folder.iterdir())[:8]
