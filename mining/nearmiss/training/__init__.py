"""
Teaching: a custom teacher, trained on pairs, on a run's negatives, and on people's verdicts.

In:  a `Dataset` or a run; an encoder or a cross-encoder to start from
Out: a plain CrossEncoder folder that `nearmiss mine --teacher` loads, measured on queries it never saw

Mines nothing: it reads what a run kept.
"""

from nearmiss.training.cross_encoder import teach
from nearmiss.training.evaluation import EvaluationScores
from nearmiss.training.labelled_pairs import TrainingPairs, from_dataset, from_run
from nearmiss.training.result import TrainingResult

__all__ = ["EvaluationScores", "TrainingPairs", "TrainingResult", "from_dataset", "from_run", "teach"]
