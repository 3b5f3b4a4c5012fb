"""Spreadsheets: which texts one would run as a formula when it opens a CSV, and how they are made harmless."""

# How a formula begins (OWASP, "CSV Injection"), also in the wide signs of East Asian keyboards.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def harmless(text: str) -> str:
    """The text, with an apostrophe before it where a spreadsheet would run it."""
    return f"'{text}" if text.startswith(FORMULA) else text
