"""
Mistakes seen in other mining tools, each as a test by its name.

The tools: ST = sentence-transformers, FE = FlagEmbedding, AM = NVIDIA Automodel, CU = NeMo Curator,
AR = ArcticTraining, TF = teraflop-ai/hard-negatives, RQ = RocketQA, GPL. Some of them have been mended there since.
"""

import json
import os
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nearmiss import data as dataset
from nearmiss import pipeline, selection
from nearmiss.errors import DatasetError, RunError
from nearmiss.settings import Mining
from tests.nearmiss.selection.test_selection import row, statuses, table
from tests.words import OverlapTeacher, WordEncoder, pairs_wanted
from tests.words import margins as Policy

ROOT = Path(__file__).parent.parent


def made(tmp_path, documents, queries, judged):
    """A dataset from plain tuples."""
    folder = tmp_path / "data"
    (folder / "qrels").mkdir(parents=True, exist_ok=True)
    corpus = [json.dumps({"_id": doc_id, "text": text}) for doc_id, text in documents]
    (folder / "corpus.jsonl").write_text("\n".join(corpus))
    (folder / "queries.jsonl").write_text("\n".join(json.dumps({"_id": q, "text": text}) for q, text in queries))
    lines = ["query-id\tcorpus-id\tscore", *("\t".join(map(str, judgement)) for judgement in judged)]
    (folder / "qrels" / "train.tsv").write_text("\n".join(lines))
    return dataset.read(folder)


def mined(tmp_path, data, recipe=None, **models):
    recipe = recipe or Mining(language="en", teacher="", depth=(("bm25", 4), ("dense", 4)))
    return pipeline.mine(tmp_path / "run", recipe, data, **{"encoder": WordEncoder()} | models)


@pytest.fixture
def fruit(tmp_path):
    kinds = ["apple", "pear", "plum", "cherry", "quince", "medlar", "fig", "grape"]
    documents = [(f"{n}", f"the {kind} is ripe in autumn, say growers of {kind} trees") for n, kind in enumerate(kinds)]
    return made(tmp_path, documents, [("q", "when is the apple ripe")], [("q", "0", 1)])


def test_range_min_counts_original_ranks_and_not_survivors_st():
    frame = table(row(0.7, dense_rank=1, duplicate_kind="same_text"), row(0.6, dense_rank=2), row(0.5, dense_rank=3))
    assert statuses(frame, Policy(skip_top=2)) == ["duplicate", "skipped_rank", "kept"]


def test_a_named_teacher_always_scores_even_where_no_threshold_asks_st(tmp_path, fruit):
    teacher = OverlapTeacher()
    run = pipeline.mine(
        tmp_path / "run",
        Mining(language="en", teacher="toy"),
        fruit,
        Policy(relative_margin=None),
        encoder=WordEncoder(),
        teacher=teacher,
    )
    candidates = run.candidates()
    assert sorted(teacher.pairs) == sorted(pairs_wanted(run))
    assert not np.allclose(candidates["teacher_score"], candidates["dense_score"])


def test_asking_for_more_than_there_is_gives_no_row_minus_one_and_no_infinite_score_am_st(tmp_path, fruit):
    candidates = mined(
        tmp_path, fruit, Mining(language="en", teacher="", depth=(("bm25", 500), ("dense", 500)))
    ).candidates()
    assert sorted(candidates["doc_id"]) == sorted(fruit.documents["doc_id"])
    scores = candidates[["dense_score", "teacher_score"]].to_numpy()
    assert np.isfinite(scores).all()
    assert candidates["dense_rank"].tolist() != [-1] * 8
    assert candidates["dense_rank"].min() == 1


@pytest.mark.parametrize("positive", [4.0, 0.5, -0.5, -4.0])
def test_a_margin_leaves_a_gap_below_the_positive_whatever_its_sign_am_cu_ar_tf(positive):
    gap = abs(positive) * 0.1
    frame = table(row(positive), row(positive - 0.9 * gap), row(positive - 1.1 * gap), positive=positive)
    assert statuses(frame, Policy(relative_margin=0.1)) == ["too_close", "too_close", "kept"]


def test_a_short_query_is_not_padded_with_repeats_positives_or_itself_fe():
    frame = table(row(0.99), row(0.4), row(0.3, is_the_query=True))
    judged = selection.select(frame, Policy(negatives_per_query=5))
    assert judged.loc[judged.status.eq("kept"), "doc_id"].tolist() == ["d1"]


def test_labelled_negatives_are_kept_even_where_no_source_finds_them_fe(tmp_path):
    documents = [("p", "apple trees bloom in May"), *((f"n{i}", f"apple cake number {i}") for i in range(9))]
    documents += [("far", "entirely unrelated words about locomotives")]
    data = made(tmp_path, documents, [("q", "apple")], [("q", "p", 1), ("q", "far", 0)])
    judged = mined(tmp_path, data).selected().set_index("doc_id")
    assert judged.loc["far", ["status", "slot"]].tolist() == ["kept", judged["slot"].max()]
    assert pd.isna(judged.loc["far", "bm25_rank"])


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_the_answer_does_not_depend_on_the_order_of_sets_fe(tmp_path, fruit, hash_seed):
    del fruit
    whole = mined(tmp_path, dataset.read(tmp_path / "data")).candidates()
    code = (
        "import sys; from pathlib import Path\n"
        "from nearmiss import data as dataset, pipeline\n"
        "from nearmiss.settings import Mining\n"
        "from tests.words import WordEncoder\n"
        "recipe = Mining(language='en', teacher='', depth=(('bm25', 4), ('dense', 4)))\n"
        "pipeline.mine(Path(sys.argv[2]), recipe, dataset.read(sys.argv[1]), encoder=WordEncoder())"
    )
    command = [sys.executable, "-c", code, tmp_path / "data", tmp_path / "other"]
    subprocess.run(command, cwd=ROOT, check=True, env=os.environ | {"PYTHONHASHSEED": hash_seed})
    pd.testing.assert_frame_equal(pipeline.open_run(tmp_path / "other").candidates(), whole)


def test_each_candidate_is_counted_by_one_rule_only_st():
    frame = table(row(0.99, dense_rank=1, duplicate_kind="same_text", is_sibling=True), row(0.4))
    counts = selection.decide(selection.prepare(frame), Policy(skip_top=1)).counts()
    assert sum(counts.values()) == len(frame) == 3
    assert counts["duplicate"] == counts["known_positive"] == counts["kept"] == 1


CHANGES = {
    "max_score": 0.3,
    "absolute_margin": 0.5,
    "relative_margin": 0.6,
    "max_p_relevant": 0.2,
    "min_score": 0.3,
    "absolute_floor": 0.2,
    "relative_floor": 0.3,
    "min_p_relevant": 0.45,
    "anchor": "max",
    "skip_top": 3,
    "skip_survivors": 2,
    "max_rank": 6,
    "different_cluster": True,
    "allow_twin_answers": True,
    "allow_siblings": True,
    "duplicate_cosine": 0.99,
    "duplicate_jaccard": 0.95,
    "reuse_cap": 1,
    "negatives_per_query": 3,
    "quota": (("bm25", 1.0),),
    "sampling": "random",
    "simans_a": 40.0,
    "simans_b": -0.4,
    "shortfall": "drop",
    "seed": 7,
}


@pytest.mark.parametrize("setting", [field.name for field in fields(Policy())])
def test_no_setting_is_listed_but_unused_fe_cu(setting):
    base = {
        "simans_a": Policy(sampling="simans", negatives_per_query=3),
        "simans_b": Policy(sampling="simans", negatives_per_query=3, simans_a=20.0),
        "seed": Policy(sampling="random", negatives_per_query=3),
        "shortfall": Policy(max_score=0.3),
    }.get(setting, Policy())
    frame = varied()
    before, after = (selection.select(frame, p) for p in (base, replace(base, **{setting: CHANGES[setting]})))
    assert not before["status"].equals(after["status"])


def varied():
    """Two queries whose twelve candidates differ in everything a policy looks at."""
    rows = [
        row(0.05 * i, f"d{i}", query_id=q, dense_rank=i + 1, bm25_rank=12 - i if i % 3 else pd.NA, p_relevant=0.05 * i)
        for q in ("q0", "q1")
        for i in range(12)
    ]
    rows[3] |= {"is_sibling": True}
    rows[5] |= {"twin_query": "q9", "twin_cosine": 0.99, "twin_jaccard": 0.9}
    rows[4] |= {"positive_cosine": 0.97, "positive_jaccard": 0.9}
    rows[6] |= {"same_cluster": True}
    positives = [
        row(score, name, query_id=q, is_positive=True, p_relevant=0.9)
        for q in ("q0", "q1")
        for name, score in (("p", 0.45), ("p2", 0.8))
    ]
    frame = pd.DataFrame(positives + rows).sort_values("query_id", kind="stable")
    return frame.astype({"bm25_rank": "Int32", "dense_rank": "Int32", "teacher_score": "float32"})


def test_a_ceiling_on_logits_is_not_cut_off_at_one_cu():
    frame = table(row(7.5), row(5.5), positive=8.0)
    assert statuses(frame, Policy(relative_margin=0.1)) == ["too_close", "kept"]  # 7.2


def test_an_id_is_not_found_within_a_longer_id_rq(tmp_path):
    documents = [
        ("12345", "apple trees bloom in May"),
        *((str(i), f"apple cake number {i}") for i in (1, 12, 123, 234)),
    ]
    data = made(tmp_path, documents, [("q", "apple")], [("q", "12345", 1)])
    candidates = mined(tmp_path, data).candidates()
    assert candidates.loc[candidates.is_positive, "doc_id"].tolist() == ["12345"]
    assert set(candidates["doc_id"]) == {"12345", "1", "12", "123", "234"}


def test_thresholds_work_on_the_whole_pool_and_not_on_its_first_ten_tf():
    frame = table(*[row(0.79, dense_rank=i + 1) for i in range(40)], *[row(0.3, dense_rank=41 + i) for i in range(7)])
    assert selection.select(frame, Policy())["status"].eq("kept").sum() == 7


def test_documents_are_encoded_as_documents_and_queries_as_queries_tf(tmp_path, fruit):
    class Sided(WordEncoder):
        def encode_query(self, texts):
            return super().encode_query([f"query: {text}" for text in texts])

    candidates = mined(tmp_path, fruit, encoder=Sided()).candidates()
    plain = WordEncoder()
    texts = fruit.documents.set_index("doc_id")["text"]
    query = plain.encode_query(["query: when is the apple ripe"])[0]
    wanted = [query @ plain.encode_query([texts[doc_id]])[0] for doc_id in candidates["doc_id"]]
    np.testing.assert_allclose(candidates["dense_score"], wanted, atol=2e-3)


def test_positives_take_no_place_in_a_source_s_depth_gpl(tmp_path):
    documents = [(f"p{i}", f"apple trees bloom in May {i}") for i in range(4)]
    documents += [(f"n{i}", f"apple cake recipe {i}") for i in range(9)]
    data = made(tmp_path, documents, [("q", "apple trees bloom")], [("q", f"p{i}", 1) for i in range(4)])
    candidates = mined(tmp_path, data).candidates()
    others = candidates[~candidates.is_positive]
    assert others["dense_rank"].notna().sum() == 4
    assert others["bm25_rank"].notna().sum() == 4


def test_a_second_row_of_one_id_is_an_error_and_does_not_overwrite_am(tmp_path):
    with pytest.raises(DatasetError, match=r"corpus\.jsonl:2"):
        made(tmp_path, [("d", "one text"), ("d", "another text")], [("q", "text")], [("q", "d", 1)])


def test_an_export_that_fails_leaves_what_was_there_untouched_fe(tmp_path, fruit):
    from nearmiss import export
    from nearmiss.settings import Export

    run = mined(tmp_path, fruit)
    out = tmp_path / "out"
    export.write(run.dataset, run.selected(), out, Export(), run.provenance())
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    with pytest.raises(RunError):
        export.write(run.dataset, run.selected(), out, Export(format="kl"), run.provenance())
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
