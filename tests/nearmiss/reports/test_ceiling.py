"""What the ceiling did, in words: against a table counted by hand."""

import pytest

from nearmiss import selection
from nearmiss.reports.ceiling import what_the_ceiling_did
from nearmiss.settings import Policy
from tests.nearmiss.selection.test_selection import row, table

# The positive scores 0.8: the margin's ceiling is 0.76.
BOTH = (row(0.79, p_relevant=0.5), row(0.5, p_relevant=0.3), row(0.4, p_relevant=0.2), row(0.3, p_relevant=0.01))


@pytest.mark.parametrize(
    ("rows", "policy", "sentence"),
    [
        (
            BOTH,
            Policy(),
            "The ceiling refused 1 candidate for a score too near the labelled answer's and 2 more for a chance above "
            "10% to be an answer.",
        ),
        (
            BOTH,
            Policy(relative_margin=None, max_p_relevant=0.25),
            "The ceiling refused 2 candidates for a chance above 25% to be an answer.",
        ),
        (
            BOTH,
            Policy(relative_margin=None, max_p_relevant=0.004),
            "The ceiling refused 4 candidates for a chance above 0.4% to be an answer.",
        ),
        (
            BOTH[:1],
            Policy(max_p_relevant=None),
            "The ceiling refused 1 candidate for a score too near the labelled answer's. 1 query keeps no negative, "
            "since hardly anything scores below its labelled answer: a label may be wrong or weak, and is worth a "
            "look.",
        ),
        (BOTH, Policy(relative_margin=None, max_p_relevant=None), ""),
    ],
)
def test_the_sentence_has_the_numbers_of_the_table(rows, policy, sentence):
    judged = selection.prepare(table(*rows))
    assert what_the_ceiling_did(judged, selection.decide(judged, policy), policy) == sentence
