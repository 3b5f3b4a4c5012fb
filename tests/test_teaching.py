"""Teaching on tiny models: what is learnt, what is never seen, what survives a kill, and what a person outranks."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mining import dataset, pipeline
from mining.errors import DatasetError, ModelError, RecipeError, RunError
from mining.recipe import Mining, Policy, Teaching
from mining.review import Event
from mining.run import open_run
from mining.scoring import load_teacher
from mining.scoring.low_rank import merge, plain_folder, tensors_of
from mining.teaching import from_dataset, from_run, low_rank, teach, training
from mining.teaching.lessons import Lessons, held_out
from mining.teaching.measuring import measure
from mining.teaching.scale import Scale, cross_fitted, fit
from tests import toys
from tests.words import OverlapTeacher, WordEncoder

ROOT = Path(__file__).parent.parent
NOUNS = "apple bank bread bridge butter castle cherry city dog garden harbour library market milk money plum".split()
FILLERS = "the is where when what open close cost stone water train tree".split()
TOY = Teaching(epochs=6, batch_size=16, learning_rate=3e-3, max_length=24, held_out=0.25, distil=0.0, seed=1)


def toy_pairs(queries=96, seed=0):
    """A document is relevant where it holds the word `open`, whatever the query: easy, and unknown to random weights."""
    random = np.random.default_rng(seed)
    rows = []
    for number in range(queries):
        noun = NOUNS[number % len(NOUNS)]
        query = f"where is the {noun} {' '.join(random.choice(FILLERS, 3))} {NOUNS[random.integers(16)]}"
        for place in range(4):
            word = "salt" if place else "sea"
            words = [*random.choice(NOUNS, 3), word]
            random.shuffle(words)
            rows.append((f"q{number}", f"d{number}-{place}", query, " ".join(words), float(place == 0)))
    return Lessons(pd.DataFrame(rows, columns=["query_id", "doc_id", "query", "document", "label"]), "toy")


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return toys.encoder(tmp_path_factory.mktemp("toy"), "bert", "mean")


@pytest.fixture(scope="module")
def lessons():
    return toy_pairs()


@pytest.fixture(scope="module")
def taught(tmp_path_factory, encoder, lessons):
    """One teacher, trained once, with its low-rank difference; and where it lies."""
    out = tmp_path_factory.mktemp("taught") / "teacher"
    return teach(lessons, out, replace(TOY, start=str(encoder), rank=4)), out
