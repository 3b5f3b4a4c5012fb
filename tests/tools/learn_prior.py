"""
Learning the prior: weights of the signals, fitted on collections whose judgements are known.

    python -m tests.tools.learn_prior --data DIR [--teacher MODEL] [--out mining/nearmiss/calibration/prior.json]

In:  folders of collections with one labelled answer a query and all judgements; the sample corpus
Out: prior.json, and a table of how well each collection does with weights that never saw it

Each collection counts the same, however large. Each is taken twice, with candidates to rank 100 and to rank 30, since
what is usual in a deep pool is not in a shallow one.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from nearmiss import data as dataset
from nearmiss import pipeline
from nearmiss.calibration.model import fit_weights, from_prior
from nearmiss.calibration.prior import FILE
from nearmiss.calibration.signals import Signals, in_words, signals
from nearmiss.run import Run
from nearmiss.settings import LATE_INTERACTION, Mining
from nearmiss.types import Bools, Floats

COLLECTIONS = {
    "cranfield": "test_with_source_paper",
    "cisi": "test",
    "cacm": "test",
    "npl": "test",
    "time": "test",
}
SAMPLE = "sample"
SAMPLE_ANSWERS_FROM = 2  # of its grades 0 to 3
DEPTHS = (100, 30)
SPREAD = 0.1  # of a weight around 0, when all collections together count as LABELS judgements
LABELS = 3000
KEPT = 0.8  # of the true negatives, at which the share of false negatives removed is told
# What a run may have beside the encoder; a fit is made for each.
KINDS = {"dense": (), "dense+bm25": ("bm25",), "dense+teacher": ("teacher",), "dense+bm25+teacher": ("bm25", "teacher")}


@dataclass(frozen=True)
class Known:
    """A collection's candidates, the labelled answers left out, and which of them are answers."""

    name: str
    depth: int
    query_id: npt.NDArray[np.object_]
    doc_id: npt.NDArray[np.object_]
    signals: Signals
    values: npt.NDArray[np.float32]  # standardised
    answers: Bools

    def columns(self, names: Sequence[str]) -> npt.NDArray[np.float32]:
        """The values of these signals, (n, len(names))."""
        return self.values[:, [self.signals.names.index(name) for name in names]]


def known_of(name: str, candidates: pd.DataFrame, answers: set[tuple[str, str]], depth: int = DEPTHS[0]) -> Known:
    """A mined collection with its known answers, (query_id, doc_id), as far down as `depth`."""
    ranks = [column for column in candidates.columns if column.endswith("_rank") and column != "fused_rank"]
    near = candidates[ranks].min(axis=1).le(depth).fillna(False).to_numpy(bool)
    candidates = candidates[near | candidates["is_positive"].to_numpy(bool)].reset_index(drop=True)
    found, positive = signals(candidates), candidates["is_positive"].to_numpy(bool)
    standardised = from_prior(found, positive, dict.fromkeys((*found.names, "intercept"), 0.0)).standardised(found)
    pairs = zip(candidates["query_id"], candidates["doc_id"], strict=True)
    truth = np.fromiter((pair in answers for pair in pairs), bool, len(candidates))
    others = ~positive
    own = Signals(found.names, found.values[others])
    query_id, doc_id = (candidates[name].to_numpy(object)[others] for name in ("query_id", "doc_id"))
    return Known(name, depth, query_id, doc_id, own, standardised[others], truth[others])


def learn(collections: Sequence[Known], names: Sequence[str]) -> dict[str, float]:
    """Weights of these signals over all collections, each of the same importance."""
    values = np.vstack([known.columns(names) for known in collections])
    answers = np.concatenate([known.answers for known in collections])
    share = [np.full(len(known.answers), LABELS / len(collections) / len(known.answers)) for known in collections]
    spread = np.array([SPREAD] * len(names) + [10.0])
    weights = fit_weights(values, answers, np.concatenate(share), np.zeros(len(names) + 1), spread)
    return {name: round(float(weight), 4) for name, weight in zip((*names, "intercept"), weights, strict=True)}


def names_of(kind: str, known: Known) -> list[str]:
    """The signals that a run of this kind has."""
    allowed = ("dense", "positive", "pool", "fused", *KINDS[kind])
    return [name for name in known.signals.names if name.startswith(allowed)]


def removed(score: Floats, answers: Bools, kept: float = KEPT) -> float:
    """Share of the answers above the score below which `kept` of the others lie."""
    return float((score[answers] > np.quantile(score[~answers], kept)).mean())


def left_out(collections: Sequence[Known], kind: str) -> Iterator[tuple[str, int, float, float]]:
    """Name, depth, AUC and share removed of each collection under weights learnt on the others."""
    from sklearn.metrics import roc_auc_score

    for known in collections:
        others = [other for other in collections if other.name != known.name]
        names = names_of(kind, known)
        weights = learn(others, names)
        logits = known.columns(names) @ np.array([weights[name] for name in names])
        yield known.name, known.depth, float(roc_auc_score(known.answers, logits)), removed(logits, known.answers)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help=f"a folder with {', '.join(COLLECTIONS)} in BEIR form")
    parser.add_argument("--sample", type=Path, default=Path("sample_data"))
    parser.add_argument(
        "--teacher", default=LATE_INTERACTION, help="without one there is no fit for runs that have one"
    )
    parser.add_argument(
        "--runs", type=Path, help="where the mined runs are, or are put; a temporary folder unless told"
    )
    parser.add_argument("--out", type=Path, default=FILE)
    arguments = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as temporary:
        mined = list(mine_all(arguments.data, arguments.sample, arguments.runs or Path(temporary), arguments.teacher))
    kinds = [kind for kind in KINDS if arguments.teacher or "teacher" not in kind]
    measured = {
        kind: {f"{n}, depth {d}": [round(auc, 3), round(r, 3)] for n, d, auc, r in left_out(mined, kind)}
        for kind in kinds
    }
    for kind, rows in measured.items():
        print(f"{kind}: AUC, and share of false negatives removed where {KEPT:.0%} of the true ones are kept")
        for row, (auc, share) in rows.items():
            print(f"  {row:<22}{auc:>8.3f}{share:>8.3f}")
    weights = {kind: learn(mined, names_of(kind, mined[0])) for kind in kinds}
    arguments.out.write_text(json.dumps(_content(mined, weights, measured, arguments.teacher), indent=2) + "\n")
    print(f"{arguments.out} written after {time.monotonic() - began:.0f} s")


def folders(data: Path, sample: Path) -> dict[str, Path]:
    """The folder of each collection, by name."""
    return {name: data / name for name in COLLECTIONS} | {SAMPLE: sample}


def mine_all(data: Path, sample: Path, runs: Path, teacher: str) -> Iterator[Known]:
    """Every collection mined with the default encoder (where `runs` does not hold it already), at each depth."""
    for name, folder in folders(data, sample).items():
        print(f"mining {name}", flush=True)
        run = mined_run(folder, runs / name, teacher)
        for depth in DEPTHS:
            yield known_of(name, run.candidates(), answers_of(folder), depth)


def mined_run(folder: Path, run: Path, teacher: str) -> Run:
    """The run of a collection with one labelled answer a query."""
    split = None if (folder / "judgements.tsv").exists() else "one_positive"
    read = dataset.read(str(folder), split=split, reject=run.parent / f"{run.name}.rejected")
    return pipeline.mine(run, Mining(teacher=teacher), read)


def answers_of(folder: Path) -> set[tuple[str, str]]:
    """The known answers (query_id, doc_id) of a collection."""
    own = folder / "judgements.tsv"
    path = own if own.exists() else folder / "qrels" / f"{COLLECTIONS[folder.name]}.tsv"
    judged = pd.read_csv(path, sep="\t", dtype=str)
    judged.columns = pd.Index(["query_id", "doc_id", "grade"])
    least = SAMPLE_ANSWERS_FROM if own.exists() else 1
    answers = judged[judged["grade"].astype(float) >= least]
    return set(zip(answers["query_id"], answers["doc_id"], strict=True))


def _content(
    mined: Sequence[Known], weights: Mapping[str, dict[str, float]], measured: Mapping[str, object], teacher: str
) -> dict[str, object]:
    return {
        "what": "Weights of standardised signals in the logit of p_relevant, for runs of each kind",
        "fitted_by": "python -m tests.tools.learn_prior --data DIR",
        "fitted_on": {
            f"{known.name}, depth {known.depth}": {
                "candidates": len(known.answers),
                "unlabelled_answers": int(known.answers.sum()),
            }
            for known in mined
        },
        "teacher": teacher and Path(teacher).name,
        "left_out": {
            "what": f"by weights of the others: AUC; share of false negatives removed at {KEPT:.0%} of true ones kept",
            **measured,
        },
        "signals": {name: in_words(name) for name in mined[0].signals.names},
        "weights": dict(weights),
    }


if __name__ == "__main__":
    main()
