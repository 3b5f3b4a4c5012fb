"""Markdown: texts of others as plain text of one line, which begins no cell, link or picture of its own."""

import re


def plain(text: str) -> str:
    """The text with a backslash before each sign that could mean something; white space is one blank."""
    # No more than these: a backslash before any other sign, as a curved quote, would be shown.
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", " ".join(text.split()))
