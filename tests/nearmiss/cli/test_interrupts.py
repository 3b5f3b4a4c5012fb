"""Ctrl-C: ends a command at every moment, with exit code 130 and no traceback."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from nearmiss.cli import serving
from nearmiss.cli.interrupts import GRACE_S

ROOT = Path(__file__).parents[3]
LIMIT_S = 30  # a busy machine may be slow to start a process; without the watching process the wait is endless

# What happens in the process that works, once it imports its first library; `here` says that the moment has come.
# A native call that holds Python's lock is one that no signal reaches.
NATIVE = "collections.deque(itertools.repeat(0), maxlen=0)"
MOMENTS = {
    "while the first library is imported": "here(); time.sleep(60)",
    "while threads wait for each other": "deaf(); here(); threading.Event().wait()",
    "while a native call holds the interpreter": f"here(); {NATIVE}",
    "while the process ends": f"atexit.register(lambda: (here(), {NATIVE}))",
}
SCRIPT = """
import atexit, collections, itertools, os, signal, sys, threading, time

def here():
    print("here", os.getpid(), flush=True)

def deaf():
    signal.pthread_sigmask(signal.SIG_BLOCK, {{signal.SIGINT}})

class Moment:
    def find_spec(self, name, *rest):
        if name == "typer":
            {moment}

sys.meta_path.insert(0, Moment())
{first}
from nearmiss.cli import command
sys.argv = ["nearmiss", "presets", "--json"]
command()
"""


def started(moment, first=""):
    # A shell's background jobs ignore SIGINT, and their children inherit it.
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT.format(moment=moment, first=first)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


@pytest.mark.parametrize("moment", MOMENTS)
def test_an_interrupt_ends_a_command(moment):
    process = started(MOMENTS[moment])
    assert any(line.startswith("here") for line in process.stdout)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 130
    assert said.strip().startswith("interrupted; run the same command again")
    assert "Traceback" not in said
    assert GRACE_S < 2


def test_the_first_steps_of_a_command_import_no_library():
    script = "import sys, nearmiss.cli.interrupts; print('typer' in sys.modules, 'typing' in sys.modules)"
    command, path = [sys.executable, "-S", "-c", script], {"PYTHONPATH": str(ROOT / "mining")}
    done = subprocess.run(command, env=os.environ | path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_command_ends_with_the_process_that_was_started(number):
    process = started(f"here(); {NATIVE}")
    assert int(process.stdout.readline().split()[1]) != process.pid
    process.send_signal(number)
    process.communicate(timeout=LIMIT_S)  # returns when nobody can write any more: the one that works is gone too
    assert process.returncode == -number


def test_a_command_that_is_killed_looks_killed_to_whoever_started_it():
    process = started("os.kill(os.getpid(), signal.SIGSEGV)")
    process.communicate(timeout=LIMIT_S)
    assert process.returncode == -signal.SIGSEGV


def test_where_interrupts_are_ignored_they_stay_ignored():
    process = started("os.kill(os.getpid(), signal.SIGINT)", first="signal.signal(signal.SIGINT, signal.SIG_IGN)")
    out, said = process.communicate(timeout=LIMIT_S)
    assert (process.returncode, said) == (0, "")
    assert out.startswith("{")


def test_the_server_of_the_app_ends_without_a_traceback_while_it_imports():
    code = """
import os, signal
signal.signal(signal.SIGINT, signal.SIG_IGN)  # as the command leaves it
import streamlit
from nearmiss_app import server
server.open_early = lambda: None
streamlit.App.run = lambda *_, **__: os.kill(os.getpid(), signal.SIGINT)
os.chdir("app/nearmiss_app")
server.main()
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == -signal.SIGINT
    assert "Traceback" not in done.stderr


def test_a_command_that_becomes_the_server_leaves_interrupts_to_the_one_that_waits(monkeypatch, tmp_path):
    seen = []
    monkeypatch.setattr(os, "execv", lambda program, words: seen.append((words[2], signal.getsignal(signal.SIGINT))))
    monkeypatch.setattr(os, "chdir", lambda folder: None)
    for name in ("NEARMISS_RUN", "NEARMISS_REVIEWS", "NEARMISS_REVIEWER"):
        monkeypatch.setenv(name, "")
    before = signal.getsignal(signal.SIGINT)
    try:
        serving.serve(tmp_path, "", "ann", serving.AppAddress())
    finally:
        signal.signal(signal.SIGINT, before)
    assert seen == [("nearmiss_app.server", signal.SIG_IGN)]
