"""Work grows with the data and no faster: texts that are encoded and pairs that are scored are counted, not timed."""

import json

import pytest

from nearmiss import data, pipeline
from nearmiss.settings import Mining
from tests.words import OverlapTeacher, WordEncoder

DEPTH = 4


def work_of(tmp_path, size):
    """How many texts are encoded and pairs scored for `size` queries over as many documents."""
    encoded, scored = [], []

    class Encoder(WordEncoder):
        def encode_query(self, texts):
            encoded.extend(texts)
            return super().encode_query(texts)

        def encode_document(self, texts):
            encoded.extend(texts)
            return super().encode_document(texts)

    class Teacher(OverlapTeacher):
        def score(self, pairs):
            scored.extend(pairs)
            return super().score(pairs)

    path = tmp_path / f"{size}.jsonl"
    rows = [{"query": f"when does place{n} open", "positive": f"place{n} opens at nine"} for n in range(size)]
    path.write_text("\n".join(map(json.dumps, rows)))
    recipe = Mining(depth=(("bm25", DEPTH), ("dense", DEPTH)), language="en", teacher="toy")
    pipeline.mine(
        tmp_path / f"run{size}", recipe, data.read(path, format="pairs"), encoder=Encoder(), teacher=Teacher()
    )
    return len(encoded), len(scored)


@pytest.mark.parametrize("size", [12, 48])
def test_every_text_is_encoded_once_and_no_more_pairs_are_scored_than_the_sources_find(tmp_path, size):
    encoded, scored = work_of(tmp_path, size)
    assert encoded == 2 * size
    # Each source's depth and the query's own answer, however many documents there are; and, to see whether the teacher
    # tells anything apart, an answer and a random document.
    assert size < scored <= size * (2 * DEPTH + 1 + 2)
