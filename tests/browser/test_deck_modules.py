"""Modules of the front ends: the plain ones work by themselves under node, and all together are one script."""

import re
import shutil
import subprocess
from collections import Counter

import pytest

from nearmiss_app.component import as_one_script, script_of
from tests.conftest import ROOT

NODE = shutil.which("node")


@pytest.mark.skipif(not NODE, reason="no node on this machine")
@pytest.mark.parametrize("of", ["deck", "rankings", "tuner"])
def test_the_plain_modules_do_what_their_tests_say(of):
    ran = subprocess.run(
        [NODE, "--test", f"tests/browser/{of}_modules.test.mjs"], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize(
    ("of", "some"),
    [
        ("deck", {"Deck", "Ledger", "Outbox", "Queue", "card_view", "rankings_view", "bar", "dialog", "h"}),
        ("tuner", {"Panel", "CountsView", "setting_row", "histogram", "nearest", "make"}),
        ("distances", {"Distances", "Picture", "spread", "sign", "h"}),
        ("rankings", {"QueryPage", "Columns", "Bump", "Picture", "Judgements", "Outbox", "outbox_of", "spread", "h"}),
    ],
)
def test_all_modules_are_one_script_in_which_each_name_is_taken_once(of, some):
    script = script_of(f"nearmiss_app.{of}")
    names = re.findall(r"^(?:export )?(?:class|function|const|let) (\w+)", script, re.MULTILINE)
    assert [name for name, count in Counter(names).items() if count > 1] == []
    assert set(names) >= some
    assert re.findall(r"^import ", script, re.MULTILINE) == []
    assert re.findall(r"^export (.*) function", script, re.MULTILINE) == ["default"]


def test_modules_stand_before_those_that_import_them():
    texts = {
        "a.js": 'import { b } from "./b.js";\nimport {\n  c,\n} from "./c.js";\nexport default a;\n',
        "b.js": 'import { c } from "./c.js";\nexport function b() {}\n',
        "c.js": 'import { b } from "./b.js";\nexport const c = 1;\n',
    }
    script = as_one_script("a.js", texts.__getitem__)
    assert script.split() == ["const", "c", "=", "1;", "function", "b()", "{}", "export", "default", "a;"]


def test_what_another_components_module_imports_lies_beside_that_module():
    texts = {
        "a.js": 'import { b } from "../other/b.js";\nexport default a;\n',
        "../other/b.js": 'import { c } from "./c.js";\nimport { d } from "../third/d.js";\nexport const b = 2;\n',
        "../other/c.js": "export const c = 3;\n",
        "../third/d.js": "export const d = 4;\n",
    }
    script = as_one_script("a.js", texts.__getitem__)
    assert re.findall(r"\w = \d|default \w", script) == ["c = 3", "d = 4", "b = 2", "default a"]
