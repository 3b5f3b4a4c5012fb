"""Run folders of version 0.1, of releases to come, damaged ones, and ones that can only be read."""

import json
import os
import re
import shutil
import sqlite3
import subprocess
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from nearmiss import pipeline
from nearmiss.errors import FileError, NearmissError, ReviewError, RunError
from nearmiss.export.read_back import written_below
from nearmiss.reports import explanation, funnel
from nearmiss.review import Event
from nearmiss.run import open_run, policy_from
from nearmiss.session import overview
from nearmiss.session.export_inputs import prepare
from nearmiss.session.tuning import saved
from nearmiss.settings import Export, Policy
from nearmiss.workspace import open_to_read, open_workspace
from tests.words import OverlapTeacher, WordEncoder

OLD = Path(__file__).parent / "run_of_version_0_1"


@pytest.fixture
def old(tmp_path):
    """A run of version 0.1: six queries of the sample, four judgements of ann, a policy saved, an export."""
    return Path(shutil.copytree(OLD, tmp_path / "old"))


@pytest.fixture(scope="module")
def undamaged(tmp_path_factory):
    """The counts by status of the same; of a copy, since whoever reads an old log leaves word beside it."""
    folder = shutil.copytree(OLD, tmp_path_factory.mktemp("undamaged") / "old")
    return funnel.report(open_run(Path(folder)))["status"]


def everything(folder, out):
    """What a person does with a run: the report, why, another selection, an export, and the app's pages."""
    run = open_run(folder)
    told = funnel.report(run)
    candidates = run.judged()
    query_id = candidates["query_id"].iloc[0]
    [*explained] = explanation.explain(candidates, run.policy, query_id, None, run.calibration())
    funnel.report(run, None, replace(run.policy, negatives_per_query=2))
    prepare(open_to_read(folder), Export(format="triplet")).write(out, lambda rows: None)
    work = open_workspace(folder)
    page = overview.overview(work)
    history = saved.history(run)
    written_below(folder / "exports")
    work.log.close()
    return told, explained, page, history


# Of version 0.1


def test_a_run_of_version_0_1_opens_with_everything_in_it(old, tmp_path):
    told, explained, _, history = everything(old, tmp_path / "out")
    assert told["queries"] == 6
    assert told["status"]["kept"] == 24
    assert told["status"]["reviewed_relevant"] == told["status"]["reviewed_partial"] == 1
    assert len(explained) == open_run(old).candidates()["query_id"].eq("q01").sum()
    assert [one.by for one in history.saved] == ["", "ann"]
    assert open_run(old).policy.max_p_relevant == 0.4
    assert open_run(old).policy.negatives_per_query == 4
    assert sorted(open_run(old).verdicts().values()) == ["not_relevant", "partial", "relevant", "unsure"]
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    before = json.loads((old / "exports" / "triplet" / "manifest.json").read_text())
    assert manifest["exported_negatives"] == before["exported_negatives"]
    assert [one.name for one in written_below(old / "exports")] == ["triplet"]


def test_a_run_of_version_0_1_gets_another_round_and_the_schema_of_today(old):
    mining = open_run(old).last_recipe()
    run = pipeline.mine(old, mining, encoder=WordEncoder("tuned"), teacher=OverlapTeacher())
    assert run.rounds == [1, 2]
    assert run.facts["schema"] == 2
    assert "versions" not in run.facts["rounds"][0]
    assert set(run.facts["rounds"][1]["versions"]) == set(pipeline.LIBRARIES)


def test_a_policy_saved_today_has_a_schema_and_comes_back(old):
    run = open_run(old)
    policy = Policy(quota=(("bm25", 0.5),), max_score=2)
    run.save_policy(policy)
    content = json.loads((old / "policy.json").read_text())
    assert content == {"schema": 2, **json.loads(json.dumps(asdict(policy)))}
    assert run.policy == policy


# Of releases to come, or changed by hand


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema": 3}, "wanted a schema up to 2, which is what this release of nearmiss reads; found 3"),
        ({"schema": "new"}, "wanted a schema from 1 to 2; found 'new'"),
        ({"max_scare": 1}, "wanted only settings that this release of nearmiss knows; found max_scare"),
        ({"max_score": "high"}, "wanted max_score of another type; found 'high'"),
        ({"negatives_per_query": 2.5}, "wanted negatives_per_query of another type; found 2.5"),
        ({"negatives_per_query": True}, "wanted negatives_per_query of another type; found True"),
        ({"anchor": "mode"}, "--anchor: wanted one of min, mean, max"),
        ({"quota": 5}, "wanted the settings of a Policy; found"),
        ({"quota": [["bm25"]]}, "wanted the settings of a Policy; found"),
        ({"max_p_relevant": 7}, "--max-p-relevant: wanted"),
    ],
)
def test_a_policy_that_cannot_be_read_is_a_sentence(old, change, said):
    path = old / "policy.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(NearmissError) as error:
        _ = open_run(old).policy
    assert str(error.value).startswith(f"{path}: ")
    assert said in str(error.value)


def test_whole_numbers_stand_for_numbers_and_what_is_missing_is_the_default():
    assert policy_from({"max_score": 2, "quota": []}).max_score == 2
    assert policy_from({"quota": []}) == Policy()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema": 9}, "A later release wrote it: install that one"),
        ({"rounds": {}}, "wanted a data set, and rounds with number, recipe and whether they are finished"),
        ({"rounds": [{"round": 1}]}, "wanted a data set, and rounds with number"),
        ({"dataset": None}, "wanted a data set, and rounds"),
    ],
)
def test_a_run_that_cannot_be_read_is_a_sentence(old, change, said):
    path = old / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(NearmissError) as error:
        _ = open_run(old).rounds
    assert str(error.value).startswith(f"{path}: ")
    assert said in str(error.value)


def test_an_unknown_setting_of_a_round_is_a_sentence(old):
    path = old / "run.json"
    content = json.loads(path.read_text())
    content["rounds"][0]["recipe"]["reranker"] = "x"
    path.write_text(json.dumps(content))
    with pytest.raises(RunError, match=r"run\.json: wanted only settings .* found reranker"):
        open_run(old).mining()


# Damaged


EVERY_FILE = sorted(path.relative_to(OLD).as_posix() for path in OLD.rglob("*") if path.is_file())
# What only mining, or who trains, reads.
OTHERS = re.compile(r"indexes/|teacher_scores/|rounds/1/(document|query)_vectors/|exports/triplet/(?!manifest)")
FILES = [name for name in EVERY_FILE if not OTHERS.match(name)]
DAMAGE = {
    "cut": lambda content: content[: len(content) // 2],
    "empty": lambda content: b"",
    "random": lambda content: np.random.default_rng(7).bytes(max(len(content), 64)),
    "deleted": lambda content: None,
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("name", FILES)
def test_damage_is_named_or_does_not_matter(old, undamaged, tmp_path, name, damage):
    path = old / name
    content = DAMAGE[damage](path.read_bytes())
    path.unlink() if content is None else path.write_bytes(content)
    said = ""
    try:
        told, _, _, _ = everything(old, tmp_path / "out")
    except NearmissError as error:
        said = str(error)
    if said:
        place, _, rest = said.partition(": wanted ")
        # The place is the file itself, or the run folder where the file that makes it one is gone.
        assert place.removeprefix("--reviews ") in (str(path), str(old)), said
        assert "; found " in rest
        assert "bug" not in rest
    elif name not in ("reviews.db", "rounds/1/calibration.json"):
        # Nobody reads it, or it is made again; and a log of that release left no word that it had begun.
        assert told["status"] == undamaged


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_to_what_only_mining_reads_keeps_nobody_from_looking(old, undamaged, tmp_path, damage):
    for path in [old / name for name in EVERY_FILE if OTHERS.match(name)]:
        content = DAMAGE[damage](path.read_bytes())
        path.unlink() if content is None else path.write_bytes(content)
    told, _, _, _ = everything(old, tmp_path / "out")
    assert told["status"] == undamaged


NEEDED = ["run.json", "policy.json", "rounds/1/candidates/00000.parquet"]
NEEDED += [f"dataset/{name}" for name in ("counts.json", "documents.parquet", "positives.parquet", "queries.parquet")]


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("name", NEEDED)
def test_what_is_needed_is_missed(old, tmp_path, name, damage):
    content = DAMAGE[damage]((old / name).read_bytes())
    (old / name).unlink() if content is None else (old / name).write_bytes(content)
    with pytest.raises(NearmissError):
        everything(old, tmp_path / "out")


@pytest.mark.parametrize(
    ("name", "cure"),
    [
        ("policy.json", "`nearmiss select RUN --preset default` writes a new one"),
        ("run.json", "Take it from a backup"),
        ("rounds/1/candidates/00000.parquet", "Delete it and run the same `nearmiss mine` again"),
        ("rounds/1/seconds.json", "Delete it: only the seconds of the stages are lost"),
        ("rounds/1/calibration.json", "Delete it: the default calibration takes its place"),
        ("dataset/queries.parquet", "Take it from a backup"),
        ("reviews.db", "Take it from a backup"),
        ("policies.jsonl", "Delete it: the policy in force stays"),
    ],
)
def test_what_to_do_about_a_damaged_file_is_said(old, tmp_path, name, cure):
    (old / name).write_bytes(b"\xff\xfe nonsense")
    with pytest.raises(NearmissError) as error:
        everything(old, tmp_path / "out")
    assert str(old / name) in str(error.value)
    assert cure in str(error.value)


@pytest.mark.parametrize("opened", [lambda run: open_run(run).verdicts(), open_to_read, open_workspace])
def test_a_log_that_is_gone_is_missed_and_not_taken_for_nobody_s_judgement(old, opened):
    assert not (old / "reviews-begun.json").exists()
    open_run(old).verdicts()  # a log of version 0.1 leaves word when it is first read
    for path in old.glob("reviews.db*"):
        path.unlink()
    with pytest.raises(ReviewError, match=r"reviews\.db: wanted the log .* found no such file, though reviews-begun"):
        opened(old)
    # The advice works: without that word the run is one that nobody judged.
    (old / "reviews-begun.json").unlink()
    assert open_run(old).verdicts() == {}
    assert not (old / "reviews.db").exists()


JUDGED = Event(
    query_id="q01", doc_id="p0013", verdict="relevant", reviewer="ann", client_id="a", client_seq=1, decided_at=1.0
)


def test_who_judges_first_leaves_word_and_who_only_looks_does_not(old):
    for path in old.glob("reviews*"):
        path.unlink()
    work = open_workspace(old)
    assert not (old / "reviews-begun.json").exists()
    work.log.append([JUDGED])
    assert json.loads((old / "reviews-begun.json").read_text())["log"] == "reviews.db"
    work.log.close()


def test_a_chosen_calibration_that_is_gone_is_a_doubt(old):
    (old / "rounds/1/calibration.json").unlink()
    assert not any("no such file" in doubt for doubt in funnel.report(open_run(old))["doubts"])
    (old / "rounds/1/calibrations.jsonl").write_text("")
    assert f"{old}/rounds/1/calibration.json: no such file" in funnel.report(open_run(old))["doubts"][-1]


def test_a_shard_of_candidates_that_is_gone_is_missed(old):
    run = json.loads((old / "run.json").read_text())
    run["rounds"][0]["candidate_shards"] = 2
    (old / "run.json").write_text(json.dumps(run))
    with pytest.raises(FileError, match=r"candidates.00001\.parquet: wanted one of 2 shards; found no such file"):
        open_run(old).candidates()


# To read only


@pytest.fixture
def read_only(old):
    """The run on a place where nobody may write: for root a mount, for others permissions."""
    if os.geteuid() != 0:
        for path in [old, *old.rglob("*")]:
            path.chmod(path.stat().st_mode & ~0o222)
        yield old
        for path in [old, *old.rglob("*")]:
            path.chmod(path.stat().st_mode | 0o200)
        return
    if not shutil.which("mount") or subprocess.run(["mount", "--bind", old, old], capture_output=True).returncode:
        pytest.skip("this machine mounts nothing, and root may write everywhere else")
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", old], check=True)
        yield old
    finally:
        subprocess.run(["umount", "-l", old], check=True)


def test_a_run_that_can_only_be_read_is_read(read_only, undamaged, tmp_path):
    told, _, _, _ = everything(read_only, tmp_path / "out")
    assert told["status"] == undamaged
    assert (tmp_path / "out" / "manifest.json").exists()


def test_what_would_write_to_it_says_that_it_cannot(read_only):
    work = open_workspace(read_only)
    assert len(work.standing.verdicts()) == 4
    row = work.candidates.iloc[0]
    event = Event(
        query_id=row.query_id,
        doc_id=row.doc_id,
        verdict="relevant",
        reviewer="bob",
        client_id="c2",
        client_seq=1,
        decided_at=5.0,
    )
    with pytest.raises(ReviewError, match=r"reviews\.db: wanted to write to the log; found a place that can only"):
        work.append([event])
    with pytest.raises(FileError, match=r"policy\.json: wanted to write it; found: .*choose another place"):
        saved.save(work.run, Policy(), "bob")
    with pytest.raises(FileError, match="choose another place"):
        prepare(work, Export()).write(read_only / "exports" / "new", lambda rows: None)
    with pytest.raises(FileError, match="choose another place"):
        pipeline.mine(read_only, work.run.last_recipe(), encoder=WordEncoder("x"), teacher=OverlapTeacher())
    work.log.close()


def test_judgements_that_are_not_yet_in_the_file_are_read_too(old, tmp_path):
    # A snapshot taken while someone judged: the last rows are in the file beside it.
    log = open_run(old).log()
    event = log.since(0)[0].event
    log.append([replace(event, client_seq=99, reviewer="bob")])
    snapshot = Path(shutil.copytree(old, tmp_path / "snapshot"))
    assert (snapshot / "reviews.db-wal").stat().st_size
    log.close()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nearmiss.review.schema.can_be_written", lambda path: False)
        copy = open_run(snapshot).log_to_read()
        assert [entry.event.reviewer for entry in copy.since(0)] == ["ann"] * 4 + ["bob"]
        assert not copy.can_be_written
        copy.close()
    assert sqlite3.connect(snapshot / "reviews.db").execute("select count(*) from verdicts").fetchone() == (5,)
