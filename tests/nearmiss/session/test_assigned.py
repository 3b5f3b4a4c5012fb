"""Assignments: a person's queries come first, nobody's come to all, and what is another's does not come."""

import numpy as np
import pytest

from nearmiss.errors import ReviewError
from nearmiss.session.queue import agenda, assigned, project
from nearmiss.session.queue.agenda import View
from nearmiss.session.queue.project import Assignment
from nearmiss.session.queue.sharing import ALONE, Sharing


def assign(work, text):
    (work.run.folder / project.FILE).write_text(text)


def turns(work, who, sharing=ALONE):
    order = agenda.rows(work, View(), work.decision())
    found = assigned.turn(work, order, who, sharing)
    return [work.query_ids[place] for place in dict.fromkeys(work.table.query[found].tolist())]


def test_without_assignments_everybody_pulls_from_all(work):
    order = agenda.rows(work, View(), work.decision())
    assert assigned.turn(work, order, "ann", ALONE).tolist() == order.tolist()
    assert assigned.queries(work, "ann") is None


def test_named_queries_are_their_person_s_alone_and_come_first(work):
    every = turns(work, "ann")
    last = every[-1]
    assign(work, f'[[assign]]\nperson = "ann"\nqueries = ["{last}"]\n[[assign]]\nperson = "bob"\nqueries = ["q0*"]\n')
    of_bob = [query for query in every if query.startswith("q0") and query != last]
    free = [query for query in every if query != last and query not in of_bob]
    assert turns(work, "ann") == [last, *free]
    assert turns(work, "bob") == [*of_bob, *free]
    assert turns(work, "eve") == free
    assert [assigned.queries(work, who) for who in ("ann", "eve")] == [1, 0]


def test_shares_divide_what_nobody_is_named_for_and_a_newcomer_takes_nothing_from_others(work):
    every = turns(work, "ann")
    share = '[[assign]]\nperson = "{}"\nshare = {}\n'
    assign(work, share.format("ann", 0.4) + share.format("bob", 0.4))
    own = {who: set(turns(work, who)) - set(turns(work, "eve")) for who in ("ann", "bob")}
    assert not own["ann"] & own["bob"]
    assert own["ann"] | own["bob"] | set(turns(work, "eve")) == set(every)
    assert all(0.2 < len(one) / len(every) < 0.6 for one in own.values())
    assign(work, share.format("ann", 0.4) + share.format("bob", 0.4) + share.format("eve", 0.2))
    assert {who: set(turns(work, who)) for who in own} == own
    assert set(turns(work, "eve")) == set(every) - own["ann"] - own["bob"]


def test_a_shared_pair_is_open_to_others_where_its_query_has_too_few_people(work):
    assign(work, '[[assign]]\nperson = "ann"\nqueries = ["*"]\n')
    order = agenda.rows(work, View(), work.decision())
    rules = Sharing(every=2, people=2)
    shared = order[rules.shared(work.table.pair_key[order])]
    assert np.array_equal(assigned.turn(work, order, "bob", rules), shared)
    assert assigned.turn(work, order, "bob", ALONE).tolist() == []
    assert assigned.turn(work, order, "ann", rules).tolist() == order.tolist()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[assign]\nperson = "a"', "wanted tables [[assign]]"),
        ("[[assign]]\nshare = 0.5", "[[assign]] 1: person: wanted the name that Review knows; found None"),
        ('[[assign]]\nperson = "a"', "wanted queries or share, one of the two; found []"),
        ('[[assign]]\nperson = "a"\nshare = 0.5\nqueries = ["q"]', "one of the two; found ['queries', 'share']"),
        ('[[assign]]\nperson = "a"\nshare = 2', "share: wanted above 0, at most 1; found 2"),
        ('[[assign]]\nperson = "a"\nqueries = "q*"', "queries: wanted a list of ids or patterns; found 'q*'"),
        ('[[assign]]\nperson = "a"\npart = 1', "found 'part'"),
        ('[[assign]]\nperson = "a"\nshare = 0.7\n[[assign]]\nperson = "b"\nshare = 0.7', "at most 1 in all; found 1.4"),
    ],
)
def test_a_wrong_assignment_is_named(tmp_path, text, message):
    (tmp_path / project.FILE).write_text(text)
    with pytest.raises(ReviewError, match=r"project\.toml: ") as refused:
        project.read(tmp_path)
    assert message in str(refused.value)


def test_an_assignment_names_a_person_and_queries_or_a_share(tmp_path):
    (tmp_path / project.FILE).write_text('[[assign]]\nperson = " ann "\nqueries = ["q1"]\n')
    assert project.read(tmp_path).assignments == (Assignment("ann", ("q1",)),)
