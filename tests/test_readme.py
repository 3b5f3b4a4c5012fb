"""The READMEs tell the truth: their code runs, their commands parse, their tables name what there is."""

import dataclasses
import re
import shlex
import shutil
from pathlib import Path

import pytest
import typer

from nearmiss import settings
from nearmiss.cli.every_command import app
from nearmiss.data import INPUT_FORMATS
from nearmiss.reports import funnel
from nearmiss.run import open_run
from nearmiss.selection import STATUSES
from nearmiss.settings import FormatName, choices_of

ROOT = Path(__file__).parent.parent
PAGES = ("README.md", "mining/README.md", "app/README.md", "tests/README.md", "tests/benchmarks/README.md")
TEXT = {page: (ROOT / page).read_text("utf-8") for page in (*PAGES, "mining/CHANGES.md")}
MANUAL = TEXT["mining/README.md"]


def blocks(page: str, language: str = "") -> list[str]:
    # Every block with its language: the end of one with another language begins none.
    found = re.findall(r"^```(\w*)\n(.*?)^```$", TEXT[page], re.DOTALL | re.MULTILINE)
    return [block for name, block in found if name == language]


def lines(starting: str) -> list[str]:
    """Every line of every code block that begins so, and every `...` in the text, without its comment."""
    shown = [line for page in PAGES for block in blocks(page) for line in block.splitlines()]
    shown += [quoted for page in PAGES for quoted in re.findall(r"`([^`\n]+)`", TEXT[page])]
    return sorted({line.partition("  #")[0].strip() for line in shown if line.startswith(starting)})


@pytest.fixture(scope="module")
def example(mined_by_command, tmp_path_factory):
    """The Python of every page, run in a folder where the sample lies; its mining goes on from a finished run."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "sample_data").symlink_to(ROOT / "sample_data")
    shutil.copytree(mined_by_command, folder / "runs" / "readme")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for page in PAGES:
            for code in blocks(page, "python"):
                exec(compile(code, page, "exec"), {})
    return folder


def test_the_readme_is_a_page_and_its_python_ten_lines():
    assert len(TEXT["README.md"].splitlines()) <= 120
    [code] = blocks("README.md", "python")
    assert len([line for line in code.splitlines() if line.strip()]) == 10


def test_the_example_mines_the_sample_and_writes_shards(example):
    run = open_run(example / "runs/readme")
    assert funnel.report(run)["queries"] == len(run.dataset.queries)
    assert (example / "runs/readme-shards" / "manifest.json").is_file()


@pytest.mark.parametrize("line", lines("nearmiss "))
def test_every_command_that_is_shown_can_be_typed(line):
    words = shlex.split(line.replace("...", "").replace("|", "_OR_"))[1:]
    if words and words[-1].startswith("--") and "_OR_" not in line:
        words.append("1")  # a flag named in the text, without its value
    command, context = typer.main.get_command(app), None
    while True:
        context = typer.Context(command, parent=context)
        if not hasattr(command, "commands"):
            break
        assert words[0] in command.commands, f"{line}: there is no command {words[0]!r}"
        command = command.commands[words.pop(0)]
    known = {flag for option in command.params for flag in (*option.opts, *option.secondary_opts)}
    assert [word for word in words if word.startswith("--") and word not in known] == []


@pytest.mark.parametrize("line", lines("python -m "))
def test_every_program_that_is_shown_is_there_and_has_the_flags(line):
    _, _, module, *words = line.replace("[", "").replace("]", "").split()
    program = ROOT / (module.replace(".", "/") + ".py")
    code = program.read_text("utf-8") + (ROOT / "tests/benchmarks/judged.py").read_text("utf-8")
    assert [word for word in words if word.startswith("--") and f'"{word}"' not in code] == []


@pytest.mark.parametrize("line", lines("make "))
def test_every_target_that_is_shown_is_in_the_makefile(line):
    assert re.search(rf"^{line.split()[1]}:", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)


@pytest.mark.parametrize("page", TEXT)
def test_every_link_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", TEXT[page]):
        path, _, heading = target.partition("#")
        found = (ROOT / page).parent / path if path else ROOT / page
        assert found.exists(), target
        if heading:
            titles = re.findall(r"^#+ (.*)$", found.read_text("utf-8"), re.MULTILINE)
            assert heading in {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}, target


def test_the_table_of_columns_names_every_column(example):
    judged = open_run(example / "runs/readme").selected()
    sources = re.compile(r"^(bm25|dense)_(rank|score)$")
    columns = {sources.sub(r"<source>_\2", name) if name != "dense_score" else name for name in judged}
    assert {name for name in columns if f"`{name}`" not in MANUAL} == set()


def test_the_report_s_fields_are_all_described(example):
    fields = funnel.report(open_run(example / "runs/readme"))
    assert {name for name in fields if f"`{name}`" not in MANUAL} == set()


def test_every_status_format_and_setting_is_described():
    assert [status for status in STATUSES if f"`{status}`" not in MANUAL] == []
    assert [format for format in (*INPUT_FORMATS, *choices_of(FormatName)) if f"`{format}`" not in MANUAL] == []
    recipes = (settings.Mining, settings.Policy, settings.Export, settings.Teaching, settings.Trial, settings.Training)
    names = {field.name for recipe in (*recipes, settings.Serving) for field in dataclasses.fields(recipe)}
    assert {name for name in names if f"`{name}`" not in MANUAL} == set()


def test_every_command_is_shown():
    shown = "\n".join(line.partition("  #")[0] for line in blocks("mining/README.md")[0].splitlines())
    there = typer.main.get_command(app).commands
    names = [
        f"{name} {sub}" if sub else name
        for name, command in there.items()
        for sub in (getattr(command, "commands", None) or [""])
    ]
    assert [name for name in names if f"nearmiss {name}" not in shown] == []


def test_the_contributors_page_names_every_folder_and_file_of_the_tests():
    there = {f"tests/{path.name}/" for path in (ROOT / "tests").iterdir() if (path / "__init__.py").is_file()}
    assert {name for name in there if f"`{name}`" not in TEXT["tests/README.md"]} == set()


def test_the_list_of_rooms_names_every_room_and_nothing_else():
    tree = MANUAL.split("## The rooms")[1].split("```")[1]
    listed = {line.split()[0].rstrip("/") for line in tree.splitlines() if line.startswith("  ")}
    there = {path.name for path in (ROOT / "mining" / "nearmiss").iterdir() if path.suffix == ".py" or path.is_dir()}
    assert listed == there - {"__init__.py", "__pycache__", "py.typed"}


def test_what_contributors_are_sent_to_is_there():
    text = " ".join(TEXT["tests/README.md"].split())
    sent = re.findall(r"`(\w+)` (?:in|of) `([\w/]+\.py)`", text)
    assert len(sent) >= 7
    for name, file in sent:
        places = [ROOT / root / file for root in ("", "mining/nearmiss", "app/nearmiss_app")]
        [found] = [path for path in places if path.is_file()]
        assert re.search(rf"^(?:def |class )?{name}\b", found.read_text("utf-8"), re.MULTILINE), (name, file)
