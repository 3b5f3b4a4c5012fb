"""The pipeline on toys: what a round writes, what survives a kill, and what a second round does again."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nearmiss import data as dataset
from nearmiss import pipeline, selection
from nearmiss.errors import NearmissError, RunError
from nearmiss.pipeline import round, searching, stages
from nearmiss.reports import funnel
from nearmiss.run import open_run
from nearmiss.settings import Mining, Policy
from nearmiss.storage.damage import damaged
from tests.words import OverlapTeacher, WordEncoder, pairs_wanted

RECIPE = Mining(depth=(("bm25", 5), ("dense", 5)), language="en", teacher="toy")
PLACES = ["harbour", "castle", "library", "market", "station", "museum", "bakery", "garden"]


@pytest.fixture
def data(tmp_path):
    """Eight places with four passages each; every query asks for one of them, and has one labelled answer."""
    folder = tmp_path / "data"
    (folder / "qrels").mkdir(parents=True)
    documents, queries, judged = [], [], ["query-id\tcorpus-id\tscore"]
    for i, place in enumerate(PLACES):
        texts = (
            f"the {place} opens at nine in the morning and closes at six",
            f"tickets for the {place} cost four pounds for adults",
            f"the {place} was built in 18{i}0 by the city",
            f"dogs are not allowed in the {place} on Sundays",
        )
        documents += [
            {"_id": f"{place}{n}", "title": "", "text": text, "metadata": {"group_id": f"g{n}"}}
            for n, text in enumerate(texts)
        ]
        queries.append({"_id": f"q{i}", "text": f"when does the {place} open in the morning"})
        judged += [f"q{i}\t{place}0\t1", f"q{i}\t{place}3\t0"]
    (folder / "corpus.jsonl").write_text("\n".join(map(json.dumps, documents)))
    (folder / "queries.jsonl").write_text("\n".join(map(json.dumps, queries)))
    (folder / "qrels" / "train.tsv").write_text("\n".join(judged))
    return dataset.read(folder)


def mine(folder, data, recipe=RECIPE, **models):
    models = {"encoder": WordEncoder(), "teacher": OverlapTeacher()} | models
    return pipeline.mine(folder, recipe, data, **models)


def test_every_query_gets_its_positive_its_labelled_negative_and_what_the_sources_found(tmp_path, data):
    candidates = mine(tmp_path / "run", data).candidates()
    own = candidates[candidates.query_id.eq("q2")].set_index("doc_id")
    assert own.loc["library0", ["is_positive", "is_labelled_negative"]].tolist() == [True, False]
    assert own.loc["library3", ["is_positive", "is_labelled_negative"]].tolist() == [False, True]
    assert candidates["query_id"].drop_duplicates().tolist() == [f"q{i}" for i in range(8)]
    assert own["bm25_rank"].dropna().sort_values().tolist() == list(range(1, own["bm25_rank"].notna().sum() + 1))
    # Five that are not labelled as answers, and the positive among them.
    assert own["dense_rank"].dropna().sort_values().tolist() == [1, 2, 3, 4, 5, 6]
    assert own["fused_rank"].dropna().is_monotonic_increasing


@pytest.mark.parametrize("together", [1, 2, 9])
def test_how_many_shards_are_searched_and_scored_together_changes_nothing(tmp_path, data, monkeypatch, together):
    at_once = mine(tmp_path / "at once", data).candidates()
    monkeypatch.setattr(round, "QUERIES_PER_SHARD", 3)
    monkeypatch.setattr(stages, "SCORED_TOGETHER", together)
    monkeypatch.setattr(searching, "SEARCHED_TOGETHER", together)
    teacher = OverlapTeacher()
    run = mine(tmp_path / "apart", data, teacher=teacher)
    assert len(list((run.folder / "rounds" / "1" / "candidates").iterdir())) == 3
    pd.testing.assert_frame_equal(run.candidates(), at_once)
    assert sorted(teacher.pairs) == sorted(pairs_wanted(run))


def test_every_row_has_a_dense_score_a_teacher_score_and_its_query_s_anchor(tmp_path, data):
    candidates = mine(tmp_path / "run", data).candidates()
    encoder, teacher = WordEncoder(), OverlapTeacher()
    queries = data.queries.set_index("query_id")["text"]
    documents = data.documents.set_index("doc_id")["text"]
    for row in candidates.sample(20, random_state=0).itertuples():
        query, document = queries[row.query_id], documents[row.doc_id]
        cosine = encoder.encode_query([query])[0] @ encoder.encode_document([document])[0]
        assert row.dense_score == pytest.approx(cosine, abs=2e-3)
        assert row.teacher_score == teacher.score([(query, document)])[0]
    positives = candidates[candidates.is_positive].set_index("query_id")["teacher_score"]
    np.testing.assert_array_equal(candidates["positive_score"], positives[candidates["query_id"]])


def test_a_teacher_with_a_depth_scores_the_first_by_fused_rank_and_what_is_labelled(tmp_path, data):
    whole = mine(tmp_path / "whole", data).candidates()
    run = mine(tmp_path / "limited", data, replace(RECIPE, teacher_depth=3))
    found = run.candidates()
    read = found["fused_rank"].le(3).fillna(False) | found["is_positive"] | found["is_labelled_negative"]
    assert 0 < read.sum() < len(found)
    assert found["teacher_score"].where(read, -1).tolist() == whole["teacher_score"].where(read, -1).tolist()
    assert found.loc[~read, "teacher_score"].isna().all()
    assert run.round_facts()["teacher"]["scored"] == read.sum()
    judged = selection.select(
        found.assign(p_relevant=0.0),
        Policy(max_p_relevant=1, min_score=-100, sampling="simans", negatives_per_query=50),
    )
    assert set(judged.loc[~read, "status"]) <= {"unscored", "duplicate", "is_the_query", "sibling"}
    assert judged.loc[judged["status"].eq("kept"), "teacher_score"].notna().all()
    assert np.isfinite(run.selected()["p_relevant"]).all()


def test_without_a_teacher_the_dense_score_takes_its_place(tmp_path, data):
    run = pipeline.mine(tmp_path / "run", Mining(language="en", teacher=""), data, encoder=WordEncoder())
    candidates = run.candidates()
    np.testing.assert_array_equal(candidates["teacher_score"], candidates["dense_score"])
    assert funnel.report(run)["teacher"] is None


def test_the_report_counts_every_candidate_once(tmp_path, data):
    run = mine(tmp_path / "run", data)
    told = funnel.report(run)
    candidates = run.candidates()
    assert told["candidates"] == len(candidates) == sum(told["status"].values())
    assert told["kept"] == told["status"]["kept"]
    assert told["queries"] == 8
    assert told["documents"] == 32
    found = candidates[["bm25_rank", "dense_rank"]].notna()
    assert told["sources"]["bm25"]["found"] == found["bm25_rank"].sum()
    assert told["sources"]["dense"]["only_here"] == (found["dense_rank"] & ~found["bm25_rank"]).sum()
    assert sum(told["found_together"].values()) == len(candidates)
    assert told["teacher"]["scored"] == len(candidates)
    assert set(told["seconds"]) >= {"document_vectors", "query_vectors", "bm25", "dense", "pool", "teacher"}
    json.dumps(told, allow_nan=False)


def test_mining_again_with_the_same_recipe_does_nothing(tmp_path, data):
    mine(tmp_path / "run", data)
    before = snapshot(tmp_path / "run")
    teacher = OverlapTeacher()
    mine(tmp_path / "run", data, teacher=teacher)
    assert teacher.asked == 0
    assert snapshot(tmp_path / "run") == before


def test_models_named_by_folder_are_found_again_from_another_directory(tmp_path, data, monkeypatch):
    (tmp_path / "here" / "tuned").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    typed = replace(RECIPE, encoder="tuned")
    run = mine(tmp_path / "run", data, typed)
    before = snapshot(tmp_path / "run")
    mine(tmp_path / "run", data, typed)
    monkeypatch.chdir("/")
    assert run.last_recipe().encoder == str(tmp_path / "here" / "tuned")
    mine(tmp_path / "run", data, run.last_recipe())
    assert snapshot(tmp_path / "run") == before


def test_a_second_round_scores_only_new_pairs_and_keeps_the_first(tmp_path, data):
    first = mine(tmp_path / "run", data).candidates()
    teacher = OverlapTeacher()
    run = pipeline.mine(tmp_path / "run", RECIPE, encoder=WordEncoder("tuned"), teacher=teacher)
    assert run.rounds == [1, 2]
    pd.testing.assert_frame_equal(run.candidates(1), first)
    pairs = [set(zip(c.query_id, c.doc_id, strict=True)) for c in (first, run.candidates(2))]
    assert sorted(teacher.pairs) == sorted(pairs_wanted(run, 2) - pairs_wanted(run, 1))
    told = funnel.report(run)["teacher"]
    assert (told["scored"], told["cached"]) == (len(pairs[1] - pairs[0]), len(pairs[1] & pairs[0]))


@pytest.mark.parametrize("name", ["candidates/00000.parquet", "document_vectors/00000.npy", "query_vectors/00000.npy"])
def test_what_is_said_of_a_damaged_round_helps(tmp_path, data, name):
    mine(tmp_path / "run", data)
    tuned = {"encoder": WordEncoder("tuned"), "teacher": OverlapTeacher()}
    run = pipeline.mine(tmp_path / "run", RECIPE, **tuned)
    before = snapshot(tmp_path / "run")
    first, last = (tmp_path / "run" / "rounds" / number / name for number in "12")
    candidates = run.candidates(2)
    for path in (first, last):
        path.write_bytes(b"damaged")
    assert "from a backup: only the latest round is made again" in str(damaged(first, "all of it", "a part"))
    assert "Delete it and run the same `nearmiss mine` again" in str(damaged(last, "all of it", "a part"))
    first.write_bytes(before[f"rounds/1/{name}"])
    last.unlink()
    pipeline.mine(tmp_path / "run", RECIPE, **tuned)
    assert snapshot(tmp_path / "run") == before
    pd.testing.assert_frame_equal(open_run(tmp_path / "run").candidates(2), candidates)


def test_a_damaged_file_of_scores_is_deleted_and_costs_its_pairs_alone(tmp_path, data):
    mine(tmp_path / "run", data)
    [scores] = (tmp_path / "run" / "teacher_scores").rglob("1-*.parquet")
    scores.write_bytes(b"damaged")
    teacher = OverlapTeacher()
    with pytest.raises(NearmissError, match="Delete it: its pairs are scored again where they are needed"):
        pipeline.mine(tmp_path / "run", RECIPE, encoder=WordEncoder("tuned"), teacher=teacher)
    scores.unlink()
    run = pipeline.mine(tmp_path / "run", RECIPE, encoder=WordEncoder("tuned"), teacher=teacher)
    assert set(teacher.pairs) <= pairs_wanted(run, 2)
    assert teacher.asked == len(set(teacher.pairs))


def test_two_rounds_are_compared_by_what_was_kept(tmp_path, data):
    mine(tmp_path / "run", data)
    run = pipeline.mine(tmp_path / "run", RECIPE, encoder=WordEncoder("tuned"), teacher=OverlapTeacher())
    told = funnel.compare(run, 1, 2)
    kept = [
        set(zip(c.query_id[c.status.eq("kept")], c.doc_id[c.status.eq("kept")], strict=True))
        for c in (run.selected(1), run.selected(2))
    ]
    assert told["kept"] == [len(kept[0]), len(kept[1])]
    assert told["in_both"] == len(kept[0] & kept[1])
    assert told["new"] == len(kept[1] - kept[0])
    assert told["gone"] == len(kept[0] - kept[1]) == sum(told["gone_because"].values())


def test_changed_teacher_weights_never_reuse_a_score(tmp_path, data):
    mine(tmp_path / "run", data)
    teacher = OverlapTeacher("tuned")
    run = pipeline.mine(tmp_path / "run", RECIPE, encoder=WordEncoder(), teacher=teacher)
    assert sorted(teacher.pairs) == sorted(pairs_wanted(run, 2))


def test_another_recipe_on_the_same_data_is_refused_with_what_differs(tmp_path, data):
    mine(tmp_path / "run", data)
    with pytest.raises(RunError, match=r"found depth .* -> .*Add a round with `nearmiss mine RUN`"):
        mine(tmp_path / "run", data, Mining(language="en", teacher="toy"))


def test_other_data_is_refused(tmp_path, data):
    mine(tmp_path / "run", data)
    fewer = dataset.Dataset(**vars(data) | {"documents": data.documents.iloc[:-1]})
    with pytest.raises(RunError, match="wanted the data this run was made of; found other data"):
        mine(tmp_path / "run", fewer)


def test_a_folder_of_somebody_else_is_left_alone(tmp_path, data):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("years of work")
    with pytest.raises(RunError, match=r"wanted a new folder or a run; found a folder with thesis\.tex"):
        mine(tmp_path / "mine", data)
    assert (tmp_path / "mine" / "thesis.tex").read_text() == "years of work"


def test_no_run_is_an_error_that_says_what_is_there(tmp_path):
    with pytest.raises(RunError, match=r"wanted a run folder \(with run.json\); found no such folder"):
        open_run(tmp_path / "nowhere")


def test_siblings_of_the_positive_are_refused(tmp_path, data):
    # group_id g0 is shared by all opening hours, so that no other place's hours train as negatives.
    judged = selection.select(mine(tmp_path / "run", data).candidates(), Policy(duplicate_cosine=1.0))
    others = judged[judged.doc_id.str.endswith("0") & ~judged.is_positive]
    assert others["status"].astype(str).unique().tolist() == ["sibling"]


# The files at which attempts die, one after another, in the order in which they are made.
DEATHS = [
    *("dataset/documents:0", "dataset/counts:0", "policy.json:0", "run.json:0"),
    *("document_vectors/0:0", "document_vectors/0:1", "seconds.json:0", "query_vectors/0:0", "indexes/bm25:0"),
    *("found/bm25:0", "found/bm25:1", "found/dense:0", "found/dense:1", "/pool/:0", "/pool/:1"),
    *("teacher_scores:0", "teacher_scores:1", "/candidates/:0", "/candidates/:1", "run.json:1"),
]


def test_killed_in_each_stage_it_ends_with_the_bytes_of_a_run_never_killed(tmp_path, data):
    assert mine_through(tmp_path / "data", tmp_path / "whole") == 0
    assert mine_through(tmp_path / "data", tmp_path / "killed", *DEATHS) == len(DEATHS)
    assert snapshot(tmp_path / "killed") == snapshot(tmp_path / "whole")


def mine_through(data, run, *places):
    """How many attempts were killed before the one that finished."""
    command = [sys.executable, "-m", "tests.killed", data, run, *places]
    done = subprocess.run(command, cwd=Path(__file__).parents[3], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def snapshot(folder):
    """Every file's bytes by name; seconds differ from run to run, and are kept in a file of their own."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "seconds.json")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.mark.parametrize(
    "refused",
    [
        {"policy": Policy(quota=(("sparse", 0.5),))},
        {"policy": Policy(different_cluster=True)},
        {"recipe": replace(RECIPE, sources=("run:other=no/such/file",), depth=())},
        {"recipe": replace(RECIPE, encoder="no/such/model"), "encoder": None},
    ],
)
def test_what_is_refused_has_written_nothing(tmp_path, data, refused):
    with pytest.raises(NearmissError):
        mine(tmp_path / "new", data, **refused)
    assert not (tmp_path / "new").exists()
    old = mine(tmp_path / "old", data)
    before = {path: path.read_bytes() for path in sorted(old.folder.rglob("*")) if path.is_file()}
    with pytest.raises(NearmissError):
        mine(old.folder, None, **({"policy": Policy(negatives_per_query=2)} | refused))
    assert {path: path.read_bytes() for path in sorted(old.folder.rglob("*")) if path.is_file()} == before


def test_a_refused_round_leaves_the_policy_in_force(tmp_path, data):
    run = mine(tmp_path / "run", data)
    with pytest.raises(RunError, match="wanted the recipe of round 1"):
        mine(run.folder, data, replace(RECIPE, seed=7), policy=Policy(negatives_per_query=2))
    assert run.policy == Policy()
