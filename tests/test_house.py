"""The house, as mining/README.md lists it: rooms import only from those above them, and a name means one thing."""

import ast
from collections import defaultdict
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = {"nearmiss": ROOT / "mining", "nearmiss_app": ROOT / "app"}


def rooms() -> list[str]:
    """The rooms in the order of the manual's listing."""
    tree = (ROOT / "mining/README.md").read_text("utf-8").split("## The rooms")[1].split("```")[1]
    return [line.split()[0].rstrip("/").removesuffix(".py") for line in tree.splitlines() if line.startswith("  ")]


@cache
def modules() -> dict[str, ast.Module]:
    found = {}
    for package, source in SOURCES.items():
        for path in sorted((source / package).rglob("*.py")):
            parts = path.relative_to(source).with_suffix("").parts
            found[".".join(parts).removesuffix(".__init__")] = ast.parse(path.read_text("utf-8"))
    return found


def imported(name: str, tree: ast.AST) -> list[tuple[int, str]]:
    """Line and module of everything of ours that is imported, also inside functions and for types alone."""
    known, found = modules(), []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}:{node.lineno}: a relative import"
            named = [f"{node.module}.{alias.name}" for alias in node.names]
            found += [(node.lineno, full if full in known else str(node.module)) for full in named]
    return [(line, target) for line, target in found if target.partition(".")[0] in SOURCES]


def room(name: str) -> str:
    return name.split(".")[1]


def faults(name: str, tree: ast.AST, order: list[str]) -> list[str]:
    if name in SOURCES:
        return []  # the package itself, which imports its public names when they are first used
    if name.startswith("nearmiss_app"):
        return []
    return [
        f"{name}:{line} imports {target}, which stands below it"
        for line, target in imported(name, tree)
        if target.startswith("nearmiss_app") or ("." in target and order.index(room(target)) > order.index(room(name)))
    ]


def test_every_room_imports_only_from_rooms_above_it():
    order = rooms()
    assert [fault for name, tree in modules().items() for fault in faults(name, tree, order)] == []


@pytest.mark.parametrize(
    "code",
    [
        "from nearmiss.session import cards",
        "import nearmiss.cli",
        "def late():\n    from nearmiss.training.trainer import train",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from nearmiss.audit import Plan",
        "from nearmiss_app import state",
    ],
)
def test_an_import_that_points_down_is_found(code):
    assert len(faults("nearmiss.data.reader", ast.parse(code), rooms())) == 1


@pytest.mark.parametrize("package", SOURCES)
def test_no_modules_import_each_other_round_a_circle(package):
    names = [name for name in modules() if name.partition(".")[0] == package and name not in SOURCES]
    graph = {
        name: {
            target
            for _, target in imported(name, modules()[name])
            # A module names its own package to reach its neighbours, which is no circle.
            if target in names and target != name and not name.startswith(target + ".")
        }
        for name in names
    }
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as circle:
        pytest.fail(" imports ".join(reversed(circle.args[1])))
    assert sorted(order) == sorted(names)


def test_no_two_modules_of_the_core_have_the_same_name():
    places = defaultdict(list)
    for path in (ROOT / "mining" / "nearmiss").rglob("*.py"):
        if not path.stem.startswith("__"):
            places[path.name].append(path.parent.name)
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_no_two_public_classes_have_the_same_name():
    places = defaultdict(list)
    for name, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(name)
    assert {name: found for name, found in places.items() if len(found) > 1} == {}
