"""
Guidelines: what each verdict means in this project, for its reviewers.

In:  `guidelines.md` in the run's folder, as the project writes it
Out: its text, a version that changes with the text, and its parsed parts, free of markup

Without a file the usual scale is used.
"""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from nearmiss.errors import ReviewError
from nearmiss.review import GuidelinesReading
from nearmiss.workspace import Workspace

FILE = "guidelines.md"
LONGEST = 200_000  # characters
USUAL = """\
# What to ask

Would somebody who asked this query be content with this passage alone?

# The scale

- **Relevant**: it answers the query, as the labelled answer does or otherwise. *How tall is the tower?* and *The tower
  rises 93 metres above the square.*
- **Partly**: it answers a part, or in passing, or for a case that the query did not mean. *How tall is the tower?* and
  *With its mast the tower is among the tallest of the town, near 100 metres.*
- **Not relevant**: about the same things perhaps, but no answer. *How tall is the tower?* and *The tower was built in
  1911 of red brick.*
- **Cannot tell**: the text or the query does not let one say. *How tall is it?* and *The tower rises 93 metres.*

# When in doubt

Judge the passage, not whether it is true, and not how well it is written. Judge what it says, not what you know. The
labelled answer may be wrong: say so with a reason. "Cannot tell" is an honest verdict.
"""
# A node is a text, or a tag and its nodes.
GuidelinesNode = str | list[Any]


@dataclass(frozen=True)
class ProjectGuidelines:
    """The guidelines in force."""

    text: str
    version: str  # of the text: eight letters and digits
    is_usual: bool  # True where the project has none of its own


def in_force(work: Workspace) -> ProjectGuidelines:
    """The guidelines of the run's folder, else the usual ones; ReviewError for a file that is not text."""
    path = work.run.folder / FILE
    if not path.is_file():
        return ProjectGuidelines(USUAL, _version(USUAL), is_usual=True)
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise ReviewError(f"{path}: wanted Markdown in UTF-8; found byte {error.object[error.start]:#x}") from error
    if len(text) > LONGEST:
        raise ReviewError(f"{path}: wanted at most {LONGEST:,} characters; found {len(text):,}")
    return ProjectGuidelines(text, _version(text), is_usual=False)


def note_reading(work: Workspace, reviewer: str, now: float) -> None:
    """Log that a reviewer opened the guidelines; from then on their verdicts count as given with this version."""
    found = in_force(work)
    work.log.note_reading(GuidelinesReading(reviewer, found.version, now), found.text)


@lru_cache(maxsize=8)
def tree(text: str) -> list[GuidelinesNode]:
    """
    The parts of a Markdown text.

    HTML, pictures and addresses are removed: a link leaves its words, a picture its description.
    """
    from markdown_it import MarkdownIt

    root: list[Any] = []
    above = [root]
    for token in _flat(MarkdownIt("commonmark", {"html": False}).enable("table").parse(text)):
        if token.nesting == 1:
            node: list[Any] = [token.tag, []]
            above[-1].append(node)
            above.append(node[1])
        elif token.nesting == -1:
            above.pop()
        elif token.type in ("code_inline", "fence", "code_block"):
            above[-1].append(["code" if token.type == "code_inline" else "pre", [token.content]])
        elif token.type in ("hr", "hardbreak"):
            above[-1].append([token.tag, []])
        elif token.type == "softbreak":
            above[-1].append("\n")
        elif token.content:
            above[-1].append(token.content)
    return root


def _flat(tokens: list[Any]) -> list[Any]:
    """The tokens in order of reading: blocks hold those of their line as children."""
    return [one for token in tokens for one in (token.children or [] if token.type == "inline" else [token])]


def _version(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
