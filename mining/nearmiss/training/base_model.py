"""
The start: the model that training begins with, an encoder or a cross-encoder, and its untrained scores.

In:  a `Teaching` recipe
Out: a CrossEncoder with one logit, in float32; and the start's own scores of pairs

An encoder reads both texts together, keeps its own pooling and gets a new head, one row of weights and a bias; its own
scores are the cosines it knows. Its pooling was trained, its first token often never was: with MiniLM on 420 queries of
CovidQA, one epoch, 180 others held out, AUC and nDCG@10 were .707 and .625 by its mean, .664 and .606 by the
first token.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nearmiss.errors import ModelError
from nearmiss.models.encoder import EMBEDDED, load_encoder
from nearmiss.models.engine import processor
from nearmiss.models.low_rank import start_folder
from nearmiss.pipeline import Watch
from nearmiss.settings import Mining, Teaching
from nearmiss.storage.files import read_json
from nearmiss.storage.fingerprint import fingerprint_of_model
from nearmiss.types import Floats

TextPairs = list[tuple[str, str]]
TEXTS_AT_ONCE = 512
PAIRS_AT_ONCE = 256


@dataclass(frozen=True)
class BaseModel:
    """A model by its folder; loaded only when it is needed."""

    recipe: Teaching
    folder: Path
    fingerprint: str
    is_encoder: bool

    @property
    def name(self) -> str:
        """As the user gave it."""
        return self.recipe.start or EMBEDDED

    def scores(self, pairs: TextPairs, watch: Watch) -> Floats:
        """The start's score of each pair, (n,): an encoder's cosines, a cross-encoder's logits."""
        if self.is_encoder:
            return _cosines(self.recipe, pairs, watch)
        return logits(self.cross_encoder(), pairs, watch, "start")

    def cross_encoder(self) -> Any:
        """The CrossEncoder to train; the same seed gives an encoder the same new head."""
        import torch

        torch.manual_seed(self.recipe.seed)
        try:
            model = _load(self.folder, self.is_encoder, self.recipe.trust_remote_code)
        except Exception as error:  # the errors of a broken folder are not documented
            lines = str(error).strip().splitlines() or [type(error).__name__]
            raise ModelError(f"--start {self.name}: wanted an encoder or a cross-encoder; found {lines[0]}") from error
        if model.num_labels != 1:
            raise ModelError(f"--start {self.name}: wanted a model with one label; found {model.num_labels}")
        positions = getattr(model.config, "max_position_embeddings", None) or 1 << 20
        if "roberta" in model.config.model_type:
            positions -= model.config.pad_token_id + 1  # its first positions are reserved for padding
        model.max_seq_length = min(self.recipe.max_length, positions)
        return model


def open_start(recipe: Teaching) -> BaseModel:
    """The recipe's start; ModelError where there is none."""
    folder = start_folder("--start", recipe.start)
    return BaseModel(recipe, folder, fingerprint_of_model(folder), _is_encoder(folder))


def logits(model: Any, pairs: TextPairs, watch: Watch, stage: str) -> Floats:
    """Raw logits of a CrossEncoder, (n,), in float32 whatever it trained in."""
    import torch

    model.eval()
    longest_first = sorted(range(len(pairs)), key=lambda row: -len(pairs[row][0]) - len(pairs[row][1]))
    found = np.empty(len(pairs), np.float64)
    with watch(f"{stage}: scores", len(pairs), "pairs") as advance:
        for first in range(0, len(pairs), PAIRS_AT_ONCE):
            rows = longest_first[first : first + PAIRS_AT_ONCE]
            texts = [pairs[row] for row in rows]
            found[rows] = model.predict(texts, activation_fn=torch.nn.Identity(), show_progress_bar=False)
            advance(len(rows))
    if not np.isfinite(found).all():
        raise ModelError(f"{stage}: wanted finite scores; found {found[~np.isfinite(found)][0]}")
    return found


def _load(folder: Path, is_encoder: bool, trust_remote_code: bool) -> Any:
    import logging as plain_logging

    from sentence_transformers import CrossEncoder
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    plain_logging.getLogger("sentence_transformers").setLevel(plain_logging.ERROR)
    # On a processor "eager" attention trains faster than "sdpa", which there has no kernel for dropout (see training).
    attention = "sdpa" if processor.has_cuda() else "eager"
    how = {
        "device": "cuda" if processor.has_cuda() else "cpu",
        "trust_remote_code": trust_remote_code,
        "local_files_only": True,
        "model_kwargs": {"dtype": "float32", "attn_implementation": attention},
    }
    if is_encoder and (modules := _pooled_with_head(folder, how)):
        return CrossEncoder(modules=modules, device=how["device"])
    return CrossEncoder(str(folder), num_labels=1, **how)


def _pooled_with_head(folder: Path, how: dict[str, Any]) -> list[Any]:
    """An encoder's transformer, its pooling and a new head; empty where it does not pool a transformer's output."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Dense, Transformer
    from sentence_transformers.sentence_transformer.modules import Pooling
    from torch.nn import Identity

    parts = list(SentenceTransformer(str(folder), **how))
    if len(parts) < 2 or not isinstance(parts[0], Transformer) or not isinstance(parts[1], Pooling):
        return []
    pooling = parts[1]
    pooling.include_prompt = True  # a pair has no prompt for the pooling to leave out
    head = Dense(
        pooling.get_embedding_dimension(),
        1,
        activation_function=Identity(),
        module_input_name="sentence_embedding",
        module_output_name="scores",
    )
    return [parts[0], pooling, head]


def _is_encoder(folder: Path) -> bool:
    """Whether a folder holds an encoder; a model with a head for scores is a cross-encoder."""
    facts = folder / "config_sentence_transformers.json"
    kind = read_json(facts).get("model_type") if facts.is_file() else None
    if kind is not None:
        return bool(kind != "CrossEncoder")
    config = folder / "config.json"
    architectures = (read_json(config).get("architectures") or [""]) if config.is_file() else [""]
    return not architectures[0].endswith(("ForSequenceClassification", "ForCausalLM"))


def _cosines(recipe: Teaching, pairs: TextPairs, watch: Watch) -> Floats:
    encoder = load_encoder(Mining(encoder=recipe.start, trust_remote_code=recipe.trust_remote_code))
    queries, documents = (list(dict.fromkeys(texts)) for texts in zip(*pairs, strict=True))
    with watch("start: vectors", len(queries) + len(documents), "texts") as advance:
        vectors = []
        for texts, encode in ((queries, encoder.encode_query), (documents, encoder.encode_document)):
            parts = []
            for first in range(0, len(texts), TEXTS_AT_ONCE):
                parts.append(encode(texts[first : first + TEXTS_AT_ONCE]))
                advance(len(parts[-1]))
            vectors.append(np.concatenate(parts))
    row_of_query = {text: row for row, text in enumerate(queries)}
    row_of_document = {text: row for row, text in enumerate(documents)}
    left = vectors[0][[row_of_query[query] for query, _ in pairs]]
    right = vectors[1][[row_of_document[document] for _, document in pairs]]
    return np.asarray(np.vecdot(left, right), np.float64)
