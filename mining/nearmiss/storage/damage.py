"""
Errors for a file that cannot be written, or does not hold what it should: place, wanted, found, what to do.

In:  the path, and what went wrong with it
Out: a `FileError`

Knows the run folder's files by name, and which of them can be made again.
"""

import errno
import re
from pathlib import Path

from nearmiss.errors import FileError, MissingFile

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_CLOSED = (errno.EROFS, errno.EACCES, errno.EPERM)
_MINE_AGAIN = "Delete it and run the same `nearmiss mine` again, which makes again what is missing"
_BACKUP = "Take it from a backup, or mine into a new folder: nothing can make it again"
_EARLIER = "Take it from a backup: only the latest round is made again. The later rounds need nothing of it"
# The first pattern that matches the end of a path gives the advice.
_CURES = (
    (r"run\.json", _BACKUP),
    (r"policy\.json", "`nearmiss select RUN --preset default` writes a new one"),
    (r"avoided\.jsonl", "`nearmiss mine RUN --avoid FOLDER` writes it again"),
    (r"policies\.jsonl", "Delete it: the policy in force stays, what could be undone is lost"),
    (r"dataset/[^/]+", _BACKUP),
    (
        r"reviews\.db",
        "Take it from a backup; or delete it and reviews-begun.json, and import what `nearmiss review export` wrote",
    ),
    (r"seconds\.json", "Delete it: only the seconds of the stages are lost"),
    (r"calibration\.json", "Delete it: the default calibration takes its place until `nearmiss calibrate`"),
    (r"p_relevant-[^/]+\.npy", "Delete it: it is computed again from calibration.json"),
    (r"map\.(json|parquet)", "`nearmiss map RUN` makes the map again"),
    (r"(document_vectors|query_vectors|found|pool|candidates)/[^/]+", _MINE_AGAIN),
    (r"teacher_scores/[^/]+/[^/]+", "Delete it: its pairs are scored again where they are needed"),
    (r"indexes/[^/]+/[^/]+", "Delete its folder and run the same `nearmiss mine` again, which makes it again"),
    (r"\.teaching/[^/]+", "Delete it and run the same `nearmiss teach` again"),
    (r"audits/[^/]+", "Take it from a backup, or plan another audit with `nearmiss audit plan`: its judgements stay"),
    (r"certificates/[^/]+", "Take it from a backup; `nearmiss audit certify` certifies the rows of today anew"),
    (r"manifest\.json", "Export again, into a new folder"),
)


def damaged(path: Path, wanted: str, found: object) -> FileError:
    """The error of a file that is there and does not hold what it should."""
    return FileError(_sentence(path, wanted, str(found) or type(found).__name__))


def missing(path: Path, wanted: str) -> MissingFile:
    """The error of a file that should be there and is not."""
    return MissingFile(_sentence(path, wanted, "no such file"))


def cannot_read(path: Path, wanted: str, error: Exception) -> FileError:
    """The error of a file whose reading failed with `error`."""
    if isinstance(error, FileNotFoundError):
        return missing(path, wanted)
    if path.is_file() and not path.stat().st_size:
        return damaged(path, wanted, "an empty file")
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return damaged(path, wanted, _shortened(reason or type(error).__name__))


def cannot_write(path: Path, error: Exception) -> FileError:
    """The error of a file that could not be written."""
    number = getattr(error, "errno", None)
    reason = _shortened((isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__)
    if number in _CLOSED:
        cure = "Nothing can be written there: choose another place"
    elif number in _FULL or number is None:
        cure = "Make room and run the same command again: what is finished stays and is not made anew"
    else:
        cure = "Mend that and run the same command again: what is finished stays and is not made anew"
    return FileError(f"{path}: wanted to write it; found: {reason}. {cure}")


def _sentence(path: Path, wanted: str, found: str) -> str:
    cure = next((cure for pattern, cure in _CURES if re.search(rf"(^|/){pattern}$", path.as_posix())), "")
    if cure == _MINE_AGAIN and _is_of_an_earlier_round(path):
        cure = _EARLIER
    return f"{path}: wanted {wanted}; found {found}" + (f". {cure}" if cure else "")


def _is_of_an_earlier_round(path: Path) -> bool:
    """Whether the run has a round after the one that the file belongs to."""
    own = path.absolute().parents[1]
    return own.name.isdecimal() and any(
        other.name.isdecimal() and int(other.name) > int(own.name) for other in own.parent.glob("*")
    )


def _shortened(reason: str) -> str:
    # Libraries explain themselves over several lines, and quote what they read.
    line = " ".join(reason.split())
    return line if len(line) <= 200 else f"{line[:200]} ..."
