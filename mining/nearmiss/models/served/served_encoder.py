"""
Encoders behind a server: any that answers as OpenAI's /embeddings does, or as one of the `VENDORS`.

In:  `openai:MODEL@URL` or `cohere:MODEL` and its like, and a recipe; texts
Out: an `Encoder`; each text is asked for once, however often it occurs and however often the command was killed
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from nearmiss.errors import ModelError
from nearmiss.models.served.answers import Answers, key_of
from nearmiss.models.served.budget import Budget
from nearmiss.models.served.client import Client, Refused, RefusedTexts, in_characters, in_parts
from nearmiss.models.served.server_address import Address
from nearmiss.models.served.vendors import Side
from nearmiss.models.unit_vectors import unit_vectors
from nearmiss.settings import Mining
from nearmiss.storage.fingerprint import fingerprint_of
from nearmiss.types import Vectors

PROBE = "nearmiss asks once how long a vector is."
SAME_VECTOR = 0.99  # cosine of one model's vectors of one text, in whatever number types it is served


@dataclass(frozen=True)
class ServedEncoder:
    """An encoder that a server runs; what the server calls its model is part of the fingerprint."""

    client: Client
    reported: str  # the model, as the server calls it
    dimension: int
    dimensions: int | None  # as asked for; None for the model's own
    query_prompt: str
    document_prompt: str
    longest: int | None = None  # characters of a text that are sent; None for all
    probe: tuple[float, ...] = ()  # the unit vector of PROBE, by which a changed model is noticed
    precision: str = "as served"
    agreement: str | None = None
    answers: Answers = field(default_factory=lambda: Answers(None, 0), repr=False)

    @property
    def fingerprint(self) -> str:
        """The model's name, the server's name for it, dimensions and prompts; not where the server is."""
        prompts = self.query_prompt, self.document_prompt
        address = self.client.address
        return fingerprint_of(address.kind, address.model, self.reported, self.dimension, *prompts, self.longest)

    @property
    def engine(self) -> str:
        """What runs it."""
        return f"server ({self.reported or self.client.address.kind})"

    def changed_since(self, probe: Sequence[float]) -> str:
        """How far its vector of the same text is from an earlier one; "" where that may be rounding."""
        cosine = float(np.dot(self.probe, probe)) if len(self.probe) == len(probe) else 0.0
        return f"its cosine with the earlier one is {cosine:.3f}" if cosine < SAME_VECTOR else ""

    def at_length(self, tokens: int | None) -> "ServedEncoder":
        """The same, which sends no more than the first so many tokens of a text."""
        return replace(self, longest=in_characters(tokens))

    def keeping(self, folder: Path) -> "ServedEncoder":
        """The same, with each answer kept in a folder of its own inside this one, under the text that was sent."""
        return replace(self, answers=Answers(folder / self.at_length(None).fingerprint[:16], self.dimension))

    def encode_query(self, texts: list[str]) -> Vectors:
        """Unit vectors (n, dimension) in float32, of queries."""
        return self._encode([self.query_prompt + text for text in texts], "query")

    def encode_document(self, texts: list[str]) -> Vectors:
        """Unit vectors (n, dimension) in float32, of documents."""
        return self._encode([self.document_prompt + text for text in texts], "document")

    def _encode(self, texts: list[str], side: Side) -> Vectors:
        texts = [text[: self.longest] for text in texts]
        # OpenAI's form knows no queries and documents: the same text has one vector.
        keys = [key_of(text) if self.client.address.vendor is None else key_of(side, text) for text in texts]
        own = dict(zip(keys, texts, strict=True))
        found = zip(own, self.answers.look_up(list(own)), strict=True)
        known = {key: row for key, row in found if row is not None}
        missing = [key for key in own if key not in known]
        size = self.client.budget.serving.texts_per_request
        parts = [missing[start : start + size] for start in range(0, len(missing), size)]
        refused = RefusedTexts()
        answers = self.client.each(partial(self._ask, own, side, refused), parts)
        refused.check()
        for part, answered in zip(parts, answers, strict=True):
            known.update(zip(part, answered, strict=True))
        rows = np.stack([known[key] for key in keys]).astype(np.float32)
        return unit_vectors(rows)

    def _ask(self, texts: dict[bytes, str], side: Side, refused: RefusedTexts, keys: list[bytes]) -> list[Vectors]:
        return in_parts(partial(self._ask_at_once, texts, side), keys, refused)

    def _ask_at_once(self, texts: dict[bytes, str], side: Side, keys: list[bytes]) -> list[Vectors]:
        try:
            reported, rows = vectors_of(self.client, [texts[key] for key in keys], side, self.dimensions)
        except Refused as error:
            if len(keys) > 1:
                raise
            text = texts[keys[0]]
            raise Refused(
                f"{error}, to a text of {len(text):,} characters that begins {text[:60]!r}. Where that is too long, "
                "--max-length N sends the first N tokens, counted as 4 characters each"
            ) from None
        if reported != self.reported or rows.shape[1] != self.dimension:
            raise ModelError(
                f"{self.client.address}: wanted one model for all texts, {self.reported!r} with vectors of "
                f"{self.dimension}; found {reported!r} with {rows.shape[1]}: the server changed its model"
            )
        self.answers.put(keys, rows)
        return list(rows)


def load_served_encoder(address: Address, recipe: Mining, budget: Budget) -> ServedEncoder:
    """
    The encoder at an address, asked for one short text to learn its name and dimension.

    The recipe's prompts are put before the texts; there are none otherwise, since a server does not tell a model's own.
    """
    if address.kind == "rerank":
        raise ModelError(f"{address}: wanted openai:MODEL@URL for an encoder; found {address.kind}")
    client = Client(address, budget)
    reported, rows = vectors_of(client, [PROBE], "document", recipe.dimensions)
    if recipe.dimensions is not None and rows.shape[1] != recipe.dimensions:
        raise ModelError(
            f"--dimensions {recipe.dimensions}: wanted vectors of that length; found {rows.shape[1]} numbers, since "
            f"{address} does not shorten them"
        )
    prompts = recipe.query_prompt or "", recipe.document_prompt or ""
    [probe] = unit_vectors(rows.astype(np.float32)).round(6).tolist()
    longest = in_characters(recipe.max_length)
    return ServedEncoder(client, reported, rows.shape[1], recipe.dimensions, *prompts, longest, tuple(probe))


def vectors_of(client: Client, texts: list[str], side: Side, dimensions: int | None) -> tuple[str, Vectors]:
    """What the server calls its model ("" where it does not say), and the vectors as it gives them, (n, dimension)."""
    asked = _asked_of_many if client.address.vendor is None else _asked_of_vendor
    try:
        reported, found = asked(client, texts, side, dimensions)
        rows = np.stack([_row(one) for one in found])
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        reported, rows = "", np.zeros((0, 0), np.float32)
    if len(rows) != len(texts) or rows.ndim != 2:
        form = "OpenAI's /embeddings" if client.address.vendor is None else client.address.kind
        raise ModelError(
            f"{client.address}: wanted one vector for each of {len(texts):,} texts, as {form} answers; "
            f"found {len(rows):,}"
        )
    return reported, rows


def _asked_of_many(client: Client, texts: list[str], side: Side, dimensions: int | None) -> tuple[str, list[Any]]:
    """In OpenAI's form, which knows no side."""
    wanted: dict[str, Any] = {} if dimensions is None else {"dimensions": dimensions}
    send: Callable[[], Any] = partial(
        client.openai.embeddings.create, model=client.address.model, input=texts, encoding_format="base64", **wanted
    )
    answer = client.ask(send)
    found = sorted(answer.data, key=lambda one: one.index)
    in_order = [one.index for one in found] == list(range(len(texts)))
    return str(answer.model or ""), [one.embedding for one in found] if in_order else []


def _asked_of_vendor(client: Client, texts: list[str], side: Side, dimensions: int | None) -> tuple[str, list[Any]]:
    vendor, model = client.address.vendor, client.address.model
    assert vendor is not None
    answer = client.post(vendor.embed_path(model), vendor.embed_body(model, texts, side, dimensions))
    return str(answer.get("model") or ""), vendor.vectors_in(answer)


def _row(embedding: Any) -> Vectors:
    """A vector, as base64 of little-endian float32 or as a list of numbers."""
    if isinstance(embedding, str):
        from base64 import b64decode

        return np.frombuffer(b64decode(embedding, validate=True), "<f4")
    return np.asarray(embedding, np.float32)
