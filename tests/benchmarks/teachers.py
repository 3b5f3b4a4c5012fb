"""
How good a teacher is on collections that were judged by hand: as a reranker, and in telling unlabelled answers.

    python -m tests.benchmarks.teachers --data DIR --runs DIR [--teacher MODEL] [--depth 30]

Each collection has one labelled answer a query; its other judgements are the truth. Told are, for cosine and teacher:
nDCG@10 of the candidates to that depth of BM25 or the encoder, over all known answers; the AUC over all unlabelled
pairs of all queries together, of the scores and of their margins to the labelled answer's.
"""

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from tests.benchmarks import judged

CUT = 10
SCORES = ("bm25_score", "dense_score", "teacher_score")


def main() -> None:
    parser = judged.flags(__doc__)
    parser.add_argument("--depth", type=int, default=30)
    arguments = parser.parse_args()
    print(f"{'':<11}{'':>8}{'nDCG@10':>24}{'AUC':>16}{'AUC of margins':>16}")
    print(f"{'':<11}{'pairs':>8}{'BM25':>8}" + f"{'cosine':>8}{'teacher':>8}" * 3)
    rows = []
    for name, run, answers in judged.runs(arguments):
        pairs, row = numbers(run.candidates(), answers, arguments.depth)
        print(f"{name:<11}{pairs:>8,}" + "".join(f"{number:>8.3f}" for number in row), flush=True)
        rows.append(row)
    print(f"{'mean of six':<19}" + "".join(f"{number:>8.3f}" for number in np.mean(rows, axis=0)))


def numbers(candidates: pd.DataFrame, answers: set[tuple[str, str]], depth: int) -> tuple[int, list[float]]:
    """How many unlabelled pairs there are, and the numbers of a collection in the table's order."""
    found = candidates[["bm25_rank", "dense_rank"]].min(axis=1).le(depth).fillna(False).to_numpy(bool)
    pool = candidates[found].copy()
    pool["answer"] = [pair in answers for pair in zip(pool["query_id"], pool["doc_id"], strict=True)]
    in_all = pd.Series([query for query, _ in answers]).value_counts()
    ndcg = [mean_ndcg(pool, score, in_all) for score in SCORES]
    unlabelled = pool[~pool["is_positive"].to_numpy(bool)]
    truth = unlabelled["answer"].to_numpy()
    of_scores = [roc_auc_score(truth, unlabelled[score].to_numpy(float)) for score in SCORES[1:]]
    margins = [
        unlabelled[score] - anchors(candidates, score)[unlabelled["query_id"]].to_numpy() for score in SCORES[1:]
    ]
    of_margins = [roc_auc_score(truth, margin.to_numpy(float)) for margin in margins]
    return len(unlabelled), [*ndcg, *of_scores, *of_margins]


def anchors(candidates: pd.DataFrame, score: str) -> pd.Series:
    """The lowest score of each query's labelled answers."""
    positives = candidates[candidates["is_positive"].to_numpy(bool)]
    return positives.groupby("query_id")[score].min()


def mean_ndcg(pool: pd.DataFrame, score: str, in_all: pd.Series) -> float:
    """Mean over the queries with answers, of which a query has `in_all`; what a source did not find comes last."""
    discount = 1 / np.log2(np.arange(2, CUT + 2))
    found = []
    for query_id, own in pool.groupby("query_id"):
        if query_id in in_all:
            hits = own.sort_values(score, ascending=False, kind="stable")["answer"].to_numpy()[:CUT]
            found.append((hits * discount[: len(hits)]).sum() / discount[: min(CUT, in_all[query_id])].sum())
    return float(np.mean(found))


if __name__ == "__main__":
    main()
