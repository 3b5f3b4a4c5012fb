"""
Tuning: a policy tried on a run before it is put in force.

In:  a `Workspace`, a `Policy`
Out: settings with their stops and counts, the picture, pairs to read, the policies saved so far, the policy as text

Decides nothing itself: that is `selection`.
"""

from nearmiss.session.tuning.along import MOVED
from nearmiss.session.tuning.counting import DecisionCounts, count, is_exact
from nearmiss.session.tuning.edge_pairs import Changes, EdgePair, changes, nearest, read
from nearmiss.session.tuning.harm import Harm, harm
from nearmiss.session.tuning.panel import GROUP_WORDS, PanelSetting, count_along, is_small, measured_along, settings
from nearmiss.session.tuning.saved import History, SavedPolicy, history, redo, save, undo
from nearmiss.session.tuning.scatter import LimitLine, Picture, picture, scale_for, scales
from nearmiss.session.tuning.sentence_transformers_call import Call, as_call
from nearmiss.session.tuning.spelling import (
    ADDRESS_NAMES,
    as_address,
    as_command,
    at_fault,
    differences,
    from_address,
    parse,
    spell,
)
from nearmiss.session.tuning.two_policies import PolicySide, QueryDifference, TwoPolicies, compare_two

__all__ = [
    "ADDRESS_NAMES",
    "GROUP_WORDS",
    "MOVED",
    "Call",
    "Changes",
    "DecisionCounts",
    "EdgePair",
    "Harm",
    "History",
    "LimitLine",
    "PanelSetting",
    "Picture",
    "PolicySide",
    "QueryDifference",
    "SavedPolicy",
    "TwoPolicies",
    "as_address",
    "as_call",
    "as_command",
    "at_fault",
    "changes",
    "compare_two",
    "count",
    "count_along",
    "differences",
    "from_address",
    "harm",
    "history",
    "is_exact",
    "is_small",
    "measured_along",
    "nearest",
    "parse",
    "picture",
    "read",
    "redo",
    "save",
    "scale_for",
    "scales",
    "settings",
    "spell",
    "undo",
]
