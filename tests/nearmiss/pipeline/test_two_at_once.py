"""Two that mine at once, a disk that is full, an interrupt, and other releases of the libraries."""

import json
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager

import pandas as pd
import pytest

from nearmiss import pipeline
from nearmiss.errors import FileError, RunError
from nearmiss.pipeline import stages
from nearmiss.pipeline.progress import timed
from nearmiss.run import open_run
from nearmiss.storage.one_writer import one_writer
from tests.conftest import ROOT
from tests.nearmiss.pipeline.test_pipeline import RECIPE, data, mine, snapshot  # noqa: F401
from tests.words import OverlapTeacher, WordEncoder


def test_who_mines_into_a_folder_that_another_mines_into_is_told_so(tmp_path, data):  # noqa: F811
    with (
        one_writer(tmp_path / "run"),
        pytest.raises(RunError, match=f"found process {os.getpid()} on .* writing since"),
    ):
        mine(tmp_path / "run", data)
    run = mine(tmp_path / "run", data)
    with one_writer(run.folder):
        assert open_run(run.folder).selected()["status"].eq("kept").any()  # readers never wait


def test_a_folder_of_somebody_else_gets_no_lock(tmp_path, data):  # noqa: F811
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(RunError, match="found a folder with "):
        mine(tmp_path, data)
    assert not (tmp_path / ".writer.lock").exists()


def test_the_seconds_of_a_stage_survive_an_interrupt(tmp_path):
    with pytest.raises(KeyboardInterrupt), timed(tmp_path, "teacher"):
        raise KeyboardInterrupt
    first = json.loads((tmp_path / "seconds.json").read_text())["teacher"]
    with timed(tmp_path, "teacher"):
        sum(range(200_000))
    assert json.loads((tmp_path / "seconds.json").read_text())["teacher"] > first >= 0


def test_a_round_keeps_the_versions_it_was_made_with_and_those_of_earlier_attempts(tmp_path, data, monkeypatch):  # noqa: F811
    now = {"nearmiss": "1"}
    monkeypatch.setattr(pipeline, "_versions", lambda: dict(now))
    monkeypatch.setattr(pipeline, "calibrate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        mine(tmp_path / "run", data)
    monkeypatch.undo()
    monkeypatch.setattr(pipeline, "_versions", lambda: {"nearmiss": "2"})
    run = mine(tmp_path / "run", data)
    assert run.facts["versions"] == {"nearmiss": "1"}
    assert run.round_facts()["versions"] == run.provenance()["versions"] == {"nearmiss": "2"}
    assert run.round_facts()["earlier_versions"] == [{"nearmiss": "1"}]


def interrupted(*_):
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    "taken",
    [
        "candidates/00000.parquet",
        "document_vectors/00000.npy",
        "query_vectors/vectors.json",
    ],
)
def test_what_was_taken_away_is_made_again_by_the_same_command(tmp_path, data, taken):  # noqa: F811
    run = mine(tmp_path / "run", data)
    before = snapshot(run.folder)
    (run.folder / "rounds" / "1" / taken).unlink()
    mine(run.folder, data)
    assert snapshot(run.folder) == before


@contextmanager
def small_disk(folder, size):
    """A file system of so many bytes."""
    folder.mkdir()
    if os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("only root may mount a file system")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], capture_output=True).returncode:
        pytest.skip("this machine mounts nothing")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def test_on_a_full_disk_the_file_is_named_and_the_run_goes_on_from_there(tmp_path, data):  # noqa: F811
    whole = mine(tmp_path / "whole", data)
    failures = []
    with small_disk(tmp_path / "disk", 1024 * 1024) as disk:
        for room in (8_000, 24_000, 40_000, 56_000, 500_000):
            (disk / "ballast").write_bytes(b"0" * (disk_free(disk) - room))
            try:
                run = mine(disk / "run", data)
            except FileError as error:
                failures.append(str(error))
            (disk / "ballast").unlink()
        assert snapshot(run.folder) == snapshot(whole.folder)
    assert len(set(failures)) > 2
    for said in failures:
        assert said.startswith(f"{disk / 'run'}/")
        assert "wanted to write it; found: " in said
        assert "No space left on device. Make room and run the same command again" in said


def disk_free(folder):
    told = os.statvfs(folder)
    return told.f_bavail * told.f_frsize


QUOTA = """
import resource, sys
from pathlib import Path
from nearmiss import data, pipeline
from nearmiss.errors import FileError
from tests.nearmiss.pipeline.test_pipeline import RECIPE
from tests.words import OverlapTeacher, WordEncoder
source, run, limit = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
try:
    pipeline.mine(run, RECIPE, data.read(source), encoder=WordEncoder(), teacher=OverlapTeacher())
except FileError as error:
    print(error)
"""


def test_where_files_may_not_grow_the_file_is_named_and_the_run_goes_on_from_there(tmp_path, data):  # noqa: F811
    # Each limit lets the run come further than the one before.
    sizes = [2_000, 3_500, 6_000]
    for limit in sizes:
        words = [sys.executable, "-c", QUOTA, tmp_path / "data", tmp_path / "run", str(limit)]
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(f"{tmp_path / 'run'}/"), done.stdout
        assert "wanted to write it; found: " in done.stdout
        assert not list((tmp_path / "run").rglob(".tmp-*"))
    teacher = OverlapTeacher()
    run = mine(tmp_path / "run", data, teacher=teacher)
    pd.testing.assert_frame_equal(run.candidates(), mine(tmp_path / "whole", data).candidates())


def test_a_second_round_waits_for_nobody_who_only_reads(tmp_path, data):  # noqa: F811
    run = mine(tmp_path / "run", data)
    read = []

    def watched(*words):
        read.append(open_run(run.folder).candidates().shape)
        return original(*words)

    original = stages.calibrate
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "calibrate", watched)
        pipeline.mine(run.folder, RECIPE, encoder=WordEncoder("other"), teacher=OverlapTeacher())
    assert read == [open_run(run.folder).candidates(1).shape]
