"""One writer at a time: the other is told who holds the folder, and a holder that died holds nothing."""

import os
import re
import signal
import subprocess
import sys

import pytest

from nearmiss.errors import RunError
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
