"""The README tells the truth: its code runs, its tree exists, its tables name what there is."""

import re
from pathlib import Path

import pytest

from nearmiss.data import FORMATS
from nearmiss.reports import funnel
from nearmiss.run import open_run
from nearmiss.selection import STATUSES

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    """The README's Python, run in a folder where only the sample lies."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "sample_data").symlink_to(ROOT / "sample_data")
    [code] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len([line for line in code.splitlines() if line.strip()]) == 10
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        exec(compile(code, "README.md", "exec"), {})
    return folder


def test_the_example_mines_the_sample_and_writes_shards(example):
    run = open_run(example / "runs/readme")
    assert funnel.report(run)["queries"] == len(run.dataset.queries)
    assert (example / "runs/readme-shards" / "manifest.json").is_file()


def test_the_table_of_columns_names_every_column(example):
    judged = open_run(example / "runs/readme").selected()
    sources = re.compile(r"^(bm25|dense)_(rank|score)$")
    columns = {sources.sub(r"<source>_\2", name) if name != "dense_score" else name for name in judged}
    assert {name for name in columns if f"`{name}`" not in README} == set()


def test_the_report_s_fields_are_all_described(example):
    told = funnel.report(open_run(example / "runs/readme"))
    assert {name for name in told if f"`{name}`" not in README} == set()


def test_every_status_and_format_is_described():
    assert [status for status in STATUSES if f"`{status}`" not in README] == []
    assert [format for format in FORMATS if format not in README] == []


def test_the_tree_names_every_module_and_nothing_else():
    tree = README.split("## The tree")[1].split("```")[1].split("\napp/nearmiss_app/")[0]
    told = {line.split()[0].rstrip("/") for line in tree.splitlines() if line.startswith("  ")}
    there = {path.name for path in (ROOT / "mining" / "nearmiss").iterdir() if path.suffix == ".py" or path.is_dir()}
    assert told == there - {"__init__.py", "__pycache__", "py.typed"}
