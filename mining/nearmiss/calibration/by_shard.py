"""
The signals of a round that is read shard by shard, so that its candidates never lie in memory together.

In:  the files of a round's candidates, in order
Out: `Signals` that lie on disk, and what the data say of each candidate, which takes seven bytes
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nearmiss.calibration.answer_rate import CandidateLabels, labels_of
from nearmiss.calibration.signals import Signals, signals, whole_round
from nearmiss.storage.files import columns_of, read_frame, rows_in
from nearmiss.storage.scratch import blank, release

UNREAD = ("doc_id", "duplicate_kind", "twin_query")


def signals_of_shards(shards: Sequence[Path]) -> tuple[Signals, CandidateLabels]:
    """The signals of all candidates as if they had been read together; a query's rows lie in one shard."""
    names = columns_of(shards[0])
    of_all = [name for name in names if name.endswith("_rank") or name in ("teacher_score", "dense_score")]
    whole = whole_round(read_frame(shard, of_all) for shard in shards)
    ends = np.cumsum([rows_in(shard) for shard in shards])
    labels: list[CandidateLabels] = []
    made, queries = None, 0
    for shard, end in zip(shards, ends, strict=True):
        candidates = read_frame(shard, [name for name in names if name not in UNREAD])
        found, known = signals(candidates, whole), labels_of(candidates)
        if made is None:
            # Signal by signal on disk, which is how they are read.
            made = Signals(found.names, blank((len(found.names), int(ends[-1])), np.float32).T)
        made.values[end - len(candidates) : end] = found.values
        release(made.values)
        labels.append(known._replace(query=known.query + np.int32(queries)))
        queries += int(known.query.max(initial=-1)) + 1
    assert made is not None, "a round has queries, and so a shard"
    return made, CandidateLabels(*(np.concatenate(parts) for parts in zip(*labels, strict=True)))
