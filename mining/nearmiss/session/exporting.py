"""
Exporting: one export at a time in its own thread, and the existing exports of a run's folder.

In:  `ExportInputs`, a folder
Out: shards, written in the background; progress, and a stop, from any thread

One export runs at a time, for all viewers; it can be watched and stopped from any thread.
"""

import io
import os
import re
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Literal

from nearmiss import access
from nearmiss.errors import NearmissError, RunError
from nearmiss.export.read_back import WrittenExport, written, written_below
from nearmiss.session.export_inputs import ExportInputs
from nearmiss.workspace import Workspace

EXPORTS = "exports"
LONGEST_NAME = 255  # bytes of one folder name, in every common file system
LARGEST_ZIP = 200_000_000  # bytes; larger exports are not zipped: their path is shown
State = Literal["running", "written", "stopped", "failed"]


class _Stopped(Exception):
    """Someone stopped the export."""


@dataclass(frozen=True)
class ExportProgress:
    """Rows written of all, after so many seconds; `left` are the seconds that remain at this rate."""

    done: int
    total: int
    seconds: float

    @property
    def share(self) -> float:
        """0 to 1."""
        return min(self.done / self.total, 1.0) if self.total else 0.0

    @property
    def rate(self) -> float:
        """Rows a second."""
        return self.done / self.seconds if self.seconds else 0.0

    @property
    def left(self) -> float | None:
        """Seconds; None while nobody can tell."""
        return (self.total - self.done) / self.rate if self.rate else None


class ExportJob:
    """An export being written by its own thread; safe to read from any other."""

    def __init__(self, export_inputs: ExportInputs, out: Path) -> None:
        self.out = out
        self.export = export_inputs.export
        self.state: State = "running"
        self.error = ""
        self._done = 0
        self._total = export_inputs.dry_run().all_rows
        self._stop = Event()
        self._begun = time.monotonic()
        self._ended: float | None = None
        # A daemon, so that stopping the server does not wait for it; the folder is then not created.
        self._thread = Thread(target=self._run, args=(export_inputs,), name=f"export {out.name}", daemon=True)
        self._thread.start()

    @property
    def progress(self) -> ExportProgress:
        """How far it is."""
        return ExportProgress(self._done, self._total, (self._ended or time.monotonic()) - self._begun)

    def stop(self) -> None:
        """Stop it; nothing of it is left on disk."""
        access.require("export")
        self._stop.set()

    def wait(self, seconds: float | None = None) -> None:
        """Wait until it has ended."""
        self._thread.join(seconds)

    def _run(self, export_inputs: ExportInputs) -> None:
        try:
            export_inputs.write(self.out, self._advance)
            state: State = "written"
        except _Stopped:
            state = "stopped"
        except NearmissError as mistake:
            state, self.error = "failed", str(mistake)
        except OSError as failure:
            state, self.error = "failed", f"{failure.filename or self.out}: {failure.strerror or failure}"
        except Exception as bug:
            state, self.error = "failed", f"this is a bug of nearmiss ({type(bug).__name__}: {bug})"
        self._ended = time.monotonic()
        self.state = state

    def _advance(self, rows: int) -> None:
        if self._stop.is_set():
            raise _Stopped
        self._done += rows


class ExportRunner:
    """Where one export at a time is written; the last one stays until the next begins."""

    def __init__(self) -> None:
        self.job: ExportJob | None = None
        self._lock = Lock()

    def start(self, export_inputs: ExportInputs, out: Path) -> ExportJob:
        """Start writing; raises RunError where another is being written, or something lies in `out`."""
        access.require("export")
        with self._lock:
            if self.job is not None and self.job.state == "running":
                raise RunError(f"{self.job.out}: wanted no other export at work; found this one being written")
            check_free(out)
            self.job = ExportJob(export_inputs, out)
            return self.job

    def clear(self) -> None:
        """Forget an export that has ended."""
        with self._lock:
            if self.job is not None and self.job.state != "running":
                self.job = None


def written_of(work: Workspace, runner: ExportRunner) -> list[WrittenExport]:
    """The exports of a run, the newest first; the last one written elsewhere is among them."""
    found = written_below(work.run.folder / EXPORTS)
    job = runner.job
    if job is not None and job.state == "written" and job.out.is_dir():
        last = written(job.out)
        found = [last, *found] if last.folder not in [export.folder for export in found] else found
    return found


def short_name(run: Path, export: WrittenExport) -> str:
    """An export's name if it is one of the run's, else its full path."""
    return export.name if export.folder.parent == run / EXPORTS else str(export.folder)


def destination(run: Path, name: str) -> Path:
    """The folder that a person named: a plain name is put among the run's exports, an absolute path stays as it is."""
    try:
        path = Path(name.strip()).expanduser()
    except RuntimeError:  # ~somebody whom this machine does not know
        path = Path()
    can_be_named = name.isprintable() and all(len(os.fsencode(part)) <= LONGEST_NAME for part in path.parts)
    if path.is_absolute() and can_be_named:
        return path
    # `.` has no parts: it would be the folder of all exports.
    if not can_be_named or not path.parts or any(part.startswith(".") for part in path.parts):
        raise RunError(f"folder: wanted a name for the run's {EXPORTS}, or a whole path; found {name.strip()!r}")
    return run / EXPORTS / path


def check_free(out: Path) -> None:
    """Raise RunError where something lies in `out`."""
    if out.is_dir() and not any(out.iterdir()):
        return
    if out.exists():
        raise RunError(f"{out}: wanted a new or empty folder; found {'files in it' if out.is_dir() else 'a file'}")


def free_name(run: Path, format: str) -> str:
    """A name that no export of the run has: the format's, perhaps with a number."""
    taken = {path.name for path in (run / EXPORTS).glob("*")}
    numbered = (f"{format}-{number}" for number in range(2, len(taken) + 3))
    return next(name for name in (format, *numbered) if name not in taken)


def zipped(folder: Path) -> bytes:
    """All files of an export as one ZIP archive; the same files give the same bytes."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            packed = re.search(r"\.(zst|gz|parquet)$", path.name)
            entry = zipfile.ZipInfo(f"{folder.name}/{path.relative_to(folder).as_posix()}")
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())
    return content.getvalue()
