"""Settings: each number has one range, and what is out of it is refused by name."""

import itertools
import math
from dataclasses import fields, replace
from typing import get_type_hints

import pytest

from nearmiss.errors import RecipeError
from nearmiss.run import mining_from, policy_from
from nearmiss.settings import (
    AUDIT,
    LATE_INTERACTION,
    RESERVED,
    Export,
    Mining,
    Policy,
    Teaching,
    Training,
    Trial,
    as_written,
    check_audit,
    check_read,
    check_together,
    flag,
    range_of,
    source_file,
    source_name,
    with_whole_paths,
)

RECIPES = (Mining, Policy, Export, Teaching, Trial, Training)
# Settings that need another one beside them.
BESIDE = {"max_rank": {"skip_top": 0}, "skip_top": {"max_rank": None}, "min_p_relevant": {"max_p_relevant": None}}
NUMBERS = [
    (recipe, field.name)
    for recipe, field in itertools.chain.from_iterable(zip(itertools.repeat(r), fields(r)) for r in RECIPES)
    if {int, float} & {get_type_hints(recipe)[field.name], *getattr(get_type_hints(recipe)[field.name], "__args__", ())}
]


def made(recipe, name, value):
    if name in ("depth", "quota"):
        value = (("dense", value),)
    return recipe(**{name: value} | BESIDE.get(name, {}))


@pytest.mark.parametrize(("recipe", "name"), NUMBERS)
def test_every_number_has_a_range_whose_ends_hold(recipe, name):
    allowed = range_of(recipe, name)
    assert allowed is not None
    for end, is_open, outside in ((allowed.low, allowed.above, -1), (allowed.high, allowed.below, 1)):
        if is_open:
            continue
        kind = int if float(end).is_integer() and "int" in str(get_type_hints(recipe)[name]) else float
        made(recipe, name, kind(end))
        with pytest.raises(RecipeError, match=flag(name)):
            made(recipe, name, kind(end) + outside)


@pytest.mark.parametrize(("recipe", "name"), NUMBERS)
@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, 10**20, -(10**20), True, "7"])
def test_no_number_is_endless_or_no_number_at_all(recipe, name, value):
    with pytest.raises(RecipeError, match=f"{flag(name)}.*: wanted"):
        made(recipe, name, value)


@pytest.mark.parametrize(
    ("refused", "message"),
    [
        (lambda: Policy(min_score=2, max_score=1), "--min-score: wanted at most --max-score 1, or none; found 2"),
        (
            lambda: Policy(min_p_relevant=0.2),
            "--min-p-relevant: wanted at most --max-p-relevant 0.1, or none; found 0.2",
        ),
        (lambda: Policy(max_score=math.inf), "--max-score: wanted a number up to 1,000,000,000; found inf"),
        (lambda: Policy(negatives_per_query=10**20), "--negatives-per-query: wanted 1 or more up to 2,147,483,647"),
        (lambda: Policy(quota=(("bm25", 0),)), "--quota bm25: wanted above 0 and at most 1; found 0"),
        (lambda: Mining(max_length=0), "--max-length: wanted 8 or more; found 0"),
        (lambda: Mining(search_memory=0), "--search-memory: wanted 1 or more; found 0"),
        (lambda: Mining(clusters=-1), "--clusters: wanted 0 or more; found -1"),
        (lambda: Mining(depth=(("bm25", 0),)), "--depth bm25: wanted 1 or more; found 0"),
        (lambda: Teaching(held_out=1), "--held-out: wanted above 0 and below 1; found 1"),
    ],
)
def test_what_is_out_of_range_is_refused_in_words(refused, message):
    with pytest.raises(RecipeError) as error:
        refused()
    assert message in str(error.value)


@pytest.mark.parametrize("name", [*sorted(RESERVED), "", "Splade", "a b", "../../evil", "a/b", "é", "x" * 41, "a.b"])
def test_a_run_file_s_name_is_a_plain_one_and_none_of_ours(name):
    with pytest.raises(RecipeError, match="--source run:"):
        Mining(sources=(f"run:{name}=FILE",))


@pytest.mark.parametrize("name", ["splade", "my_run_2", "x"])
def test_a_plain_name_for_a_run_file_is_taken(name):
    assert source_name(Mining(sources=(f"run:{name}=FILE",)).sources[0]) == name
    with pytest.raises(RecipeError, match="wanted a file after the ="):
        Mining(sources=(f"run:{name}=",))


@pytest.mark.parametrize(
    ("source", "file"),
    [
        ("run:a=x/run.tsv", ("x/run.tsv", "")),
        ("run:a=run.tsv#score", ("run.tsv", "score")),
        ("run:a=run.tsv#rank", ("run.tsv", "rank")),
        ("run:a=run#3.tsv", ("run#3.tsv", "")),
        ("run:a=b=c#rank", ("b=c", "rank")),
    ],
)
def test_a_run_file_s_source_may_say_what_its_numbers_are(source, file):
    assert source_file(source) == file


def test_what_an_earlier_version_wrote_still_opens():
    old = {"max_score": math.inf, "min_p_relevant": 0.5, "quota": [["bm25", 0.5]]}
    policy = policy_from(old)
    assert (policy.max_score, policy.min_p_relevant, policy.quota) == (math.inf, 0.5, (("bm25", 0.5),))
    assert replace(policy, max_score=None, min_p_relevant=None) == Policy(quota=(("bm25", 0.5),))
    mining = mining_from({"sources": ["run:Splade=F"], "depth": [["Splade", 9]]})
    assert (mining.sources, mining.depth, mining.seed) == (("run:Splade=F",), (("Splade", 9),), 42)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"negatives": 3}, "negatives: wanted a setting of this version"),
        ({"skip_top": "3"}, "--skip-top: wanted a whole number; found '3'"),
        ({"sampling": "best"}, "--sampling: wanted one of top"),
    ],
)
def test_what_no_version_wrote_is_refused(content, message):
    with pytest.raises(RecipeError, match=message):
        as_written(Policy, content)


def test_a_policy_that_asks_for_what_is_not_mined_is_refused_before_the_mining():
    with pytest.raises(RecipeError, match="--quota: wanted one of bm25, dense; found 'sparse'"):
        check_together(Mining(), Policy(quota=(("sparse", 0.5),)))
    with pytest.raises(RecipeError, match="--different-cluster: wanted --clusters N beside it"):
        check_together(Mining(), Policy(different_cluster=True))
    check_together(Mining(clusters=3), Policy(different_cluster=True, quota=(("bm25", 0.5),)))


@pytest.mark.parametrize("name", AUDIT)
@pytest.mark.parametrize("value", [math.inf, math.nan, -1, 10**20])
def test_a_number_of_an_audit_that_means_nothing_is_refused_by_its_flag(name, value):
    with pytest.raises(RecipeError, match=f"{flag(name)}: wanted"):
        check_audit(**{name: value})


def test_the_numbers_that_an_audit_may_have():
    check_audit(labels=1, target=0.001, half_width=0.5, seed=0, max_rate=0.999, confidence=0.5)
    check_audit(seed=None)
    with pytest.raises(RecipeError, match=r"--confidence: wanted 0\.5 or more and below 1; found 1"):
        check_audit(confidence=1)


@pytest.mark.parametrize(
    ("recipe", "name", "why"),
    [
        (Mining(teacher="", teacher_prompt="judge: "), "teacher_prompt", "there is no teacher"),
        (Mining(teacher_prompt="judge: "), "teacher_prompt", "the teacher late-interaction takes none"),
        (Mining(teacher="", teacher_max_length=64), "teacher_max_length", "there is no teacher"),
        (Mining(sparse_encoder="splade"), "sparse_encoder", "`sparse` is not among the sources"),
        (Mining(sources=("dense",), language="de"), "language", "`bm25`, which reads it, is not"),
        (Mining(sources=("bm25",), index="ivf"), "index", "`dense`, which reads it, is not"),
        (Mining(index="hnsw", search_memory=64), "search_memory", "the index is hnsw"),
        (Policy(simans_b=0.5), "simans_b", "the sampling is top"),
        (Policy(anchor="max", relative_margin=None), "anchor", "no margin or floor starts from it"),
        (Trial(max_length=64), "max_length", "the adapter learns from the run's vectors"),
    ],
)
def test_a_setting_that_another_choice_leaves_unread_is_refused_where_it_was_named(recipe, name, why):
    with pytest.raises(RecipeError, match=f"{flag(name)}: wanted none, since {why}"):
        check_read(recipe, [name])
    check_read(recipe, ["seed"])  # taken over from the round before: nobody named it


def test_settings_that_are_read_may_be_named():
    everything = Mining(
        sources=("bm25", "dense", "sparse"),
        sparse_encoder="splade",
        teacher="x",
        teacher_prompt="judge: ",
        language="de",
    )
    check_read(everything, [field.name for field in fields(Mining)])
    check_read(Policy(sampling="simans", simans_a=2), [field.name for field in fields(Policy)])
    check_read(Policy(anchor="max", relative_margin=None, relative_floor=0.5), [field.name for field in fields(Policy)])
    check_read(Trial(student="static", max_length=64), [field.name for field in fields(Trial)])


def test_files_and_folders_of_a_recipe_are_named_from_the_root(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for folder in ("tuned", "home/judge", "org/splade", LATE_INTERACTION):
        (tmp_path / folder).mkdir(parents=True)
    sources = ("bm25", "sparse", "run:other=x/run.tsv#score", f"run:third={tmp_path}/run.tsv")
    typed = Mining(encoder="tuned", teacher="~/judge", sparse_encoder="org/splade", sources=sources)
    whole = with_whole_paths(typed)
    assert whole.sources == ("bm25", "sparse", f"run:other={tmp_path}/x/run.tsv#score", sources[3])
    models = (whole.encoder, whole.teacher, whole.sparse_encoder)
    assert models == tuple(str(tmp_path / folder) for folder in ("tuned", "home/judge", "org/splade"))
    # Names of the hub, our own word and none at all are no folders.
    named = Mining(encoder="org/model", teacher=LATE_INTERACTION)
    assert with_whole_paths(named) == named
    monkeypatch.chdir("/")
    assert with_whole_paths(whole) == whole
