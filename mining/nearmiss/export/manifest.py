"""`manifest.json`, the record of an export. Together with the run it is enough to reproduce the same bytes."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from nearmiss.export.shards import Shard
from nearmiss.settings import FormatName


@dataclass(frozen=True)
class Manifest:
    """
    The record of one export.

    `status` counts all candidates; exported positives and negatives and left-out candidates sum to them, as exported
    and left-out queries sum to the dataset's. Of the exported positives, reviewers found the promoted ones.
    `provenance` is the run's own record: recipe, policy, fingerprints, seconds. `reviews` says how much was judged, by
    how many, and up to which entry of the log. Sizes are in bytes.
    """

    format: FormatName
    options: Mapping[str, Any]
    provenance: Mapping[str, Any]
    reviews: Mapping[str, Any]
    status: Mapping[str, int]
    exported_queries: int
    left_out_queries: dict[str, int]
    exported_positives: int
    promoted_positives: int
    exported_negatives: int
    left_out_candidates: dict[str, int]
    own_columns: tuple[str, ...]
    batch_groups: Mapping[str, int] | None  # how many groups, and how many queries in them
    shards: tuple[Shard, ...]
    other_files: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values, in the order of the fields."""
        return asdict(self)
