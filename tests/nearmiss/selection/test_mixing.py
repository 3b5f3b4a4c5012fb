"""How the benchmark of teaching mixes its collection: what is cut out of a document, what holds an answer."""

import json

import pandas as pd

from tests.benchmarks import teaching
from tests.benchmarks.teaching import Part, answers_in, cut, taken_of

TEXT = " ".join(f"Sentence number {n} tells of the old harbour and its many ships." for n in range(8))


def collection(folder, documents, queries, positives):
    """Write one in BEIR form."""
    (folder / "qrels").mkdir(parents=True)
    for name, rows in (("corpus", documents), ("queries", queries)):
        (folder / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    lines = ["query-id\tcorpus-id\tscore", *(f"{query}\t{doc}\t1" for query, doc in positives)]
    (folder / "qrels" / "train.tsv").write_text("\n".join(lines))
    return folder


def test_a_cloze_is_some_sentences_and_its_document_lacks_them():
    found = [cut({"_id": f"d{n}", "title": "Harbour", "text": TEXT}) for n in range(30)]
    lengths = set()
    for query, document in found:
        assert query["text"] in TEXT
        assert query["text"] not in document["text"]
        assert sorted(f"{query['text']} {document['text']}".split()) == sorted(TEXT.split())
        assert query["_id"] == f"{document['_id']}:cloze"
        lengths.add(query["text"].count("."))
    assert lengths == {1, 2, 3}
    assert cut({"_id": "d", "title": "", "text": "Too short. To be cut. Is this one."}) is None


def test_what_answers_a_question_is_left_whole(tmp_path):
    documents = [{"_id": f"d{n}", "title": f"t{n}", "text": TEXT} for n in range(6)]
    queries = [{"_id": f"q{n}", "text": "where is the harbour"} for n in range(2)]
    folder = collection(tmp_path / "made", documents, queries, [("q0", "d0"), ("q1", "d1")])
    taken, asked, positives = taken_of(folder, Part("made", 1, 10, 3))
    text = {row["_id"]: row["text"] for row in taken}
    clozes = [row["_id"].removesuffix(":cloze") for row in asked if row["_id"].endswith(":cloze")]
    assert len(clozes) == 3
    assert {name for name in text if text[name] != TEXT} == set(clozes)
    assert not {"made:d0", "made:d1"} & set(clozes)
    assert positives[:2] == [("made:q0", "made:d0"), ("made:q1", "made:d1")]
    few, _, left = taken_of(folder, Part("made", 0.5, 10, 0))
    assert len(few) < 6
    assert {doc for _, doc in left} <= {row["_id"] for row in few}


def test_candidates_that_hold_the_answer_are_judged_unsure(tmp_path, monkeypatch):
    documents = [
        {"_id": "d0", "text": "It was built in Vienna, they say."},
        {"_id": "d1", "text": "In vienna many were built."},
        {"_id": "d2", "text": "The Viennas of this world."},
    ]
    queries = [{"_id": "q0", "text": "where was it built", "metadata": {"answers": ["Vienna", "it"]}}]
    folder = collection(tmp_path / "mixed", documents, queries, [("q0", "d0")])
    found = pd.DataFrame({"query_id": "q0", "doc_id": ["d0", "d1", "d2"], "is_positive": [True, False, False]})

    class Mined:
        def candidates(self):
            return found

    monkeypatch.setattr(teaching, "open_run", lambda _: Mined())
    events = list(answers_in(folder, tmp_path))
    assert [(event.query_id, event.doc_id, event.verdict) for event in events] == [("q0", "d1", "unsure")]
