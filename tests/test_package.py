"""The package as it is installed: what a part needs and is not there is named; ranges and the tested set agree."""

import re
import tomllib
from importlib import util
from pathlib import Path

import pytest

from nearmiss import errors
from nearmiss.cli import serving
from nearmiss.maps import making
from nearmiss.review import schema
from nearmiss.settings import Teaching
from nearmiss.training import cross_encoder, student_training

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]


def pinned() -> dict[str, tuple[int, ...]]:
    lines = (ROOT / "mining/constraints.txt").read_text("utf-8").splitlines()
    pairs = [line.split("==") for line in lines if not line.startswith("#")]
    return {name: numbers(version) for name, version in pairs}


def numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


@pytest.mark.parametrize(
    ("extra", "module", "use"),
    [
        ("app", "streamlit", lambda: serving.serve(Path("run"), "", "", serving.AppAddress())),
        ("auth", "authlib", lambda: serving.address(8501, "127.0.0.1", "", Path("auth.toml"), is_open=False)),
        ("map", "umap", lambda: making.make(None)),
        ("train", "accelerate", lambda: cross_encoder.teach(None, Path("out"), Teaching())),
        ("train", "accelerate", lambda: student_training.train("run", "out")),
        ("postgresql", "psycopg", lambda: schema.opened("postgresql+psycopg://ada@host/reviews")),
    ],
)
def test_what_is_not_installed_is_named_with_the_command_that_brings_it(extra, module, use, monkeypatch):
    monkeypatch.setattr(errors, "find_spec", lambda name: None if name == module else util.find_spec(name))
    wanted = f"not installed: {module}; `pip install 'nearmiss[{extra}]'` brings what this needs"
    with pytest.raises(errors.MissingPackage, match=re.escape(wanted)):
        use()


def test_every_extra_is_in_all():
    assert EXTRAS["all"] == [f"nearmiss[{','.join(name for name in EXTRAS if name not in ('all', 'test'))}]"]


def test_the_tested_set_names_every_dependency_and_lies_above_its_floor():
    named = [line for group in (PROJECT["dependencies"], *EXTRAS.values()) for line in group]
    split = [re.fullmatch(r"([\w.-]+)(?:\[[\w,]+\])?(?:>=([\d.]+))?", line).groups() for line in named]
    exact = pinned()
    assert {name for name, _ in split if name != "nearmiss"} == set(exact)
    assert [name for name, floor in split if floor and numbers(floor) > exact[name]] == []
