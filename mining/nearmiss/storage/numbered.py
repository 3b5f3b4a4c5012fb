"""Numbered files: the shards of a stage, named so that they can be listed in order however many there are."""

import re
from pathlib import Path

from nearmiss.storage.damage import damaged, missing


def shard_name(number: int, suffix: str) -> str:
    """`00000.npy`, `00001.npy` ...; longer from the hundred thousandth on, so `numbered` sorts by number."""
    return f"{number:05d}{suffix}"


def by_number(path: Path) -> list[tuple[int, str]]:
    """What to sort paths by, so that numbers in their names count as numbers: part 10 comes after part 9."""
    return [(int(piece), "") if piece.isdecimal() else (-1, piece) for piece in re.split(r"(\d+)", path.name)]


def numbered(folder: Path, suffix: str) -> list[Path]:
    """The shards in a folder, by number: 99999 comes before 100000, which by name it would not."""
    found = (path for path in folder.glob(f"[0-9]*{suffix}") if path.name.removesuffix(suffix).isdecimal())
    return sorted(found, key=lambda path: int(path.name.removesuffix(suffix)))


def every_shard(folder: Path, suffix: str, count: int | None = None) -> list[Path]:
    """
    The shards in a folder, from the first to the last; `count` is how many there should be, where that is known.

    Raises FileError that names the first one missing.
    """
    paths = numbered(folder, suffix)
    for number in range(max(len(paths), count or 0, 1)):
        if number >= len(paths) or int(paths[number].name.removesuffix(suffix)) != number:
            others = f"one of {count:,} shards" if count else "a shard for each number"
            raise missing(folder / shard_name(number, suffix), others)
    if count is not None and len(paths) > count:
        raise damaged(paths[count], f"{count:,} shards", f"{len(paths):,}")
    return paths
