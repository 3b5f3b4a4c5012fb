"""
The texts of a trial, and the run's encoder as students start from it.

In:  a data set, `Questions`, which documents are searched, the encoder's folder
Out: `TrialTexts`; a SentenceTransformer in float32
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from nearmiss.models.encoder import EMBEDDED, encoder_folder
from nearmiss.models.engine import ModelRequest
from nearmiss.models.engine.loading import facts_of, load_model
from nearmiss.settings import Mining
from nearmiss.storage.fingerprint import fingerprint_of, fingerprint_of_model
from nearmiss.types import Ints


@dataclass(frozen=True)
class TrialTexts:
    """
    Texts by row number of the data set, those of the questions, and which documents are searched.

    `mining` is the round's recipe, whose encoder the students start from.
    """

    queries: list[str]
    documents: list[str]
    questions: list[str]
    searched: Ints
    mining: Mining

    @cached_property
    def folder(self) -> Path:
        """The encoder's; ModelError where vectors were given in its place."""
        return encoder_folder(self.mining)

    def fingerprint(self, max_length: int) -> str:
        """Hex SHA-256 of the encoder, its prompts and lengths, and the searched documents."""
        mining = self.mining
        prompts = (mining.query_prompt, mining.document_prompt)
        searched = (
            np.ascontiguousarray(self.searched).tobytes().hex() if len(self.searched) < len(self.documents) else ""
        )
        return fingerprint_of(fingerprint_of_model(self.folder), *prompts, max_length, searched)

    def model(self, max_length: int | None) -> Any:
        """The encoder, newly loaded; it reads `max_length` tokens, None for its own number."""
        wanted = ModelRequest(
            kind="encoder",
            name=self.mining.encoder or EMBEDDED,
            folder=self.folder,
            fingerprint="",
            max_length=max_length,
            precision="float32",
            trust_remote_code=self.mining.trust_remote_code,
        )
        return load_model(wanted)

    def prompts(self, model: Any) -> tuple[str, str]:
        """The prompts before each query and each document."""
        own = facts_of("encoder", model).prompts
        mining = self.mining
        query = own["query"] if mining.query_prompt is None else mining.query_prompt
        document = own["document"] if mining.document_prompt is None else mining.document_prompt
        return query, document
