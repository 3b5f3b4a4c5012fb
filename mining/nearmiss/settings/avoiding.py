"""`Avoid`: the data that a model will be evaluated on, which training must not hold."""

from dataclasses import dataclass
from typing import Annotated


@dataclass(frozen=True)
class Avoid:
    """
    Evaluation sets whose queries and answers are not trained on. A run keeps what was named last.

    >>> from nearmiss.settings import Avoid
    >>> Avoid(avoid=("beir/nfcorpus#test",)).avoid_answers
    True
    """

    avoid: Annotated[
        tuple[str, ...],
        "data that you evaluate on: a folder or file, or FOLDER#SPLIT; what stands in it is not trained on; may be "
        "repeated, and `none` forgets what was named before",
    ] = ()
    avoid_answers: Annotated[
        bool, "leave out labelled answers that are answers there too; switch it off where train and test share a corpus"
    ] = True
