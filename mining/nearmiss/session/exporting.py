"""
Shipping: the exports of a workspace, from the dry run to the folder, and those that lie there already.

In:  a workspace, an `Export`
Out: what would be written; a folder of shards, made beside everything else that goes on

Knows nothing of pages. One export runs at a time for all who look; it can be watched and stopped from any thread.
"""

import io
import re
import time
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any, Literal

import pandas as pd

from nearmiss import audit
from nearmiss.data import Dataset
from nearmiss.errors import NearmissError, RunError
from nearmiss.export import DryRun, Export, ExportReviews, Manifest, dry_run, write
from nearmiss.export.format_tables import rows_of_corpus, rows_of_table
from nearmiss.export.formats import EXPORT_FORMATS, check
from nearmiss.export.judgements import judge, read
from nearmiss.export.plan import check_not_empty, plan
from nearmiss.export.read_back import WrittenExport, written, written_below
from nearmiss.settings import Policy
from nearmiss.types import Advance
from nearmiss.workspace import Workspace

EXPORTS = "exports"
LARGEST_ZIP = 200_000_000  # bytes; more goes by its path
State = Literal["running", "written", "stopped", "failed"]


@dataclass(frozen=True)
class ExportInputs:
    """Everything that one export is made of, at one moment."""

    dataset: Dataset
    selected: pd.DataFrame
    reviews: ExportReviews
    export: Export
    provenance: Mapping[str, Any]

    def dry_run(self) -> DryRun:
        """What would be written, and why not the rest."""
        return dry_run(self.dataset, self.selected, self.export, self.reviews)

    def tables(self) -> Iterator[tuple[str, Iterator[dict[str, Any]]]]:
        """The name and the rows of each table that would be written, its corpus among them."""
        check(self.export)
        planned = plan(self.dataset, self.selected, self.export, self.reviews.withheld)
        check_not_empty(planned)
        form = EXPORT_FORMATS[self.export.format]
        for table in form.tables:
            yield table.stem, rows_of_table(self.dataset, planned.selected, table, self.export)
        if form.corpus:
            yield form.corpus.stem, rows_of_corpus(self.dataset, planned.selected, form.corpus, self.export)

    def write(self, out: Path, advance: Advance) -> Manifest:
        """Write it; `advance` hears of each row."""
        return write(self.dataset, self.selected, out, self.export, self.provenance, advance, self.reviews)


def prepare(work: Workspace, export: Export, policy: Policy | None = None) -> ExportInputs:
    """The candidates under the judgements so far and a policy, the one in force unless given, as exports do."""
    work.refresh()
    policy = policy or work.policy
    with work.unchanged():
        said = read(work.standing)
        table = work.table.judged(work.table.verdicts.copy(), work.table.positive)
    selected, reviews = judge(table, said, policy, export, work.same_document)
    rows = audit.rows_of(work.run.dataset, selected, export, reviews.withheld)
    certificate = audit.covering(work, rows=rows)
    measured = {
        "certificate": certificate.as_json() if certificate else None,
        "certification": audit.certification(work, rows),
    }
    provenance = work.run.provenance(work.number) | {"policy": asdict(policy)} | measured
    return ExportInputs(work.run.dataset, selected, reviews, export, provenance)


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
    """An export being written by a thread of its own; safe to look at from any other."""

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
        # A daemon, so that a server that is stopped does not wait for it; the folder stays absent then.
        self._thread = Thread(target=self._run, args=(export_inputs,), name=f"export {out.name}", daemon=True)
        self._thread.start()

    @property
    def progress(self) -> ExportProgress:
        """How far it is."""
        return ExportProgress(self._done, self._total, (self._ended or time.monotonic()) - self._begun)

    def stop(self) -> None:
        """Stop it; nothing of it stays."""
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
        """Begin to write; raises RunError where another is being written, or something lies in `out`."""
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
    """An export's name where it is one of the run's, else its whole path."""
    return export.name if export.folder.parent == run / EXPORTS else str(export.folder)


def destination(run: Path, name: str) -> Path:
    """The folder that a person named: a plain name lies among the run's exports, a path from the root where it says."""
    path = Path(name.strip()).expanduser()
    if path.is_absolute():
        return path
    if not name.strip() or ".." in path.parts or any(part.startswith(".") for part in path.parts):
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
