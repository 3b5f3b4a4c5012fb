"""One query beside its rankings: ranks, sides, statuses and what of others' verdicts is shown."""

from dataclasses import replace

import numpy as np
import pytest

from nearmiss.errors import ReviewError
from nearmiss.selection import STATUSES
from nearmiss.session import query_view
from nearmiss.settings import Policy
from nearmiss.workspace import open_to_read


def judged(doc_id, verdict="not_relevant", reviewer="ada", seq=1, **more):
    return {
        "client_id": f"browser of {reviewer}",
        "client_seq": seq,
        "query_id": "q03",
        "doc_id": doc_id,
        "verdict": verdict,
        "reviewer": reviewer,
        "shown_at": 1.0,
        "decided_at": 2.0,
        "arm": query_view.ARM,
    } | more


def statuses(shown):
    return {item.doc_id: item.status for item in shown.documents}


def test_every_ranking_lists_the_documents_in_its_own_order(work):
    shown = query_view.view(work, "q03", Policy())
    table = work.candidates.iloc[work.rows_of("q03")]
    assert [ranking.name for ranking in shown.rankings] == ["bm25", "dense", "teacher", "fused", "p_relevant"]
    for ranking in shown.rankings[:2]:
        column = table.set_index("doc_id")[f"{ranking.name}_rank"].dropna().sort_values()
        assert [shown.documents[place].doc_id for place in ranking.places] == column.index[: query_view.LISTED].tolist()
        assert ranking.ranks == column.iloc[: query_view.LISTED].tolist()
        assert ranking.found == len(column)
    teacher = shown.rankings[2]
    assert teacher.scores == sorted(teacher.scores, reverse=True)
    assert teacher.ranks == list(range(1, len(teacher.places) + 1))


@pytest.mark.parametrize(
    "policy",
    [
        Policy(),
        Policy(relative_margin=0.3, relative_floor=0.9),
        Policy(max_p_relevant=0.2, sampling="random", negatives_per_query=3),
        Policy(skip_top=2, sampling="simans", absolute_margin=0.1),
    ],
)
def test_one_query_is_decided_as_it_is_within_the_whole_run(work, policy):
    whole = work.decision(policy)
    for query_id in work.query_ids[:5]:
        wanted = [STATUSES[code] for code in whole.status[work.rows_of(query_id)]]
        assert [item.status for item in query_view.view(work, query_id, policy).documents] == wanted


def test_ceiling_and_floor_part_the_list_that_they_bound(work):
    shown = query_view.view(work, "q03", Policy(max_p_relevant=None, relative_margin=0.3, relative_floor=0.7))
    teacher = next(ranking for ranking in shown.rankings if ranking.name == "teacher")
    scores = np.array(teacher.scores)
    assert teacher.ceiling_after == (scores > teacher.ceiling).sum() > 0
    assert teacher.floor_after == (scores >= teacher.floor).sum() > teacher.ceiling_after
    sides = [shown.documents[place].side for place in teacher.places]
    assert sides[: teacher.ceiling_after] == ["above"] * teacher.ceiling_after
    assert set(sides[teacher.ceiling_after : teacher.floor_after]) == {"between"}
    others = [ranking for ranking in shown.rankings if ranking.name != "teacher"]
    assert {(ranking.ceiling, ranking.floor) for ranking in others} == {(None, None)}


def test_a_ceiling_of_chance_parts_the_list_of_chances(work):
    shown = query_view.view(work, "q03", Policy(max_p_relevant=0.2))
    chances = shown.rankings[-1]
    assert chances.name == "p_relevant"
    assert chances.ceiling_after == sum(item.p_relevant > 0.2 for item in shown.documents) > 0


def test_a_run_without_a_teacher_is_bounded_on_the_dense_list(without_teacher):
    shown = query_view.view(open_to_read(without_teacher), "q03", Policy(relative_margin=0.3))
    assert [ranking.name for ranking in shown.rankings[:3]] == ["bm25", "dense", "fused"]
    assert shown.decides == "dense"
    assert shown.rankings[1].ceiling_after is not None


def test_a_judgement_from_here_is_nobodys_random_draw(work):
    shown = query_view.view(work, "q03", Policy(), "ada")
    doc_id = next(item.doc_id for item in shown.documents if item.status == "kept")
    sent = judged(doc_id, inclusion_probability=0.5, scores_visible=False)
    assert query_view.write(work, [sent, sent]) == []
    [entry] = work.standing.history(("q03", doc_id))
    assert (entry.event.arm, entry.event.inclusion_probability, entry.event.scores_visible) == ("query", None, True)


def test_a_card_of_the_review_page_keeps_its_arm(work):
    doc_id = next(item.doc_id for item in query_view.view(work, "q03", Policy()).documents if item.status == "kept")
    query_view.write(work, [judged(doc_id, arm="priority", scores_visible=False)])
    [entry] = work.standing.history(("q03", doc_id))
    assert (entry.event.arm, entry.event.scores_visible) == ("priority", False)


def test_what_others_judged_is_hidden_until_one_has_judged(work):
    before = query_view.view(work, "q03", Policy(), "ada")
    doc_id = next(item.doc_id for item in before.documents if item.status == "kept")
    query_view.write(work, [judged(doc_id, "relevant", "bob")])
    assert query_view.view(work, "q03", Policy(), "ada") == before
    assert statuses(query_view.view(work, "q03", Policy(), "bob"))[doc_id] == "reviewed_relevant"
    query_view.write(work, [judged(doc_id, "relevant", "ada")])
    after = query_view.view(work, "q03", Policy(), "ada")
    assert statuses(after)[doc_id] == "reviewed_relevant"
    assert {item.verdict for item in after.documents if item.doc_id == doc_id} == {"relevant"}


def test_an_undo_brings_the_row_back(work):
    before = query_view.view(work, "q03", Policy(), "ada")
    doc_id = next(item.doc_id for item in before.documents if item.status == "kept")
    query_view.write(work, [judged(doc_id, "relevant"), judged(doc_id, "undo", seq=2)])
    assert query_view.view(work, "q03", Policy(), "ada") == before


def test_a_text_is_read_beside_the_answer(work):
    shown = query_view.view(work, "q03", Policy())
    answer = next(item for item in shown.documents if item.is_positive)
    other = next(item for item in shown.documents if item.status == "kept")
    assert query_view.read(work, "q03", answer.doc_id).changes == []
    read = query_view.read(work, "q03", other.doc_id)
    text = work.titles([other.doc_id])[0][1]
    assert "".join(piece for piece, _ in read.pieces) == text
    assert "".join(piece for kind, piece in read.changes if kind != "gone") == text
    with pytest.raises(ReviewError, match="wanted a candidate of this round"):
        query_view.read(work, "q03", "no such document")


def test_queries_are_found_by_id_first_and_then_by_words(work):
    text = work.query_text("q03")
    assert query_view.find(work, "q03", 8)[0] == ("q03", text)
    assert ("q03", text) in query_view.find(work, text[:12].upper(), 8)
    assert query_view.find(work, "no query says this", 8) == []


def test_a_lower_ceiling_never_lets_more_rows_below_it(work):
    policy = Policy(max_p_relevant=None, relative_margin=0.1)
    above = [
        sum(
            item.side == "above"
            for item in query_view.view(work, "q03", replace(policy, relative_margin=margin)).documents
        )
        for margin in (0.1, 0.2, 0.4)
    ]
    assert above == sorted(above)


def test_comments_are_read_with_the_document_and_others_only_once_one_has_judged(work):
    doc_id = next(item.doc_id for item in query_view.view(work, "q03", Policy()).documents if item.status == "kept")
    for name in ("ada", "bob"):
        sent = judged(doc_id, "comment", name, seq=1) | {"comment": f"said {name}", "client_id": name}
        assert query_view.write(work, [sent]) == []
    assert query_view.read(work, "q03", doc_id, "ada").comments == [{"reviewer": "ada", "text": "said ada"}]
    query_view.write(work, [judged(doc_id, "relevant", "ada", seq=9, reason="wrong_positive")])
    assert [one["text"] for one in query_view.read(work, "q03", doc_id, "ada").comments] == ["said ada", "said bob"]
    entry = work.standing.by_reviewer(("q03", doc_id))["ada"]
    assert (entry.event.reason, entry.event.arm) == ("wrong_positive", "query")
