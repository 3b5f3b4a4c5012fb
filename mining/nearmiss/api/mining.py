"""
`mine`: a dataset and models, in memory or by name, mined into a run folder.

In:  a dataset in any form that `data.read` takes; models as paths, names or live objects
Out: an `OpenRun`
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from nearmiss import pipeline
from nearmiss.api.runs import OpenRun
from nearmiss.data import Dataset, read
from nearmiss.errors import RecipeError
from nearmiss.models.live import live_encoder, live_teacher, name_of
from nearmiss.pipeline import Watch, silent
from nearmiss.retrieval.given_vectors import IN_MEMORY, given_vectors
from nearmiss.run import open_run
from nearmiss.settings import Mining, Policy, Serving, check_read

SPARSE = "sparse"


def mine(
    dataset: Any,
    run: str | Path,
    *,
    encoder: Any = None,
    teacher: Any = None,
    sparse_encoder: Any = None,
    document_vectors: Any = None,
    query_vectors: Any = None,
    mining: Mining | None = None,
    policy: Policy | None = None,
    format: str | None = None,
    serving: Serving | None = None,
    avoid: Any = None,
    avoid_answers: bool = True,
    watch: Watch = silent,
) -> OpenRun:
    """
    Retrieve, score and decide: mine one round of `dataset` into the folder `run`, and open it.

    A model is a folder, a hub name, an address (`openai:MODEL@URL`, `rerank:MODEL@URL`, `cohere:MODEL`), or a live
    object with the weights that it has at this moment: a SentenceTransformer, CrossEncoder or SparseEncoder, or
    anything with encode_query and encode_document, or with predict. It needs no wrapper, keeps its own prompts and
    pooling, and is left in the mode, on the device and with the gradients that it had, so that a training loop may call
    this between two epochs.

    Args:
        dataset: A path or hub name, a `datasets.Dataset` or a pandas frame of pairs, a mapping of frames (`queries`,
            `documents`, `positives`, perhaps `negatives`), or what `nearmiss.read` returns. None for one more round
            on the data that the run has.
        run: The folder of the run, made where it is new. The same call on the same folder goes on where it stopped.
        encoder: Makes vectors of queries and documents; by default the embedded MiniLM.
        teacher: Scores query and document together; by default late interaction over MiniLM, "" for none.
        sparse_encoder: A SPLADE-like model; adds the source `sparse`.
        document_vectors: In the encoder's place: a path (.npy with ids beside it, Parquet, Arrow, or a folder of one of
            them), or an array (n_documents, dimension) in the data's order. Any length: cosines are compared.
        query_vectors: The same for the queries.
        mining: Sources, depths and everything else that costs time. By default those of the run's last round.
        policy: What is kept and what is refused; by default the run's own.
        format: Which of `nearmiss.data.FORMATS` a path is in, where its file names do not show it.
        serving: How models behind servers are asked: a budget of requests, how many at once, a file with the key.
        avoid: Data that a model will be evaluated on, or a list of such: paths (`FOLDER#SPLIT` names a split; of
            several the test split is taken), or data in memory as above. Queries and labelled answers that stand
            there, as copies or nearly, are not trained on: no export, trial, student or teacher of this run has
            them. The run keeps what was named last; an empty list forgets it.
        avoid_answers: Whether labelled answers count, too. Switch it off where train and test share a corpus.
        watch: Gets progress: `watch(stage, total, unit)` opens a context that is called at each step.

    Returns:
        The run, with one more finished round where the data is new or a model's weights have changed.

    Raises:
        DatasetError, ModelError, RecipeError, RunError: each says in one sentence what was wanted and found.

    Example:
        >>> import nearmiss as nm
        >>> import pandas as pd
        >>> pairs = pd.DataFrame({
        ...     "query": ["why does bread rise", "why is the sea salty"],
        ...     "answer": ["Yeast gives off gas in the dough.", "Rivers carry salt from rocks into the sea."],
        ... })
        >>> run = nm.mine(pairs, "runs/two", mining=nm.Mining(sources=("bm25", "dense"), teacher=""))
        >>> len(run.candidates())
        4
    """
    folder = Path(run)
    data = None if dataset is None else _read(dataset, format)
    recipe = mining or (Mining() if data is not None else open_run(folder).last_recipe())
    if encoder is not None and mining is None:
        recipe = replace(recipe, document_vectors="", query_vectors="")  # of the round before
    recipe, models = _with_models(recipe, encoder=encoder, teacher=teacher, sparse_encoder=sparse_encoder)
    if document_vectors is not None or query_vectors is not None:
        if encoder is not None:
            raise RecipeError("encoder: wanted none beside document_vectors and query_vectors; found one")
        recipe, models = _with_vectors(folder, recipe, models, data, document_vectors, query_vectors)
    if mining is not None:
        check_read(recipe, [field.name for field in fields(Mining)])
    finished = pipeline.mine(
        folder,
        recipe,
        data,
        policy,
        serving=serving,
        avoid=_listed(avoid),
        avoid_answers=avoid_answers,
        watch=watch,
        **models,
    )
    return OpenRun(finished.folder)


def _read(dataset: Any, format: str | None) -> Dataset:
    return dataset if isinstance(dataset, Dataset) else read(dataset, format=format)


def _listed(avoid: Any) -> Sequence[Any] | None:
    """Evaluation sets as a list, whether one was given or several; None where none was named."""
    return avoid if avoid is None or isinstance(avoid, list | tuple) else [avoid]


def _with_vectors(
    folder: Path, recipe: Mining, models: dict[str, Any], data: Dataset | None, documents: Any, queries: Any
) -> tuple[Mining, dict[str, Any]]:
    """The recipe and models with vectors in the encoder's place."""
    if documents is None or queries is None:
        raise RecipeError("document_vectors, query_vectors: wanted both, from one model; found one of them")
    names = [str(one) if isinstance(one, str | Path) else IN_MEMORY for one in (documents, queries)]
    recipe = replace(recipe, document_vectors=names[0], query_vectors=names[1])
    if IN_MEMORY not in names:
        return recipe, models
    data = data or open_run(folder).dataset
    ids = data.documents["doc_id"].tolist(), data.queries["query_id"].tolist()
    return recipe, models | {"encoder": given_vectors(documents, queries, *ids)}


def _with_models(recipe: Mining, **given: Any) -> tuple[Mining, dict[str, Any]]:
    """The recipe with the names of the models, and the models given as objects, wrapped for use."""
    named = {name: str(model) for name, model in given.items() if isinstance(model, str | Path)}
    live = {name: model for name, model in given.items() if model is not None and name not in named}
    named |= {name: name_of(model) for name, model in live.items()}
    if named.get("sparse_encoder") and SPARSE not in recipe.sources:
        named["sources"] = (*recipe.sources, SPARSE)  # type: ignore[assignment]
    recipe = replace(recipe, **named)  # type: ignore[arg-type]
    ready: Mapping[str, Any] = {"encoder": live_encoder, "teacher": live_teacher}
    return recipe, {name: ready[name](model, recipe) if name in ready else model for name, model in live.items()}
