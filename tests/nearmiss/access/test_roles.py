"""The table of roles, tried on what really writes and starts; a denied try leaves nothing but a line in the log."""

import json
import logging
import sys
from contextlib import suppress

import pytest

from nearmiss import access
from nearmiss.access import Person
from nearmiss.agreement import people
from nearmiss.calibration import stored
from nearmiss.errors import AccessError
from nearmiss.pipeline.own_process import Job
from nearmiss.review import Event, Standing, open_log
from nearmiss.review.current import ADJUDICATION
from nearmiss.review.plans import AuditPlan
from nearmiss.review.readings import GuidelinesReading
from nearmiss.run import open_run
from nearmiss.session import incoming, tuning
from nearmiss.session.exporting import ExportRunner
from nearmiss.settings import Policy
from nearmiss.workspace import Workspace

# Worked out by hand: what each role may do, in the words of the deeds below.
TABLE = {
    "reader": "",
    "reviewer": "judge batch lease guidelines",
    "adjudicator": "judge batch lease guidelines adjudicate",
    "owner": "judge batch lease guidelines adjudicate "
    "audit import policy undo calibrate uncalibrate export people train",
}
EVERY = TABLE["owner"].split()


def event(number=1, reviewer="ann", **more):
    known = {"query_id": "q", "doc_id": "d", "verdict": "relevant", "client_id": "c", "decided_at": 1}
    return Event(**known | {"reviewer": reviewer, "client_seq": number} | more)


@pytest.fixture
def deeds(tmp_path):
    """What each word does, for real where that is quick."""
    (tmp_path / "run").mkdir()
    log = open_log(tmp_path / "reviews.db")
    run = open_run_of(tmp_path / "run")
    yield {
        "judge": lambda: log.append([event()]),
        "batch": lambda: log.append_batch([event(2)]),
        "lease": lambda: log.lease("ann", [(("q", "d"), 1)], 1),
        "guidelines": lambda: log.note_reading(GuidelinesReading("ann", "v", 1.0), "text"),
        "adjudicate": lambda: log.append([event(3, arm=ADJUDICATION)]),
        "audit": lambda: log.write_plan(AuditPlan("p", 1.0, "ann", {}), []),
        "import": lambda: log.adopt([]),
        "policy": lambda: run.save_policy(Policy(skip_top=3)),
        "undo": lambda: tuning.undo(run, "ann"),
        "calibrate": lambda: stored.replace_with(tmp_path, None, None, None, None, "ann"),
        "uncalibrate": lambda: stored.undo(tmp_path, None, "ann"),
        "export": lambda: ExportRunner().start(None, tmp_path / "out"),
        "people": lambda: people.measure(Standing(), {}, 1.0),
        "train": lambda: Job(tmp_path, "trial", "train").start([sys.executable, "-c", ""]),
    }
    log.close()


def open_run_of(folder):
    """A run folder that holds no more than a policy needs."""
    (folder / "run.json").write_text(json.dumps({"schema": 2, "rounds": [], "dataset": {}, "versions": {}}))
    (folder / "policy.json").write_text("{}")
    return open_run(folder)


@pytest.fixture
def as_role():
    """From now on somebody of this role acts; afterwards the process is its owner's again."""
    yield lambda role, name="ann": access.answered_by(lambda: Person(name, role) if role else None)
    access.answered_by(lambda: access.OWN_PROCESS)


@pytest.mark.parametrize("role", [*TABLE, None])
def test_each_role_may_do_what_the_table_says_and_no_more(deeds, as_role, role, caplog):
    as_role(role)
    allowed = []
    for word in EVERY:
        with suppress(AccessError):
            with suppress(AttributeError, TypeError):  # of a stand-in, behind the door
                deeds[word]()
            allowed.append(word)
    assert allowed == TABLE.get(role, "").split()
    denied = [json.loads(record.message) for record in caplog.records if record.name == "nearmiss.access"]
    assert len(denied) == len(EVERY) - len(allowed)
    assert {(one["person"], one["role"]) for one in denied} <= {("ann" if role else "", role or "")}


def test_nobody_judges_under_another_name(deeds, as_role, tmp_path):
    as_role("owner", "bob")
    for word in ("judge", "batch", "lease", "guidelines", "adjudicate"):
        with pytest.raises(AccessError, match="under your own name; found those of 'ann'"):
            deeds[word]()
    log = open_log(tmp_path / "reviews.db")
    assert log.since(0) == []


def test_what_a_browser_says_of_its_reviewer_and_arm_is_checked(run, as_role, caplog):
    caplog.set_level(logging.ERROR)
    opened = open_run(run)
    work = Workspace(opened, opened.log())
    pair = work.candidates.iloc[0]
    sent = {
        "query_id": pair.query_id,
        "doc_id": pair.doc_id,
        "verdict": "relevant",
        "client_id": "c",
        "decided_at": 1.0,
    }
    as_role("reviewer")
    problems = incoming.write(
        work,
        [
            sent | {"client_seq": 1, "reviewer": "bob"},
            sent | {"client_seq": 2, "reviewer": "ann", "arm": ADJUDICATION},
            sent | {"client_seq": 3, "reviewer": "ann"},
        ],
    )
    assert [problem.split(";")[0] for problem in problems] == [
        "wanted judgements under your own name",
        "wanted somebody who may decide between reviewers",
    ]
    assert [(e.event.reviewer, e.event.arm, e.event.client_seq) for e in work.log.since(0)] == [("ann", "", 3)]


def test_a_process_of_ones_own_may_do_everything():
    assert [deed for deed in access.DEEDS if not access.may(deed)] == []
