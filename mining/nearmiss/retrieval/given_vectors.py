"""
Vectors that a user already has, in the place of an encoder; and a run's vectors written in the same form.

In:  a file or folder of vectors with ids (.npy with its ids beside it, Parquet, Arrow), or an array; the data's ids
Out: unit vectors in the data's order, with a fingerprint of their numbers; or files that other programs read

Arrays in .npy files are mapped from disk; tables are read whole.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from nearmiss.errors import ModelError
from nearmiss.retrieval import vectors
from nearmiss.settings import IN_ORDER
from nearmiss.storage.files import write_atomically, write_json
from nearmiss.storage.numbered import by_number
from nearmiss.types import AnyInts, Vectors

IN_MEMORY = "an array in memory"
ID_NAMES = ("doc_id", "query_id", "_id", "id", "docid", "qid", "pid")
VECTOR_NAMES = ("vector", "embedding", "vectors", "embeddings", "emb")
TABLES = (".parquet", ".arrow", ".feather", ".ipc")
ROWS_AT_ONCE = 1 << 14
UNIT = 1e-3  # how far from 1 the length of a unit vector in half precision may be

Shard = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class OrderedVectors:
    """The vector of each document or query, in the data's order."""

    shards: tuple[Shard, ...]
    rows: AnyInts  # of the data's items among those of the shards
    name: str
    fingerprint: str
    dimension: int
    normalised: bool  # whether they were unit vectors already

    def between(self, start: int, end: int) -> Vectors:
        """Unit vectors (end - start, dimension) in float32."""
        return _unit(vectors.take(self.shards, self.rows[start:end]))


@dataclass(frozen=True)
class GivenVectors:
    """Vectors of a run's documents and queries, which stand where an encoder does."""

    documents: OrderedVectors
    queries: OrderedVectors
    engine: str = "vectors given"
    agreement: str | None = None

    @property
    def fingerprint(self) -> str:
        """What they are: another one for any other number in them."""
        return hashlib.sha256(f"{self.documents.fingerprint}{self.queries.fingerprint}".encode()).hexdigest()

    @property
    def precision(self) -> str:
        """The widest number type among them, of those that runs keep."""
        kinds = {shard.dtype for given in (self.documents, self.queries) for shard in given.shards}
        return "float16" if kinds == {np.dtype(np.float16)} else "float32"

    @property
    def facts(self) -> dict[str, Any]:
        """What a run remembers of them."""
        return {
            "dimension": self.documents.dimension,
            "normalised": self.documents.normalised and self.queries.normalised,
        }

    def encode_query(self, texts: list[str]) -> Vectors:
        """ModelError: no other text has a vector."""
        raise ModelError("vectors given: wanted an encoder, for other texts than the run's; found vectors alone")

    encode_document = encode_query


def given_vectors(documents: Any, queries: Any, doc_ids: Sequence[str], query_ids: Sequence[str]) -> GivenVectors:
    """
    The vectors of a dataset's documents and queries, from paths or arrays (n, dimension) in the data's order.

    ModelError for an item without a vector, one id with two, a number that is not finite, a vector of zeros, and two
    dimensions; vectors of other ids are left aside.
    """
    given = GivenVectors(
        _ordered(documents, doc_ids, "--document-vectors", "document"),
        _ordered(queries, query_ids, "--query-vectors", "query"),
    )
    if given.documents.dimension != given.queries.dimension:
        raise ModelError(
            f"--query-vectors: wanted {given.documents.dimension} numbers a vector, as the documents have; "
            f"found {given.queries.dimension}"
        )
    return given


def write_vectors(folder: Path, name: str, ids: Sequence[str], shards: Sequence[Shard], form: str) -> Path:
    """Write vectors and their ids as NAME.npy with NAME.ids.json, or as NAME.parquet; returns the path."""
    if form == "parquet":
        import pyarrow.parquet as pq

        path = folder / f"{name}.parquet"
        kind = pa.list_(pa.from_numpy_dtype(shards[0].dtype), shards[0].shape[1])
        schema = pa.schema({"id": pa.string(), "vector": kind})
        first = 0
        with write_atomically(path) as temporary, pq.ParquetWriter(temporary, schema) as writer:
            for shard in shards:
                flat = pa.FixedSizeListArray.from_arrays(pa.array(np.asarray(shard).reshape(-1)), shard.shape[1])
                own = pa.array(list(ids[first : first + len(shard)]), pa.string())
                writer.write_table(pa.Table.from_arrays([own, flat], schema=schema))
                first += len(shard)
        return path
    path = folder / f"{name}.npy"
    write_json(folder / f"{name}.ids.json", list(ids))
    with write_atomically(path) as temporary:
        shape = len(ids), shards[0].shape[1]
        with temporary.open("wb") as file:
            np.lib.format.write_array_header_2_0(
                file, {"descr": shards[0].dtype.str, "fortran_order": False, "shape": shape}
            )
            for shard in shards:
                file.write(np.ascontiguousarray(shard).tobytes())
    return path


def _ordered(given: Any, ids: Sequence[str], flag: str, item: str) -> OrderedVectors:
    if isinstance(given, str | Path):
        path, in_order = str(given).removesuffix(IN_ORDER), str(given).endswith(IN_ORDER)
        name = str(given)
        known, shards = _read(Path(path).expanduser(), flag, with_ids=not in_order)
    else:
        name, known, shards = IN_MEMORY, None, [np.asarray(given)]
    _check_shapes(shards, flag, name)
    rows = _rows_in_order(shards, ids, flag, name, item) if known is None else _rows_of(known, ids, flag, name, item)
    digest, normalised = hashlib.sha256(), True
    for start in range(0, len(rows), ROWS_AT_ONCE):
        block = vectors.take(shards, rows[start : start + ROWS_AT_ONCE])
        lengths = np.linalg.norm(block.astype(np.float64), axis=1)
        if len(bad := np.flatnonzero(~(np.isfinite(lengths) & (lengths > 0)))):
            found = "zeros alone" if lengths[bad[0]] == 0 else "NaN or infinity in it"
            raise ModelError(
                f"{flag} {name}: wanted a vector with a direction for {item} {ids[start + int(bad[0])]!r}; "
                f"found {found}"
            )
        normalised &= bool(np.abs(lengths - 1).max(initial=0) <= UNIT)
        digest.update(_unit(block).tobytes())
    return OrderedVectors(tuple(shards), rows, name, digest.hexdigest(), int(shards[0].shape[1]), normalised)


def _check_shapes(shards: Sequence[Shard], flag: str, name: str) -> None:
    for shard in shards:
        if shard.ndim != 2 or shard.dtype.kind != "f" or not shard.shape[1]:
            raise ModelError(
                f"{flag} {name}: wanted an array (n, dimension) of fractions; found one of shape {shard.shape} of "
                f"{shard.dtype}"
            )
        if shard.shape[1] != shards[0].shape[1]:
            raise ModelError(
                f"{flag} {name}: wanted one dimension; found vectors of {shards[0].shape[1]} and of {shard.shape[1]}"
            )


def _rows_in_order(shards: Sequence[Shard], ids: Sequence[str], flag: str, name: str, item: str) -> AnyInts:
    found = sum(len(shard) for shard in shards)
    if found != len(ids):
        raise ModelError(f"{flag} {name}: wanted a row for each {item} of the data, {len(ids):,}; found {found:,}")
    return np.arange(found)


def _rows_of(known: Sequence[str], ids: Sequence[str], flag: str, name: str, item: str) -> AnyInts:
    index = pd.Index(pd.Series(list(known), dtype="str"))
    if not index.is_unique:
        twice = index[index.duplicated()][0]
        raise ModelError(f"{flag} {name}: wanted each id once; found {twice!r} twice")
    rows = index.get_indexer(pd.Index(pd.Series(list(ids), dtype="str")))
    if len(missing := np.flatnonzero(rows < 0)):
        raise ModelError(
            f"{flag} {name}: wanted a vector for each {item} of the data; found none for {len(missing):,} of "
            f"{len(ids):,}, the first {ids[int(missing[0])]!r}. Its own first id is {next(iter(known), None)!r}"
        )
    return np.asarray(rows, np.int64)


def _read(path: Path, flag: str, *, with_ids: bool) -> tuple[list[str] | None, list[Shard]]:
    """Ids, None where they are not wanted, and vectors of a file, or of the parts of one in a folder."""
    parts = _parts(path, flag)
    ids: list[str] = []
    shards: list[Shard] = []
    for part in parts:
        try:
            own, some = _of_npy(part, flag, with_ids) if part.suffix == ".npy" else _of_table(part, flag, with_ids)
        except (OSError, ValueError, EOFError, pa.ArrowException) as error:
            raise ModelError(f"{flag} {part}: wanted a whole file of vectors; found {error}") from error
        ids += own
        shards.append(some)
    return (ids if with_ids else None), shards


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


def _of_npy(path: Path, flag: str, with_ids: bool) -> tuple[list[str], Shard]:
    array: Shard = np.load(path, mmap_mode="r", allow_pickle=False)
    if not with_ids:
        return [], array
    for beside in (path.with_suffix(f".ids.{form}") for form in ("json", "txt", "npy")):
        if beside.is_file():
            ids = _ids(beside)
            if len(ids) != len(array):
                raise ModelError(f"{flag} {beside}: wanted an id for each of {len(array):,} rows; found {len(ids):,}")
            return ids, array
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


def _of_table(path: Path, flag: str, with_ids: bool) -> tuple[list[str], Shard]:
    import pyarrow.compute as pc

    table = _table(path)
    lists = [field.name for field in table.schema if _holds_lists(field.type)]
    column = next((name for name in VECTOR_NAMES if name in lists), lists[0] if len(lists) == 1 else None)
    if column is None:
        raise ModelError(f"{flag} {path}: wanted a column `vector` of lists of fractions; found {table.column_names}")
    key = next((name for name in ID_NAMES if name in table.column_names), None)
    if with_ids and key is None:
        raise ModelError(f"{flag} {path}: wanted a column of ids, such as `id`; found {table.column_names}")
    values = table[column]
    if values.null_count or not len(values):
        raise ModelError(f"{flag} {path}: wanted a vector in each row; found {values.null_count:,} rows without")
    lengths = np.unique(pc.list_value_length(values).to_numpy())
    if len(lengths) != 1:
        raise ModelError(f"{flag} {path}: wanted one dimension; found vectors of {lengths[0]} and of {lengths[-1]}")
    flat = np.concatenate([chunk.flatten().to_numpy(zero_copy_only=False) for chunk in values.chunks])
    ids = [str(one) for one in table[key].to_pylist()] if with_ids and key else []
    return ids, flat.reshape(len(values), int(lengths[0]))


def _table(path: Path) -> pa.Table:
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        return pq.read_table(path, partitioning=None)
    with pa.memory_map(str(path)) as file:
        try:
            return pa.ipc.open_file(file).read_all()
        except pa.ArrowInvalid:  # a stream, as `datasets` writes
            file.seek(0)
            return pa.ipc.open_stream(file).read_all()


def _holds_lists(kind: pa.DataType) -> bool:
    is_list = pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind) or pa.types.is_large_list(kind)
    return bool(is_list and pa.types.is_floating(kind.value_type))


def _unit(rows: Vectors) -> Vectors:
    wide = rows.astype(np.float64)
    return np.asarray(wide / np.sqrt((wide**2).sum(axis=1, keepdims=True)), np.float32)
