"""
Three lines of Python, to paste, that read an export back.

In:  a format, the folder
Out: the code; the tests run it
"""

from pathlib import Path

from nearmiss.export.formats import EXPORT_FORMATS
from nearmiss.settings import FormatName


def how_to_load(name: FormatName, folder: Path) -> str:
    """Code that loads every table of an export with `datasets`, by the settings in its card."""
    form, path = EXPORT_FORMATS[name], str(folder)
    stems = [table.stem for table in form.tables]
    if form.corpus and "/" not in form.corpus.stem:
        stems.append(form.corpus.stem)
    tables = f"rows = load_dataset({path!r}, split='train')"
    if len(stems) > 1:
        tables = f"{', '.join(stems)} = (load_dataset({path!r}, name, split='train') for name in {tuple(stems)})"
    elif form.corpus:
        below = str(folder / form.corpus.stem.partition("/")[0])
        tables = f"rows, corpus = (load_dataset(path, split='train') for path in ({path!r}, {below!r}))"
    return f"from datasets import load_dataset\n{tables}\nprint({stems[0] if len(stems) > 1 else 'rows'}[0])"
