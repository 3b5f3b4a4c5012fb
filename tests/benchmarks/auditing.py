"""
Audits, tried on populations whose truth is known: do the intervals hold, what do they cost, and are certificates right?

    python -m tests.benchmarks.auditing [--repetitions N]
    python -m tests.benchmarks.auditing --run FOLDER --truth QRELS [--relevant-from GRADE]

Without a run: made populations, by rate of answers among the kept and by AUC of the proxy. With one: its candidates,
its p_relevant, and full judgements as the perfect reviewer. Every repetition draws a plan of its own.

    covered   repetitions whose 95% interval holds the truth: rate among kept, over-filtering, recall; and of the first,
              those with fewer than ten answers found among the kept
    gain      labels that simple random sampling needs for intervals as wide, over the audit's: drawn from the kept
              alone, and drawn from kept and refused together as the audit is
    wrong     repetitions that certify a ceiling whose kept hold more answers than allowed, the loosest taken
    passed    repetitions that certify the policy in force; and its true rate over the allowed one
    spent     repetitions that certify what they should not where one plan after the other is drawn until one passes,
              the error spent over all of them; plain: each held to the whole error; once: the first plan alone
"""

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import expit
from scipy.stats import binom
from sklearn.metrics import roc_auc_score
from statsmodels.stats.proportion import proportion_confint

from nearmiss import selection
from nearmiss.audit.bounds import Part, evidence, p_value
from nearmiss.audit.ceiling_tests import JudgedDraws, intervals, try_ceilings
from nearmiss.audit.certifying import spent
from nearmiss.audit.domains import Domains, domains, unjudged
from nearmiss.audit.estimates import bands, layer_of
from nearmiss.audit.ladder import ladder
from nearmiss.audit.planning import design, domains_along, draw
from nearmiss.audit.proxies import proxy
from nearmiss.audit.samples import Sample
from nearmiss.selection import VERDICTS, Table
from nearmiss.settings import Policy

RELEVANT, NEGATIVE = (VERDICTS.index(word) + 1 for word in ("relevant", "not_relevant"))
LABELS = (100, 200, 400)
RATES, AUCS = (0.03, 0.08, 0.20), (0.87, 0.95)
LEVEL = 0.05


@dataclass(frozen=True)
class Known:
    """A round of which everything is known."""

    name: str
    table: Table
    policy: Policy
    likely: np.ndarray
    answer: np.ndarray

    def truths(self, side: Domains) -> tuple[float, float, float]:
        """The three numbers themselves."""
        kept, refused = self.answer[side.kept], self.answer[side.refused]
        answers = kept.sum() + refused.sum()
        return kept.mean(), 1 - refused.mean(), refused.sum() / answers if answers else np.nan


@dataclass(frozen=True)
class Tally:
    """What the repetitions with so many labels came to."""

    labels: int
    covered: np.ndarray  # (repetitions, 3)
    answers: np.ndarray  # found among the kept
    inside: np.ndarray  # labels among the kept
    width: np.ndarray  # (repetitions, 3)


def made(rate: float, auc: float, queries: int = 400, candidates: int = 60, seed: int = 0) -> Known:
    """
    A round with this rate of answers among the kept, and a calibrated proxy of this AUC there.

    The ceiling is the teacher's, which knows less than the proxy: it refuses a fifth of the candidates.
    """
    rng = np.random.default_rng(seed)
    n = queries * candidates
    noise, teacher_noise, lot = rng.normal(size=n), rng.normal(size=n), rng.random(n)
    ids = np.arange(n)
    positive = ids % candidates == 0

    def population(share: float, apart: float) -> Known:
        answer = lot < share
        signal = noise + apart * answer
        likely = expit(np.log(share / (1 - share)) + apart * signal - apart**2 / 2)
        score = (0.5 * signal + teacher_noise).astype(np.float32)
        rows = {
            "query_id": np.repeat([f"q{query}" for query in range(queries)], candidates),
            "doc_id": [f"d{i}" for i in ids],
            "is_positive": positive,
            "teacher_score": score,
            "dense_rank": ids % candidates + 1.0,
            "p_relevant": likely.astype(np.float32),
        }
        policy = Policy(max_p_relevant=None, relative_margin=None, max_score=float(np.quantile(score, 0.8)))
        table = selection.prepare(pd.DataFrame(rows))
        return Known(f"made {rate:.0%} {auc}", table, policy, likely, answer & ~positive)

    def of_rate(apart: float) -> Known:
        def off(share: float) -> float:
            known = population(share, apart)
            return float(known.answer[domains(known.table, known.policy).kept].mean() - rate)

        return population(brentq(off, rate / 8, min(0.9, rate * 3), xtol=1e-3 * rate), apart)

    def off(apart: float) -> float:
        known = of_rate(apart)
        kept = domains(known.table, known.policy).kept
        return float(roc_auc_score(known.answer[kept], known.likely[kept]) - auc)

    return of_rate(brentq(off, 1.0, 4.0, xtol=0.02))


def mined(folder: Path, truth: Path, relevant_from: float, policy: Policy | None = None) -> Known:
    """A mined run with full judgements."""
    from nearmiss.workspace import open_workspace

    work = open_workspace(folder)
    grades = pd.read_csv(truth, sep="\t", dtype=str).set_axis(["query_id", "doc_id", "grade"], axis=1)
    grades = grades[grades["grade"].astype(float) >= relevant_from].drop_duplicates(["query_id", "doc_id"])
    answer = work.candidates.merge(grades, how="left", on=["query_id", "doc_id"])["grade"].notna().to_numpy()
    return Known(folder.name, unjudged(work.table), policy or work.policy, proxy(work), answer & ~work.table.positive)


def sampled(known: Known, labels: int, seed: int, designed: tuple) -> Sample:
    """One plan, judged by who knows."""
    stratum, strata = designed
    drawn = draw(known.table, stratum, strata, known.likely, seed)
    rows = np.array([row for row, *_ in drawn])
    weight = np.array([1 / chance for *_, chance in drawn])
    verdict = np.where(known.answer[rows], RELEVANT, NEGATIVE).astype(np.int8)
    return Sample("made", stratum, len(strata), rows, weight, verdict, known.likely)


def repeat(known: Known, labels: int, repetitions: int, policy: Policy | None = None) -> Tally:
    """Plans for the policy in force, and what they say of it or of another."""
    designed = design(known.table, known.policy, known.likely, labels)
    side = domains(known.table, policy or known.policy)
    truths = known.truths(side)
    covered, answers, inside, width = [], [], [], []
    for seed in range(repetitions):
        sample = sampled(known, labels, seed, designed)
        told = bands([layer_of([side], sample)], [sample])
        covered.append([band.low[0] <= truth <= band.high[0] for band, truth in zip(told, truths, strict=True)])
        width.append([float(band.high[0] - band.low[0]) for band in told])
        drawn = side.kept[sample.rows]
        answers.append((drawn & (sample.verdict == RELEVANT)).sum())
        inside.append(drawn.sum())
    return Tally(labels, np.array(covered), np.array(answers), np.array(inside), np.array(width))


def plain_labels(rate: float, width: float) -> float:
    """Labels of a simple random sample whose Wilson intervals are as wide on average."""

    def mean_width(labels: int) -> float:
        hits = np.arange(labels + 1)
        low, high = proportion_confint(hits, labels, method="wilson")
        return float(((high - low) * binom.pmf(hits, labels, rate)).sum())

    few, many = 5, 50_000
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (middle, many) if mean_width(middle) > width else (few, middle)
    return many


def certified(known: Known, labels: int, repetitions: int, max_rate: float) -> tuple[float, float, float]:
    """Shares of repetitions that certify a ceiling they should not, the policy in force, and any."""
    designed = design(known.table, known.policy, known.likely, labels)
    field, values = ladder(known.table, known.policy)
    sides = domains_along(known.table, known.policy, field, values)
    own = values.index(getattr(known.policy, field))
    interval = intervals([vars(one) for one in designed[1]])
    wrong, passed, some = [], [], []
    for seed in range(repetitions):
        sample = sampled(known, labels, seed, designed)
        draws = JudgedDraws(sample, sample.verdict == RELEVANT, interval, known.likely, max_rate, LEVEL)
        tried = try_ceilings(sides, values, own, draws)
        good = [values.index(stop.value) for stop in tried if stop.passed]
        wrong.append(bool(good) and known.answer[sides[good[-1]].kept].mean() > max_rate)
        passed.append(own in good)
        some.append(bool(good))
    return float(np.mean(wrong)), float(np.mean(passed)), float(np.mean(some))


def tried_again(known: Known, labels: int, tries: int, repetitions: int, max_rate: float) -> tuple[float, float, float]:
    """
    Shares of repetitions that certify a ceiling they should not.

    At the first plan; at any plan with the error spent over all; at any plan with each held to the whole error.
    """
    designed = design(known.table, known.policy, known.likely, labels)
    field, values = ladder(known.table, known.policy)
    sides = domains_along(known.table, known.policy, field, values)
    own = values.index(getattr(known.policy, field))
    interval = intervals([vars(one) for one in designed[1]])
    too_many = [bool(known.answer[side.kept].mean() > max_rate) for side in sides]

    def errs(seed: int, level: float) -> bool:
        sample = sampled(known, labels, seed, designed)
        draws = JudgedDraws(sample, sample.verdict == RELEVANT, interval, known.likely, max_rate, level)
        tried = try_ceilings(sides, values, own, draws)
        good = [values.index(stop.value) for stop in tried if stop.passed]
        return bool(good) and too_many[good[-1]]

    found = []
    for repetition in range(repetitions):
        seeds = range(repetition * tries, (repetition + 1) * tries)
        spending = any(errs(seed, spent(LEVEL, place)) for place, seed in enumerate(seeds, 1))
        found.append((errs(seeds[0], spent(LEVEL, 1)), spending, any(errs(seed, LEVEL) for seed in seeds)))
    once, spending, plain = np.mean(found, axis=0).tolist()
    return once, spending, plain


def tried_plainly(tries: int, repetitions: int, seed: int = 0) -> tuple[float, float]:
    """
    The same where a test errs as often as it may: 200 plain draws each of a set just above 5%.

    Shares of repetitions in which some plan passes: the error spent over all, each held to the whole error.
    """
    draws, interval = 200, 100
    answers = int(0.05 * draws * interval) + 1
    hits = np.random.default_rng(seed).binomial(draws, answers / (draws * interval), (repetitions, tries))
    of_hits = [
        p_value(evidence([Part(draws, interval, draws * interval, found)], answers), answers)
        for found in range(hits.max() + 1)
    ]
    p = np.array(of_hits)[hits]
    levels = np.array([spent(LEVEL, place) for place in range(1, tries + 1)])
    return float((p <= levels).any(axis=1).mean()), float((p <= LEVEL).any(axis=1).mean())


def print_tried_again(known: Known, repetitions: int) -> None:
    rate = known.truths(domains(known.table, known.policy))[0]
    for tries in (1, 5, 20):
        once, spending, plain = tried_again(known, LABELS[1], tries, repetitions, rate / 1.02)
        print(f"{known.name:<18}{tries:>7}{once:>9.3f}{spending:>9.3f}{plain:>9.3f}", flush=True)


def print_coverage(known: Known, repetitions: int) -> None:
    side = domains(known.table, known.policy)
    truths = known.truths(side)
    auc = roc_auc_score(known.answer[side.kept], known.likely[side.kept])
    both = (side.kept | side.refused).sum() / side.kept.sum()
    for labels in LABELS:
        tally = repeat(known, labels, repetitions)
        few = tally.answers < 10
        below = f"{tally.covered[few, 0].mean():.3f} ({few.sum()})" if few.any() else "-"
        plain = plain_labels(truths[0], tally.width[:, 0].mean())
        print(
            f"{known.name:<18}{auc:>6.2f}{truths[0]:>7.1%}{labels:>7}"
            + "".join(f"{share:>8.3f}" for share in tally.covered.mean(axis=0))
            + f"{below:>14}{tally.answers.mean():>7.1f}{tally.width[:, 0].mean() / 2:>8.3f}"
            + f"{plain / tally.inside.mean():>8.2f}{plain * both / labels:>8.2f}",
            flush=True,
        )


def print_certificates(known: Known, repetitions: int) -> None:
    rate = known.truths(domains(known.table, known.policy))[0]
    for labels in LABELS[1:]:
        for allowed in (rate / 1.02, rate * 2, rate * 3):
            if allowed < 0.6:
                wrong, passed, some = certified(known, labels, repetitions, allowed)
                row = f"{known.name:<18}{labels:>7}{allowed:>9.1%}{rate / allowed:>8.2f}"
                print(f"{row}{wrong:>9.3f}{passed:>9.3f}{some:>9.3f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=200)
    parser.add_argument("--run", type=Path)
    parser.add_argument("--truth", type=Path)
    parser.add_argument("--relevant-from", type=float, default=1)
    arguments = parser.parse_args()
    if arguments.run:
        base = mined(arguments.run, arguments.truth, arguments.relevant_from)
        everyone = [replace(base, name=f"{base.name} {name}", policy=policy) for name, policy in POLICIES.items()]
    else:
        everyone = [made(rate, auc) for rate in RATES for auc in AUCS]
    print("                  AUC in   rate                 covered          below 10          half    gain    gain")
    print("round               kept in kept labels    rate   over- recall  answers (of)  found  width in kept in both")
    for known in everyone:
        print_coverage(known, arguments.repetitions)
    print("\nround              labels  allowed    true    wrong   passed      any")
    for known in everyone:
        print_certificates(known, arguments.repetitions)
    print("\nround               plans     once    spent    plain")
    for known in everyone:
        print_tried_again(known, arguments.repetitions)
    for tries in (1, 5, 20):
        spending, plain = tried_plainly(tries, 20_000)
        print(f"{'plain draws, 5%':<18}{tries:>7}{'':>9}{spending:>9.3f}{plain:>9.3f}", flush=True)


POLICIES = {
    "p .1": Policy(),
    "p .2": Policy(max_p_relevant=0.2, relative_margin=None),
    "margin .05": Policy(max_p_relevant=None, relative_margin=0.05),
}

if __name__ == "__main__":
    main()
