"""
The export's dataset card: what the rows are, how they were mined, and what is not yet known about them.

In:  the manifest
Out: Markdown with the hub's front matter, so that `datasets.load_dataset(folder)` finds each table
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from nearmiss.counts import counted
from nearmiss.data.avoided import in_words
from nearmiss.export.formats import EXPORT_FORMATS, ExportFormat
from nearmiss.export.manifest import Manifest

_NUMBERS = {"label": "int64", "rank": "int64", "grade": "float64", "score": "float64"}
_GUESSED = """\
`datasets` guesses what a column without a header holds, and reads a column of ids like 007 as numbers. Where yours are
like that, pass it `features=`."""
_BATCHES = """\
In one batch, every document of a row is a negative of the other rows' queries. The last column, `batch_group`, says
which rows may stand together: in one group no document is a known answer of another row's query (labelled, judged
relevant or partly, a copy of one, or an answer to a query that asks the same). There are {groups}: {largest:,} rows
in the largest, {median:,} in the median one, {smallest:,} in the smallest. Rows of one query are in different groups.
An answer that nobody labelled is not known here. With sentence-transformers, draw each batch from one group, and leave
the column out, which it would train on:

```python
groups = rows.to_pandas().groupby("batch_group").indices
rows = rows.remove_columns("batch_group")
rows = DatasetDict({{str(name): rows.select(places) for name, places in groups.items()}})
```

Its trainer takes `rows` as it is, and its samplers draw each batch from one of its datasets."""
_UNKNOWN = """\
**The false-negative rate of these rows has not been measured yet.** A false negative is a document kept here as a
negative that does answer its query. Margins below the positive's score make them rarer, but the teacher that set them
can be wrong, and {judged}. Measure before you rely on it."""
_DIFFER = """\
**These rows are not certified.** {rows_that_differ} rows differ from those that were certified last. {to_certify}."""
_CERTIFIED = """\
With {confidence:.0%} confidence at most **{max_rate:.1%} of these {rows} rows** are false negatives: documents that do
answer their query. In {labels} random draws among the {kept} that the policy kept when they were drawn, reviewers found
{answers} answers (audit {plan}, planned {planned_at}, certified {made_at}, {reviewers}). Tests made in this round so
far: {tests_so_far}; the error is spent over all of them. It holds for these rows alone (fingerprint {print}); answers
that were found are taken out of them."""
_NOT_TRAINED = """\
No students were trained on these rows: `nearmiss trial` tells what a model learns from them."""
_TRAINED = """\
A trial trained {seeds} small students (`{student}`) on these very rows, less the {share:.0%} of the queries that it
held out. On those {questions} queries they reach nDCG@10 **{ndcg:.4f}** ({low:.4f} to {high:.4f}). What holds for a
small student need not hold for a whole encoder."""
_AGAINST = {
    "better": "That is better than the 95% rule's rows, by {mean:.4f} ({low:+.4f} to {high:+.4f}).",
    "worse": "That is worse than the 95% rule's rows, by {mean:.4f} ({low:+.4f} to {high:+.4f}).",
    "no difference found": "No difference to the 95% rule's rows was found: {mean:+.4f} ({low:+.4f} to {high:+.4f}).",
}
_POLICIES = ("relevant", "partial", "unsure")
_NOBODY_JUDGED = "no person has judged a sample of these rows"
_SOME_JUDGED = "what people judged (above) was not a random sample, so it says nothing of the rest"
_SAMPLE_JUDGED = "no estimate was made from the judgements of pairs picked at random ({count} in the log)"


def card(manifest: Manifest) -> str:
    """The text of `card.md`, the same for the same manifest."""
    parts = [
        *_front_matter(manifest),
        *_description(manifest),
        *_columns(manifest),
        *_batches(manifest),
        *_judgements(manifest),
        *_avoided(manifest),
        "## How it was mined",
        "```json\n" + json.dumps(manifest.provenance, indent=2, ensure_ascii=False) + "\n```",
        "## What became of the candidates",
        _counts("status", "candidates", manifest.status),
        "## What became of the queries",
        _counts("queries", "number", {"exported": manifest.exported_queries} | manifest.left_out_queries),
        *_measured(manifest),
        *_trained(manifest),
    ]
    return "\n\n".join(parts) + "\n"


def _front_matter(manifest: Manifest) -> Iterator[str]:
    form = EXPORT_FORMATS[manifest.format]
    tables = _loadable(form)
    names = {stem: _yaml("default" if len(tables) == 1 else stem) for stem in tables}
    lines = [
        "---",
        'pretty_name: "Hard negatives"',
        "tags:",
        "- hard-negatives",
        "- retrieval",
        "- nearmiss",
        "configs:",
    ]
    for stem, columns in tables.items():
        lines += [f"- config_name: {names[stem]}", "  data_files:", "  - split: train"]
        lines += [f"    path: {_yaml(_pattern(manifest, stem))}", *_reader(form, columns)]
    if form.file == "tsv":
        lines.append("dataset_info:")
        for stem, columns in tables.items():
            lines += [f"- config_name: {names[stem]}", f"  features: {_yaml(_features(columns))}"]
    yield "\n".join([*lines, "---"])


def _features(columns: Iterable[str]) -> list[dict[str, str]]:
    # Stated, so that it is not guessed: grades are fractions in one shard and whole in the next.
    return [{"name": name, "dtype": _NUMBERS.get(name, "string")} for name in columns]


def _loadable(form: ExportFormat) -> dict[str, Mapping[str, str]]:
    tables = {table.stem: table.columns for table in form.tables}
    # `datasets` reads all tables of a folder with one reader, and cannot read rows beside JSON values.
    if form.corpus and form.file in ("rows", "parquet"):
        tables[form.corpus.stem] = form.corpus.columns
    return tables


def _pattern(manifest: Manifest, stem: str) -> str:
    name = next(shard.name for shard in manifest.shards if shard.name.startswith(stem + "-"))
    return stem + "-*" + name.removeprefix(f"{stem}-00000")


def _reader(form: ExportFormat, columns: Mapping[str, str]) -> list[str]:
    """The settings that make `datasets` read a file as it was written."""
    if form.field:
        return [f"  field: {_yaml(form.field)}"]
    if form.file != "tsv":
        return []
    return [
        '  sep: "\\t"',
        f"  names: {_yaml(list(columns))}",
        "  quoting: 3",
        "  keep_default_na: false",
        '  float_precision: "round_trip"',
    ]


def _description(manifest: Manifest) -> Iterator[str]:
    form = EXPORT_FORMATS[manifest.format]
    yield "# Hard negatives"
    yield (
        f"{counted(manifest.exported_queries, 'query')} with their positives and "
        f"{counted(manifest.exported_negatives, 'hard negative')}: "
        f"documents chosen to look like an answer without being one. Format `{manifest.format}`, "
        f"for {form.consumer}. Mined, selected and exported with nearmiss; `manifest.json` has the whole record."
    )


def _columns(manifest: Manifest) -> Iterator[str]:
    form = EXPORT_FORMATS[manifest.format]
    yield "## Columns"
    for table in (*form.tables, *((form.corpus,) if form.corpus else ())):
        rows = sum(shard.rows for shard in manifest.shards if shard.name.startswith(table.stem + "-"))
        yield f"`{table.stem}`, {counted(rows, 'row')}:"
        yield _table(("column", "what it holds"), [(f"`{name}`", words) for name, words in table.columns.items()])
    if form.file == "tsv":
        yield _GUESSED
    if manifest.own_columns:
        yield "Your own columns, after the format's: " + ", ".join(f"`{name}`" for name in manifest.own_columns) + "."


def _batches(manifest: Manifest) -> Iterator[str]:
    if manifest.batch_groups:
        groups = counted(manifest.batch_groups["groups"], "group")
        yield "## Batches"
        yield _BATCHES.format(**{**manifest.batch_groups, "groups": groups})


def _judgements(manifest: Manifest) -> Iterator[str]:
    reviews = manifest.reviews
    yield "## What people judged"
    if not reviews["judgements"]:
        yield "Nobody has judged any of these documents."
        return
    people = _reviewers(reviews["reviewers"])
    yield (
        f"Judgements by {people}: {reviews['judgements']}, up to entry {reviews['last_seq']} of the log. "
        f"Positives that were found by judging: {manifest.promoted_positives}."
    )
    became = {"not_relevant": "exempt from thresholds"} | {name: manifest.options[name] for name in _POLICIES}
    counts = {f"{name} ({became[name]})": count for name, count in reviews["verdicts"].items()}
    yield _counts("verdict", "candidates", counts)


def _avoided(manifest: Manifest) -> Iterator[str]:
    avoid = manifest.provenance.get("avoid")
    if avoid:
        yield "## What stands in evaluation sets"
        yield f"{in_words(avoid, manifest.provenance['dataset']['queries'])}."


def _reviewers(people: int) -> str:
    return "one reviewer" if people == 1 else counted(people, "reviewer")


def _measured(manifest: Manifest) -> Iterator[str]:
    certificate = manifest.provenance.get("certificate")
    certification = manifest.provenance.get("certification") or {}
    if not certificate:
        yield "## What is not known"
        if certification.get("rows_that_differ"):
            yield _DIFFER.format(**certification)
        yield _UNKNOWN.format(judged=_judged(manifest))
        return
    yield "## How many false negatives are left"
    facts = {"reviewers": _reviewers(len(certificate["reviewers"])), "print": certificate["rows_fingerprint"][:16]}
    yield _CERTIFIED.format(**certificate | certification | facts)


def _trained(manifest: Manifest) -> Iterator[str]:
    yield "## What it trains"
    trial = manifest.provenance.get("trial")
    if not trial:
        yield _NOT_TRAINED
        return
    low, high = trial["ndcg_interval"]
    settings = trial["trial"]
    facts = {"share": settings["held_out"], "seeds": settings["seeds"], "student": settings["student"]}
    found = _TRAINED.format(low=low, high=high, ndcg=trial["ndcg"], questions=trial["questions"], **facts)
    gap = trial["against_95_rule"]
    yield found if gap is None else found + " " + _AGAINST[gap["verdict"]].format(**gap)


def _judged(manifest: Manifest) -> str:
    if count := manifest.reviews["with_known_chance"]:
        return _SAMPLE_JUDGED.format(count=count)
    return _SOME_JUDGED if manifest.reviews["judgements"] else _NOBODY_JUDGED


def _counts(of: str, number: str, counts: Mapping[str, int]) -> str:
    return _table((of, number), [(name, str(count)) for name, count in counts.items()])


def _table(head: tuple[str, str], rows: list[tuple[str, str]]) -> str:
    return "\n".join(f"| {left} | {right} |" for left, right in [head, ("---", "---"), *rows])


def _yaml(value: Any) -> str:
    # JSON is YAML, and needs no thought about quoting.
    return json.dumps(value, ensure_ascii=False)
