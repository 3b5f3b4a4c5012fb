"""What judgements make of an export: tables worked out by hand, then laws, then whole folders from a workspace."""

import itertools
import json
import zipfile
from dataclasses import replace
from io import BytesIO
from typing import get_args

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearmiss import selection
from nearmiss.data.dataset import Dataset, ReadCounts
from nearmiss.errors import RecipeError, RunError
from nearmiss.export import EXPORT_FORMATS, Export, FormatName, dry_run, judge, write
from nearmiss.export.comparison import compare
from nearmiss.export.formats import by_library, choices, columns
from nearmiss.export.judgements import JudgementSnapshot, read
from nearmiss.export.loading_code import how_to_load
from nearmiss.export.read_back import passages_of, query_of, rows_of_first_table, written, written_below
from nearmiss.review import ADJUDICATION, Event, Standing
from nearmiss.review.current import Entry
from nearmiss.selection import VERDICTS
from nearmiss.session import exporting
from nearmiss.session.export_inputs import prepare
from nearmiss.storage.files import sha256_of
from nearmiss.workspace import open_workspace
from tests.words import margins as Policy

POLICY = Policy(relative_margin=0.1, negatives_per_query=2)
# Query, document, whether labelled an answer, teacher's score. The ceilings are 0.9 and 0.45.
ROWS = [
    ("q1", "p", True, 1.0),
    ("q1", "a", False, 0.85),
    ("q1", "b", False, 0.80),
    ("q1", "c", False, 0.70),
    ("q1", "close", False, 0.95),
    ("q2", "p", True, 1.0),
    ("q2", "r", True, 0.5),
    ("q2", "a", False, 0.40),
    ("q2", "b", False, 0.60),
    ("q2", "c", False, 0.30),
]
NOBODY = ["known_positive", "kept", "kept", "over_quota", "too_close"]
NOBODY_2 = ["known_positive", "known_positive", "kept", "too_close", "kept"]
PROVENANCE = {"policy": {"negatives_per_query": 2}}


def data():
    documents = [(doc_id, "", f"text of {doc_id}") for doc_id in dict.fromkeys(row[1] for row in ROWS)]
    return Dataset(
        pd.DataFrame([("q1", "first query"), ("q2", "second query")], columns=["query_id", "text"]),
        pd.DataFrame(documents, columns=["doc_id", "title", "text"]),
        pd.DataFrame([(q, d, 1.0) for q, d, answer, _ in ROWS if answer], columns=["query_id", "doc_id", "grade"]),
        pd.DataFrame({"query_id": [], "doc_id": []}, dtype="str"),
        ReadCounts(0, 0, 0),
    )


def said_by(*judgements):
    """A log of (query_id, doc_id, verdict) with perhaps reason, reviewer and arm."""
    standing = Standing()
    for seq, judgement in enumerate(judgements, start=1):
        query_id, doc_id, verdict, reason, reviewer, arm = (*judgement, *("", "ann", "")[len(judgement) - 3 :])
        event = Event(
            query_id=query_id,
            doc_id=doc_id,
            verdict=verdict,
            reason=reason,
            reviewer=reviewer,
            arm=arm,
            client_id="test",
            client_seq=seq,
            decided_at=0.0,
            undoes=None,
        )
        standing.absorb([Entry(seq, event)])
    return standing


def judged(standing, export=Export(), policy=POLICY, rows=ROWS, **more):  # noqa: B008
    frame = pd.DataFrame(rows, columns=["query_id", "doc_id", "is_positive", "teacher_score"])
    verdicts = standing.verdicts()
    pairs = zip(frame.query_id, frame.doc_id, strict=True)
    table = selection.prepare(frame.assign(verdict=[verdicts.get(pair) for pair in pairs]))
    return judge(table, read(standing), policy, export, **more)


def statuses(frame, query_id="q1"):
    return frame.status[frame.query_id.eq(query_id)].tolist()


def test_with_no_judgement_an_export_sees_what_selection_sees():
    frame, reviews = judged(Standing())
    assert statuses(frame) == NOBODY
    assert statuses(frame, "q2") == NOBODY_2
    assert reviews.as_json() == {
        "last_seq": 0,
        "judgements": 0,
        "reviewers": 0,
        "with_known_chance": 0,
        "verdicts": {},
    }


# What a judgement on `a`, the best negative of q1, makes of p, a, b, c and close.
@pytest.mark.parametrize(
    ("verdict", "reason", "choices", "expected"),
    [
        ("relevant", "", {}, "known_positive reviewed_relevant kept kept too_close"),
        ("relevant", "", {"relevant": "drop"}, "known_positive reviewed_relevant kept kept too_close"),
        ("partial", "", {}, "known_positive reviewed_partial kept kept too_close"),
        ("partial", "", {"partial": "keep"}, "known_positive kept kept over_quota too_close"),
        ("unsure", "", {}, "known_positive reviewed_unsure kept kept too_close"),
        ("unsure", "", {"unsure": "keep"}, "known_positive kept kept over_quota too_close"),
        ("not_relevant", "", {}, "known_positive kept kept over_quota too_close"),
        ("not_relevant", "too_easy", {}, "known_positive too_easy kept kept too_close"),
        ("relevant", "too_easy", {}, "known_positive reviewed_relevant kept kept too_close"),
        ("relevant", "duplicate_of_positive", {}, "known_positive duplicate kept kept too_close"),
        ("not_relevant", "duplicate_of_positive", {}, "known_positive duplicate kept kept too_close"),
        ("partial", "duplicate_of_positive", {"partial": "keep"}, "known_positive duplicate kept kept too_close"),
        ("unsure", "too_easy", {"unsure": "keep"}, "known_positive too_easy kept kept too_close"),
    ],
)
def test_a_judgement_settles_one_candidate_and_the_next_best_takes_its_place(verdict, reason, choices, expected):
    frame, _ = judged(said_by(("q1", "a", verdict, reason)), Export(**choices))
    assert statuses(frame) == expected.split()
    assert statuses(frame, "q2") == NOBODY_2
    assert frame.slot[frame.status.eq("kept") & frame.query_id.eq("q1")].tolist() == [1, 2]


def test_a_candidate_kept_though_partly_relevant_still_has_to_pass_the_rules():
    frame, _ = judged(said_by(("q1", "close", "partial"), ("q1", "b", "unsure")), Export(partial="keep", unsure="keep"))
    assert statuses(frame) == NOBODY


def test_a_negative_that_a_reviewer_confirmed_may_lie_above_the_ceiling():
    frame, _ = judged(said_by(("q1", "close", "not_relevant")))
    assert statuses(frame) == ["known_positive", "kept", "over_quota", "over_quota", "kept"]


@pytest.mark.parametrize(("relevant", "positives"), [("promote", ["p", "a"]), ("drop", ["p"])])
def test_a_found_answer_becomes_a_positive_or_is_dropped(tmp_path, relevant, positives):
    export = Export(format="flag", relevant=relevant, compress="none")
    frame, reviews = judged(said_by(("q1", "a", "relevant")), export)
    manifest = write(data(), frame, tmp_path / "out", export, PROVENANCE, reviews=reviews)
    row = json.loads((tmp_path / "out" / "train-00000.jsonl").read_text().splitlines()[0])
    assert row["pos"] == [f"text of {doc_id}" for doc_id in positives]
    assert row["neg"] == ["text of b", "text of c"]
    assert manifest.promoted_positives == len(positives) - 1
    assert manifest.exported_positives == len(positives) + 2
    assert manifest.left_out_candidates.get("reviewed_relevant", 0) == (relevant == "drop")


def test_a_copy_of_a_found_answer_is_no_negative_of_its_query():
    twins = {"a": ["a", "c"], "c": ["a", "c"]}
    frame, _ = judged(said_by(("q1", "a", "relevant")), same_document=lambda doc_id: twins.get(doc_id, [doc_id]))
    assert statuses(frame) == ["known_positive", "reviewed_relevant", "kept", "duplicate", "too_close"]
    assert statuses(frame, "q2") == NOBODY_2


@pytest.mark.parametrize(
    "judgement",
    [
        ("q2", "p", "not_relevant", "wrong_positive"),
        ("q2", "p", "unsure", "wrong_positive"),
        ("q2", "p", "not_relevant"),  # no other reading of "this labelled answer is not relevant"
    ],
)
def test_a_wrong_positive_is_left_out_and_margins_start_from_the_others(judgement):
    # Without p the only positive scores 0.5; it did already set the ceiling.
    frame, reviews = judged(said_by(judgement))
    assert statuses(frame, "q2") == ["wrong_positive", "known_positive", "kept", "too_close", "kept"]
    assert frame.is_positive[frame.query_id.eq("q2")].tolist() == [False, True, False, False, False]
    assert reviews.withheld == {}
    frame, _ = judged(said_by(("q2", "r", "not_relevant", "wrong_positive")))
    # Without r the ceiling rises to 0.9.
    assert statuses(frame, "q2") == ["known_positive", "wrong_positive", "kept", "kept", "over_quota"]


@pytest.mark.parametrize("doc_id", ["p", "a"])  # judged on its own card, or on a candidate's
def test_a_query_without_another_positive_is_left_out(doc_id):
    frame, reviews = judged(said_by(("q1", doc_id, "unsure", "wrong_positive")))
    assert statuses(frame) == ["wrong_positive", *["withheld"] * 4]
    assert reviews.withheld == {"q1": "all positives judged wrong"}
    assert statuses(frame, "q2") == NOBODY_2


def test_an_answer_found_in_the_place_of_a_wrong_positive_keeps_the_query():
    standing = said_by(("q1", "b", "relevant", "wrong_positive"))
    frame, reviews = judged(standing)
    # The ceiling is now 0.72: nine tenths of b's 0.8.
    assert statuses(frame) == ["wrong_positive", "too_close", "reviewed_relevant", "kept", "too_close"]
    assert reviews.withheld == {}
    frame, reviews = judged(standing, Export(relevant="drop"))
    assert reviews.withheld == {"q1": "all positives judged wrong"}


def test_a_wrong_positive_among_several_that_nobody_named_leaves_the_query_out():
    _, reviews = judged(said_by(("q2", "a", "unsure", "wrong_positive")))
    assert reviews.withheld == {"q2": "unclear which positive is wrong"}


def test_a_bad_query_is_left_out_and_uses_up_no_document():
    policy = replace(POLICY, negatives_per_query=1, reuse_cap=1)
    frame, _ = judged(Standing(), policy=policy)
    assert (statuses(frame)[1], statuses(frame, "q2")[2:]) == ("kept", ["overused", "too_close", "kept"])
    frame, reviews = judged(said_by(("q1", "c", "unsure", "bad_query")), policy=policy)
    assert statuses(frame) == ["known_positive", *["withheld"] * 4]
    assert statuses(frame, "q2")[2:] == ["kept", "too_close", "over_quota"]
    assert reviews.withheld == {"q1": "judged a bad query"}


def test_left_out_queries_are_counted_by_what_was_judged(tmp_path):
    frame, reviews = judged(said_by(("q1", "c", "unsure", "bad_query")))
    manifest = write(data(), frame, tmp_path / "out", Export(), PROVENANCE, reviews=reviews)
    assert manifest.left_out_queries == {"judged a bad query": 1}
    assert manifest.left_out_candidates == {"judged a bad query": 5, "too_close": 1}
    assert manifest.status == {"kept": 2, "known_positive": 3, "too_close": 1, "withheld": 4}
    assert manifest.exported_queries == 1


@pytest.mark.parametrize(
    ("judgements", "expected"),
    [
        # A reason counts with the verdict that counts.
        ([("not_relevant", "too_easy", "ann"), ("not_relevant", "", "ben")], {"too_easy"}),
        ([("not_relevant", "too_easy", "ann"), ("relevant", "", "ben"), ("relevant", "", "cem")], set()),
        # Whoever decides a dispute outranks them all.
        ([("unsure", "bad_query", "ann"), ("unsure", "", "ben"), ("not_relevant", "", "cem", ADJUDICATION)], set()),
        (
            [("unsure", "bad_query", "ann"), ("not_relevant", "too_easy", "cem", ADJUDICATION)],
            {"too_easy"},
        ),
        # A reviewer's later judgement replaces the earlier one.
        ([("unsure", "bad_query", "ann"), ("not_relevant", "", "ann")], set()),
    ],
)
def test_whose_reason_counts(judgements, expected):
    said = read(said_by(*(("q1", "a", *judgement) for judgement in judgements)))
    assert said.reasons.get(("q1", "a"), frozenset()) == expected


def test_what_was_taken_back_is_not_counted():
    standing = said_by(("q1", "a", "relevant"), ("q1", "b", "unsure", "bad_query", "ben"))
    undo = Event(
        query_id="q1",
        doc_id="b",
        verdict="undo",
        reviewer="ben",
        client_id="test",
        client_seq=9,
        decided_at=0.0,
        undoes=2,
    )
    standing.absorb([Entry(3, undo)])
    assert read(standing) == JudgementSnapshot(last_seq=3, judgements=1, reviewers=1)


def test_judgements_of_pairs_and_queries_that_the_run_does_not_have_change_nothing():
    standing = said_by(("q9", "a", "unsure", "bad_query"), ("q1", "zz", "not_relevant", "too_easy"))
    frame, _ = judged(standing)
    assert statuses(frame) == NOBODY


def test_the_manifest_and_the_card_say_who_judged_how_much_and_what_nobody_measured(tmp_path):
    standing = said_by(("q1", "a", "relevant"), ("q1", "b", "not_relevant", "", "ben"), ("q2", "c", "partial"))
    frame, reviews = judged(standing)
    manifest = write(data(), frame, tmp_path / "out", Export(), PROVENANCE, reviews=reviews)
    assert manifest.as_json()["reviews"] == {
        "last_seq": 3,
        "judgements": 3,
        "reviewers": 2,
        "with_known_chance": 0,
        "verdicts": {"relevant": 1, "partial": 1, "not_relevant": 1},
    }
    card = (tmp_path / "out" / "card.md").read_text()
    assert "Judgements by 2 reviewers: 3, up to entry 3 of the log. Positives that were found by judging: 1." in card
    assert "| relevant (promote) | 1 |" in card
    assert "has not been measured yet" in card
    assert "was not a random sample" in card


def test_a_random_sample_in_the_log_is_mentioned_but_is_no_measurement(tmp_path):
    standing = said_by(("q1", "a", "relevant"))
    sampled = replace(standing.entries[1].event, client_seq=2, doc_id="b", inclusion_probability=0.1, arm="audit")
    standing.absorb([Entry(2, sampled)])
    frame, reviews = judged(standing)
    write(data(), frame, tmp_path / "out", Export(), PROVENANCE, reviews=reviews)
    card = (tmp_path / "out" / "card.md").read_text()
    assert "no estimate was made from the judgements of pairs picked at random (1 in the log)" in card


def test_without_judgements_the_card_says_so(tmp_path):
    frame, reviews = judged(Standing())
    write(data(), frame, tmp_path / "out", Export(), PROVENANCE, reviews=reviews)
    card = (tmp_path / "out" / "card.md").read_text()
    assert "Nobody has judged any of these documents." in card
    assert "no person has judged a sample of these rows" in card


def test_other_judgements_never_replace_an_export(tmp_path):
    frame, reviews = judged(Standing())
    write(data(), frame, tmp_path / "out", Export(), PROVENANCE, reviews=reviews)
    frame, reviews = judged(said_by(("q2", "b", "not_relevant")))
    with pytest.raises(RunError, match="found an export with another reviews"):
        write(data(), frame, tmp_path / "out", Export(), PROVENANCE, reviews=reviews)


JUDGED = said_by(
    ("q1", "a", "relevant"),
    ("q1", "b", "partial"),
    ("q2", "b", "not_relevant"),
    ("q2", "c", "unsure"),
    ("q2", "r", "relevant"),
)


def bytes_of(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
@pytest.mark.parametrize("name", get_args(FormatName))
@pytest.mark.parametrize("shard_size", [None, 2])
def test_the_dry_run_counts_what_the_export_writes(tmp_path, name, shard_size):
    export = Export(format=name, shard_size=shard_size)
    for number, standing in enumerate((Standing(), JUDGED)):
        frame, reviews = judged(standing, export)
        told = dry_run(data(), frame, export, reviews)
        manifest = write(data(), frame, tmp_path / str(number), export, PROVENANCE, reviews=reviews)
        rows = {}
        for shard in manifest.shards:
            stem = shard.name.rpartition("-")[0]
            rows[stem] = rows.get(stem, 0) + shard.rows
        assert told.rows == rows
        assert told.all_rows == sum(rows.values())
        assert told.files == len(manifest.shards)
        assert (told.queries, told.positives, told.promoted, told.negatives) == (
            manifest.exported_queries,
            manifest.exported_positives,
            manifest.promoted_positives,
            manifest.exported_negatives,
        )
        assert told.left_out_queries == manifest.left_out_queries
        assert told.left_out_candidates == manifest.left_out_candidates
        assert told.positives + told.negatives + sum(told.left_out_candidates.values()) == len(ROWS)


def test_the_dry_run_finds_nothing_to_write_without_complaint(tmp_path):
    standing = said_by(("q1", "a", "unsure", "bad_query"), ("q2", "a", "unsure", "bad_query"))
    frame, reviews = judged(standing)
    told = dry_run(data(), frame, Export(), reviews)
    assert (told.rows, told.files, told.queries) == ({"train": 0}, 0, 0)
    assert told.left_out_queries == {"judged a bad query": 2}
    with pytest.raises(RunError, match="of 2 queries, 2: judged a bad query"):
        write(data(), frame, tmp_path / "out", Export(), PROVENANCE, reviews=reviews)


@pytest.mark.parametrize("name", get_args(FormatName))
def test_a_format_takes_exactly_the_choices_it_is_offered(name):
    frame, reviews = judged(Standing())
    values = {
        "scores": True,
        "own_columns": True,
        "batch_groups": True,
        "negatives": 1,
        "prompt": "Find: ",
        "container": "parquet",
    }
    for field, value in values.items():
        if field in choices(name) or (field == "scores" and EXPORT_FORMATS[name].scores == "always"):
            dry_run(data(), frame, Export(format=name, **{field: value}), reviews)
        else:
            with pytest.raises(RecipeError, match=f"--{field.replace('_', '-')}"):
                dry_run(data(), frame, Export(format=name, **{field: value}), reviews)


def test_every_format_belongs_to_one_training_code_and_no_two_read_alike():
    assert [name for names in by_library().values() for name in names] == list(get_args(FormatName))
    assert len({form.consumer for form in EXPORT_FORMATS.values()}) == len(EXPORT_FORMATS)


@pytest.mark.parametrize("name", get_args(FormatName))
@pytest.mark.parametrize("scores", [False, True])
def test_the_columns_told_are_those_written(tmp_path, name, scores):
    if scores and EXPORT_FORMATS[name].scores == "never":
        pytest.skip("this format has no place for scores")
    export = Export(format=name, scores=scores, negatives=1 if EXPORT_FORMATS[name].same_number else None)
    frame, reviews = judged(Standing(), export)
    write(data(), frame, tmp_path / "out", export, PROVENANCE, reviews=reviews)
    row = next(rows_of_first_table(written(tmp_path / "out")))
    told = ["negative_1" if column.startswith("negative_1 ") else column for column in columns(export)]
    assert list(row) == told


JUDGEMENTS = st.lists(
    st.tuples(
        st.sampled_from([row[:2] for row in ROWS]),
        st.sampled_from(VERDICTS),
        st.sampled_from(["", "", "", "duplicate_of_positive", "bad_query", "wrong_positive", "too_easy"]),
        st.sampled_from(["ann", "ben"]),
    ),
    max_size=8,
)
POLICIES = st.builds(
    Export,
    format=st.sampled_from(["triplet", "n-tuple", "flag"]),
    relevant=st.sampled_from(["promote", "drop"]),
    partial=st.sampled_from(["mask", "keep"]),
    unsure=st.sampled_from(["drop", "keep"]),
)


@pytest.mark.slow
@settings(max_examples=60)
@given(judgements=JUDGEMENTS, export=POLICIES, cap=st.sampled_from([None, 1]))
def test_whatever_is_judged_no_row_disappears_and_no_answer_is_a_negative(judgements, export, cap):
    standing = said_by(*((*pair, verdict, reason, reviewer) for pair, verdict, reason, reviewer in judgements))
    frame, reviews = judged(standing, export, replace(POLICY, reuse_cap=cap))
    told = dry_run(data(), frame, export, reviews)
    assert told.positives + told.negatives + sum(told.left_out_candidates.values()) == len(ROWS)
    assert told.queries + sum(told.left_out_queries.values()) == 2
    kept = frame[frame.status.eq("kept")]
    verdicts = standing.verdicts()
    forbidden = {"relevant"} | ({"partial"} if export.partial == "mask" else set())
    forbidden |= {"unsure"} if export.unsure == "drop" else set()
    assert not {verdicts.get(pair) for pair in zip(kept.query_id, kept.doc_id, strict=True)} & forbidden
    assert not set(kept.query_id) & set(reviews.withheld)
    assert kept.groupby("query_id").size().le(2).all()
    assert not (frame.is_positive & frame.status.eq("kept")).any()


# From here on: a workspace over a mined run.


def some_judgements(work, step=5, count=None):
    """Of every `step`-th kept pair, `count` of them: relevant, partial, unsure and not relevant in turn."""
    kept = np.flatnonzero(work.decision().status == 0)[::step][:count]
    verdicts = itertools.cycle(["relevant", "partial", "unsure", "not_relevant"])
    return [
        Event(
            query_id=work.candidates["query_id"].iat[row],
            doc_id=work.candidates["doc_id"].iat[row],
            verdict=verdict,
            reviewer="ann",
            client_id="test",
            client_seq=number,
            decided_at=0.0,
        )
        for number, (row, verdict) in enumerate(zip(kept.tolist(), verdicts, strict=False), start=1)
    ]


def test_the_same_run_policy_and_reviews_give_the_same_bytes(work, run, tmp_path):
    work.append(some_judgements(work, count=12))
    prepare(work, Export()).write(tmp_path / "first", lambda rows: None)
    again = open_workspace(run)
    prepare(again, Export()).write(tmp_path / "second", lambda rows: None)
    assert bytes_of(tmp_path / "first") == bytes_of(tmp_path / "second")
    manifest = written(tmp_path / "first").manifest
    assert manifest["reviews"]["last_seq"] == 12
    assert manifest["reviews"]["verdicts"] == {"relevant": 3, "partial": 3, "not_relevant": 3, "unsure": 3}
    assert manifest["promoted_positives"] == 3


def test_the_dry_run_of_a_workspace_is_that_of_the_policy_in_force(work):
    told = prepare(work, Export()).dry_run()
    assert told.negatives == work.decision().counts()["kept"]
    work.run.save_policy(replace(work.policy, negatives_per_query=1))
    assert prepare(work, Export()).dry_run().negatives == work.decision().counts()["kept"] < told.negatives


def ended(job):
    job.wait(60)
    return job


def test_an_export_is_written_beside_everything_else(work, run):
    export_inputs = prepare(work, Export(format="flag"))
    out = exporting.destination(run, "mine")
    job = ended(exporting.ExportRunner().start(export_inputs, out))
    assert (job.state, job.error) == ("written", "")
    assert out == run / "exports" / "mine"
    assert job.progress.done == job.progress.total == export_inputs.dry_run().all_rows
    assert job.progress.share == 1.0
    assert job.progress.rate > 0
    assert written(out).rows == export_inputs.dry_run().all_rows


def test_an_export_that_is_stopped_leaves_nothing_behind(work, run, monkeypatch):
    runner = exporting.ExportRunner()
    advance = exporting.ExportJob._advance

    def stop_at_ten(job, rows):
        if job.progress.done == 10:
            job.stop()
        advance(job, rows)

    monkeypatch.setattr(exporting.ExportJob, "_advance", stop_at_ten)
    before = bytes_of(run)
    job = ended(runner.start(prepare(work, Export()), exporting.destination(run, "mine")))
    assert job.state == "stopped"
    assert job.progress.done == 10
    assert not (run / "exports").exists()
    assert bytes_of(run).keys() == before.keys()
    runner.clear()
    assert runner.job is None


def test_one_export_at_a_time(work, run, monkeypatch):
    runner = exporting.ExportRunner()
    monkeypatch.setattr(exporting.ExportJob, "_run", lambda job, export_inputs: job._stop.wait(60))
    job = runner.start(prepare(work, Export()), run / "exports" / "one")
    with pytest.raises(RunError, match="one: wanted no other export at work; found this one being written"):
        runner.start(prepare(work, Export()), run / "exports" / "two")
    runner.clear()
    assert runner.job is job
    job.stop()
    ended(job)


def test_a_mistake_becomes_a_sentence(work, run):
    policy = replace(work.policy, max_score=-1000.0)
    work.run.save_policy(policy)
    job = ended(exporting.ExportRunner().start(prepare(work, Export()), run / "exports" / "none"))
    assert job.state == "failed"
    assert job.error.startswith("export: nothing to write; of 84 queries, 84: no negative kept")
    assert not (run / "exports").exists()


def test_a_folder_that_cannot_be_made_becomes_a_sentence(work, run):
    (run / "file").write_text("not a folder")
    job = ended(exporting.ExportRunner().start(prepare(work, Export()), run / "file" / "out"))
    assert job.state == "failed"
    assert "Not a directory" in job.error


def test_what_lies_in_a_folder_is_never_written_over(work, run):
    out = run / "exports" / "mine"
    ended(exporting.ExportRunner().start(prepare(work, Export()), out))
    with pytest.raises(RunError, match="mine: wanted a new or empty folder; found files in it"):
        exporting.ExportRunner().start(prepare(work, Export()), out)


@pytest.mark.parametrize(
    "name", ["", "  ", ".", "./", "../elsewhere", ".hidden", "a/../../b", "a\0b", "a\nb", "x" * 256, "~nobody-here/x"]
)
def test_a_name_never_leads_out_of_the_run(run, name):
    with pytest.raises(RunError, match="wanted a name for the run's exports, or a whole path"):
        exporting.destination(run, name)


def test_a_whole_path_leads_where_it_says(run, tmp_path):
    assert exporting.destination(run, f" {tmp_path / 'there'} ") == tmp_path / "there"


def test_names_are_numbered_when_they_are_taken(run):
    assert exporting.free_name(run, "kl") == "kl"
    (run / "exports" / "kl").mkdir(parents=True)
    (run / "exports" / "kl-3").mkdir()
    assert exporting.free_name(run, "kl") == "kl-2"


def test_a_zip_holds_every_file_and_is_the_same_each_time(work, tmp_path):
    out = tmp_path / "mine"
    prepare(work, Export(format="nemo")).write(out, lambda rows: None)
    packed = exporting.zipped(out)
    assert packed == exporting.zipped(out)
    with zipfile.ZipFile(BytesIO(packed)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {
            f"mine/{name}": content for name, content in bytes_of(out).items()
        }


# Exports read back.


def export_of(tmp_path, name, standing, policy=POLICY, **more):
    export = Export(format=name, **more)
    frame, reviews = judged(standing, export, policy)
    provenance = {"policy": {"negatives_per_query": policy.negatives_per_query}}
    out = tmp_path / f"{name}-{len(list(tmp_path.iterdir()))}"
    write(data(), frame, out, export, provenance, reviews=reviews)
    return written(out)


@pytest.mark.parametrize("name", get_args(FormatName))
def test_every_format_is_read_back_to_the_passages_that_were_written(tmp_path, name):
    by_id = name in ("tevatron", "tevatron-ids", "dpr", "pylate", "nemo", "arctic", "trec")
    export = export_of(tmp_path, name, Standing(), shard_size=1)
    found = {}
    for row in rows_of_first_table(export):
        for role, passages in passages_of(name, row).items():
            found.setdefault((query_of(row), role), set()).update(passages)
    shown = (lambda doc_id: doc_id) if by_id else (lambda doc_id: f"text of {doc_id}")
    first, second = ("q1", "q2") if query_of(row).startswith("q") else ("first query", "second query")
    assert found == {
        (first, "positive"): {shown("p")},
        (first, "negative"): {shown("a"), shown("b")},
        (second, "positive"): {shown("p"), shown("r")},
        (second, "negative"): {shown("a"), shown("c")},
    }


@pytest.mark.parametrize("more", [{"container": "parquet"}, {"compress": "gz"}, {"compress": "zst"}])
def test_every_container_is_read_back(tmp_path, more):
    export = export_of(tmp_path, "triplet", Standing(), **more)
    assert len(list(rows_of_first_table(export))) == export.rows == 6


@pytest.mark.parametrize("name", get_args(FormatName))
def test_an_export_is_no_different_from_itself(tmp_path, name):
    comparison = compare(export_of(tmp_path, name, JUDGED), export_of(tmp_path, name, JUDGED))
    assert comparison.settings == []
    assert comparison.changes.empty
    assert comparison.by_query.empty


@pytest.mark.parametrize("name", ["triplet", "flag", "labeled-list", "rocketqa-de"])
def test_two_exports_differ_by_what_was_decided_and_by_the_passages_that_came_or_went(tmp_path, name):
    first = export_of(tmp_path, name, Standing())
    second = export_of(tmp_path, name, said_by(("q1", "a", "relevant")), replace(POLICY, negatives_per_query=1))
    comparison = compare(first, second)
    assert [(s.part, s.name, s.first, s.second) for s in comparison.settings] == [
        ("judgements", "last_seq", 0, 1),
        ("judgements", "judgements", 0, 1),
        ("judgements", "reviewers", 0, 1),
        ("judgements", "verdicts.relevant", None, 1),
        ("policy", "negatives_per_query", 2, 1),
    ]
    assert comparison.counts["exported_positives"] == (3, 4)
    assert comparison.counts["exported_negatives"] == (4, 2)
    assert set(comparison.changes.itertuples(index=False, name=None)) == {
        ("first query", "gained", "positive", "text of a"),
        ("first query", "lost", "negative", "text of a"),
        ("second query", "lost", "negative", "text of c"),
    }
    assert comparison.by_query.to_dict("records") == [
        {"query": "first query", "negatives lost": 1, "positives gained": 1},
        {"query": "second query", "negatives lost": 1, "positives gained": 0},
    ]
    assert comparison.passages_of("second query") == [("lost", "negative", "text of c")]
    assert comparison.passages_of("no query") == []


def test_a_comparison_that_cannot_be_made_says_why(tmp_path):
    first, second = export_of(tmp_path, "triplet", Standing()), export_of(tmp_path, "flag", Standing())
    comparison = compare(first, second)
    assert comparison.changes is None
    assert comparison.why_not.startswith("The passages of triplet and flag cannot be compared")
    assert comparison.by_query.empty
    (first.folder / "train-00000.jsonl.zst").unlink()
    assert "missing or was changed" in compare(first, export_of(tmp_path, "triplet", Standing())).why_not


def test_earlier_exports_are_listed_the_newest_first_and_nothing_else(tmp_path):
    for name in ("triplet", "flag"):
        export_of(tmp_path, name, Standing())
    (tmp_path / "notes").mkdir()
    (tmp_path / ".tmp-half").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "manifest.json").write_text("{}")
    found = written_below(tmp_path)
    assert {export.name for export in found} == {"triplet-0", "flag-1"}
    assert found[0].written_at >= found[1].written_at
    assert found[0].bytes == sum(map(len, bytes_of(found[0].folder).values()))
    with pytest.raises(RunError, match="wanted an export"):
        written(tmp_path / "broken")
    assert written_below(tmp_path / "nowhere") == []


@pytest.mark.parametrize("name", get_args(FormatName))
def test_three_lines_load_an_export(tmp_path, monkeypatch, capsys, name):
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))
    export = export_of(tmp_path, name, JUDGED)
    code = how_to_load(name, export.folder)
    assert len(code.splitlines()) == 3
    loaded = {}
    exec(code, loaded)
    assert capsys.readouterr().out.startswith("{")
    tables = sorted(value.num_rows for value in loaded.values() if isinstance(value, datasets.Dataset))
    written_rows = {}
    for shard in export.manifest["shards"]:
        stem = shard["name"].rpartition("-")[0]
        written_rows[stem] = written_rows.get(stem, 0) + shard["rows"]
    assert tables == sorted(written_rows.values())


def test_checksums_of_an_export_are_those_of_its_files(tmp_path):
    export = export_of(tmp_path, "pylate", JUDGED)
    for shard in export.manifest["shards"]:
        assert sha256_of(export.folder / shard["name"]) == shard["sha256"]
