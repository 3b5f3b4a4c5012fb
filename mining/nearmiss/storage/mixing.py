"""Mixing: 64-bit hashes of texts and whole numbers, the same on every machine and in any order."""

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt

GOLDEN = 0x9E3779B97F4A7C15  # 2**64 over the golden ratio, as in Fibonacci hashing and splitmix64

Keys = npt.NDArray[np.uint64]


def text_key(text: str) -> int:
    """A 64-bit hash of a text, also of one with half a surrogate pair."""
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little")


def paired(first: Keys, second: Keys) -> Keys:
    """One number for each two, (n,); the factor keeps the first apart from the second."""
    return np.asarray(first * np.uint64(GOLDEN) + second, np.uint64)


def scattered(keys: Any, seed: int) -> Keys:
    """Numbers, (n,), whose order differs for each seed."""
    return np.asarray((np.asarray(keys, np.uint64) ^ np.uint64(seed)) * np.uint64(GOLDEN), np.uint64)
