"""Batch groups: a table worked out by hand, a slow oracle, and batches as sentence-transformers draws them."""

from dataclasses import replace

import pytest

from nearmiss.export import Export, write
from nearmiss.export.plan import plan
from nearmiss.export.read_back import rows_of_first_table, written
from nearmiss.session.export_inputs import prepare
from nearmiss.workspace import open_to_read
from tests.nearmiss.export.test_export import NEG, POS, PROVENANCE, SELECTED, dataset_of, frame_of


def groups_of(rows=SELECTED, **choices):
    return dict(plan(dataset_of(), rows, Export(batch_groups=True, **choices)).groups.of)


def test_queries_conflict_where_one_brings_an_answer_of_the_other():
    # q2 has both answers of q1 among its negatives, and q3 has the answer of q2; q1 and q3 have nothing in common.
    assert groups_of(format="flag") == {"q1": (0,), "q2": (1,), "q3": (0,)}


def test_rows_of_one_query_are_in_different_groups():
    assert groups_of(format="labeled-list") == {"q1": (0, 1), "q2": (2,), "q3": (0,)}
    assert [len(groups) for groups in groups_of(format="triplet").values()] == [
        len(POS[query]) * len(NEG[query]) for query in groups_of(format="triplet")
    ]


@pytest.mark.parametrize("status", ["duplicate", "answers_twin_query", "reviewed_partial", "reviewed_relevant"])
def test_an_answer_that_is_not_written_counts(status):
    rows = frame_of().replace({"status": {"too_close": status}})  # d2 for q1, which q3 brings as its positive
    assert rows.loc[rows.status.eq(status), ["query_id", "doc_id"]].to_numpy().tolist()[0] == ["q1", "d2"]
    groups = groups_of(rows, format="flag", relevant="drop")
    assert set(groups["q1"]).isdisjoint(groups["q3"])


def test_queries_of_one_text_are_never_in_one_group():
    dataset = dataset_of()
    first = dataset.queries["text"].iloc[0]
    texts = dataset.queries["text"].mask(dataset.queries["query_id"].eq("q3"), f" {first.upper()}")
    twins = replace(dataset, queries=dataset.queries.assign(text=texts))
    groups = plan(twins, SELECTED, Export(format="flag", batch_groups=True)).groups.of
    assert groups["q1"] != groups["q3"]


@pytest.fixture(scope="module")
def work(mined):
    return open_to_read(mined)


def conflicting(selected, rows, texts):
    """Pairs of rows (query_id, texts of its documents) of which one holds an answer of the other, one by one."""
    known = selected[selected["is_positive"] | selected["status"].isin(["duplicate", "answers_twin_query"])]
    answers = {}
    for query_id, doc_id in zip(known["query_id"], known["doc_id"], strict=True):
        answers.setdefault(query_id, set()).add(texts[doc_id])
    return {
        (one, other)
        for one, (query_id, _) in enumerate(rows)
        for other, (_, held) in enumerate(rows)
        if one != other and answers[query_id] & held
    }


@pytest.mark.parametrize("format", ["triplet", "n-tuple", "labeled-pair", "flag"])
def test_within_a_group_no_row_holds_an_answer_of_another(work, tmp_path, format):
    inputs = prepare(work, Export(format=format, batch_groups=True))
    dataset = inputs.dataset
    texts = dict(zip(dataset.documents["doc_id"], work.texts(dataset.documents["doc_id"].tolist()), strict=True))
    names = dict(zip(dataset.queries["text"], dataset.queries["query_id"], strict=True))
    rows, groups = [], []
    for row in next(iter(inputs.tables()))[1]:
        groups.append(row.pop("batch_group"))
        query, *held = (row["query"], *row["pos"], *row["neg"]) if format == "flag" else row.values()
        rows.append((names[query], {text for text in held if isinstance(text, str)}))
    conflicts = conflicting(inputs.selected, rows, texts)
    assert conflicts
    assert [pair for pair in conflicts if groups[pair[0]] == groups[pair[1]]] == []


@pytest.mark.slow
def test_the_lines_in_the_card_let_sentence_transformers_draw_batches_without_a_conflict(work, tmp_path):
    import torch
    from datasets import DatasetDict, load_dataset
    from sentence_transformers.base.sampler import DefaultBatchSampler, ProportionalBatchSampler
    from torch.utils.data import ConcatDataset, RandomSampler

    inputs = prepare(work, Export(format="n-tuple", batch_groups=True))
    inputs.write(tmp_path / "out", lambda rows: None)
    code = (tmp_path / "out" / "card.md").read_text("utf-8").split("```python\n")[1].split("```")[0]
    every = load_dataset(str(tmp_path / "out"), split="train", cache_dir=str(tmp_path / "cache"))
    found = {"rows": every, "DatasetDict": DatasetDict}
    exec(code, found)
    assert all(part.column_names == [*every.column_names[:-1]] for part in found["rows"].values())

    documents = inputs.dataset.documents["doc_id"].tolist()
    texts = dict(zip(documents, work.texts(documents), strict=True))
    names = dict(zip(inputs.dataset.queries["text"], inputs.dataset.queries["query_id"], strict=True))

    def conflicts(rows, batches):
        held = [(names[row["query"]], {text for name, text in row.items() if name != "query"}) for row in rows]
        return sum(len(conflicting(inputs.selected, [held[place] for place in batch], texts)) for batch in batches)

    generator = torch.Generator().manual_seed(3)
    plain = DefaultBatchSampler(RandomSampler(every, generator=generator), 16, False, None, generator, 3)
    assert conflicts(every.remove_columns("batch_group"), plain) > 0
    parts = list(found["rows"].values())
    samplers = [
        DefaultBatchSampler(RandomSampler(part, generator=generator), 16, False, None, generator, 3) for part in parts
    ]
    batches = list(ProportionalBatchSampler(ConcatDataset(parts), samplers, generator, 3))
    assert sorted(place for batch in batches for place in batch) == list(range(len(every)))
    assert conflicts([row for part in parts for row in part], batches) == 0


@pytest.mark.parametrize("choices", [{}, {"container": "parquet"}, {"own_columns": True}])
def test_the_group_is_the_last_column_and_the_manifest_counts(tmp_path, choices):
    out = tmp_path / "out"
    manifest = write(
        dataset_of(), SELECTED, out, Export(format="labeled-list", batch_groups=True, **choices), PROVENANCE
    )
    rows = list(rows_of_first_table(written(out)))
    assert {list(row)[-1] for row in rows} == {"batch_group"}
    assert [row["batch_group"] for row in rows] == [0, 1, 2, 0]
    assert manifest.batch_groups == {"groups": 3, "largest": 2, "median": 1, "smallest": 1}
