"""
Vectors that a user already has, in the place of an encoder; and a run's vectors written in the same form.

In:  a file or folder of vectors with ids (.npy with its ids beside it, Parquet, Arrow), or an array; the data's ids
Out: unit vectors in the data's order, with a fingerprint of their numbers; or files that other programs read

Memory holds a block of them at a time, whatever form they have.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from nearmiss.errors import ModelError
from nearmiss.retrieval import vectors
from nearmiss.retrieval.vector_files import Shard, read_vectors
from nearmiss.settings import IN_ORDER
from nearmiss.storage.files import write_atomically, write_json
from nearmiss.types import AnyInts, Vectors

IN_MEMORY = "an array in memory"
ROWS_AT_ONCE = 1 << 12
UNIT = 1e-3  # how far from 1 the length of a unit vector in half precision may be


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
        known, shards = read_vectors(Path(path).expanduser(), flag, with_ids=not in_order)
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


def _rows_of(known: pa.ChunkedArray, ids: Sequence[str], flag: str, name: str, item: str) -> AnyInts:
    import pyarrow.compute as pc

    counts = pc.value_counts(known)
    if len(counts) < len(known):
        twice = counts.filter(pc.greater(counts.field("counts"), 1))[0]["values"].as_py()
        raise ModelError(f"{flag} {name}: wanted each id once; found {twice!r} twice")
    rows = pc.index_in(pa.array(ids, known.type), value_set=known).fill_null(-1).to_numpy()
    if len(missing := np.flatnonzero(rows < 0)):
        first = known[0].as_py() if len(known) else None
        raise ModelError(
            f"{flag} {name}: wanted a vector for each {item} of the data; found none for {len(missing):,} of "
            f"{len(ids):,}, the first {ids[int(missing[0])]!r}. Its own first id is {first!r}"
        )
    return np.asarray(rows, np.int64)


def _unit(rows: Vectors) -> Vectors:
    wide = rows.astype(np.float64)
    return np.asarray(wide / np.sqrt((wide**2).sum(axis=1, keepdims=True)), np.float32)
