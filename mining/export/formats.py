"""
Every format as a value: what reads it, which tables it has, and what its columns mean.

To add one: write its row function, describe it here, and name it in `FormatName`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from mining.export import for_lines as lines
from mining.export import for_sentence_transformers as losses
from mining.export import for_toolkits as toolkits
from mining.export import words
from mining.export.examples import Document, Example
from mining.recipe import Export, FormatName

Row = dict[str, Any]
Columns = Mapping[str, str]


@dataclass(frozen=True)
class Table:
    """Rows that examples give: the file's stem, and the words for each column."""

    stem: str
    rows: Callable[[Example, Export], Iterator[Row]]
    columns: Columns


@dataclass(frozen=True)
class Corpus:
    """Rows of the documents that the examples name."""

    stem: str
    row: Callable[[Document], Row]
    columns: Columns


@dataclass(frozen=True)
class Format:
    """One training code's input."""

    consumer: str
    tables: tuple[Table, ...]
    corpus: Corpus | None = None
    file: Literal["rows", "array", "tsv"] = "rows"  # rows: JSON lines or Parquet; array: one JSON value around all
    same_number: bool = False  # every row needs the same number of negatives
    scores: Literal["optional", "always", "never"] = "optional"
    opened_plainly: bool = False  # the consumer cannot read compressed files
    own_columns_in: str | None = "train"  # the table that takes the user's query columns
    frame: Callable[[Mapping[str, Any]], tuple[str, str]] = toolkits.plain_frame  # what stands around an array
    field: str = ""  # where in the frame the rows are
    records: Callable[[Export], dict[str, Any]] = toolkits.no_records  # small JSON files that the consumer wants


_Rows = Callable[[Example, Export], Iterator[Row]]
_ST = "sentence-transformers"


def _rows(consumer: str, rows: _Rows, columns: Columns) -> Format:
    return Format(consumer, (Table("train", rows, columns),))


def _lines(consumer: str, *tables: Table, scores: Literal["always", "never"]) -> Format:
    return Format(consumer, tables, file="tsv", scores=scores, opened_plainly=True, own_columns_in=None)


FORMATS: dict[FormatName, Format] = {
    "triplet": _rows(f"{_ST}: MultipleNegativesRankingLoss, TripletLoss", losses.triplet, words.TRIPLET),
    "n-tuple": replace(_rows(f"{_ST}: MultipleNegativesRankingLoss", losses.n_tuple, words.N_TUPLE), same_number=True),
    "labeled-pair": _rows(f"{_ST}: ContrastiveLoss, BinaryCrossEntropyLoss", losses.labeled_pair, words.LABELED_PAIR),
    "labeled-list": _rows(f"{_ST}: LambdaLoss, ListNetLoss", losses.labeled_list, words.LABELED_LIST),
    "margin-mse": replace(
        _rows(f"{_ST}: MarginMSELoss, one negative a row", losses.margin_mse, words.MARGIN_MSE), scores="always"
    ),
    "margin-mse-list": replace(
        _rows(f"{_ST}: MarginMSELoss, all the negatives a row", losses.score_list, words.SCORE_LIST),
        same_number=True,
        scores="always",
    ),
    "kl": replace(
        _rows(f"{_ST}: DistillKLDivLoss", losses.score_list, words.SCORE_LIST), same_number=True, scores="always"
    ),
    "flag": replace(_rows("FlagEmbedding", toolkits.flag, words.FLAG), opened_plainly=True),
    "tevatron": _rows("Tevatron, passages inline", toolkits.tevatron, words.TEVATRON),
    "tevatron-ids": replace(
        _rows("Tevatron, ids beside a corpus", toolkits.tevatron_ids, words.TEVATRON_IDS),
        corpus=Corpus("corpus", toolkits.tevatron_document, words.TEVATRON_DOCUMENT),
        scores="never",
    ),
    "dpr": replace(
        _rows("DPR (facebookresearch)", toolkits.dpr, words.DPR), file="array", scores="always", opened_plainly=True
    ),
    "pylate": Format(
        f"PyLate's distillation, and {_ST}' resolve_ids",
        (
            Table("train", toolkits.pylate, words.PYLATE),
            Table("queries", toolkits.pylate_query, words.PYLATE_QUERY),
        ),
        Corpus("documents", toolkits.pylate_document, words.PYLATE_DOCUMENT),
        scores="always",
        own_columns_in="queries",
    ),
    "nemo": Format(
        "NVIDIA NeMo Automodel",
        (Table("train", toolkits.nemo, words.NEMO),),
        Corpus("corpus/train", toolkits.nemo_document, words.NEMO_DOCUMENT),
        file="array",
        scores="always",
        opened_plainly=True,
        frame=toolkits.nemo_frame,
        field="data",
        records=toolkits.nemo_records,
    ),
    "rocketqa-ce": _lines(
        "RocketQA's cross-encoder", Table("train", lines.rocketqa_ce, words.ROCKETQA_CE), scores="never"
    ),
    "rocketqa-de": _lines(
        "RocketQA's dual encoder", Table("train", lines.rocketqa_de, words.ROCKETQA_DE), scores="never"
    ),
    "trec": _lines(
        "trec_eval, ir_measures and any tool that reads TREC files",
        Table("qrels", lines.qrels, words.QRELS),
        Table("run", lines.run, words.RUN),
        scores="always",
    ),
}
