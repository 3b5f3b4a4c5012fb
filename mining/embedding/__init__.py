"""
Embedding: texts made into unit vectors, and vectors kept on disk.

In:  texts, and an `Encoder` (loaded from a folder or hub name, or the caller's own)
Out: shards of vectors, each whole or absent, memory-mapped when read

Knows nothing of queries' answers or of search.
"""

from mining.embedding.encoder import EMBEDDED, Encoder, load_encoder
from mining.embedding.storage import StoredVectors, embed, open_vectors

__all__ = ["EMBEDDED", "Encoder", "StoredVectors", "embed", "load_encoder", "open_vectors"]
