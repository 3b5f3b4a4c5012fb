"""
What a person may choose: `Mining` (costs minutes), `Policy` (costs milliseconds), `Export` (what is written),
`Teaching` (what a teacher is trained with), `Trial` (how policies are tried on small students), `Training` (how a
student is trained for use), `Serving` (how servers are asked) and `Avoid` (what a model will be evaluated on).

The words beside each field become its `--help` and its slider's tooltip.
"""

from nearmiss.settings.audit_numbers import AUDIT, check_audit, check_number
from nearmiss.settings.avoiding import Avoid
from nearmiss.settings.combinations import check_read, check_together
from nearmiss.settings.export_shape import Compress, Export, FormatName
from nearmiss.settings.field_rules import as_written, choices_of, flag, range_of, words_of
from nearmiss.settings.model_training import DISTILLED, OfPartly, StudentName, Teaching, Training, Trial, TrialLoss
from nearmiss.settings.policy import NO_CEILING, Policy
from nearmiss.settings.ranges import COUNT_OR_NONE, NUMBER
from nearmiss.settings.recipe import LATE_INTERACTION, Mining, Precision
from nearmiss.settings.served_models import SERVED_ENCODERS, Serving
from nearmiss.settings.source_names import RESERVED, SOURCES, source_file, source_name
from nearmiss.settings.whole_paths import IN_ORDER, with_whole_paths

__all__ = [
    "AUDIT",
    "COUNT_OR_NONE",
    "DISTILLED",
    "IN_ORDER",
    "LATE_INTERACTION",
    "NO_CEILING",
    "NUMBER",
    "RESERVED",
    "SERVED_ENCODERS",
    "SOURCES",
    "Avoid",
    "Compress",
    "Export",
    "FormatName",
    "Mining",
    "OfPartly",
    "Policy",
    "Precision",
    "Serving",
    "StudentName",
    "Teaching",
    "Training",
    "Trial",
    "TrialLoss",
    "as_written",
    "check_audit",
    "check_number",
    "check_read",
    "check_together",
    "choices_of",
    "flag",
    "range_of",
    "source_file",
    "source_name",
    "with_whole_paths",
    "words_of",
]
