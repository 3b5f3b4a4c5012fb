"""
Files of vectors with ids, as other programs write them: .npy with ids beside it, Parquet, Arrow, or a folder of parts.

In:  a path
Out: the ids, and arrays (rows, dimension) that are mapped from disk; ModelError where the file holds something else

Arrow that is not packed is mapped as it lies. The vectors of Parquet are unpacked into a scratch file.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from nearmiss.errors import ModelError
from nearmiss.settings import IN_ORDER
from nearmiss.storage.numbered import by_number
from nearmiss.storage.scratch import Scratch

ID_NAMES = ("doc_id", "query_id", "_id", "id", "docid", "qid", "pid")
VECTOR_NAMES = ("vector", "embedding", "vectors", "embeddings", "emb")
TABLES = (".parquet", ".arrow", ".feather", ".ipc")
ROWS_AT_ONCE = 1 << 12

Shard = npt.NDArray[np.floating[Any]]


def read_vectors(path: Path, flag: str, *, with_ids: bool) -> tuple[pa.ChunkedArray | None, list[Shard]]:
    """Ids as text, None where they are not wanted, and vectors of a file, or of the parts of one in a folder."""
    ids: list[pa.Array] = []
    shards: list[Shard] = []
    for part in _parts(path, flag):
        try:
            own, some = _of_npy(part, flag, with_ids) if part.suffix == ".npy" else _of_table(part, flag, with_ids)
        except (OSError, ValueError, EOFError, pa.ArrowException) as error:
            raise ModelError(f"{flag} {part}: wanted a whole file of vectors; found {error}") from error
        ids += own
        shards += some
    return (pa.chunked_array(ids, pa.large_string()) if with_ids else None), shards


def _parts(path: Path, flag: str) -> list[Path]:
    if path.is_file():
        if path.suffix in (".npy", *TABLES):
            return [path]
    elif path.is_dir():
        for suffix in (".npy", *TABLES):
            files = (file for file in path.glob(f"*{suffix}") if not file.name.endswith((".ids.npy", f".tmp{suffix}")))
            if found := sorted(files, key=by_number):
                return found
    else:
        raise ModelError(f"{flag} {path}: wanted a file or a folder with vectors; found nothing there")
    raise ModelError(f"{flag} {path}: wanted .npy, {', '.join(TABLES)}, or a folder of one of them; found none")


def _of_npy(path: Path, flag: str, with_ids: bool) -> tuple[list[pa.Array], list[Shard]]:
    array: Shard = np.load(path, mmap_mode="r", allow_pickle=False)
    if not with_ids:
        return [], [array]
    for beside in (path.with_suffix(f".ids.{form}") for form in ("json", "txt", "npy")):
        if beside.is_file():
            ids = _ids(beside)
            if len(ids) != len(array):
                raise ModelError(f"{flag} {beside}: wanted an id for each of {len(array):,} rows; found {len(ids):,}")
            return [pa.array(ids, pa.large_string())], [array]
    raise ModelError(
        f"{flag} {path}: wanted ids beside it, in {path.stem}.ids.txt (one a line), .ids.json or .ids.npy; found none. "
        f"Where its rows stand in the data's order, say so: {path}{IN_ORDER}"
    )


def _ids(path: Path) -> list[str]:
    if path.suffix == ".npy":
        return [str(one) for one in np.load(path, allow_pickle=False).tolist()]
    text = path.read_text("utf-8")
    if path.suffix == ".json":
        return [str(one) for one in json.loads(text)]
    # Not `splitlines`, which also cuts at line separators that stand in ids.
    return text.removesuffix("\n").split("\n") if text else []


def _of_table(path: Path, flag: str, with_ids: bool) -> tuple[list[pa.Array], list[Shard]]:
    parquet = path.suffix == ".parquet"
    schema = _schema(path) if parquet else (table := _mapped_table(path)).schema
    lists = [field.name for field in schema if _holds_lists(field.type)]
    column = next((name for name in VECTOR_NAMES if name in lists), lists[0] if len(lists) == 1 else None)
    if column is None:
        raise ModelError(f"{flag} {path}: wanted a column `vector` of lists of fractions; found {schema.names}")
    key = next((name for name in ID_NAMES if name in schema.names), None)
    if with_ids and key is None:
        raise ModelError(f"{flag} {path}: wanted a column of ids, such as `id`; found {schema.names}")
    ids = (_parquet_column(path, key) if parquet else table[key].chunks) if with_ids and key else []
    flat = _flat(_parquet_column(path, column) if parquet else table[column].chunks, path, flag)
    shards = _unpacked(flat) if parquet else list(flat)
    if not shards:
        raise ModelError(f"{flag} {path}: wanted a vector in each row; found no rows")
    return [_as_text(block) for block in ids], shards


def _flat(blocks: Iterable[pa.Array], path: Path, flag: str) -> Iterator[Shard]:
    """Each block of lists as an array (rows, dimension), without a copy where Arrow holds it so."""
    import pyarrow.compute as pc

    dimension = None
    for block in filter(len, blocks):
        if block.null_count:
            raise ModelError(f"{flag} {path}: wanted a vector in each row; found {block.null_count:,} rows without")
        for length in pc.unique(pc.list_value_length(block)).to_pylist():
            dimension = length if dimension is None else dimension
            if length != dimension:
                raise ModelError(f"{flag} {path}: wanted one dimension; found vectors of {dimension} and of {length}")
        yield block.flatten().to_numpy(zero_copy_only=False).reshape(len(block), dimension)


def _unpacked(blocks: Iterable[Shard]) -> list[Shard]:
    """The blocks as one array that is mapped from a scratch file."""
    scratch: Scratch | None = None
    for block in blocks:
        scratch = scratch or Scratch(block.dtype, block.shape[1])
        scratch.extend(block)
    return [] if scratch is None else [scratch.mapped()]


def _schema(path: Path) -> pa.Schema:
    import pyarrow.parquet as pq

    return pq.read_schema(path)


def _parquet_column(path: Path, name: str) -> Iterator[pa.Array]:
    """A column of a Parquet file, block by block."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(ROWS_AT_ONCE, columns=[name]):
            yield batch.column(0)


def _mapped_table(path: Path) -> pa.Table:
    """The table of an Arrow file; its columns lie on disk unless they are packed."""
    file = pa.memory_map(str(path))
    try:
        return pa.ipc.open_file(file).read_all()
    except pa.ArrowInvalid:  # a stream, as `datasets` writes
        file.seek(0)
        return pa.ipc.open_stream(file).read_all()


def _as_text(ids: pa.Array) -> pa.Array:
    if pa.types.is_string(ids.type) or pa.types.is_large_string(ids.type) or pa.types.is_integer(ids.type):
        return ids.cast(pa.large_string())
    return pa.array([str(one) for one in ids.to_pylist()], pa.large_string())


def _holds_lists(kind: pa.DataType) -> bool:
    is_list = pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind) or pa.types.is_large_list(kind)
    return bool(is_list and pa.types.is_floating(kind.value_type))
