"""Comments that name a reviewer: who is meant, what is shown before they judged, and when a comment is answered."""

import pytest

from nearmiss.review.mentions import names, renamed
from nearmiss.session.comments_to_me import CommentToMe, waiting
from nearmiss.session.queue import agenda
from nearmiss.session.queue.agenda import View
from nearmiss.workspace import open_workspace
from tests.nearmiss.review.test_review import judged


@pytest.mark.parametrize(
    ("text", "reviewer", "is_meant"),
    [
        ("@ada, is this one?", "ada@example.org", True),
        ("what do you say, @Ada.", "ada@example.org", True),
        ("(@ada@example.org)", "ada@example.org", True),
        ("@ada.b look", "ada@example.org", False),
        ("@ada@example.com look", "ada@example.org", False),
        ("write to eve@ada", "ada", False),
        ("@adam look", "ada", False),
        ("@Ada Lovelace: look", "Ada Lovelace", True),
        ("@Ελένη;", "ελένη", True),
        ("ada says so", "ada", False),
        ("@a.b", "a+b", False),
        ("@a+b", "a+b", True),
    ],
)
def test_a_comment_names_whom_it_says(text, reviewer, is_meant):
    assert names(text, reviewer) is is_meant


def test_a_name_is_exchanged_wherever_it_stands_and_nowhere_else():
    said = "@ada and Ada@example.org, not @adam nor ada@example.org.uk"
    assert renamed(said, "ada@example.org", "person-1") == ("@person-1 and person-1, not @adam nor ada@example.org.uk")


def test_a_name_of_one_word_is_exchanged_in_its_own_case_where_no_sign_stands_before_it():
    assert renamed("@MAX says: Max, at the max score", "Max", "person-1") == (
        "@person-1 says: person-1, at the max score"
    )


def test_a_comment_waits_for_whom_it_names_until_they_answer(run):
    work = open_workspace(run)
    order = agenda.rows(work, View(), work.decision())
    pairs = [work.pair_at(row) for row in order[:2].tolist()]

    def say(who, seq, pair, verdict, comment=""):
        about = {"query_id": pair[0], "doc_id": pair[1], "reviewer": who, "client_id": who}
        work.append([judged(seq, verdict, comment=comment, **about)])

    query = work.query_text(pairs[0][0])
    say("eve", 1, pairs[0], "comment", "@bo what is this?")
    say("eve", 2, pairs[1], "comment", "for @ann alone")
    assert waiting(work, "bo@example.org") == [CommentToMe(pairs[0], "eve", "", query)]
    assert (waiting(work, "eve"), waiting(work, "")) == ([], [])
    # A verdict of their own answers; a later comment is shown with its words, since they have judged.
    say("bo@example.org", 1, pairs[0], "relevant")
    assert waiting(work, "bo@example.org") == []
    say("eve", 3, pairs[0], "comment", "@bo@example.org why?")
    assert waiting(work, "bo@example.org") == [CommentToMe(pairs[0], "eve", "@bo@example.org why?", query)]
    work.append([judged(4, "undo", query_id="-", doc_id="-", reviewer="eve", client_id="eve", undoes=4)])
    assert waiting(work, "bo@example.org") == []
    work.log.close()
