"""
An export of ours as input: which format its rows have, and whether every shard is there.

In:  a folder with the manifest.json that an export leaves
Out: the reading format, and the options the export was written with; DatasetError where it cannot be training data
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from nearmiss.errors import DatasetError

MANIFEST = "manifest.json"
READ_AS = {
    **dict.fromkeys(
        ("triplet", "n-tuple", "labeled-pair", "labeled-list", "margin-mse", "margin-mse-list", "kl"), "pairs"
    ),
    **dict.fromkeys(("tevatron", "tevatron-ids"), "tevatron"),
    **dict.fromkeys(("rocketqa-ce", "rocketqa-de"), "rocketqa"),
    **{name: name for name in ("flag", "dpr", "pylate", "nemo")},
}


class ExportedRows(NamedTuple):
    """What an export's manifest records of its rows."""

    format: str
    written_as: str
    options: Mapping[str, Any]


def exported(folder: Path) -> ExportedRows | None:
    """The export in a folder, if there is one."""
    path = folder / MANIFEST
    try:
        content = json.loads(path.read_text("utf-8")) if path.is_file() else None
    except (OSError, ValueError):
        return None
    if not isinstance(content, dict) or not {"format", "shards"} <= set(content):
        return None
    name, shards = content["format"], content["shards"]
    if name not in READ_AS:
        raise DatasetError(f"{folder}: wanted an export that can be read as data; found {name!r}, which cannot")
    if missing := [shard["name"] for shard in shards if not (folder / shard["name"]).is_file()]:
        listed = ", ".join(missing[:5])
        raise DatasetError(f"{folder}: wanted every shard of the export; found {len(missing):,} missing: {listed}")
    return ExportedRows(READ_AS[name], name, content.get("options") or {})
