"""
What policies leave in and throw away, on collections that were judged by hand.

    python -m tests.benchmarks.policies --data DIR --runs DIR [--teacher MODEL]

Each collection has one labelled answer a query; its other judgements are the truth. Told are, for each policy: how many
candidates are kept, which share of them are answers, and which share of true negatives is not refused: of those that
are kept where nothing is refused by score, and of those that a source ranks among its first ten.
"""

import numpy as np

from nearmiss.run import Run
from nearmiss.selection import KEPT, STATUSES, decide, prepare
from nearmiss.settings import Policy
from tests.benchmarks import judged

POLICIES = {
    "no filter": Policy(max_p_relevant=None, relative_margin=None),
    "95% rule": Policy(max_p_relevant=None, relative_margin=0.05),
    "default": Policy(),
    "p_relevant to .2": Policy(max_p_relevant=0.2, relative_margin=None),
    "p_relevant to .3": Policy(max_p_relevant=0.3, relative_margin=None),
}


def main() -> None:
    arguments = judged.flags(__doc__).parse_args()
    print(f"{'':<29}{'kept':>6}{'answers':>10}{'hardest left':>14}{'to rank 10 left':>17}{'median rank':>13}")
    for name, run, answers in judged.runs(arguments):
        show(name, run, answers)


def show(name: str, run: Run, answers: set[tuple[str, str]]) -> None:
    """A line for each policy."""
    candidates = run.candidates()
    table = prepare(candidates)
    pairs = zip(candidates["query_id"], candidates["doc_id"], strict=True)
    truth = np.array([pair in answers for pair in pairs])
    near = candidates[["bm25_rank", "dense_rank"]].min(axis=1).le(10).fillna(False).to_numpy(bool)
    hardest, first = np.zeros(len(truth), bool), np.zeros(len(truth), bool)
    for words, policy in POLICIES.items():
        status = np.asarray(decide(table, policy).status)
        kept = status == STATUSES.index(KEPT)
        passed = kept | (status == STATUSES.index("over_quota"))
        if words == "no filter":
            hardest, first = kept & ~truth, near & passed & ~truth
        rank = candidates["dense_rank"][kept].astype(float).median()
        print(
            f"{name:<11}{words:<18}{kept.sum():>6,}{truth[kept].mean():>10.1%}"
            f"{passed[hardest].mean():>14.2f}{passed[first].mean():>17.2f}{rank:>13.0f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
