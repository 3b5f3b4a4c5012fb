"""
Published mining recipes as values: a `Mining` and a `Policy` for each, and where we differ from its authors.

Out: `PRESETS`, by the name that `--preset` takes

A published recipe recommends models and sets none: it runs with any encoder, with or without a teacher.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final, Literal

from nearmiss.settings import NO_CEILING, Mining, Policy


@dataclass(frozen=True)
class Family:
    """An encoder that a recipe was published with, and the prompts that it needs before a text."""

    model: str
    pooling: Literal["mean", "cls", "last"]
    query_prompt: str = ""
    document_prompt: str = ""


@dataclass(frozen=True)
class Preset:
    """One recipe. `deviations` is where we differ, `unverified` what we could not check in the paper or code."""

    name: str
    summary: str
    source: str
    mining: Mining
    policy: Policy
    encoders: tuple[Family, ...] = ()
    teachers: tuple[str, ...] = ()
    deviations: tuple[str, ...] = ()
    unverified: tuple[str, ...] = ()


# True of each preset but `default`, so written once.
EVERYWHERE: Final = (
    "the query repeated as a document, near copies of a positive and labelled answers to a query that asks the same "
    "are refused too: the originals remove a positive by its id or its exact text only",
    "too few survivors are never filled up with random or refused documents",
)

_WEB_SEARCH: Final = "Given a web search query, retrieve relevant passages that answer the query"
_E5_MISTRAL: Final = Family("intfloat/e5-mistral-7b-instruct", "last", f"Instruct: {_WEB_SEARCH}\nQuery: ")
_SEARCHING: Final = "Represent this sentence for searching relevant passages: "


# The papers use neither a ceiling nor siblings, unless their preset sets one.
_OPEN: Final = replace(NO_CEILING, allow_siblings=True)


def _dense(depth: int, seed: int = 42) -> Mining:
    return Mining(sources=("dense",), depth=(("dense", depth),), teacher="", seed=seed)


def _both(depth: int) -> Mining:
    return Mining(sources=("bm25", "dense"), depth=(("bm25", depth), ("dense", depth)), teacher="")


_ALL = (
    Preset(
        name="default",
        summary=(
            "union of BM25 and dense; the 7 hardest of those below 95% of the positive's score and with a chance of at "
            "most 10% to be an answer"
        ),
        source=(
            "nearmiss: the margin of NV-Retriever (arXiv 2407.15831) and every signal of the run weighed together, see "
            "nearmiss.calibration"
        ),
        mining=Mining(),
        policy=Policy(relative_margin=0.05, max_p_relevant=0.1, negatives_per_query=7, sampling="top"),
        encoders=(Family("sentence-transformers/all-MiniLM-L6-v2", "mean"),),
        teachers=("cross-encoder/ms-marco-MiniLM-L6-v2", "BAAI/bge-reranker-v2-m3"),
        unverified=(
            "that the probabilities hold for your collection before anyone judged it: `nearmiss audit` measures",
        ),
    ),
    Preset(
        name="dpr",
        summary="the best BM25 passage that is not the positive",
        source="Karpukhin et al. 2020, arXiv 2004.04906; github.com/facebookresearch/DPR",
        mining=Mining(sources=("bm25",), depth=(("bm25", 100),), teacher=""),
        policy=replace(_OPEN, negatives_per_query=1),
        encoders=(Family("facebook/dpr-question_encoder-single-nq-base", "cls"),),
        deviations=(
            "DPR drops passages that hold the answer string; queries here carry no answers",
            "DPR uses two encoders, one for each side; with BM25 as the only source, ours only adds a score",
        ),
    ),
    Preset(
        name="ance",
        summary="a random 20 of the current checkpoint's top 200; mine again as training goes on",
        source="Xiong et al. 2020, arXiv 2007.00808; github.com/microsoft/ANCE",
        mining=_dense(200),
        policy=replace(_OPEN, negatives_per_query=20, sampling="random", max_rank=200),
        encoders=(Family("sentence-transformers/msmarco-roberta-base-ance-firstp", "mean"),),
        deviations=(
            "ANCE refreshes a fifth of the queries at a time, beside the training; a round here mines all of them",
            "its first checkpoint was warmed up on BM25 negatives: mine round 1 with --preset dpr",
        ),
        unverified=("how the published port pools its vectors",),
    ),
    Preset(
        name="rocketqa",
        summary="the dense top 50 that a cross-encoder gives less than 0.1, a random 4 of them",
        source="Qu et al. 2021, arXiv 2010.08191; github.com/PaddlePaddle/RocketQA",
        mining=_dense(200, seed=111),
        policy=replace(
            _OPEN,
            max_score=-2.197,  # its sigmoid is 0.1; teacher scores are kept as logits
            negatives_per_query=4,
            sampling="random",
            max_rank=50,
            shortfall="deepen",
            seed=111,
        ),
        teachers=("cross-encoder/ms-marco-MiniLM-L6-v2",),
        deviations=(
            "needs a teacher with one logit per pair: cosines all lie above this ceiling",
            "RocketQA fills up from below rank 50 unfiltered; here the ceiling holds there too, down to rank 200",
            "its third step, new positives above 0.9 for unlabelled queries, is not done",
            "its models are ERNIE in PaddlePaddle; the teacher named here is a stand-in",
        ),
        unverified=("that the 4 are drawn at random from those that pass",),
    ),
    Preset(
        name="gpl",
        summary="everything in the union of two top-50 lists, for MarginMSE with a cross-encoder's scores",
        source="Wang et al. 2022, arXiv 2112.07577; github.com/UKPLab/gpl",
        mining=_both(50),
        policy=replace(_OPEN, negatives_per_query=100, sampling="random"),
        encoders=(
            Family("sentence-transformers/msmarco-distilbert-base-v3", "mean"),
            Family("sentence-transformers/msmarco-MiniLM-L-6-v3", "mean"),
        ),
        teachers=("cross-encoder/ms-marco-MiniLM-L6-v2",),
        deviations=(
            "GPL mines with both encoders; here BM25 stands for one; or pass its results as --source run:NAME=FILE",
            "GPL draws one negative a step from the union: all of it is kept, and drawing is left to the training",
            "GPL writes the queries itself, with a T5 model; here they are given",
        ),
    ),
    Preset(
        name="simans",
        summary="15 drawn around the positive's score: neither easy ones nor likely false negatives",
        source="Zhou et al. 2022, arXiv 2210.11773; github.com/microsoft/SimXNS",
        mining=_dense(200),
        policy=replace(_OPEN, negatives_per_query=15, sampling="simans", simans_a=0.5, simans_b=0.0),
        deviations=(
            "SimANS weighs the encoder's own dot products; a teacher's logits or a cosine want another simans_a",
            "its MS MARCO code uses exp(-3 |s - s_positive|) where the paper has a square; this is the paper's",
            "it mines again every 2,000 to 5,000 steps; here a round is one call",
        ),
        unverified=("the depth of 200",),
    ),
    Preset(
        name="e5",
        summary="stage 2 of E5: mined negatives with the scores of a cross-encoder, for KL distillation",
        source="Wang et al. 2022, arXiv 2212.03533; negatives as in github.com/microsoft/unilm/tree/master/simlm",
        mining=_dense(200),
        policy=replace(_OPEN, negatives_per_query=7, sampling="random", max_rank=200),
        encoders=(
            Family("intfloat/e5-base-v2", "mean", "query: ", "passage: "),
            Family("intfloat/multilingual-e5-base", "mean", "query: ", "passage: "),
        ),
        teachers=("cross-encoder/ms-marco-MiniLM-L6-v2",),
        deviations=(
            "NLI contradictions as negatives come labelled with the data; none are made here",
            "positives that no retriever found are kept; SimLM drops them as noise",
            "the teacher was SimLM's own; the one named here is a stand-in",
        ),
        unverified=("7 negatives a query", "that E5 took its negatives and scores over from SimLM"),
    ),
    Preset(
        name="e5-mistral",
        summary="one of the top 100 of a smaller encoder",
        source="Wang et al. 2024, arXiv 2401.00368",
        mining=_dense(100),
        policy=replace(_OPEN, negatives_per_query=1, sampling="random", max_rank=100),
        encoders=(_E5_MISTRAL, Family("intfloat/multilingual-e5-base", "mean", "query: ", "passage: ")),
        deviations=("mine with multilingual-e5-base, as its authors did, or with the model itself in a later round",),
        unverified=("that the one is drawn at random from the 100",),
    ),
    Preset(
        name="bge",
        summary="hn_mine of FlagEmbedding: a random 15 of ranks 11 to 210",
        source="Xiao et al. 2023, arXiv 2309.07597; FlagEmbedding scripts/hn_mine.py, its defaults",
        mining=_dense(210),
        policy=replace(_OPEN, negatives_per_query=15, sampling="random", skip_top=10, max_rank=210),
        encoders=(Family("BAAI/bge-base-en-v1.5", "cls", _SEARCHING),),
        teachers=("BAAI/bge-reranker-v2-m3", "BAAI/bge-reranker-base"),
        deviations=(
            "hn_mine fills up with random documents of the corpus, positives among them",
            "its README advises ranks 2 to 200, or 60 to 300 for easier ones: --skip-top and --max-rank",
            "training then takes 7 of the 15",
        ),
    ),
    Preset(
        name="bge-m3",
        summary="7 from the top of the encoder itself, then distillation from its three heads",
        source="Chen et al. 2024, arXiv 2402.03216",
        mining=_dense(200),
        policy=replace(_OPEN, negatives_per_query=7, sampling="random", max_rank=200),
        encoders=(Family("BAAI/bge-m3", "cls"),),
        teachers=("BAAI/bge-reranker-v2-m3",),
        deviations=(
            "its teacher is the sum of its own dense, sparse and multi-vector scores; here a cross-encoder, if any",
        ),
        unverified=("the depth of 200 and the random draw, taken over from ANCE, which the paper names",),
    ),
    Preset(
        name="gte",
        summary="one hard negative of another retriever; random ones fill the group in training",
        source="Li et al. 2023, arXiv 2308.03281",
        mining=_dense(100),
        policy=replace(_OPEN, negatives_per_query=1),
        encoders=(
            Family("thenlper/gte-base", "mean"),
            Family("Alibaba-NLP/gte-modernbert-base", "cls"),
            Family("Alibaba-NLP/gte-multilingual-base", "cls"),
            Family("Alibaba-NLP/gte-Qwen2-7B-instruct", "last", f"Instruct: {_WEB_SEARCH}\nQuery: "),
        ),
        teachers=("Alibaba-NLP/gte-multilingual-reranker-base", "Alibaba-NLP/gte-reranker-modernbert-base"),
        deviations=(
            "the random negatives that fill a group to 16 are left to the training",
            "gte-multilingual models ask for --trust-remote-code, which stays off unless you set it",
        ),
        unverified=("the depth, and that the hardest is taken", "8 hard negatives in mGTE, from memory; 1 is set here"),
    ),
    Preset(
        name="nv-retriever",
        summary="TopK-PercPos: the 4 hardest that score below 95% of the positive",
        source="Moreira et al. 2024, arXiv 2407.15831",
        mining=_dense(100),
        policy=replace(_OPEN, relative_margin=0.05, negatives_per_query=4, anchor="min"),
        encoders=(_E5_MISTRAL,),
        deviations=(
            "its teacher is the encoder that mines: leave --teacher empty, or a cross-encoder's scores decide instead",
            "the gap is 5% of the positive's absolute value: the same above zero, and safe below it",
        ),
        unverified=("the depth of 100",),
    ),
    Preset(
        name="nv-retriever-margin",
        summary="TopK-MarginPos: the 4 hardest that score 0.05 or more below the positive",
        source="Moreira et al. 2024, arXiv 2407.15831",
        mining=_dense(100),
        policy=replace(_OPEN, absolute_margin=0.05, negatives_per_query=4, anchor="min"),
        encoders=(_E5_MISTRAL,),
        deviations=("0.05 is a gap between cosines: leave --teacher empty, as between logits it is next to nothing",),
        unverified=("the depth of 100",),
    ),
    Preset(
        name="arctic-embed",
        summary="the 10 hardest of the top 1,000 that score below 95% of the weakest positive; short queries dropped",
        source="Merrick et al. 2024, arXiv 2405.05374; github.com/snowflakedb/ArcticTraining",
        mining=_dense(1000),
        policy=replace(_OPEN, relative_margin=0.05, negatives_per_query=10, anchor="min", shortfall="drop"),
        encoders=(
            Family("Snowflake/snowflake-arctic-embed-m-v1.5", "cls", _SEARCHING),
            Family("Snowflake/snowflake-arctic-embed-l-v2.0", "cls", "query: "),
        ),
        deviations=("it anchors at the weakest of the positives it trains on (1, or 3); here at the weakest of all",),
    ),
    Preset(
        name="zembed-1",
        summary="candidates spread over a reranker's scores, for distillation: no ceiling, the scores are the labels",
        source="Pipitone et al. 2025 (zELO), arXiv 2509.12541; huggingface.co/zeroentropy/zembed-1",
        mining=_both(100),
        policy=replace(NO_CEILING, negatives_per_query=15, sampling="stratified"),
        encoders=(Family("zeroentropy/zembed-1", "last"), Family("Qwen/Qwen3-Embedding-4B", "last")),
        teachers=("zeroentropy/zerank-2", "zeroentropy/zerank-1", "zeroentropy/zerank-1-small"),
        deviations=(
            "export it with scores (KL or MarginMSE): as plain negatives its top would hold unlabelled answers",
            "zELO fits Elo ratings to the pairwise choices of language models; the teacher's logit is taken as it is",
        ),
        unverified=(
            "everything about selection: how zembed-1 was distilled is not published, and stratified sampling, 15 a "
            "query and no ceiling are our choice; the pool (BM25 and dense, top 100) is that of zerank-1",
        ),
    ),
    Preset(
        name="sentence-transformers",
        summary="mine_hard_negatives by default: the 3 nearest documents that are not positives",
        source="sentence_transformers.util.mine_hard_negatives, its defaults",
        mining=_dense(100),
        policy=replace(_OPEN, negatives_per_query=3, skip_top=0, sampling="top"),
        encoders=(Family("sentence-transformers/all-MiniLM-L6-v2", "mean"),),
        deviations=(
            "it looks only as deep as the 3 and the positives need; a pool of 100 lets the policy change later",
        ),
    ),
)

PRESETS: Final[Mapping[str, Preset]] = MappingProxyType({preset.name: preset for preset in _ALL})
