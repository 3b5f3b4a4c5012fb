"""
How long it takes to decide about many candidates, to decide again after one slider moved, and to look ahead along it.

    python -m tests.benchmarks.selecting [--queries N] [--candidates N]
"""

import argparse
import time
from types import SimpleNamespace

import numpy as np
import pandas as pd

from nearmiss.selection import Table, decide, prepare, select
from nearmiss.session.tuning.along import Refusals
from nearmiss.session.tuning.harm import HarmAlong
from nearmiss.settings import Policy

POLICIES = {
    "the same again": Policy(),
    "another ceiling": Policy(relative_margin=0.1),
    "another anchor": Policy(anchor="max"),
    "skip the top 5": Policy(skip_top=5),
    "random": Policy(sampling="random"),
    "simans": Policy(sampling="simans"),
    "stratified": Policy(sampling="stratified"),
    "half from bm25": Policy(quota=(("bm25", 0.5),)),
    "reuse cap 3": Policy(reuse_cap=3),
    "deepen below rank 5": Policy(max_rank=5, shortfall="deepen"),
}

SLIDERS = {
    "max_p_relevant": [*np.linspace(0, 1, 200).tolist(), None],
    "relative_margin": [None, *np.linspace(0, 1, 200).tolist()],
    "skip_top": list(range(100)),
    "negatives_per_query": list(range(1, 101)),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queries", type=int, default=10_000)
    parser.add_argument("--candidates", type=int, default=100, help="for each query")
    arguments = parser.parse_args()
    frame = made_up(arguments.queries, arguments.candidates)
    table = prepare(frame)
    print(f"{len(frame):,} candidates of {arguments.queries:,} queries; best of 3, in milliseconds")
    print(f"{'select, from the frame':<28}{best(lambda: select(frame, Policy())):>8.0f}")
    for name, policy in POLICIES.items():
        print(f"{'decide: ' + name:<28}{best(lambda policy=policy: decide(table, policy)):>8.0f}")
    sliders(table)


def sliders(table: Table) -> None:
    """What Tune finds beforehand, so that a moving slider only looks up: counts and harm at each of 200 stops."""
    policy = Policy()
    decision = decide(table, policy)
    work = SimpleNamespace(table=table, decision=lambda: decision)
    refusals = Refusals(table, policy)
    harm = HarmAlong(work, policy, refusals)
    for name, stops in SLIDERS.items():
        print(f"{'counts along ' + name:<40}{best(lambda n=name, s=stops: refusals.along(n, s)):>8.0f}")
        print(f"{'harm along ' + name:<40}{best(lambda n=name, s=stops: harm.along(n, s)):>8.0f}")


def best(work) -> float:
    took = []
    for _ in range(3):
        started = time.perf_counter()
        work()
        took.append(time.perf_counter() - started)
    return 1000 * min(took)


def made_up(queries: int, each: int) -> pd.DataFrame:
    """Candidates with two sources and normal scores, every query's fourth its positive."""
    rng, n = np.random.default_rng(0), queries * each
    positive = np.tile(np.arange(each) == 3, queries)
    bm25 = pd.arrays.IntegerArray(rng.integers(1, each + 1, n).astype(np.int32), rng.random(n) < 0.4)
    return pd.DataFrame(
        {
            "query_id": pd.Series(np.char.add("query-", np.repeat(np.arange(queries), each).astype(str))),
            "doc_id": pd.Series(np.char.add("document-", rng.integers(0, 50_000, n).astype(str))),
            "is_positive": positive,
            "is_labelled_negative": False,
            "bm25_rank": bm25,
            "dense_rank": pd.array(rng.integers(1, each + 1, n).astype(np.int32), dtype="Int32"),
            "teacher_score": (rng.normal(size=n) + 2 * positive).astype(np.float32),
            "p_relevant": rng.beta(0.5, 3, n).astype(np.float32),
            "is_the_query": False,
            "duplicate_kind": pd.Series("", range(n), dtype="str"),
            "positive_cosine": rng.random(n).astype(np.float32),
            "positive_jaccard": np.float32(np.nan),
            "is_sibling": False,
        }
    )


if __name__ == "__main__":
    main()
