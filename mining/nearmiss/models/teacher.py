"""
Teachers: what scores a query and a document read together, and how one is found.

In:  a `Mining` recipe
Out: a `Teacher`; ModelError where there is none
"""

from dataclasses import dataclass
from typing import Protocol

import pandas as pd

from nearmiss.errors import ModelError
from nearmiss.models.encoder import Encoder, load_encoder
from nearmiss.models.engine import Model, ModelRequest, OnEngine, open_engine
from nearmiss.models.late_interaction import load_late_interaction
from nearmiss.models.low_rank import plain_folder
from nearmiss.models.served import Budget, address_of
from nearmiss.models.served.reranker import load_served_teacher
from nearmiss.settings import LATE_INTERACTION, Mining
from nearmiss.storage.fingerprint import fingerprint_of_model
from nearmiss.types import Scores


class Teacher(Model, Protocol):
    """Anything that scores a query and a document: higher is more relevant, on any scale."""

    def score(self, pairs: list[tuple[str, str]]) -> Scores: ...


@dataclass(frozen=True)
class CrossEncoderTeacher(OnEngine):
    """A sentence-transformers CrossEncoder on the engine that is fastest here."""

    prompt: str

    def score(self, pairs: list[tuple[str, str]]) -> Scores:
        """Raw logits (n,) in float32, one for each query and document."""
        return self.model(pairs, "pair", self.prompt)[:, 0]


def load_teacher(
    recipe: Mining,
    documents: pd.DataFrame | None = None,
    collection: str = "",
    encoder: Encoder | None = None,
    budget: Budget | None = None,
) -> Teacher | None:
    """
    The recipe's teacher; None where the dense score stands in for one.

    Late interaction alone asks for the collection: its documents, and its fingerprint; ModelError where there is none.
    It reads with `encoder`, the run's own, or the recipe's. `budget` is what may be asked of servers.
    """
    if not recipe.teacher:
        return None
    if recipe.teacher == LATE_INTERACTION:
        if documents is None:
            raise ModelError(f"--teacher {LATE_INTERACTION}: wanted the collection that is scored; found none")
        return load_late_interaction(recipe, encoder or load_encoder(recipe), documents, collection)
    if address := address_of("--teacher", recipe.teacher):
        return load_served_teacher(address, recipe, budget or Budget())
    return _cross_encoder(recipe)


def _cross_encoder(recipe: Mining) -> CrossEncoderTeacher:
    """Its prompt is the model's own unless the recipe has one."""
    folder = plain_folder("--teacher", recipe.teacher)
    wanted = ModelRequest(
        kind="teacher",
        name=recipe.teacher,
        folder=folder,
        fingerprint=fingerprint_of_model(folder),
        max_length=recipe.teacher_max_length,
        precision=recipe.precision,
        trust_remote_code=recipe.trust_remote_code,
    )
    model = open_engine(wanted)
    prompt = model.facts.prompts["pair"] if recipe.teacher_prompt is None else recipe.teacher_prompt
    return CrossEncoderTeacher(model, (wanted.fingerprint, prompt, model.facts.max_length), prompt)
