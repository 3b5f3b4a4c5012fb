"""
Rerankers behind a server: any that answers as Cohere's, Jina's, Voyage's or TEI's /rerank does.

In:  `rerank:MODEL@URL`, or `cohere:MODEL` and its like, and a recipe; pairs of texts
Out: a `Teacher`; each pair is asked for once, however often the command was killed

    Cohere, Jina, vLLM, Infinity, ZeroEntropy   model, query, documents -> results: index, relevance_score
    Voyage                                      model, query, documents -> data: index, relevance_score
    TEI                                         query, texts            -> [index, score]

Most of them answer with chances from 0 to 1, and TEI does unless it is asked for raw scores, so chances are the common
scale. A server whose first scores lie beyond -1 and 1 (llama.cpp's, TEI with raw scores) gives logits, of which the
logistic function makes chances. What it said is kept in the cache of scores.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np

from nearmiss.errors import ModelError
from nearmiss.models.served.answers import Answers, key_of
from nearmiss.models.served.budget import Budget
from nearmiss.models.served.client import Client, Refused, RefusedTexts, in_characters, in_parts
from nearmiss.models.served.server_address import Address
from nearmiss.settings import Mining
from nearmiss.storage.fingerprint import fingerprint_of
from nearmiss.types import Scores

Form = Literal["documents", "texts"]
Scale = Literal["chances", "logits"]
SAME_SCORE = 0.02  # by which one model's chances of one pair may differ, in whatever number types it is served
QUESTION, REPLIES = "what is nearmiss", ["It mines hard negatives.", "Bread rises because of yeast."]


@dataclass(frozen=True)
class ServedTeacher:
    """A reranker that a server runs."""

    client: Client
    form: Form
    reported: str  # the model, as the server calls it; "" where it does not say
    prompt: str
    longest: int | None = None  # characters of a document that are sent; None for all
    scale: Scale = "chances"  # of what the server says
    probe: tuple[float, ...] = ()  # its scores of QUESTION and REPLIES, by which a changed model is noticed
    precision: str = "as served"
    agreement: str | None = None
    by_query: bool = True  # one request holds documents of one query
    answers: Answers = field(default_factory=lambda: Answers(None, 0), repr=False)

    @property
    def fingerprint(self) -> str:
        """The model's name, the server's name for it, the prompt and the scale; not where the server is."""
        logits = ["logits"] if self.scale == "logits" else []  # chances are not named in older runs
        return fingerprint_of(
            self.client.address.kind, self.client.address.model, self.reported, self.prompt, self.longest, *logits
        )

    @property
    def engine(self) -> str:
        """What runs it."""
        name = self.reported or (self.client.address.kind if self.client.address.vendor else "")
        said = ", ".join(filter(None, [name, "logits made chances" if self.scale == "logits" else ""]))
        return f"server ({said})" if said else "server"

    def changed_since(self, probe: Sequence[float]) -> str:
        """How far its scores of the same pairs are from earlier ones; "" where that may be rounding."""
        now, before = (self.on_scale(np.array(scores, np.float32)) for scores in (self.probe, probe))
        apart = float(np.abs(now - before).max()) if len(now) == len(before) else 1.0
        return f"its scores of the same pairs differ by {apart:.3f}" if apart > SAME_SCORE else ""

    def at_length(self, tokens: int | None) -> "ServedTeacher":
        """The same, which sends no more than the first so many tokens of a document."""
        return replace(self, longest=in_characters(tokens))

    def keeping(self, folder: Path) -> "ServedTeacher":
        """The same, with each answer kept in a folder of its own inside this one, under the texts that were sent."""
        return replace(self, answers=Answers(folder / self.at_length(None).fingerprint[:16], 1))

    def on_scale(self, scores: Scores) -> Scores:
        """Scores from 0 to 1, of those that the server gave."""
        if self.scale == "chances":
            return scores
        return (1 / (1 + np.exp(-scores.astype(np.float64)))).astype(np.float32)

    def score(self, pairs: list[tuple[str, str]]) -> Scores:
        """Scores (n,) in float32, as the server gives them; `on_scale` makes them comparable."""
        keys = {pair: self._key(*pair) for pair in pairs}
        rows = self.answers.look_up(list(keys.values()))
        known = {pair: float(row[0]) for pair, row in zip(keys, rows, strict=True) if row is not None}
        waiting: dict[str, list[str]] = {}
        for query, document in keys:
            if (query, document) not in known:
                waiting.setdefault(query, []).append(document)
        size = self.client.budget.serving.texts_per_request
        parts = [(q, own[start : start + size]) for q, own in waiting.items() for start in range(0, len(own), size)]
        refused = RefusedTexts()
        answers = self.client.each(partial(self._ask, refused), parts)
        refused.check()
        for (query, documents), found in zip(parts, answers, strict=True):
            known.update(zip([(query, document) for document in documents], found, strict=True))
        return np.array([known[pair] for pair in pairs], np.float32)

    def _key(self, query: str, document: str) -> bytes:
        return key_of(query, document[: self.longest])

    def _ask(self, refused: RefusedTexts, part: tuple[str, list[str]]) -> list[float]:
        query, documents = part
        return in_parts(partial(self._ask_at_once, query), documents, refused)

    def _ask_at_once(self, query: str, documents: list[str]) -> list[float]:
        try:
            sent = [document[: self.longest] for document in documents]
            reported, scores = scores_of(self.client, self.form, self.prompt + query, sent)
        except Refused as error:
            if len(documents) > 1:
                raise
            found = (
                f"the query {query[:60]!r} with a document of {len(documents[0]):,} characters, {documents[0][:60]!r}"
            )
            raise Refused(
                f"{error}, to {found}. Where that is too long, --teacher-max-length N sends the first N tokens of a "
                "document, counted as 4 characters each"
            ) from None
        if reported != self.reported:
            raise ModelError(
                f"{self.client.address}: wanted one model for all pairs, {self.reported!r}; found {reported!r}: the "
                "server changed its model"
            )
        self.answers.put([self._key(query, document) for document in documents], np.array(scores, np.float32)[:, None])
        return scores


def load_served_teacher(address: Address, recipe: Mining, budget: Budget) -> ServedTeacher:
    """The reranker at an address, asked once, with two short texts, in which form and on which scale it answers."""
    if address.kind != "rerank" and not (address.vendor and address.vendor.rerank):
        raise ModelError(f"{address}: wanted rerank:MODEL@URL for a teacher; found {address.kind}")
    client, prompt = Client(address, budget), recipe.teacher_prompt or ""
    longest = in_characters(recipe.teacher_max_length)
    form: Form = "documents"
    try:
        reported, scores = scores_of(client, form, QUESTION, REPLIES)
    except Refused as first:
        if address.vendor:
            raise
        form = "texts"
        try:
            reported, scores = scores_of(client, form, QUESTION, REPLIES)
        except Refused:
            raise first from None
    scale: Scale = "logits" if max(map(abs, scores)) > 1 else "chances"
    return ServedTeacher(client, form, reported, prompt, longest, scale, tuple(round(score, 6) for score in scores))


def scores_of(client: Client, form: Form, query: str, documents: list[str]) -> tuple[str, list[float]]:
    """What the server calls its model, and its score of each document, in their order."""
    body: dict[str, Any] = {"query": query, form: documents}
    if form == "documents":
        body["model"] = client.address.model
    vendor = client.address.vendor
    path, always = (vendor.rerank, vendor.rerank_always) if vendor else ("/rerank", {})
    answer = client.post(path, {**body, **always})
    try:
        reported, rows = ("", answer) if isinstance(answer, list) else (answer.get("model") or "", _rows(answer))
        scores = {row["index"]: float(row["relevance_score" if "relevance_score" in row else "score"]) for row in rows}
        return str(reported), [scores[place] for place in range(len(documents))]
    except (AttributeError, KeyError, TypeError, ValueError):
        raise ModelError(
            f"{client.address}: wanted an index and a score for each of {len(documents):,} documents, as /rerank "
            f"answers; found {str(answer)[:200]}"
        ) from None


def _rows(answer: dict[str, Any]) -> Any:
    return answer["results"] if "results" in answer else answer["data"]
