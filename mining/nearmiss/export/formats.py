"""
Every format as a value: what reads it, which tables it has, and what its columns mean.

To add one: write its row function, describe it here, and name it in `FormatName`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from nearmiss.errors import RecipeError
from nearmiss.export import column_help
from nearmiss.export import for_arctic as tables
from nearmiss.export import for_lines as lines
from nearmiss.export import for_sentence_transformers as losses
from nearmiss.export import for_swift as conversations
from nearmiss.export import for_toolkits as toolkits
from nearmiss.export.examples import Document, TrainingExample
from nearmiss.settings import Export, FormatName, flag
from nearmiss.types import Ints, Row

ColumnHelp = Mapping[str, str]
GROUP = "batch_group"
WITH_PROMPT: tuple[FormatName, ...] = ("flag", "swift", "swift-reranker")


@dataclass(frozen=True)
class RowShape:
    """How the positives and negatives of a query fall into rows."""

    count: Callable[[Ints, Ints], Ints]  # of a query's numbers of positives and of negatives, (n_queries,) each
    passages: Callable[[list[str], list[str]], list[list[str]]]  # of each row, of the passages of one query


EACH_PAIR = RowShape(
    lambda positives, negatives: positives * negatives,
    lambda positives, negatives: [[positive, negative] for positive in positives for negative in negatives],
)
EACH_POSITIVE = RowShape(  # with all the negatives
    lambda positives, negatives: positives,
    lambda positives, negatives: [[positive, *negatives] for positive in positives],
)
EACH_PASSAGE = RowShape(
    lambda positives, negatives: positives + negatives,
    lambda positives, negatives: [[one] for one in (*positives, *negatives)],
)
EACH_QUERY = RowShape(
    lambda positives, negatives: np.ones_like(positives),
    lambda positives, negatives: [[*positives, *negatives]],
)


@dataclass(frozen=True)
class FormatTable:
    """Rows that examples give: the file's stem, the words for each column, and how many rows a query gives."""

    stem: str
    rows: Callable[[TrainingExample, Export], Iterator[Row]]
    columns: ColumnHelp
    shape: RowShape
    types: ColumnHelp = field(default_factory=dict)  # of columns that Parquet would otherwise take for int64


@dataclass(frozen=True)
class CorpusTable:
    """Rows of the documents that the examples name."""

    stem: str
    row: Callable[[Document], Row]
    columns: ColumnHelp
    types: ColumnHelp = field(default_factory=dict)


@dataclass(frozen=True)
class ExportFormat:
    """The input format of one training library, and its use."""

    library: str
    use: str
    tables: tuple[FormatTable, ...]
    corpus: CorpusTable | None = None
    # rows: JSON lines or Parquet; parquet: that alone; array: one JSON value around all
    file: Literal["rows", "parquet", "array", "tsv"] = "rows"
    same_number: bool = False  # every row needs the same number of negatives
    scores: Literal["optional", "always", "never"] = "optional"
    opened_plainly: bool = False  # the consumer cannot read compressed files
    own_columns_in: str | None = "train"  # the table that takes the user's query columns
    frame: Callable[[Mapping[str, Any]], tuple[str, str]] = toolkits.plain_frame  # what stands around an array
    field: str = ""  # where in the frame the rows are
    records: Callable[[Export], dict[str, Any]] = toolkits.no_records  # small JSON files that the consumer wants

    @property
    def consumer(self) -> str:
        """What reads it, in words."""
        return f"{self.library}: {self.use}"


_Rows = Callable[[TrainingExample, Export], Iterator[Row]]
_ST = "sentence-transformers"


def _rows(library: str, use: str, rows: _Rows, columns: ColumnHelp, shape: RowShape) -> ExportFormat:
    return ExportFormat(library, use, (FormatTable("train", rows, columns, shape),))


def _scored(use: str, rows: _Rows, columns: ColumnHelp, shape: RowShape) -> ExportFormat:
    return replace(_rows(_ST, use, rows, columns, shape), scores="always")


def _lines(library: str, use: str, *tables: FormatTable, scores: Literal["always", "never"]) -> ExportFormat:
    return ExportFormat(library, use, tables, file="tsv", scores=scores, opened_plainly=True, own_columns_in=None)


EXPORT_FORMATS: dict[FormatName, ExportFormat] = {
    "triplet": _rows(_ST, "MultipleNegativesRankingLoss, TripletLoss", losses.triplet, column_help.TRIPLET, EACH_PAIR),
    "n-tuple": replace(
        _rows(_ST, "MultipleNegativesRankingLoss, all negatives", losses.n_tuple, column_help.N_TUPLE, EACH_POSITIVE),
        same_number=True,
    ),
    "labeled-pair": _rows(
        _ST, "ContrastiveLoss, BinaryCrossEntropyLoss", losses.labeled_pair, column_help.LABELED_PAIR, EACH_PASSAGE
    ),
    "labeled-list": _rows(_ST, "LambdaLoss, ListNetLoss", losses.labeled_list, column_help.LABELED_LIST, EACH_POSITIVE),
    "margin-mse": _scored("MarginMSELoss, one negative", losses.margin_mse, column_help.MARGIN_MSE, EACH_PAIR),
    "margin-mse-list": replace(
        _scored("MarginMSELoss, all negatives", losses.score_list, column_help.SCORE_LIST, EACH_POSITIVE),
        same_number=True,
    ),
    "kl": replace(
        _scored("DistillKLDivLoss", losses.score_list, column_help.SCORE_LIST, EACH_POSITIVE), same_number=True
    ),
    "flag": replace(
        _rows("FlagEmbedding", "lists of positives and negatives", toolkits.flag, column_help.FLAG, EACH_QUERY),
        opened_plainly=True,
    ),
    "tevatron": _rows("Tevatron", "texts in each row", toolkits.tevatron, column_help.TEVATRON, EACH_QUERY),
    "tevatron-ids": replace(
        _rows("Tevatron", "ids beside a corpus", toolkits.tevatron_ids, column_help.TEVATRON_IDS, EACH_QUERY),
        corpus=CorpusTable("corpus", toolkits.tevatron_document, column_help.TEVATRON_DOCUMENT),
        scores="never",
    ),
    "dpr": replace(
        _rows("DPR", "one JSON array", toolkits.dpr, column_help.DPR, EACH_QUERY),
        file="array",
        scores="always",
        opened_plainly=True,
    ),
    "pylate": ExportFormat(
        "PyLate",
        f"distillation; {_ST}' resolve_ids",
        (
            FormatTable("train", toolkits.pylate, column_help.PYLATE, EACH_POSITIVE),
            FormatTable("queries", toolkits.pylate_query, column_help.PYLATE_QUERY, EACH_QUERY),
        ),
        CorpusTable("documents", toolkits.pylate_document, column_help.PYLATE_DOCUMENT),
        scores="always",
        own_columns_in="queries",
    ),
    "nemo": ExportFormat(
        "NVIDIA NeMo Automodel",
        "ids beside a corpus",
        (FormatTable("train", toolkits.nemo, column_help.NEMO, EACH_QUERY),),
        CorpusTable("corpus/train", toolkits.nemo_document, column_help.NEMO_DOCUMENT),
        file="array",
        scores="always",
        opened_plainly=True,
        frame=toolkits.nemo_frame,
        field="data",
        records=toolkits.nemo_records,
    ),
    "rocketqa-ce": _lines(
        "RocketQA",
        "cross-encoder",
        FormatTable("train", lines.rocketqa_ce, column_help.ROCKETQA_CE, EACH_PASSAGE),
        scores="never",
    ),
    "rocketqa-de": _lines(
        "RocketQA",
        "dual encoder",
        FormatTable("train", lines.rocketqa_de, column_help.ROCKETQA_DE, EACH_PAIR),
        scores="never",
    ),
    "swift": replace(
        _rows("ms-swift", "embedding models (InfoNCE)", conversations.swift, column_help.SWIFT, EACH_POSITIVE),
        scores="never",
        opened_plainly=True,
    ),
    "swift-reranker": replace(
        _rows("ms-swift", "rerankers", conversations.swift_reranker, column_help.SWIFT_RERANKER, EACH_QUERY),
        scores="never",
        opened_plainly=True,
    ),
    "arctic": ExportFormat(
        "Arctic-Embed",
        "ArcticTraining's mined labels, queries and documents",
        (
            FormatTable("labels", tables.arctic, column_help.ARCTIC, EACH_PASSAGE, tables.LABEL_TYPES),
            FormatTable("queries", tables.arctic_query, column_help.ARCTIC_QUERY, EACH_QUERY, {"QUERY_ID": "uint64"}),
        ),
        CorpusTable("documents", tables.arctic_document, column_help.ARCTIC_DOCUMENT, {"DOCUMENT_ID": "uint64"}),
        file="parquet",
        scores="never",
        own_columns_in="queries",
    ),
    "trec": _lines(
        "TREC tools",
        "qrels and a run: trec_eval, ir_measures",
        FormatTable("qrels", lines.qrels, column_help.QRELS, EACH_PASSAGE),
        FormatTable("run", lines.run, column_help.RUN, EACH_PASSAGE),
        scores="always",
    ),
}


def by_library() -> dict[str, list[FormatName]]:
    """Each training code, and the formats that it reads."""
    libraries: dict[str, list[FormatName]] = {}
    for name, form in EXPORT_FORMATS.items():
        libraries.setdefault(form.library, []).append(name)
    return libraries


def choices(name: FormatName) -> frozenset[str]:
    """The fields of `Export` that a person may set for a format, besides those that suit every format."""
    form = EXPORT_FORMATS[name]
    offered = {
        "scores": form.scores == "optional",
        "own_columns": form.own_columns_in is not None,
        "batch_groups": form.file == "rows",
        "negatives": form.same_number,
        "prompt": name in WITH_PROMPT,
        "corpus_id": name == "nemo",
        "container": form.file == "rows",
    }
    return frozenset(field for field, possible in offered.items() if possible)


def columns(export: Export) -> list[str]:
    """The columns of the first table of an export, in order; the user's own stand before `batch_group`, or last."""
    form = EXPORT_FORMATS[export.format]
    optional = form.scores == "optional"
    scored = {"label": "score", "labels": "scores"} if optional and export.scores else {}
    absent = {"scores", "pos_scores", "neg_scores"} if optional and not export.scores else set()
    absent |= set() if export.prompt else {"prompt"}
    named = [scored.get(name, name) for name in form.tables[0].columns if name not in absent]
    return [*named, GROUP] if export.batch_groups else named


def check(export: Export) -> None:
    """Raise RecipeError where the format cannot do as asked."""
    name, form = export.format, EXPORT_FORMATS[export.format]
    if export.scores and form.scores == "never":
        raise RecipeError(f"--scores: wanted a format with a place for them; found {name}")
    if export.own_columns and form.own_columns_in is None:
        raise RecipeError(f"--own-columns: wanted a format that can be extended; found {name}")
    if export.container == "parquet" and form.file == "parquet":
        raise RecipeError(f"--container parquet: wanted none, since {name} is Parquet in any case; found it")
    if export.container == "parquet" and form.file != "rows":
        raise RecipeError(f"--container parquet: wanted a format of rows; found {name}")
    if export.batch_groups and form.file != "rows":
        raise RecipeError(f"--batch-groups: wanted a format of rows, which can have one more column; found {name}")
    if export.negatives is not None and not form.same_number:
        raise RecipeError(f"--negatives: wanted n-tuple, margin-mse-list or kl; found {name}, which takes any number")
    defaults = Export()
    for option, wanted in (
        ("prompt", f"{' or '.join(WITH_PROMPT)}, which have a place for it"),
        ("corpus_id", "nemo, whose rows name it"),
    ):
        if getattr(export, option) != getattr(defaults, option) and option not in choices(name):
            raise RecipeError(f"{flag(option)}: wanted {wanted}; found {name}")
    if not export.corpus_id.strip():
        raise RecipeError("--corpus-id: wanted a name; found none")
