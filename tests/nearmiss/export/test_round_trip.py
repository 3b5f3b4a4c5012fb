"""The law of formats: what an export that holds documents was written from is what reading it gives back."""

from typing import get_args

import pytest

from nearmiss import data
from nearmiss.data.exported_rows import READ_AS
from nearmiss.errors import DatasetError, RunError
from nearmiss.export import EXPORT_FORMATS, FormatName
from nearmiss.export.examples import examples
from nearmiss.export.formats import choices
from nearmiss.export.read_back import rows_of_first_table, written
from nearmiss.session.export_inputs import prepare
from nearmiss.settings import Export
from nearmiss.training import from_dataset
from nearmiss.workspace import open_to_read

# trec holds no documents; ms-swift's conversations and Arctic-Embed's numbers are written, but not read.
WITH_DOCUMENTS = [name for name in get_args(FormatName) if name not in ("trec", "swift", "swift-reranker", "arctic")]
WAYS = {
    "packed": {"shard_size": 100},
    "plain": {"compress": "none"},
    "gz": {"compress": "gz", "shard_size": 40},
    "parquet": {"container": "parquet"},
    "scores": {"scores": True},
}


def spaced(text):
    """Line formats turn line breaks and tabs into spaces."""
    return " ".join(text.split())


def of(dataset):
    """Positives and labelled negatives by their texts."""
    query = dict(zip(dataset.queries.query_id, dataset.queries.text, strict=True))
    document = dict(zip(dataset.documents.doc_id, data.passages(dataset.documents), strict=True))
    return [
        {(spaced(query[q]), spaced(document[d])) for q, d in zip(frame.query_id, frame.doc_id, strict=True)}
        for frame in (dataset.positives, dataset.negatives)
    ]


@pytest.fixture(scope="module")
def work(mined):
    return open_to_read(mined, "", None)


def written_as(work, tmp_path, name, **more):
    export_inputs = prepare(work, Export(format=name, **more))
    export_inputs.write(tmp_path / name, lambda rows: None)
    wanted = [set(), set()]
    dry = {(e.query_id): e for e in examples(export_inputs.dataset, export_inputs.selected)}
    for example in dry.values():
        for found, passages in zip(wanted, (example.positives, example.negatives), strict=True):
            found.update((spaced(example.query), spaced(passage.titled_text)) for passage in passages)
    return tmp_path / name, wanted


def possible(name, more):
    """Whether a format can be written so."""
    asked = [option for option in more if option in ("container", "scores")]
    return set(asked) <= set(choices(name)) and not (
        more.get("compress") == "gz" and EXPORT_FORMATS[name].opened_plainly
    )


WRITTEN = [
    pytest.param(name, more, id=f"{name}-{way}")
    for name in WITH_DOCUMENTS
    for way, more in WAYS.items()
    if possible(name, more)
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "more"), WRITTEN)
def test_an_export_read_again_gives_the_same_positives_and_negatives(work, tmp_path, name, more):
    folder, wanted = written_as(work, tmp_path, name, **more)
    if name == "labeled-pair" and more.get("scores"):
        with pytest.raises(DatasetError, match="wanted --positive-from NUMBER, since 'score' may score negatives too"):
            data.read(folder)
        return
    assert of(data.read(folder)) == wanted


def test_every_format_with_documents_can_be_read():
    assert set(READ_AS) == set(WITH_DOCUMENTS)


def test_an_export_without_documents_says_so(work, tmp_path):
    folder, _ = written_as(work, tmp_path, "trec")
    with pytest.raises(DatasetError, match="wanted an export that can be read as data; found 'trec', which cannot"):
        data.read(folder)


def test_a_shard_that_is_missing_is_no_smaller_export(work, tmp_path):
    folder, _ = written_as(work, tmp_path, "triplet", shard_size=100)
    (folder / "train-00001.jsonl.zst").unlink()
    with pytest.raises(DatasetError, match="wanted every shard of the export; found 1 missing: train-00001"):
        data.read(folder)


def test_labelled_pairs_teach_what_they_say(work, tmp_path):
    folder, (positives, negatives) = written_as(work, tmp_path, "labeled-pair")
    pairs = from_dataset(data.read(folder), "D").pairs
    for label, wanted in ((1.0, positives), (0.0, negatives)):
        found = pairs[pairs.label.eq(label)]
        assert {(spaced(q), spaced(d)) for q, d in zip(found["query"], found["document"], strict=True)} == wanted


def test_a_shard_that_breaks_off_is_not_read_back_as_a_whole_one(work, tmp_path):
    folder, _ = written_as(work, tmp_path, "triplet")
    shard = folder / "train-00000.jsonl.zst"
    shard.write_bytes(shard.read_bytes()[:-9])
    with pytest.raises(
        RunError, match=r"train-00000\.jsonl\.zst: wanted a whole, readable shard; found Compressed file"
    ):
        list(rows_of_first_table(written(folder)))
