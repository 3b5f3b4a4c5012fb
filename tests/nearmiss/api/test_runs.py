"""A run from Python: what it decides is what the commands decide, verdicts and all."""

import json

import pandas as pd
import pytest
from typer.testing import CliRunner

import nearmiss as nm
from nearmiss.cli.commands import app
from nearmiss.errors import RecipeError, RunError
from nearmiss.review import Event
from nearmiss.settings import Policy


@pytest.fixture
def opened(run):
    return nm.open_run(run)


def judge(opened, verdict):
    """Have a person judge the first kept negative; its query and document."""
    row = opened.selected().query("status == 'kept'").iloc[0]
    log = opened.log()
    who = {"reviewer": "ann", "client_id": "a page", "client_seq": 1, "decided_at": 1.0}
    log.append([Event(query_id=row.query_id, doc_id=row.doc_id, verdict=verdict, **who)])
    log.close()
    return row.query_id, row.doc_id


def test_a_selection_is_what_the_command_decides(opened):
    told = CliRunner().invoke(app, ["select", str(opened.folder), "--max-p-relevant", "0.02", "--json"])
    assert opened.select(max_p_relevant=0.02).counts == json.loads(told.stdout)["status"]


def test_settings_change_alone_or_on_a_policy(opened):
    assert opened.select(negatives_per_query=2).policy == Policy(negatives_per_query=2)
    assert opened.select(Policy(max_p_relevant=0.3), skip_top=1).policy == Policy(max_p_relevant=0.3, skip_top=1)
    with pytest.raises(RecipeError, match=r"found \['negatives'\]"):
        opened.select(negatives=2)
    with pytest.raises(RecipeError, match="wanted 0 to 1; found 3"):
        opened.select(max_p_relevant=3)


def test_a_selection_is_in_force_once_it_is_saved(opened):
    chosen = opened.select(negatives_per_query=2)
    assert opened.policy.negatives_per_query == 7
    chosen.save()
    assert nm.open_run(str(opened.folder)).policy.negatives_per_query == 2


def test_no_way_to_decide_leaves_verdicts_out(opened):
    query_id, doc_id = judge(opened, "relevant")
    ways = [opened.selected(), opened.select().rows, nm.select(opened.candidates(), opened.policy)]
    for rows in ways:
        pd.testing.assert_frame_equal(rows, ways[0])
        row = rows[rows.query_id.eq(query_id) & rows.doc_id.eq(doc_id)]
        assert row.status.tolist() == ["reviewed_relevant"]
    assert opened.explain(query_id, doc_id).status == "reviewed_relevant"
    pd.testing.assert_frame_equal(opened.judged(), opened.candidates())
    assert opened.report()["status"] == opened.select().counts


def test_an_explanation_is_under_the_selection_s_policy(opened):
    row = opened.selected().query("status == 'kept'").iloc[0]
    strict = opened.select(max_p_relevant=0.0).explain(row.query_id, row.doc_id)
    assert strict.status == "too_close"
    assert str(strict).splitlines()[0] == f"{row.query_id} and {row.doc_id}: too_close"
    assert str(opened.explain(row.query_id, row.doc_id)).splitlines()[0].endswith(f"kept, place {row.slot}")
    with pytest.raises(RunError, match="found none with query_id 'nobody'"):
        opened.explain("nobody", row.doc_id)


def test_an_export_writes_the_selection_and_not_the_policy_in_force(opened, tmp_path):
    chosen = opened.select(negatives_per_query=2)
    manifest = chosen.export(tmp_path / "shards", format="triplet", compress="none")
    rows = [
        json.loads(line)
        for path in (tmp_path / "shards").glob("*.jsonl")
        for line in path.read_text("utf-8").splitlines()
    ]
    assert manifest.provenance["policy"]["negatives_per_query"] == 2
    assert rows == chosen.to_dataset("triplet").to_list()
    assert max(pd.DataFrame(rows).groupby(["query", "answer"]).size()) == 2


def test_a_found_answer_is_a_positive_of_the_rows(opened):
    query_id, doc_id = judge(opened, "relevant")
    texts = opened.dataset.documents.set_index("doc_id")["text"]
    query = opened.dataset.queries.set_index("query_id").at[query_id, "text"]
    rows = opened.to_dataset("triplet").to_pandas()
    rows = rows[rows["query"] == query]
    assert texts[doc_id] in set(rows["answer"])
    assert texts[doc_id] not in set(rows["negative"])


def test_a_format_of_several_tables_gives_one_dataset_each(opened):
    tables = opened.to_dataset("tevatron-ids")
    assert sorted(tables) == ["corpus", "train"]
    assert len(tables["train"]) == opened.export(opened.folder.parent / "ids", format="tevatron-ids").exported_queries


def test_a_setting_that_exports_do_not_have_is_named(opened):
    with pytest.raises(RecipeError, match=r"found \['prompts'\]"):
        opened.to_dataset("triplet", prompts="x")


def test_where_there_is_no_run_it_says_so(tmp_path):
    with pytest.raises(RunError, match="wanted a run folder"):
        nm.open_run(str(tmp_path))
