"""
Vectors of the queries and the corpus, and the folder that may keep them.

In:  a live encoder, texts, prompts
Out: unit vectors (n, dimension) in float32; files query_embeddings_*.npy and corpus_embeddings_*.npy, whole or absent

A file is named by its texts, the prompts and the weights as they stand, so that no later epoch meets an earlier one's.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np

from nearmiss.hard_negatives.arguments import GivenArguments, Prompt
from nearmiss.models.live import engine_if_worth_it, left_as_found, pool_of, weights_fingerprint
from nearmiss.storage.files import write_atomically
from nearmiss.types import Vectors

Name = Literal["query", "corpus"]


def embed(model: Any, queries: list[str], corpus: list[str], how: GivenArguments) -> tuple[Vectors, Vectors]:
    """Vectors of the queries and of the corpus, from the cache where it has them."""
    # The corpus first, as sentence-transformers does.
    wanted: dict[Name, tuple[list[str], Prompt]] = {
        "corpus": (corpus, how.corpus_prompt),
        "query": (queries, how.query_prompt),
    }
    files = {name: _file(how, model, name, prompt, texts) for name, (texts, prompt) in wanted.items()}
    found = {name: _loaded(name, path, how.verbose) for name, path in files.items() if path and path.exists()}
    missing = [name for name in wanted if name not in found]
    if missing:
        characters = map(len, (*queries, *corpus))
        engine = None if how.processes else engine_if_worth_it(model, "encoder", characters)
        with left_as_found(model), pool_of(model, how.processes) as pool:
            for name in missing:
                texts, prompt = wanted[name]
                found[name] = _unit(_encoder(model, name, prompt, how, pool, engine)(texts), name)
                _keep(name, files[name], found[name], how.verbose)
    return found["query"], found["corpus"]


def _encoder(
    model: Any, name: Name, prompt: Prompt, how: GivenArguments, pool: Any, engine: Any
) -> Callable[[list[str]], Any]:
    if engine is not None and (prompt.text is not None or prompt.name is None or prompt.name in model.prompts):
        before = _own_prompt(model, name, prompt.name) if prompt.text is None else prompt.text
        return lambda texts: engine(texts, "query" if name == "query" else "document", before)
    encode = model.encode_query if name == "query" else model.encode_document
    return lambda texts: encode(
        texts,
        pool=pool,
        batch_size=how.batch_size,
        normalize_embeddings=True,
        convert_to_numpy=True,
        show_progress_bar=how.verbose,
        prompt_name=prompt.name,
        prompt=prompt.text,
    )


def _own_prompt(model: Any, name: Name, prompt_name: str | None) -> str:
    """The prompt that the model's own methods would take."""
    usual = ("query",) if name == "query" else ("document", "passage", "corpus")
    names = usual if prompt_name is None else (prompt_name,)
    return next((model.prompts[known] or "" for known in names if known in model.prompts), "")


def _unit(rows: Any, name: str) -> Vectors:
    rows = np.asarray(rows, np.float32)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    if not np.isfinite(lengths).all():
        raise ValueError(f"model: wanted finite numbers for each text of the {name}; found NaN or infinity")
    # Rows of unit length are left bit for bit, so that scores are those of the model's own vectors.
    return np.asarray(np.where(np.abs(lengths - 1) < 1e-5, rows, rows / np.maximum(lengths, 1e-12)), np.float32)


def _file(how: GivenArguments, model: Any, name: str, prompt: Prompt, texts: list[str]) -> Path | None:
    if not how.cache_folder:
        return None
    digest = hashlib.sha256(repr((weights_fingerprint(model), prompt.text, prompt.name)).encode())
    for text in texts:
        digest.update(f"{len(text)}\0{text}".encode("utf-8", "surrogatepass"))
    Path(how.cache_folder).mkdir(parents=True, exist_ok=True)
    return Path(how.cache_folder) / f"{name}_embeddings_{digest.hexdigest()}.npy"


def _loaded(name: str, path: Path, verbose: bool) -> Vectors:
    rows = np.load(path)
    if verbose:
        print(f"[Cache] Loaded {name} embeddings from {path} (shape={rows.shape})")
    return np.asarray(rows, np.float32)


def _keep(name: str, path: Path | None, rows: Vectors, verbose: bool) -> None:
    if path is None:
        return
    with write_atomically(path) as temporary, temporary.open("wb") as file:
        np.save(file, rows)
    if verbose:
        print(f"[Cache] Saved {name} embeddings to {path}")
