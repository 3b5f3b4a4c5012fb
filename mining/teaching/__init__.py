"""
Teaching: a teacher of one's own, trained on pairs, on a run's negatives, and on what people judged.

In:  a `Dataset` or a run; an encoder or a cross-encoder to start from
Out: a plain CrossEncoder folder that `nearmiss mine --teacher` loads, measured on queries it never saw

Knows nothing of mining: it reads what a run kept.
"""

from mining.teaching.course import teach
from mining.teaching.lessons import Lessons, from_dataset, from_run
from mining.teaching.measuring import Numbers
from mining.teaching.taught import Taught

__all__ = ["Lessons", "Numbers", "Taught", "from_dataset", "from_run", "teach"]
