"""
Student models: what was trained, as a plain sentence-transformers model that loads anywhere.

In:  two matrices and the encoder whose vectors they turn; token vectors and their tokenizer
Out: a SentenceTransformer whose unit vectors are those that were trained and measured

An adapter is a Router with one Dense module for queries and one for documents behind the encoder's own modules.
"""

from typing import Any

import numpy as np

from nearmiss.errors import RunError
from nearmiss.models.adapted import Adaptation, taken_apart
from nearmiss.training.trials.students.adapter import Space
from nearmiss.training.trials.students.encoder_student import Encoding
from nearmiss.training.trials.students.trial_texts import TrialTexts
from nearmiss.types import Vectors

LOOKED_AT = 8  # texts of each kind that an encoder is compared on
NEAR = 0.97  # least cosine between a model's vectors and those it mined with: int8 reaches .98


def adapted(encoder: Any, new: Adaptation, prompts: tuple[str, str]) -> Any:
    """An encoder with matrices behind it; those it had already are multiplied, so that there is one pair only."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Router

    modules, old = taken_apart(encoder)
    if old is not None:
        # The lengths between the two have no effect, since the last step gives unit vectors.
        new = Adaptation(old.of_queries @ new.of_queries, old.of_documents @ new.of_documents)
    router = Router.for_query_document([_dense(new.of_queries)], [_dense(new.of_documents)])
    return SentenceTransformer(
        modules=[*modules, router, Normalize()],
        prompts=dict(zip(("query", "document"), prompts, strict=True)),
        similarity_fn_name="cosine",
        device="cpu",
    )


def static(tokenizer: Any, tokens: Vectors, max_length: int) -> Any:
    """A model that reads a text as the mean of its token vectors, of which it takes the first `max_length`."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, StaticEmbedding
    from tokenizers import Tokenizer

    own = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    own.enable_truncation(max_length)
    modules: list[Any] = [StaticEmbedding(own, embedding_weights=np.ascontiguousarray(tokens)), Normalize()]
    return SentenceTransformer(modules=modules, similarity_fn_name="cosine", device="cpu")


def check_same_vectors(texts: TrialTexts, model: Any, space: Space, folder: str) -> None:
    """RunError where an encoder does not give the vectors that a round holds: then it is not what made them."""
    rows = np.linspace(0, len(texts.documents) - 1, min(LOOKED_AT, len(texts.documents))).astype(np.int64)
    found = Encoding(texts, model).encode([texts.documents[row] for row in rows.tolist()], "document")
    held = space.read_documents(rows)
    nearest = float(np.vecdot(found, held).min()) if found.shape == held.shape else None
    if nearest is None or nearest < NEAR:
        what = f"vectors of {found.shape[1]} numbers" if nearest is None else f"a cosine of {nearest:.3f} at the least"
        raise RunError(
            f"{folder}: wanted the encoder that gave the round's vectors, to put the adapter behind it; found {what} "
            f"with {texts.mining.encoder or 'the embedded MiniLM'}. Mine a round with --encoder FOLDER, and train on it"
        )


def _dense(matrix: Vectors) -> Any:
    import torch
    from sentence_transformers.base.modules import Dense

    # Dense multiplies from the right: its weight is the matrix transposed.
    rows, columns = matrix.shape
    module = Dense(rows, columns, bias=False, activation_function=torch.nn.Identity())
    with torch.no_grad():
        module.linear.weight.copy_(torch.from_numpy(np.ascontiguousarray(matrix.T)))
    return module
