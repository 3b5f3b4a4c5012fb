"""Proof: from nothing drawn to a certificate, a step at a time."""

import shutil

import numpy as np
import pytest

from nearmiss import audit
from nearmiss.audit.planning import LABELS_ASKED
from nearmiss.calibration import stored
from nearmiss.calibration.model import from_prior
from nearmiss.calibration.signals import signals
from nearmiss.review import Event
from nearmiss.session import next_step
from nearmiss.settings import Policy
from nearmiss.workspace import open_workspace


@pytest.fixture
def work(without_teacher, tmp_path):
    return open_workspace(shutil.copytree(without_teacher, tmp_path / "run"))


def judge(work, draws, verdict="not_relevant", start=0):
    work.append(
        [
            Event(
                query_id=draw.query_id,
                doc_id=draw.doc_id,
                verdict=verdict,
                reviewer="ana",
                client_id="c",
                client_seq=start + place,
                decided_at=1.0,
            )
            for place, draw in enumerate(draws)
        ]
    )


def test_each_step_leads_to_the_next_and_the_last_to_a_certificate(work):
    # Draws follow the chances, and toys tell no answer: with chances as other collections have them the draws suffice.
    found = signals(work.candidates)
    stored.save(work.folder, found, from_prior(found, work.table.positive))
    work.run.save_policy(Policy(relative_margin=None))
    work.refresh()
    assert next_step.proof(work).step == "draw"
    assert (next_step.action(work).button, next_step.action(work).page) == ("Begin to judge", "review")
    audit.plan(work, LABELS_ASKED, seed=1)
    assert (next_step.proof(work).step, next_step.proof(work).waiting) == ("judge", LABELS_ASKED)
    draws = list(audit.drawn(work).values())
    judge(work, draws[:50])
    stands = next_step.proof(work)
    assert stands.waiting == LABELS_ASKED - 50
    assert "of the kept are answers, by" in stands.words
    asked = next_step.action(work)
    assert (asked.words, asked.button) == (stands.words, f"Judge the {LABELS_ASKED - 50} that wait")
    assert (asked.page, asked.address) == ("review", {"order": "audit"})
    judge(work, draws[50:], start=50)
    assert next_step.proof(work).step == next_step.action(work).step == "certify"
    made = audit.certify(work, 0.1)  # with the default's margin, too few draws are kept for 5%
    stands = next_step.proof(work)
    assert made.passed
    assert stands.step == ""
    assert stands.words.startswith(f"Certified on {made.made_at[:10]}: with 95% confidence at most")
    assert (next_step.action(work).words, next_step.action(work).page) == (stands.words, "export")


def test_what_is_disputed_is_decided_before_anything_is_drawn(work):
    pair = work.pair_at(int(np.flatnonzero(work.decision().slot > 0)[0]))
    for verdict, name in (("relevant", "ana"), ("not_relevant", "bob")):
        judged = {"query_id": pair[0], "doc_id": pair[1], "verdict": verdict, "reviewer": name}
        work.append([Event(**judged, client_id=name, client_seq=1, decided_at=1.0)])
    asked = next_step.action(work)
    assert asked.words.startswith("Reviewers differ on 1 pair;")
    assert (asked.page, asked.address) == ("agreement", {"view": "disagreements"})


def test_a_policy_that_keeps_nothing_leads_to_its_thresholds(work):
    work.run.save_policy(Policy(max_score=-1000.0))
    assert next_step.action(work).page == "tune"


def test_a_certificate_that_failed_asks_for_other_draws(work):
    audit.plan(work, LABELS_ASKED, seed=1)
    judge(work, audit.drawn(work).values(), "relevant")
    audit.certify(work, next_step.MAX_RATE)
    assert next_step.proof(work).step == "draw"
    assert "No ceiling passed" in next_step.proof(work).words


def test_a_certificate_says_nothing_of_other_thresholds(work):
    audit.plan(work, LABELS_ASKED, seed=1)
    judge(work, audit.drawn(work).values())
    audit.certify(work, next_step.MAX_RATE)
    work.run.save_policy(Policy(max_p_relevant=None, relative_margin=None, negatives_per_query=30))
    assert "Certified" not in next_step.proof(work).words
