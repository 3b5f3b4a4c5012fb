"""`python -m mining.cli`, for where the command is not installed."""

from mining.cli import main

main()
