"""
Scoring: what the teacher thinks of a query and a document, once for each pair of texts.

In:  pairs of row numbers and their texts, and a `Teacher` (loaded from a folder or hub name, or the caller's own)
Out: raw logits in float32, kept in a cache that later rounds read

Knows nothing of candidates, positives or thresholds.
"""

from mining.scoring.cache import PAIRS_PER_CHUNK, Known, count_scored, known_scores, score_pairs
from mining.scoring.teacher import Teacher, load_teacher

__all__ = ["PAIRS_PER_CHUNK", "Known", "Teacher", "count_scored", "known_scores", "load_teacher", "score_pairs"]
