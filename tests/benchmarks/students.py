"""
Which cheap student tells the truth: does it order policies as the whole encoder does, fine-tuned as users do?

    python -m tests.benchmarks.students train RUN --results FILE --student encoder [--truth QRELS] [--test DATA SPLIT]
    python -m tests.benchmarks.students table --results FILE

`train` appends a line for each policy and seed as it finishes; one that stands there already is not trained again, so
it may be stopped at any time. All students learn the same pairs: those of `--queries` queries drawn from RUN. `table`
compares every other student with the encoder, on the policies and collections that both have.
"""

import argparse
import json
import time
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from nearmiss import data
from nearmiss.export.judgements import read
from nearmiss.pipeline import silent
from nearmiss.selection import VERDICTS
from nearmiss.settings import Export, Policy, Trial
from nearmiss.training.trials.batches import Order
from nearmiss.training.trials.certainty import difference
from nearmiss.training.trials.classroom import Classroom, open_classroom
from nearmiss.training.trials.exported_pairs import pairs_of_policy
from nearmiss.training.trials.losses import loss_of
from nearmiss.training.trials.measures import measure
from nearmiss.training.trials.students.trial_texts import TrialTexts
from nearmiss.workspace import open_to_read

BARE = Policy(max_p_relevant=None, relative_margin=None)
# The fewest first: what a killed run has done should be worth reading.
POLICIES = {
    "95% rule": (replace(BARE, relative_margin=0.05), ""),
    "no filter": (BARE, ""),
    "in-batch only": (None, ""),
    "known, promoted": (replace(BARE, relative_margin=0.05), "promote"),
    "p <= .1": (Policy(max_p_relevant=0.1, relative_margin=None), ""),
    "known, dropped": (BARE, "drop"),
    "p <= .3": (Policy(max_p_relevant=0.3, relative_margin=None), ""),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("train", "table"))
    parser.add_argument("run", type=Path, nargs="?")
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--student", choices=("adapter", "static", "encoder", "last-layer"), default="adapter")
    parser.add_argument("--truth", type=Path, help="qrels of the training queries, where some answers are hidden")
    parser.add_argument("--test", nargs=2, metavar=("DATA", "SPLIT"), help="questions; a share of RUN's unless given")
    parser.add_argument("--policies", nargs="*", default=list(POLICIES))
    parser.add_argument("--queries", type=int, default=512)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--negatives", type=int, nargs="*", default=[7])
    parser.add_argument("--temperature", type=float, nargs="*", default=[0.05])
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--learning-rate", type=float)
    parser.add_argument("--max-length", type=int, default=32)
    arguments = parser.parse_args()
    if arguments.what == "table":
        table(arguments.results)
        return
    for negatives in arguments.negatives:
        for temperature in arguments.temperature:
            train(arguments, negatives, temperature)


def train(arguments: argparse.Namespace, negatives: int, temperature: float) -> None:
    """Train one student on every policy, seed by seed."""
    name = arguments.student
    settings = Trial(
        student="adapter" if name == "last-layer" else name,
        negatives=negatives,
        temperature=temperature,
        batch_size=arguments.batch_size,
        epochs=arguments.epochs,
        learning_rate=arguments.learning_rate,
        max_length=arguments.max_length,
    )
    told = {"student": name, "negatives": negatives, "temperature": temperature, "batch": arguments.batch_size}
    told |= {"epochs": arguments.epochs, "rate": arguments.learning_rate, "length": arguments.max_length}
    told |= {"collection": arguments.run.name, "queries": arguments.queries}
    room = classroom(arguments, settings)
    student = LastLayer(texts_of(room), settings) if name == "last-layer" else room.student
    done = {tuple(one[key] for key in (*told, "policy", "seed")) for one in lines(arguments.results)}
    if (*told.values(), "untrained", 0) not in done:
        note(arguments.results, told, "untrained", 0, room, student.untrained(), time.monotonic())
    for seed in range(arguments.seeds):
        for policy in arguments.policies:
            needs_truth = POLICIES[policy][1] != ""
            if (*told.values(), policy, seed) in done or (needs_truth and not arguments.truth):
                continue
            exported = pairs_under(room, policy, arguments.truth)
            begun = time.monotonic()
            note(arguments.results, told, policy, seed, room, student.train(exported, seed), begun)


def note(results: Path, told: dict, policy: str, seed: int, room: Classroom, trained, begun: float) -> None:
    """Measure a student and append its line."""
    ndcg = measure(room.questions, trained.questions(), trained.documents())["ndcg"]
    line = told | {"policy": policy, "seed": seed, "seconds": round(time.monotonic() - begun, 2)}
    print(f"{line} {ndcg.mean():.4f}", flush=True)
    with results.open("a") as file:
        file.write(json.dumps(line | {"ndcg": [round(float(value), 5) for value in ndcg]}) + "\n")


def lines(results: Path) -> list[dict]:
    """What was measured so far."""
    return [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []


def classroom(arguments: argparse.Namespace, settings: Trial) -> Classroom:
    """The round with its questions, and a seeded draw of the queries to train on."""
    work = open_to_read(arguments.run)
    test = data.read(arguments.test[0], split=arguments.test[1]) if arguments.test else None
    room = open_classroom(work, settings, silent, test)
    rows = np.flatnonzero(room.trainable)
    drawn = np.random.default_rng(settings.seed).permutation(rows)[: arguments.queries]
    return replace(room, trainable=np.isin(np.arange(len(room.trainable)), drawn))


def texts_of(room: Classroom) -> TrialTexts:
    """The texts of a trial, whatever its student."""
    return replace(room, trial=replace(room.trial, student="static")).student.texts


def pairs_under(room: Classroom, name: str, truth: Path | None):
    """What a policy would export; with the truth known, hidden answers are dropped or promoted."""
    policy, known = POLICIES[name]
    work = room.work
    if not known:
        return room.exported(policy)
    judged = pd.read_csv(truth, sep="\t", dtype=str).set_axis(["query_id", "doc_id", "grade"], axis=1)
    answers = set(judged[["query_id", "doc_id"]][judged["grade"].astype(float) > 0].itertuples(index=False, name=None))
    pairs = zip(work.candidates["query_id"], work.candidates["doc_id"], strict=True)
    hidden = np.array([pair in answers for pair in pairs]) & ~work.table.positive
    table = work.table.judged(np.where(hidden, VERDICTS.index("relevant") + 1, 0).astype(np.int8), work.table.positive)
    export = Export(relevant=known)
    return pairs_of_policy(work.run.dataset, table, read(work.standing), policy, room.trainable, export=export)


@dataclass(frozen=True)
class LastLayer:
    """The encoder's last layer alone is trained, on outputs of the layers below it that are computed once."""

    texts: TrialTexts
    trial: Trial

    @cached_property
    def model(self):
        return self.texts.model(self.trial.max_length)

    @cached_property
    def below(self):
        """Outputs of all layers but the last, (n, length, d), and their masks: of queries, documents, questions."""
        return [self._below(texts) for texts in (self.texts.queries, self.texts.documents, self.texts.questions)]

    def _below(self, texts):
        import torch

        states, masks = [], []
        for start in range(0, len(texts), 256):
            found = self.model.tokenizer(
                texts[start : start + 256],
                padding="max_length",
                truncation=True,
                max_length=self.trial.max_length,
                return_tensors="pt",
            )
            with torch.no_grad():
                out = self.model[0].auto_model(**found, output_hidden_states=True)
            states.append(out.hidden_states[-2].half())
            masks.append(found["attention_mask"].bool())
        return torch.cat(states), torch.cat(masks)

    def untrained(self):
        return self._trained(self.model[0].auto_model.encoder.layer[-1])

    def train(self, exported, seed):
        import copy

        import torch

        order = Order(exported, self.trial.batch_size, self.trial.negatives)
        layer = copy.deepcopy(self.model[0].auto_model.encoder.layer[-1])
        optimizer = torch.optim.AdamW(layer.parameters(), lr=self.trial.learning_rate or 1e-4, weight_decay=0.0)
        epochs = self.trial.epochs or 3
        steps = order.steps(epochs)
        falling = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / steps)
        for batch in order.batches(epochs, seed):
            documents, place = np.unique(batch.document, return_inverse=True)
            left = self._through(layer, *self._take(0, batch.query))
            right = self._through(layer, *self._take(1, documents))
            cosines = (left @ right.T).index_select(1, torch.from_numpy(place))
            loss = loss_of("mnrl", cosines, torch.from_numpy(batch.masked), torch.zeros(0, 1), self.trial.temperature)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            falling.step()
        return self._trained(layer)

    def _take(self, kind, rows):
        import torch

        states, masks = self.below[kind]
        rows = torch.from_numpy(np.asarray(rows))
        mask = masks[rows]
        longest = int(mask.sum(dim=1).max())
        return states[rows, :longest].float(), mask[:, :longest]

    @staticmethod
    def _through(layer, states, mask):
        import torch

        blocked = torch.zeros(mask.shape).masked_fill(~mask, torch.finfo(torch.float32).min)[:, None, None, :]
        out = layer(states, attention_mask=blocked)
        out = out[0] if isinstance(out, tuple) else out
        weights = mask[:, :, None].float()
        return torch.nn.functional.normalize((out * weights).sum(dim=1) / weights.sum(dim=1))

    def _trained(self, layer):
        import torch

        def encoded(kind, rows):
            with torch.no_grad():
                return self._through(layer, *self._take(kind, rows)).numpy()

        def documents():
            for start in range(0, len(self.texts.searched), 512):
                rows = self.texts.searched[start : start + 512]
                yield rows, encoded(1, rows)

        asked = encoded(2, np.arange(len(self.texts.questions)))
        return type("Trained", (), {"questions": lambda _: asked, "documents": lambda _: documents()})()


def table(results: Path) -> None:
    """Each student's order of the policies against the encoder's."""
    found = pd.DataFrame(lines(results))
    of = ["student", "negatives", "temperature", "batch", "epochs", "rate", "length", "collection", "queries"]
    students = dict(list(found.astype(dict.fromkeys(of, object)).fillna("own").groupby(of, sort=False)))
    for key, group in students.items():
        print(f"\n{dict(zip(of, key, strict=True))}, {group['seconds'].median():.1f} s a student")
        for policy, own in group.groupby("policy", sort=False):
            means = own["ndcg"].map(np.mean)
            print(f"  {policy:<16}{means.mean():.4f}  {len(own)} seeds, spread {means.std(ddof=0):.4f}")
    encoders = {key[7]: group for key, group in students.items() if key[0] == "encoder"}
    for key, group in students.items():
        if key[0] != "encoder" and key[7] in encoders:
            against(key, group, encoders[key[7]])


def against(key: tuple, student: pd.DataFrame, encoder: pd.DataFrame) -> None:
    """Rank correlation with its interval, and how often `better` was contradicted."""
    ours, truth = matrices(student), matrices(encoder)
    names = [name for name in ours if name in truth and name != "untrained"]
    if len(names) < 3:
        return
    found = correlation([ours[name].mean() for name in names], [truth[name].mean() for name in names])
    drawn = resampled(ours, truth, names)
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    said = wrong = refuted = 0
    for first, second in combinations(names, 2):
        gap = difference(ours[first], ours[second], 0.95, 2000, 0)
        if gap.verdict:
            real = difference(truth[first], truth[second], 0.95, 2000, 0)
            said += 1
            wrong += (gap.mean > 0) != (real.mean > 0)
            refuted += bool(real.verdict) and real.verdict != gap.verdict
    print(
        f"{key[0]} at temperature {key[2]}, {key[1]} negatives, {key[7]}: rank correlation {found:+.2f} "
        f"({low:+.2f} to {high:+.2f}) over {len(names)} policies; said better {said} times, the encoder's mean was the "
        f"other way {wrong} times, its interval too {refuted}; {student['seconds'].median():.1f} s a student"
    )


def matrices(lines_: pd.DataFrame) -> dict[str, np.ndarray]:
    """nDCG@10 by policy, (n_seeds, n_questions)."""
    return {str(name): np.array(own["ndcg"].tolist()) for name, own in lines_.groupby("policy", sort=False)}


def correlation(first: list[float], second: list[float]) -> float:
    """Spearman's."""
    from scipy.stats import spearmanr

    return float(spearmanr(first, second).statistic)


def resampled(ours: dict, truth: dict, names: list[str], times: int = 1000) -> list[float]:
    """The correlation under resampled questions and seeds."""
    random = np.random.default_rng(0)
    count = ours[names[0]].shape[1]
    found = []
    for _ in range(times):
        questions = random.integers(count, size=count)
        means = [
            [one[name][random.integers(len(one[name]), size=len(one[name]))][:, questions].mean() for name in names]
            for one in (ours, truth)
        ]
        found.append(correlation(*means))
    return found


if __name__ == "__main__":
    main()
