"""
Hard negatives in one call: `mine_hard_negatives`, with the arguments and the outputs of sentence-transformers 6.2.

In:  a `datasets.Dataset` of queries with their positives, and a live encoder; optionally a corpus and a cross-encoder
Out: a `datasets.Dataset` of triplets, tuples, labelled pairs or labelled lists

Nothing is left on disk but the cache that the caller asks for. A run folder, reviews and exports need `nearmiss.mine`.
"""

from nearmiss.hard_negatives.function import mine_hard_negatives

__all__ = ["mine_hard_negatives"]
