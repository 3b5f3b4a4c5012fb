"""`Export`: the format of a training set, and what becomes of reviewed candidates in it."""

from dataclasses import dataclass
from typing import Annotated, Literal

from nearmiss.settings.field_rules import check_fields
from nearmiss.settings.ranges import COUNT

FormatName = Literal[
    "triplet",
    "n-tuple",
    "labeled-pair",
    "labeled-list",
    "margin-mse",
    "margin-mse-list",
    "kl",
    "flag",
    "tevatron",
    "tevatron-ids",
    "dpr",
    "pylate",
    "nemo",
    "rocketqa-ce",
    "rocketqa-de",
    "swift",
    "swift-reranker",
    "arctic",
    "trec",
]
# Unsloth trains with sentence-transformers' own trainer, so its rows are the same.
ALIASES: dict[str, FormatName] = {"unsloth": "triplet"}
Compress = Literal["zst", "gz", "none"]
Container = Literal["jsonl", "parquet"]
OfRelevant = Literal["promote", "drop"]
OfPartial = Literal["mask", "keep"]
OfUnsure = Literal["drop", "keep"]


@dataclass(frozen=True)
class Export:
    """
    The shape of one export. The same choices, data and provenance give the same bytes.

    Raises RecipeError for a value out of its range.

    Example:
        >>> import nearmiss as nm
        >>> nm.Export(format="n-tuple", scores=True, negatives=5).container
        'jsonl'
    """

    format: Annotated[FormatName, "form of the rows, named after the training code that reads it"] = "triplet"
    scores: Annotated[bool, "add the teacher's scores, where the format has a place for them"] = False
    own_columns: Annotated[bool, "add your own columns, after the format's (losses read columns by position)"] = False
    batch_groups: Annotated[
        bool,
        "add a last column `batch_group`: no row of a group answers another's query, so draw a batch from one group",
    ] = False
    negatives: Annotated[
        int | None,
        "negatives in a row of n-tuple, margin-mse-list and kl; by default as many as nine in ten queries have",
        COUNT,
    ] = None
    prompt: Annotated[str, "instruction for the queries: FlagEmbedding's `prompt`, ms-swift's system message"] = ""
    corpus_id: Annotated[str, "name of the corpus in `nemo`; two datasets trained on together need two"] = "nearmiss"
    shard_size: Annotated[int | None, "rows in one file; by default one file for each table", COUNT] = None
    compress: Annotated[Compress | None, "by default zst, or none where the training code opens the file itself"] = None
    container: Annotated[Container, "kind of file, for the formats that are rows: JSON lines or Parquet"] = "jsonl"
    relevant: Annotated[OfRelevant, "judged relevant: promote to a positive of the export, or drop"] = "promote"
    partial: Annotated[OfPartial, "judged partly relevant: mask, or keep as a candidate like any other"] = "mask"
    unsure: Annotated[OfUnsure, "judged `cannot tell`: drop, or keep as a candidate like any other"] = "drop"

    def __post_init__(self) -> None:
        object.__setattr__(self, "format", ALIASES.get(self.format, self.format))
        check_fields(self)
