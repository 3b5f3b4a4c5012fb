"""What is public says what it takes and gives, and its example runs."""

import doctest
import inspect
import itertools
import re
import subprocess
import sys
from pathlib import Path

import pytest

import nearmiss

ROOT = Path(__file__).parents[3]


def public():
    """Every public object and method, by its name."""
    found = {}
    for name in nearmiss.__all__:
        thing = getattr(nearmiss, name)
        found[name] = thing
        if inspect.isclass(thing) and thing.__module__ == "nearmiss.api.runs":
            found |= {
                f"{name}.{own}": method
                for own, method in vars(thing).items()
                if inspect.isfunction(method) and own[0] != "_"
            }
    from nearmiss.api import Selection

    methods = {
        f"Selection.{own}": method
        for own, method in vars(Selection).items()
        if inspect.isfunction(method) and own[0] != "_"
    }
    return found | {"Selection": Selection} | methods


PUBLIC = public()
# Described beside what they stand for.
WITHOUT_EXAMPLE = {"OpenRun.judged", "Selection.save"}


@pytest.fixture
def beside_a_run(run, tmp_path, monkeypatch):
    """A folder with the sample's data and a run of it, as the examples expect."""
    (tmp_path / "sample_data").symlink_to(ROOT / "sample_data")
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "demo").symlink_to(run)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", PUBLIC)
def test_every_example_of_a_public_docstring_runs(name, beside_a_run):
    thing = PUBLIC[name]
    examples = doctest.DocTestFinder(recurse=False).find(thing, name, globs={})
    ran = sum(len(example.examples) for example in examples)
    assert (ran > 0) != (name in WITHOUT_EXAMPLE)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    told = []
    for example in examples:
        runner.run(example, out=told.append)
    assert runner.failures == 0, "".join(told)


def test_importing_it_imports_nothing_heavy():
    code = "import sys, nearmiss; print(sorted({'torch', 'pandas', 'numpy', 'datasets'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_names_are_few_and_all_there():
    assert sorted(nearmiss.__all__) == nearmiss.__all__ or len(nearmiss.__all__) == len(set(nearmiss.__all__))
    assert set(nearmiss.__all__) <= set(dir(nearmiss))
    with pytest.raises(AttributeError, match="no attribute 'mining'"):
        nearmiss.mining  # noqa: B018


def test_an_editor_finds_every_name():
    text = (ROOT / "mining" / "nearmiss" / "__init__.py").read_text("utf-8")
    assert [name for name in nearmiss.__all__ if f"import {name} as {name}" not in text] == []


FUNCTIONS = {name: thing for name, thing in PUBLIC.items() if not inspect.isclass(thing)}
ARGUMENTS = {
    name: [own for own in inspect.signature(thing).parameters if own != "self"] for name, thing in FUNCTIONS.items()
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_argument_of_a_public_function_is_described(name):
    words = inspect.getdoc(FUNCTIONS[name])
    assert [own for own in ARGUMENTS[name] if not re.search(rf"\b{own}\b", words)] == []


def test_arguments_of_one_name_come_in_one_order_everywhere():
    for one, other in itertools.combinations(ARGUMENTS.values(), 2):
        assert [own for own in one if own in other] == [own for own in other if own in one]


def test_what_a_user_imports_is_a_short_list():
    assert len(nearmiss.__all__) <= 16
    assert sorted(nearmiss.__all__) == nearmiss.__all__
