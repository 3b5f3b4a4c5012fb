"""One writer at a time: the other is told who holds the folder, and a holder that died holds nothing."""

import os
import re
import signal
import subprocess
import sys

import pytest

from nearmiss import run as run_folder
from nearmiss.calibration import stored
from nearmiss.errors import RunError
from nearmiss.run import open_run
from nearmiss.session.tuning import saved
from nearmiss.settings import Policy
from nearmiss.storage.one_writer import one_writer
from tests.conftest import ROOT

HOLDER = """
import sys
from pathlib import Path
from nearmiss.storage.one_writer import one_writer
with one_writer(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def holder(tmp_path):
    command = [sys.executable, "-c", HOLDER, tmp_path, "postgresql://ann:secret@host/x"]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def test_the_other_is_told_who_holds_it_and_since_when(tmp_path, holder):
    with pytest.raises(RunError) as error, one_writer(tmp_path):
        pass
    said = str(error.value)
    assert said.startswith(f"{tmp_path}: wanted to write to it; found process {holder.pid} on {os.uname().nodename} (")
    assert re.search(r"writing since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\. Wait until it has ended", said)
    assert "ann:***@host" in said
    assert "secret" not in said


def test_a_holder_that_was_killed_holds_nothing(tmp_path, holder):
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with one_writer(tmp_path):
        pass


def test_who_has_ended_leaves_the_folder_free(tmp_path):
    for _ in range(2):
        with one_writer(tmp_path), pytest.raises(RunError, match=f"process {os.getpid()} on"), one_writer(tmp_path):
            pass
    assert [path.name for path in tmp_path.iterdir()] == [".writer.lock"]


def test_a_part_is_held_alone_and_the_folder_stays_free(tmp_path):
    with one_writer(tmp_path, "policy.json"), one_writer(tmp_path), one_writer(tmp_path, "map"):
        refused = pytest.raises(RunError, match=r"policy\.json: wanted to write to it; found process")
        with refused, one_writer(tmp_path, "policy.json", patience=0.01):
            pass


def test_a_policy_that_another_keeps_is_not_saved_and_reading_it_needs_no_waiting(run, monkeypatch):
    opened, other = open_run(run), Policy(negatives_per_query=3)
    for place in (run_folder, saved):
        monkeypatch.setattr(place, "PATIENCE_S", 0.01)
    with one_writer(run, "policy.json"):
        for save in (opened.save_policy, lambda policy: saved.save(opened, policy, "ann")):
            with pytest.raises(RunError, match="wanted to write to it; found process"):
                save(other)
        assert open_run(run).policy == Policy()
        assert saved.history(opened).saved[-1].policy == Policy()
    saved.save(opened, other, "ann")
    assert open_run(run).policy == other


SAVER = """
import sys
from pathlib import Path
from nearmiss.run import open_run
from nearmiss.session.tuning import saved
from nearmiss.settings import Policy
for number in range(1, 5):
    saved.save(open_run(Path(sys.argv[1])), Policy(negatives_per_query=number * int(sys.argv[2])), sys.argv[2])
"""


@pytest.mark.slow
def test_two_processes_that_save_policies_leave_every_save_in_the_history(run):
    savers = [subprocess.Popen([sys.executable, "-c", SAVER, run, step], cwd=ROOT) for step in ("1", "100")]
    assert [saver.wait(timeout=100) for saver in savers] == [0, 0]
    known = saved.history(open_run(run)).saved
    for step in ("1", "100"):
        mine = [one.policy.negatives_per_query for one in known if one.by == step]
        assert mine == [number * int(step) for number in range(1, 5)]
    assert known[-1].policy == open_run(run).policy


def test_a_calibration_is_put_in_force_by_one_at_a_time(run, monkeypatch):
    monkeypatch.setattr(stored, "PATIENCE_S", 0.01)
    folder = open_run(run).round_folder()
    with one_writer(folder, "calibration.json"), pytest.raises(RunError, match=r"calibration\.json: wanted to write"):
        stored.undo(folder, open_run(run).candidates(), "ann")
