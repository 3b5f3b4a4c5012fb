"""
The probe: a few texts of many lengths, on which two ways to run one model are compared.

In:  rows of float32 PyTorch and rows of another engine
Out: how well they agree, in words, and whether that is well enough

The texts are fixed, so that the choice of an engine never depends on the user's data.
"""

from dataclasses import dataclass

import numpy as np

from nearmiss.models.engine.contract import EngineRows, ModelKind
from nearmiss.models.engine.tokens import Inputs
from nearmiss.types import Floats

QUESTIONS = (
    "why does bread rise",
    "When was the bridge over the strait opened, and how long did the work take?",
    "treatment of high blood pressure in pregnancy",
    "Which particles carry the strong force?",
)
SENTENCES = (
    "Yeast eats the sugar in the dough and gives off carbon dioxide, which the gluten holds in bubbles.",
    "The bridge was opened in 1973, three years and eight months after the first caisson had been sunk.",
    "Labetalol, nifedipine and methyldopa are the usual first choices; ACE inhibitors must be avoided.",
    "Gluons carry the strong force between quarks.",
    "Die Donau entspringt im Schwarzwald und mündet nach 2857 Kilometern in das Schwarze Meer.",
    "def area(radius): return 3.14159 * radius ** 2  # in square metres",
    "In 2019 revenue grew by 12.4 % to $3.1 billion, mostly through subscriptions in Asia.",
    "日本の首都は東京です。",
)
SIZE = 32
# Least agreement at which an automatic choice stands: mean and lowest cosine, or error as a share of the spread.
# MiniLM reaches .99999 in bfloat16 and .998 in int8, and ranks as well as in float32 (see README).
COSINES = {"float32": (0.99999, 0.9999), "bfloat16": (0.999, 0.99), "int8": (0.995, 0.97)}
ERRORS = {"float32": 0.002, "bfloat16": 0.05, "int8": 0.1}


@dataclass(frozen=True)
class EngineAgreement:
    """How well another engine agrees with float32."""

    words: str
    good: bool


def texts() -> list[str]:
    """Thirty-two texts of one to eight sentences."""
    count = len(SENTENCES)
    return [" ".join(SENTENCES[(i + j) % count] for j in range(1 + 2 * (i // count))) for i in range(SIZE)]


def inputs(kind: ModelKind) -> Inputs:
    """What to try a model of this kind on."""
    if kind != "teacher":
        return texts()
    return [(QUESTIONS[i % len(QUESTIONS)], text) for i, text in enumerate(texts())]


def agreement(kind: ModelKind, found: list[EngineRows], wanted: list[EngineRows], precision: str) -> EngineAgreement:
    """Compare rows (n, dimension), one array a task, with those of float32 PyTorch."""
    ours, theirs = np.concatenate(found).astype(np.float64), np.concatenate(wanted).astype(np.float64)
    if ours.shape != theirs.shape or not np.isfinite(ours).all():
        return EngineAgreement(f"shape {ours.shape} for {theirs.shape}, or numbers that are not finite", False)
    return (_of_scores if kind == "teacher" else _of_vectors)(ours, theirs, precision)


def _of_vectors(ours: Floats, theirs: Floats, precision: str) -> EngineAgreement:
    lengths = np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
    cosines = np.vecdot(ours, theirs) / np.maximum(lengths, 1e-30)
    mean, lowest = float(cosines.mean()), float(cosines.min())
    wanted_mean, wanted_lowest = COSINES[precision]
    words = f"cosine with float32 {mean:.4f} on average, {lowest:.4f} at least"
    return EngineAgreement(words, mean >= wanted_mean and lowest >= wanted_lowest)


def _of_scores(ours: Floats, theirs: Floats, precision: str) -> EngineAgreement:
    error, spread = float(np.sqrt(np.mean((ours - theirs) ** 2))), float(theirs.std())
    words = f"off from float32 by {error:.2g} where scores spread by {spread:.2g}"
    return EngineAgreement(words, error <= ERRORS[precision] * spread + 1e-6)
