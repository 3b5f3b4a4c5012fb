"""`python -m nearmiss.cli`, for where the command is not installed."""

from nearmiss.cli import command

command()
