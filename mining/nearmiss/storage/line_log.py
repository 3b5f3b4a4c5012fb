"""
Line logs: what happened, a line of JSON each, in a file that only grows.

In:  lines, as they come
Out: lines appended, on their way to the disk when the call returns; the whole ones again
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from nearmiss.storage.files import written_to


def append(path: Path, *lines: Mapping[str, Any]) -> None:
    """Lines more, in one write: threads and commands do not cut into each other. One cut off by a crash stays so."""
    content = b"".join(json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in lines)
    with written_to(path, path), path.open("ab+", buffering=0) as file:
        if file.seek(0, os.SEEK_END):
            file.seek(-1, os.SEEK_END)
            content = (b"" if file.read(1) == b"\n" else b"\n") + content
        file.write(content)


def whole_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a file, oldest first; without those that a crash cut off, and none where there is no file."""
    for text in path.read_bytes().split(b"\n") if path.is_file() else ():
        with suppress(ValueError):
            line = json.loads(text)
            if isinstance(line, dict):
                yield line
