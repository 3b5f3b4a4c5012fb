"""
How long the server takes for each key of several reviewers: write the judgement down, lease the next pairs, lay out the
new cards.

    python -m tests.benchmarks.made_run FOLDER --queries 10000 --candidates 100
    python -m tests.benchmarks.reviewing FOLDER [--reviewers 10] [--seconds 20]

Each reviewer presses one key a second, in a thread of its own. Streamlit's own share of a run and the browser's are not
in it. The judgements go to a log of the benchmark's own.
"""

import argparse
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import psutil

from nearmiss.session import cards, incoming
from nearmiss.session.queue import agenda, arms, priority
from nearmiss.session.queue.agenda import View
from nearmiss.workspace import open_workspace

AHEAD = 60
ROW = "{:<34} {:>10}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--reviewers", type=int, default=10)
    parser.add_argument("--seconds", type=int, default=20)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        started = time.perf_counter()
        work = open_workspace(arguments.folder, f"sqlite:///{scratch}/reviews.db")
        opened = time.perf_counter() - started
        cards.warm(work)
        view, policy = View(order="priority"), work.policy
        decision = work.decision(policy)
        order = agenda.rows(work, view, decision)
        card_view = cards.CardView(policy, cards.before_verdicts(work, policy))
        taken: list[float] = []
        threads = [
            threading.Thread(target=review, args=(work, view, order, card_view, f"r{n}", arguments.seconds, taken))
            for n in range(arguments.reviewers)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    milliseconds = 1000 * np.array(taken)
    print(ROW.format("candidates", f"{len(work.table.query):,}"))
    print(ROW.format("open the run, s", f"{opened:.2f}"))
    print(ROW.format("keys", f"{len(taken):,}"))
    for percent in (50, 95, 99):
        print(ROW.format(f"a key, {percent}th percentile, ms", f"{np.percentile(milliseconds, percent):.1f}"))
    print(ROW.format("memory, MB", f"{psutil.Process().memory_info().rss / 2**20:,.0f}"))


def review(work, view, order, card_view, name: str, seconds: int, taken: list[float]) -> None:
    picked = arms.pick(work, view, name, order, AHEAD)
    have = {one.pair for one in picked}
    for number in range(1, seconds + 1):
        time.sleep(1 - 0.01 * (hash(name) % 20))
        query_id, doc_id = picked[0].pair
        event = {"query_id": query_id, "doc_id": doc_id, "verdict": "not_relevant", "reviewer": name}
        event |= {"arm": picked[0].arm, "inclusion_probability": picked[0].chance}
        started = time.perf_counter()
        event |= {"client_id": name, "client_seq": number, "decided_at": time.time()}
        incoming.write(work, [event], arms.arms(work))
        priority.learn(work)
        picked = arms.pick(work, view, name, order, AHEAD)
        new = [one for one in picked if one.pair not in have]
        for one in new:
            cards.card(work, one, card_view, name)
        for query in {one.pair[0] for one in new}:
            cards.query(work, query, card_view, name)
        cards.history(work, name)
        agenda.progress(work, order, name, time.time())
        taken.append(time.perf_counter() - started)
        have.update(one.pair for one in new)


if __name__ == "__main__":
    main()
