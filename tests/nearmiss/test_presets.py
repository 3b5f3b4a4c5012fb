"""Presets: published numbers, told apart from our own, as values that any model can run with."""

import math
import subprocess
import sys

import pytest

from nearmiss.presets import EVERYWHERE, PRESETS
from nearmiss.settings import LATE_INTERACTION, Mining, Policy

NAMES = {
    "default", "dpr", "ance", "rocketqa", "gpl", "simans", "e5", "e5-mistral", "bge", "bge-m3", "gte", "nv-retriever",
    "nv-retriever-margin", "arctic-embed", "zembed-1", "sentence-transformers",
}  # fmt: skip

# By hand from the papers and scripts: sources, depth, negatives, sampling, ranks skipped, last rank.
PUBLISHED = [
    ("dpr", ("bm25",), 100, 1, "top", 0, None),
    ("ance", ("dense",), 200, 20, "random", 0, 200),
    ("rocketqa", ("dense",), 200, 4, "random", 0, 50),
    ("gpl", ("bm25", "dense"), 50, 100, "random", 0, None),
    ("simans", ("dense",), 200, 15, "simans", 0, None),
    ("e5-mistral", ("dense",), 100, 1, "random", 0, 100),
    ("bge", ("dense",), 210, 15, "random", 10, 210),
    ("bge-m3", ("dense",), 200, 7, "random", 0, 200),
    ("arctic-embed", ("dense",), 1000, 10, "top", 0, None),
    ("zembed-1", ("bm25", "dense"), 100, 15, "stratified", 0, None),
    ("sentence-transformers", ("dense",), 100, 3, "top", 0, None),
]
WITH_A_MARGIN = {"default": (0.05, None), "nv-retriever": (0.05, None), "arctic-embed": (0.05, None)} | {
    "nv-retriever-margin": (None, 0.05)
}


def test_every_recipe_of_the_plan_is_there_under_its_own_name():
    assert set(PRESETS) == NAMES
    assert [preset.name for preset in PRESETS.values()] == list(PRESETS)


@pytest.mark.parametrize(("name", "sources", "depth", "negatives", "sampling", "skipped", "last"), PUBLISHED)
def test_a_preset_says_what_its_source_says(name, sources, depth, negatives, sampling, skipped, last):
    mining, policy = PRESETS[name].mining, PRESETS[name].policy
    assert mining.sources == sources
    assert {mining.depth_of(source) for source in sources} == {depth}
    assert (policy.negatives_per_query, policy.sampling) == (negatives, sampling)
    assert (policy.skip_top, policy.max_rank) == (skipped, last)


def test_only_recipes_with_a_margin_to_the_positive_have_one():
    margins = {name: (preset.policy.relative_margin, preset.policy.absolute_margin) for name, preset in PRESETS.items()}
    assert margins == dict.fromkeys(PRESETS, (None, None)) | WITH_A_MARGIN


def test_the_default_preset_is_what_runs_without_one():
    assert PRESETS["default"].mining == Mining()
    assert PRESETS["default"].policy == Policy()


def test_the_ceiling_of_rocketqa_is_its_probability_as_a_logit():
    assert 1 / (1 + math.exp(-PRESETS["rocketqa"].policy.max_score)) == pytest.approx(0.1, abs=1e-3)


def test_a_preset_that_looks_deeper_has_something_deeper_to_look_at():
    for preset in PRESETS.values():
        ranks = preset.policy.max_rank or 0
        reach = max(preset.mining.depth_of(source) for source in preset.mining.sources)
        assert reach > ranks if preset.policy.shortfall == "deepen" else reach >= ranks, preset.name


def test_a_preset_recommends_models_and_sets_none():
    for preset in PRESETS.values():
        chosen = preset.mining
        assert (chosen.encoder, chosen.sparse_encoder) == ("", "")
        assert chosen.teacher == (LATE_INTERACTION if preset.name == "default" else "")
        assert chosen.query_prompt is chosen.document_prompt is None
        assert chosen.trust_remote_code is False


def test_models_are_named_as_the_hub_names_them():
    for preset in PRESETS.values():
        for model in [*(family.model for family in preset.encoders), *preset.teachers]:
            assert model.count("/") == 1, model
            assert " " not in model


def test_the_prompts_are_those_that_the_models_were_trained_with():
    prompts = {family.model: family for preset in PRESETS.values() for family in preset.encoders}
    task = "Given a web search query, retrieve relevant passages that answer the query"
    mistral = prompts["intfloat/e5-mistral-7b-instruct"]
    assert (mistral.pooling, mistral.query_prompt) == ("last", f"Instruct: {task}\nQuery: ")
    bge = prompts["BAAI/bge-base-en-v1.5"]
    assert (bge.pooling, bge.query_prompt) == ("cls", "Represent this sentence for searching relevant passages: ")
    e5 = prompts["intfloat/e5-base-v2"]
    assert (e5.pooling, e5.query_prompt, e5.document_prompt) == ("mean", "query: ", "passage: ")


def test_what_nobody_read_is_marked_as_such():
    assert "not published" in PRESETS["zembed-1"].unverified[0]
    assert any("mGTE" in doubt for doubt in PRESETS["gte"].unverified)
    assert PRESETS["bge"].unverified == ()


def test_every_preset_has_a_source_and_says_where_it_differs():
    assert len(EVERYWHERE) == 2
    for preset in PRESETS.values():
        assert preset.summary
        assert preset.source
        assert preset.deviations or preset.name == "default", preset.name


def test_nobody_can_change_a_preset_for_the_others():
    with pytest.raises(TypeError):
        PRESETS["mine"] = PRESETS["default"]


def test_presets_load_without_a_library():
    heavy = "import sys, nearmiss.presets; print(sorted({'numpy', 'pandas', 'torch', 'pyarrow'} & set(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", heavy], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
