"""
nearmiss finds documents that look like the answer to a query but are not, and says why each was kept or refused.

    import nearmiss as nm

    run = nm.mine("sample_data", "runs/x")             # a path, a datasets.Dataset, pandas frames
    run.select(max_p_relevant=0.2).explain("q01", "d001")
    run.export("shards", format="triplet")
    rows = nm.mine_hard_negatives(dataset, model)      # sentence-transformers' function, with one changed import

Each name below is imported when it is first used, so that `import nearmiss` costs nothing.
"""

TYPE_CHECKING = False  # type checkers take it as true; the command imports this first, and `typing` takes its time
if TYPE_CHECKING:
    from nearmiss.api import OpenRun as OpenRun
    from nearmiss.api import mine as mine
    from nearmiss.api import open_run as open_run
    from nearmiss.data import read as read
    from nearmiss.hard_negatives import mine_hard_negatives as mine_hard_negatives
    from nearmiss.selection import select as select
    from nearmiss.settings import Export as Export
    from nearmiss.settings import Mining as Mining
    from nearmiss.settings import Policy as Policy
    from nearmiss.settings import Serving as Serving
    from nearmiss.settings import Training as Training
    from nearmiss.settings import Trial as Trial
    from nearmiss.training.round_series import rounds as rounds
    from nearmiss.training.student_training import train as train
    from nearmiss.training.trials import trial as trial

# Where each public name lies.
_PUBLIC = {
    "Export": "nearmiss.settings",
    "Mining": "nearmiss.settings",
    "Policy": "nearmiss.settings",
    "OpenRun": "nearmiss.api",
    "mine": "nearmiss.api",
    "mine_hard_negatives": "nearmiss.hard_negatives",
    "open_run": "nearmiss.api",
    "read": "nearmiss.data",
    "select": "nearmiss.selection",
    "Serving": "nearmiss.settings",
    "Training": "nearmiss.settings",
    "Trial": "nearmiss.settings",
    "rounds": "nearmiss.training.round_series",
    "train": "nearmiss.training.student_training",
    "trial": "nearmiss.training.trials",
}

__all__ = [
    "Export",
    "Mining",
    "OpenRun",
    "Policy",
    "Serving",
    "Training",
    "Trial",
    "mine",
    "mine_hard_negatives",
    "open_run",
    "read",
    "rounds",
    "select",
    "train",
    "trial",
]


def __getattr__(name: str) -> object:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])
