"""Counts in words: a number with its noun, in the singular where there is one."""


def counted(count: int, noun: str) -> str:
    """`1 query`, `2 queries`, `1,000 documents`."""
    many = f"{noun[:-1]}ies" if noun.endswith("ry") else f"{noun}s"
    return f"{count:,} {noun if count == 1 else many}"
