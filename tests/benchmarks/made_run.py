"""
A run folder as `nearmiss mine` leaves it, made up in a minute: for measuring the app on more than one can wait to mine.

    python -m tests.benchmarks.made_run FOLDER [--queries N] [--candidates N] [--documents N]

Documents lie around topics; a query's candidates come from its topic. Dense scores are the cosines of the vectors that
are stored; the teacher and BM25 follow them with noise. Texts are made of a topic's words.
"""

import argparse
import dataclasses
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

from nearmiss import data as dataset
from nearmiss.calibration import stored
from nearmiss.calibration.signals import signals
from nearmiss.candidates.pooling import CandidatePairs, assemble, named
from nearmiss.data import Dataset, passages
from nearmiss.data.dataset import ReadCounts
from nearmiss.pipeline import LIBRARIES
from nearmiss.pipeline.round import QUERIES_PER_SHARD, TEXTS_PER_SHARD
from nearmiss.retrieval.vector_store import embed
from nearmiss.run import RUN_FILE, Run
from nearmiss.settings import Mining, Policy
from nearmiss.storage.files import write_json, write_parquet

DIMENSION = 384
WORDS = 4000
WORDS_OF_A_TOPIC = 120


@dataclass(frozen=True)
class Made:
    """What candidates are drawn from."""

    candidates: int
    topic_of_query: np.ndarray
    documents_of_topic: list[np.ndarray]
    query_vectors: np.ndarray
    document_vectors: np.ndarray


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="a new folder")
    parser.add_argument("--queries", type=int, default=10_000)
    parser.add_argument("--candidates", type=int, default=100, help="for each query")
    parser.add_argument("--documents", type=int, help="ten for each query unless told")
    arguments = parser.parse_args()
    wanted = arguments.documents or 10 * arguments.queries
    make(arguments.folder, arguments.queries, arguments.candidates, max(wanted, 2 * arguments.candidates))


def make(folder: Path, queries: int, candidates: int, documents: int) -> Run:
    """A run of one finished round; the same numbers give the same run."""
    rng = np.random.default_rng(0)
    topics = max(1, documents // (5 * candidates))
    topic_of_document = np.arange(documents) % topics
    centres = rng.normal(size=(topics, DIMENSION))
    made = Made(
        candidates=candidates,
        topic_of_query=rng.integers(0, topics, queries),
        documents_of_topic=[np.flatnonzero(topic_of_document == topic) for topic in range(topics)],
        query_vectors=np.empty((queries, DIMENSION), np.float16),
        document_vectors=_around(rng, centres, topic_of_document),
    )
    made.query_vectors[:] = _around(rng, centres, made.topic_of_query)
    drawn = [_draw(rng, made, start) for start in range(0, queries, QUERIES_PER_SHARD)]
    positives = pd.concat([rows[rows["is_answer"]] for rows in drawn])
    data = _data(rng, made, topic_of_document, positives)
    _write_run(folder, data, made)
    for number, rows in enumerate(drawn):
        path = folder / "rounds" / "1" / "candidates" / f"{number:05d}.parquet"
        write_parquet(path, named(_candidates(rng, rows), data))
    run, place = Run(folder), Run(folder).round_folder()
    candidates = run.candidates()
    found = signals(candidates)
    stored.save(place, found, stored.by_prior(found, candidates))
    return run


def _around(rng: np.random.Generator, centres: np.ndarray, topics: np.ndarray) -> np.ndarray:
    """Unit vectors, some close to their topic's centre and some far from it."""
    closeness = rng.uniform(0.45, 0.95, (len(topics), 1))
    rows = closeness * centres[topics] + np.sqrt(1 - closeness**2) * rng.normal(size=(len(topics), DIMENSION))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float16)


def _draw(rng: np.random.Generator, made: Made, start: int) -> pd.DataFrame:
    """Candidates of a shard's queries, with what the sources and the teacher think of them, in no order."""
    queries = np.arange(start, min(start + QUERIES_PER_SHARD, len(made.topic_of_query)))
    documents = np.concatenate(
        [rng.choice(made.documents_of_topic[made.topic_of_query[q]], made.candidates, replace=False) for q in queries]
    )
    query = np.repeat(queries, made.candidates)
    left, right = made.query_vectors[query].astype(np.float32), made.document_vectors[documents].astype(np.float32)
    dense = np.einsum("ij,ij->i", left, right)
    likeness = (dense - 0.45) / 0.12 + rng.normal(size=len(query))
    answers = _answers(rng, likeness.reshape(len(queries), -1))
    teacher = 2 * likeness - 3 + rng.normal(size=len(query)) + answers * rng.normal(2, 2.5, len(query))
    first_answer = np.repeat(np.arange(len(queries)) * made.candidates, made.candidates)
    first_answer = first_answer + np.repeat(answers.reshape(len(queries), -1).argmax(axis=1), made.candidates)
    to_answer = np.einsum("ij,ij->i", right, right[first_answer])
    return pd.DataFrame(
        {
            "query": query.astype(np.int32),
            "document": documents.astype(np.int32),
            "is_answer": answers,
            "dense_score": dense,
            "bm25_score": np.exp(1.8 + 0.25 * likeness + 0.35 * rng.normal(size=len(query))),
            "teacher_score": teacher,
            "positive_cosine": to_answer,
            "answer": documents[first_answer],
        }
    )


def _answers(rng: np.random.Generator, likeness: np.ndarray) -> np.ndarray:
    """One answer for each query, sometimes two, mostly among the most alike and now and then anywhere; flat."""
    order = np.argsort(-likeness, axis=1)
    answers = np.zeros(likeness.shape, bool)
    queries, candidates = likeness.shape
    for chance in (1.0, 0.1):
        place = np.minimum(rng.geometric(0.25, queries) - 1, candidates - 1)
        place = np.where(rng.random(queries) < 0.04, rng.integers(0, candidates, queries), place)
        rows = np.flatnonzero(rng.random(queries) < chance)
        answers[rows, order[rows, place[rows]]] = True
    return answers.ravel()


def _candidates(rng: np.random.Generator, drawn: pd.DataFrame) -> pd.DataFrame:
    """The columns of a round's candidates, with row numbers in the place of ids."""
    keys = ["query", "document"]
    bm25, dense = (drawn.groupby("query")[f"{s}_score"].rank(ascending=False) for s in ("bm25", "dense"))
    deep = 0.65 * drawn.groupby("query")["query"].transform("size")
    by_bm25 = bm25 <= deep
    by_dense = (dense <= deep) | ~by_bm25
    found = {"bm25": _found(drawn, by_bm25, "bm25_score"), "dense": _found(drawn, by_dense, "dense_score")}
    answers = drawn[drawn["is_answer"]]
    positives = CandidatePairs(answers["query"].to_numpy(np.int64), answers["document"].to_numpy(np.int64))
    nobody = CandidatePairs(np.empty(0, np.int64), np.empty(0, np.int64))
    rows = assemble(found, positives, nobody)
    known = rows[keys].merge(drawn, on=keys, how="left", validate="1:1")
    # A copy of a positive scores about as high as it; a few others come from its page.
    copied = ~rows["is_positive"] & (rng.random(len(rows)) < 0.004)
    cosine = np.where(copied, 0.99, known["positive_cosine"]).astype(np.float32)
    teacher = known["teacher_score"].to_numpy(np.float32)
    lowest = pd.Series(teacher).where(rows["is_positive"]).groupby(rows["query"]).transform("min")
    answer = pd.Series(known["answer"].map(document_id).to_numpy(object), dtype="str")
    return rows.assign(
        dense_score=known["dense_score"].to_numpy(np.float32),
        is_the_query=False,
        duplicate_of=answer.where(copied),
        duplicate_kind=pd.Series(np.where(copied, "same_text", ""), dtype="str"),
        positive_cosine=cosine,
        positive_jaccard=np.where(cosine >= 0.8, np.float32(0.7), np.float32(np.nan)),
        is_sibling=~rows["is_positive"] & (rng.random(len(rows)) < 0.01),
        teacher_score=np.where(copied, lowest.to_numpy(np.float32), teacher),
        positive_score=lowest.to_numpy(np.float32),
    )


def _found(drawn: pd.DataFrame, by_source: pd.Series, score: str) -> pd.DataFrame:
    rows = drawn.loc[by_source, ["query", "document", score]].rename(columns={score: "score"})
    rank = rows.groupby("query")["score"].rank(ascending=False, method="first").astype(np.int32)
    return rows.assign(rank=rank)


def query_id(row: int) -> str:
    """The id of a query."""
    return f"query-{row:05d}"


def document_id(row: int) -> str:
    """The id of a document."""
    return f"document-{row:06d}"


def _data(rng: np.random.Generator, made: Made, topic_of_document: np.ndarray, positives: pd.DataFrame) -> Dataset:
    queries, documents = len(made.topic_of_query), len(topic_of_document)
    words = np.array([_word(rng) for _ in range(WORDS)])
    topics = rng.integers(0, WORDS, (len(made.documents_of_topic), WORDS_OF_A_TOPIC))
    return Dataset(
        queries=pd.DataFrame(
            {
                "query_id": pd.Series([query_id(row) for row in range(queries)], dtype="str"),
                "text": _texts(rng, words, topics[made.topic_of_query], 8),
            }
        ),
        documents=pd.DataFrame(
            {
                "doc_id": pd.Series([document_id(row) for row in range(documents)], dtype="str"),
                "title": _texts(rng, words, topics[topic_of_document], 3),
                "text": _texts(rng, words, topics[topic_of_document], 40),
            }
        ),
        positives=pd.DataFrame(
            {
                "query_id": positives["query"].map(query_id).astype("str").reset_index(drop=True),
                "doc_id": positives["document"].map(document_id).astype("str").reset_index(drop=True),
                "grade": 1.0,
            }
        ),
        negatives=pd.DataFrame({"query_id": pd.Series([], dtype="str"), "doc_id": pd.Series([], dtype="str")}),
        counts=ReadCounts(queries + documents, queries + documents, 0),
    )


def _word(rng: np.random.Generator) -> str:
    return "".join(rng.choice(list("bdfglmnprstv")) + rng.choice(list("aeiou")) for _ in range(rng.integers(2, 4)))


def _texts(rng: np.random.Generator, words: np.ndarray, topics: np.ndarray, length: int) -> pd.Series:
    chosen = words[np.take_along_axis(topics, rng.integers(0, topics.shape[1], (len(topics), length)), axis=1)]
    return pd.Series([" ".join(row) for row in chosen], dtype="str")


def _write_run(folder: Path, data: Dataset, made: Made) -> None:
    dataset.save(data, folder / "dataset")
    Run(folder).save_policy(Policy())
    for name, texts, rows in (
        ("document_vectors", passages(data.documents), made.document_vectors),
        ("query_vectors", data.queries["text"].tolist(), made.query_vectors),
    ):
        place = {text: row for row, text in enumerate(texts)}

        def encode(asked: list[str], place: dict[str, int] = place, rows: np.ndarray = rows) -> np.ndarray:
            return rows[[place[text] for text in asked]].astype(np.float32)

        where = folder / "rounds" / "1" / name
        embed(texts, encode, where, fingerprint="made-up", rows_per_shard=TEXTS_PER_SHARD)
    write_json(folder / "rounds" / "1" / "seconds.json", {"bm25": 1.0, "dense": 1.0, "pool": 1.0, "teacher": 1.0})
    counts = {name: len(getattr(data, name)) for name in ("queries", "documents", "positives", "negatives")}
    rows = dataclasses.asdict(data.counts)
    model = {"name": "made-up", "fingerprint": "0" * 64, "engine": "none", "precision": "float32", "agreement": None}
    scored = len(made.topic_of_query) * made.candidates
    entry = {
        "round": 1,
        "finished": True,
        "recipe": dataclasses.asdict(Mining(teacher="made-up")),
        "encoder": model,
        "teacher": model | {"scored": scored, "cached": 0},
        "sparse_encoder": None,
        "language": "en",
        "index": {"kind": "exact"},
    }
    facts = {
        "versions": {library: version(library) for library in LIBRARIES},
        "dataset": {"fingerprint": dataset.fingerprint(data), **counts, "rows": rows},
        "rounds": [entry],
    }
    write_json(folder / RUN_FILE, facts)


if __name__ == "__main__":
    main()
