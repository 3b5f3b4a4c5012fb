"""How many people judge a pair: what a project's file sets, who is dealt what then, and what the cap closes."""

from dataclasses import replace

import numpy as np
import pytest

from nearmiss.errors import ReviewError
from nearmiss.session import batch_labels, incoming
from nearmiss.session.queue import agenda
from nearmiss.session.queue.agenda import View
from nearmiss.session.queue.project import in_force, of_project
from nearmiss.session.queue.sharing import ALONE, Sharing
from tests.nearmiss.review.test_review import judged

PEOPLE = ("ann", "bob", "eve", "zoe")


def set_to(work, text):
    (work.run.folder / "project.toml").write_text(text)


def say(work, who, pair, seq, **fields):
    event = {"query_id": pair[0], "doc_id": pair[1], "reviewer": who, "client_id": who}
    work.append([judged(seq, "not_relevant", **event | fields)])


@pytest.mark.parametrize(
    ("text", "found", "words"),
    [
        ("", ALONE, "Each pair is judged by one person."),
        ("[review]\noverlap = 1", Sharing(0, 1, None, True), "Each pair is judged by one person."),
        ("[review]\noverlap = 3", Sharing(1, 3, None, True), "Every pair is judged by 3 people."),
        (
            "[review]\noverlap = 2\nevery = 5\ncap = 2",
            Sharing(5, 2, 2, True),
            "One pair in 5 is judged by 2 people, the others by one. Nobody is asked about a pair that 2 judged.",
        ),
        (
            "[review]\ncap = 1",
            Sharing(cap=1),
            "Each pair is judged by one person. Nobody is asked about a pair that 1 judged.",
        ),
    ],
)
def test_a_project_sets_how_many_judge_a_pair(tmp_path, text, found, words):
    (tmp_path / "project.toml").write_text(text)
    assert of_project(tmp_path) == found
    assert found.in_words() == words
    # What the viewer chose counts only where the project leaves it open.
    assert in_force(tmp_path, 4) == (found if found.is_of_project else replace(found, every=4))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[review", "wanted a TOML file"),
        ("[reviews]\noverlap = 2", "wanted a table [review], or tables [[assign]]; found 'reviews'"),
        ("review = 2", "wanted a table [review]; found 2"),
        ("[review]\ntwice = 2", "gold or gold_from_decisions; found 'twice'"),
        ("[review]\noverlap = 0", "overlap: wanted a whole number from 1 to 1,000; found 0"),
        ("[review]\noverlap = true", "overlap: wanted a whole number from 1 to 1,000; found True"),
        ("[review]\nevery = 2", "every: wanted overlap beside it"),
        ("[review]\noverlap = 3\ncap = 2", "cap: wanted at least overlap, 3; found 2"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path, text, message):
    (tmp_path / "project.toml").write_text(text)
    with pytest.raises(ReviewError, match=r"project\.toml: ") as refused:
        of_project(tmp_path)
    assert message in str(refused.value)


def test_a_shared_pair_goes_to_as_many_as_the_project_asks_for_and_the_others_to_one(work):
    set_to(work, "[review]\noverlap = 3\nevery = 2")
    rules = in_force(work.run.folder, 0)
    order = agenda.rows(work, View(), work.decision())[:40]
    dealt = {name: agenda.next_pairs(work, View(), name, order, 100, sharing=rules) for name in PEOPLE}
    for row in order.tolist():
        holders = [name for name in PEOPLE if work.pair_at(row) in dealt[name]]
        assert holders == list(PEOPLE[: 3 if work.table.pair_key[row] % np.uint64(2) == 0 else 1])
    # Judged by all who were asked, a pair leaves the agenda of everybody else.
    shared = next(work.pair_at(row) for row in order.tolist() if rules.voices(work.table.pair_key[row]) == 3)
    for seq, name in enumerate(PEOPLE[:2]):
        say(work, name, shared, seq)
    left = agenda.waiting(work, order, "zoe", rules)
    say(work, "eve", shared, 2)
    assert agenda.waiting(work, order, "zoe", rules) == left - 1
    assert shared not in agenda.next_pairs(work, View(), "zoe", order, 100, sharing=rules)


def test_a_pair_at_its_cap_is_closed_to_everybody_else(work):
    set_to(work, "[review]\noverlap = 1\ncap = 1")
    rules = in_force(work.run.folder, 1)
    order = agenda.rows(work, View(), work.decision())
    full, free = (work.pair_at(row) for row in order[:2].tolist())
    work.append([judged(1, "later", query_id=full[0], doc_id=full[1], reviewer="bob", client_id="bob")])
    say(work, "ann", full, 1)
    assert full not in agenda.next_pairs(work, View(), "bob", order, len(order), sharing=rules)
    sent = {"query_id": full[0], "doc_id": full[1], "verdict": "relevant", "decided_at": 5.0, "client_id": "page"}
    # By one's own choice, on Query, Map or Pairs, nobody judges it either, but its reviewer may think again.
    [problem] = incoming.write(work, [sent | {"reviewer": "bob", "client_seq": 1, "arm": "query"}])
    assert "fewer than 1 people" in problem
    assert incoming.write(work, [sent | {"reviewer": "ann", "client_seq": 2, "arm": "query"}]) == []
    planned = batch_labels.plan(work, [full, free], "bob")
    assert (planned.pairs, planned.full) == ((free,), 1)
    with pytest.raises(ReviewError, match=r"cap in project\.toml; found 1"):
        batch_labels.label(work, [full, free], "not_relevant", "bob", "pairs", 6.0)
    # What Review had dealt before is written: somebody was asked for it.
    assert incoming.write(work, [sent | {"reviewer": "bob", "client_seq": 3, "arm": "priority"}]) == []
    assert {name: entry.event.verdict for name, entry in work.standing.by_reviewer(full).items()} == {
        "ann": "relevant",
        "bob": "relevant",
    }
