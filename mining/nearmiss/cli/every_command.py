"""Every command: importing this module registers all of them with the application."""

from nearmiss.cli import (  # noqa: F401
    auditing,
    calibrating,
    commands,
    judging,
    reviewing,
    students,
    teaching,
    trialling,
)
from nearmiss.cli.application import app as app
from nearmiss.cli.application import run as run
