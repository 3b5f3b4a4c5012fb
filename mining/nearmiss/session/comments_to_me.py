"""
Comments to me: what others wrote that names a reviewer, until they answer.

In:  a `Workspace`, a reviewer
Out: the comments, newest first, with the pair to open

A comment is answered once its reader does anything on that pair: a verdict, a comment, or *later*. What it says stays
hidden until they have judged the pair, as all that others say of it does.
"""

from dataclasses import dataclass

from nearmiss.review.mentions import names
from nearmiss.types import Pair
from nearmiss.workspace import Workspace


@dataclass(frozen=True)
class CommentToMe:
    """A comment that names its reader; `text` is empty while they have not judged the pair."""

    pair: Pair
    by: str
    text: str
    query: str


def waiting(work: Workspace, reviewer: str) -> list[CommentToMe]:
    """The comments that name a reviewer and wait for them, newest first; one for each pair."""
    if not reviewer:
        return []
    key = reviewer, work.standing.last_seq
    return work.cached("comments to me", lambda: _waiting(work, reviewer), key, 64)


def _waiting(work: Workspace, reviewer: str) -> list[CommentToMe]:
    standing = work.standing
    found: dict[Pair, CommentToMe] = {}
    for entry in reversed(standing.commented()):
        event = entry.event
        if entry.pair in found or event.reviewer == reviewer or not names(event.comment, reviewer):
            continue
        if not standing.stands(entry.seq) or work.row_of(entry.pair) is None:
            continue
        own = [one for one in standing.history(entry.pair) if one.event.reviewer == reviewer]
        if any(one.seq > entry.seq for one in own):
            continue
        text = event.comment if reviewer in standing.by_reviewer(entry.pair) else ""
        found[entry.pair] = CommentToMe(entry.pair, event.reviewer, text, work.query_text(event.query_id))
    return list(found.values())
