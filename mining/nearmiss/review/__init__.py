"""
Review: people's judgements, kept for ever, and what follows from them.

In:  events of reviewers
Out: an append-only log on SQLite or PostgreSQL; the verdicts that stand; who judges which pair next; what audits drew
"""

from nearmiss.review.current import ADJUDICATION, CHOSEN, GOLD, REPEAT, TESTS, TRAINING, Entry, Standing
from nearmiss.review.events import ANSWERS, JUDGE, JUDGEMENTS, MODEL, REASONS, Event, is_model
from nearmiss.review.log import ReviewLog, open_log, open_log_to_read
from nearmiss.review.plans import AuditPlan, Draw
from nearmiss.review.readings import GuidelinesReading, versions_read
from nearmiss.review.schema import begun
from nearmiss.types import Pair

__all__ = [
    "ADJUDICATION",
    "ANSWERS",
    "CHOSEN",
    "GOLD",
    "JUDGE",
    "JUDGEMENTS",
    "MODEL",
    "REASONS",
    "REPEAT",
    "TESTS",
    "TRAINING",
    "AuditPlan",
    "Draw",
    "Entry",
    "Event",
    "GuidelinesReading",
    "Pair",
    "ReviewLog",
    "Standing",
    "begun",
    "is_model",
    "open_log",
    "open_log_to_read",
    "versions_read",
]
