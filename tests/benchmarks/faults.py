"""
What can go wrong while people judge, and what of their keys is in the log afterwards: every one, once, in order?

    python -m tests.benchmarks.faults RUN [--presses 1000] [--faults 20] [--only NAME ...]

Works on copies of the run. A browser's outbox in Python presses a key every 20 ms, keeps each event until the server
has acknowledged it, and sends all that wait, as the page's own does (`app/nearmiss_app/deck/outbox.js`); the server is
a process of its own that does with them what Review does. One line for each fault; ends with an error where one loses,
doubles or reorders a key. Restarting PostgreSQL needs its programs, filling a disk needs root on Linux: where they are
missing, the line says so. `pressing` does the first of them with a real browser.
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from nearmiss.errors import NearmissError
from nearmiss.review import open_log

APART_S = 0.02  # from one key to the next
ANSWER_S = 30.0  # that a page waits for an answer before it sends again
HOUR_S = 3600.0
VERDICTS = ("relevant", "not_relevant")
PROCESSES = get_context("forkserver")
ROW = "{:<44} {:>7} {:>7} {:>8}  {}"


# ---- the server


def serve(folder: str, reviews: str, pipe: Any, clock: float) -> None:
    """Answer what an outbox sends: what is written is acknowledged, what cannot be is not."""
    from nearmiss.session import incoming
    from nearmiss.session.queue import arms
    from nearmiss.workspace import open_workspace

    real = time.time
    time.time = lambda: real() + clock
    work = None
    while True:
        sent = pipe.recv()
        try:
            if work is None:
                work = open_workspace(Path(folder), reviews)
            work.refresh()
            problems = incoming.write(work, sent, arms.arms(work))
            pipe.send((incoming.dealt_with(sent), problems))
        except NearmissError as error:
            # A page shows it in place of an answer, and its browser goes on holding the keys.
            pipe.send(({}, [str(error)]))


class Server:
    """A server's process, which can be killed and started again."""

    def __init__(self, folder: Path, reviews: str = "") -> None:
        self.folder, self.reviews, self.clock = folder, reviews, 0.0
        self.start()

    def start(self) -> None:
        self.pipe, theirs = PROCESSES.Pipe()
        self.process = PROCESSES.Process(
            target=serve, args=(str(self.folder), self.reviews, theirs, self.clock), daemon=True
        )
        self.process.start()
        theirs.close()

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.join()

    def again(self) -> None:
        self.kill()
        self.start()


# ---- the browser


@dataclass
class Outbox:
    """One tab of one reviewer. `pairs` are the cards, one for each key."""

    server: Server
    reviewer: str
    client: str
    pairs: list[tuple[str, str]]
    clock: float = 0.0  # seconds that its machine's clock is off
    seq: int = 0
    waiting: list[dict[str, Any]] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    _asked: tuple[int, float] | None = None  # the process that was asked, and when

    def press(self) -> None:
        query_id, doc_id = self.pairs[self.seq]
        now = time.time() + self.clock
        self.seq += 1
        event = {"query_id": query_id, "doc_id": doc_id, "verdict": VERDICTS[self.seq % 2], "reviewer": self.reviewer}
        event |= {"client_id": self.client, "client_seq": self.seq, "shown_at": now - 0.01, "decided_at": now}
        self.waiting.append(event)

    def exchange(self) -> None:
        """Take an answer that is there, and send what waits where no answer is awaited."""
        with suppress(EOFError, OSError):
            while self.server.pipe.poll():
                acknowledged, problems = self.server.pipe.recv()
                self._asked = None
                self.refused |= set(problems)
                last = acknowledged.get(self.client, 0)
                self.waiting = [event for event in self.waiting if event["client_seq"] > last]
            process = self.server.process.pid
            late = self._asked is None or self._asked[0] != process or time.monotonic() - self._asked[1] > ANSWER_S
            if self.waiting and late:
                self._asked = process, time.monotonic()
                self.server.pipe.send(self.waiting)

    def until_empty(self, seconds: float = 180.0) -> None:
        deadline = time.monotonic() + seconds
        while self.waiting:
            if time.monotonic() > deadline:
                raise AssertionError(f"{self.client}: wanted an empty outbox; found {len(self.waiting)} keys in it")
            self.exchange()
            time.sleep(APART_S / 4)


def pressed(outboxes: list[Outbox], presses: int, moments: set[int], fault: Callable[[], None]) -> None:
    """Press so many keys on each, with the fault at some of them; then wait until all are acknowledged."""
    for number in range(presses):
        for outbox in outboxes:
            outbox.press()
            outbox.exchange()
        if number in moments:
            fault()
        time.sleep(APART_S)
    for outbox in outboxes:
        outbox.until_empty()


# ---- what was found


@dataclass(frozen=True)
class Outcome:
    keys: int
    rows: int
    words: str

    @property
    def is_good(self) -> bool:
        return self.keys == self.rows and self.words.startswith("in order, each once")


def outcome(where: str | Path, outboxes: list[Outbox], more: str = "") -> Outcome:
    """What of the keys is in the log."""
    log = open_log(where)
    rows = [entry.event for entry in log.since(0)]
    checked = log.verify()
    log.close()
    wrong = list(checked.faults)
    for outbox in outboxes:
        own = [row for row in rows if row.client_id == outbox.client]
        wanted = [(pair, VERDICTS[seq % 2], seq) for seq, pair in enumerate(outbox.pairs[: outbox.seq], 1)]
        if [((row.query_id, row.doc_id), row.verdict, row.client_seq) for row in own] != wanted:
            wrong.append(f"{outbox.client}: {len(own)} rows, others or otherwise than pressed")
    words = "; ".join(wrong) or f"in order, each once, the chain holds{more}"
    return Outcome(sum(outbox.seq for outbox in outboxes), len(rows), words)


# ---- the faults


@dataclass(frozen=True)
class Trial:
    """A copy of the run, the cards of its reviewers, how many keys, and the numbers of those at which it strikes."""

    folder: Path
    pairs: list[tuple[str, str]]
    presses: int
    moments: set[int]

    @property
    def log(self) -> Path:
        return self.folder / "reviews.db"


def killed(trial: Trial) -> Outcome:
    """The server is killed while keys arrive, and started again."""
    server = Server(trial.folder)
    outbox = Outbox(server, "ana", "tab", trial.pairs)
    pressed([outbox], trial.presses, trial.moments, server.again)
    server.kill()
    return outcome(trial.log, [outbox])


def database_restarted(trial: Trial) -> Outcome:
    """PostgreSQL is stopped as by a power cut, and started again."""
    with postgres() as (url, restart):
        open_log(url).close()
        server = Server(trial.folder, url)
        outbox = Outbox(server, "ana", "tab", trial.pairs)
        pressed([outbox], trial.presses, trial.moments, restart)
        server.kill()
        return outcome(url, [outbox], f"; pages said {len(outbox.refused)} kinds of error")


def disk_full(trial: Trial) -> Outcome:
    """The disk with the log fills up in the middle, and is emptied after a while."""
    disk = trial.folder.parent / "disk"
    disk.mkdir()
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(disk)], capture_output=True, text=True, check=False
    )
    if mount.returncode:
        raise MissingPart("no disk could be made: that needs root")
    try:
        open_log(disk / "reviews.db").close()
        server = Server(trial.folder, f"sqlite:///{disk / 'reviews.db'}")
        outbox = Outbox(server, "ana", "tab", trial.pairs)
        full, free = sorted(trial.moments)[:1], sorted(trial.moments)[-1:]
        pressed([outbox], trial.presses, {*full, *free}, lambda: fill_or_free(disk / "filler"))
        server.kill()
        if not any("full" in words for words in outbox.refused):
            return outcome(disk / "reviews.db", [outbox], " (the disk was never full)")
        return outcome(disk / "reviews.db", [outbox], "; the page named the full disk")
    finally:
        subprocess.run(["umount", str(disk)], check=False)


def fill_or_free(filler: Path) -> None:
    if filler.exists():
        filler.unlink()
        return
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))


def clock_set_back(trial: Trial) -> Outcome:
    """The clocks of browser and server go back an hour in the middle."""
    server = Server(trial.folder)
    outbox = Outbox(server, "ana", "tab", trial.pairs)

    def back() -> None:
        outbox.clock = server.clock = -HOUR_S
        server.again()

    pressed([outbox], trial.presses, {trial.presses // 2}, back)
    server.kill()
    return outcome(trial.log, [outbox])


def two_tabs(trial: Trial) -> Outcome:
    """One person judges in two tabs at once, each with its own server's session; the server is killed between."""
    servers = [Server(trial.folder), Server(trial.folder)]
    half = trial.presses // 2
    outboxes = [
        Outbox(server, "ana", f"tab {number}", trial.pairs[number * half :]) for number, server in enumerate(servers)
    ]
    pressed(outboxes, half, trial.moments, servers[0].again)
    for server in servers:
        server.kill()
    return outcome(trial.log, outboxes)


def laptop_asleep(trial: Trial) -> Outcome:
    """
    A laptop sleeps with keys unsent, and its answers are lost; meanwhile another person judges the same pairs.

    It wakes an hour later, sends everything, hears nothing, and sends everything again.
    """
    server = Server(trial.folder)
    outbox = Outbox(server, "ana", "tab", trial.pairs)
    third = trial.presses // 3
    pressed([outbox], third, set(), server.again)
    for _ in range(trial.presses - third):
        outbox.press()
    bob = Outbox(Server(trial.folder), "bob", "other", trial.pairs)
    pressed([bob], third, set(), server.again)
    server.clock = HOUR_S
    for _ in range(2):
        server.again()
        server.pipe.send(outbox.waiting)
        server.pipe.poll(ANSWER_S)  # written, and never heard
    server.again()
    outbox.until_empty()
    server.kill()
    bob.server.kill()
    return outcome(trial.log, [outbox, bob])


FAULTS: dict[str, Callable[[Trial], Outcome]] = {
    "killed": killed,
    "postgresql": database_restarted,
    "disk": disk_full,
    "clock": clock_set_back,
    "tabs": two_tabs,
    "sleep": laptop_asleep,
}


class MissingPart(Exception):
    """What this machine lacks for a fault."""


@contextmanager
def postgres() -> Iterator[tuple[str, Callable[[], None]]]:
    """A PostgreSQL of its own: its URL, and what stops it at once and starts it again."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl")) or [
        Path(one) for one in [shutil.which("pg_ctl")] if one
    ]
    if not found:
        raise MissingPart("no PostgreSQL is installed")
    folder = Path(tempfile.mkdtemp())
    is_root = os.getuid() == 0
    if is_root:
        shutil.chown(folder, "postgres")

    def call(program: str, *words: str) -> None:
        command = [str(found[-1].parent / program), *words]
        as_other = ["runuser", "-u", "postgres", "--"] if is_root else []
        subprocess.run([*as_other, *command], cwd="/", check=True, stdout=subprocess.DEVNULL)

    options = f"-c listen_addresses='' -c unix_socket_directories={folder}"
    running = ["-D", f"{folder}/data", "-l", f"{folder}/log", "-s", "-w", "-o", options]
    call("initdb", "-A", "trust", "-U", "postgres", "-E", "UTF8", "-D", f"{folder}/data")
    call("pg_ctl", *running, "start")
    try:
        yield (
            f"postgresql+psycopg://postgres@/postgres?host={folder}",
            lambda: call("pg_ctl", *running, "-m", "immediate", "restart"),
        )
    finally:
        call("pg_ctl", "-D", f"{folder}/data", "-m", "immediate", "-s", "stop")
        shutil.rmtree(folder)


def tried(name: str, run: Path, presses: int, faults: int, seed: int = 42) -> Outcome:
    """One fault on a copy of a run, struck at random keys."""
    from nearmiss.session.queue import agenda
    from nearmiss.session.queue.agenda import View
    from nearmiss.workspace import open_to_read

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(shutil.copytree(run, Path(scratch) / "run"))
        for left in folder.glob("reviews*"):
            left.unlink()
        work = open_to_read(folder)
        order = agenda.rows(work, View(statuses=("kept", "over_quota", "too_easy")), work.decision())[:presses]
        pairs = [work.pair_at(row) for row in order.tolist()]
        work.log.close()
        if len(pairs) < presses:
            raise MissingPart(f"the run has {len(pairs):,} such candidates")
        moments = set(random.Random(seed).sample(range(1, presses), min(faults, presses - 1)))
        return FAULTS[name](Trial(folder, pairs, presses, moments))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--presses", type=int, default=1000)
    parser.add_argument("--faults", type=int, default=20, help="kills, or restarts of the database")
    parser.add_argument("--only", nargs="*", choices=list(FAULTS), default=list(FAULTS))
    arguments = parser.parse_args()
    PROCESSES.set_forkserver_preload(["nearmiss.workspace", "nearmiss.session.incoming", "nearmiss.session.queue.arms"])
    print(ROW.format("fault", "keys", "rows", "seconds", ""))
    good = True
    for name in arguments.only:
        begun, words = time.perf_counter(), str(FAULTS[name].__doc__).strip().splitlines()[0]
        try:
            found = tried(name, arguments.run, arguments.presses, arguments.faults)
        except MissingPart as missing:
            print(f"{name}: not tried: {missing}")
            continue
        good &= found.is_good
        taken = f"{time.perf_counter() - begun:.0f}"
        print(ROW.format(name, f"{found.keys:,}", f"{found.rows:,}", taken, found.words), f"({words})", flush=True)
    if not good:
        sys.exit("wanted every key once and in order")


if __name__ == "__main__":
    main()
