"""The files of app/deploy say what the command line understands; none of them is run here."""

import configparser
import shlex

import pytest
import yaml
from typer.main import get_command

from nearmiss.access import read_login
from nearmiss.cli.commands import app
from tests.conftest import ROOT

DEPLOY = ROOT / "app" / "deploy"


def in_compose():
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))["services"]["app"]["command"]


def in_unit():
    unit = configparser.ConfigParser(interpolation=None, strict=False)
    unit.optionxform = str
    unit.read(DEPLOY / "nearmiss.service", "utf-8")
    return shlex.split(unit["Service"]["ExecStart"])[1:]


@pytest.mark.parametrize("words", [in_compose, in_unit])
def test_a_server_is_started_with_a_login_and_flags_that_there_are(words):
    name, *rest = words()
    command = get_command(app).commands[name]
    parsed = command.make_context(name, list(rest)).params
    assert str(parsed["auth"]) == "/etc/nearmiss/auth.toml"
    assert parsed["reviews"].startswith("postgresql+psycopg://")
    assert not parsed["insecure_open"]


def test_the_example_of_a_login_is_one():
    login = read_login(DEPLOY / "auth.example.toml")
    assert (login.host, login.base_path, login.roles.role_of("bo@example.org", {})) == (
        "reviews.example.org",
        "",
        "reviewer",
    )
