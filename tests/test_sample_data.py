"""The hand-written corpus: what its README promises holds, and the rules find the traps made for them."""

import csv
import json
import re
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from nearmiss import data
from nearmiss.candidates import duplicates
from nearmiss.retrieval import bm25
from nearmiss.retrieval.language import detect
from nearmiss.retrieval.tokenization import normalise
from nearmiss.settings import Policy

FOLDER = Path(__file__).parent.parent / "sample_data"
ANSWERS = {
    "answer_paraphrase",
    "answer_other_source",
    "answer_longer_context",
    "answer_table_row",
    "answer_other_language",
}
COPIES = {"exact_copy", "near_copy", "container"}
NOT_WRITTEN_OUT = {"query_as_document", "bare_question"}
FOUND_BY_RULE = dict.fromkeys(COPIES, "`duplicate`") | {"sibling": "`sibling`", "query_as_document": "`is_the_query`"}
FOUND_BY_A_PERSON = ANSWERS | {"wrong_positive", "bare_question"}
HARD_NEGATIVES = {
    "other_meaning",
    "other_aspect",
    "neighbour_question",
    "other_entity",
    "other_year",
    "other_version",
    "negation",
    "out_of_date",
}
# Traps that answer in part all the same: a sibling on the cantons, one on the form, a neighbour that names the ticket.
ANSWER_IN_PART = {("q72", "p0673"), ("q79", "p0354"), ("q80", "p0444")}


def rows(name):
    with (FOLDER / name).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t"))


def jsonl(name):
    return [json.loads(line) for line in (FOLDER / name).read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def sample():
    return data.read(FOLDER, format="beir")


@pytest.fixture(scope="module")
def kinds():
    return {(row["query_id"], row["doc_id"]): row["kind"] for row in rows("kinds.tsv")}


@pytest.fixture(scope="module")
def grades():
    return {(row["query_id"], row["doc_id"]): int(row["grade"]) for row in rows("judgements.tsv")}


@pytest.fixture(scope="module")
def positive(sample):
    return dict(zip(sample.positives.query_id, sample.positives.doc_id, strict=True))


@pytest.fixture(scope="module")
def marks(sample, kinds):
    """What the duplicate rules see, by (query_id, doc_id); all vectors are alike, so that words alone decide."""
    query_row = {query_id: row for row, query_id in enumerate(sample.queries.query_id)}
    document_row = {doc_id: row for row, doc_id in enumerate(sample.documents.doc_id)}

    def numbered(pairs):
        return pd.DataFrame(
            [(query_row[q], document_row[d]) for q, d in pairs], columns=["query", "document"], dtype="int32"
        )

    copies = duplicates.Copies(data.passages(sample.documents), sample.queries.text.tolist(), sample.documents)
    known = numbered(sample.positives[["query_id", "doc_id"]].itertuples(index=False, name=None))
    positives = SimpleNamespace(query=known["query"].to_numpy(), document=known["document"].to_numpy())
    same_vector = np.ones((len(sample.documents), 1), np.float32)
    marked = copies.mark(numbered(kinds), positives, same_vector.__getitem__)
    return dict(zip(kinds, marked.itertuples(index=False), strict=True))


def test_it_reads_as_an_ordinary_beir_folder(sample):
    assert (len(sample.queries), len(sample.documents), len(sample.positives)) == (84, 952, 84)
    assert sample.counts.rejected == 0
    assert sample.negatives.empty


def test_every_query_has_one_labelled_positive(sample, positive):
    assert list(positive) == sample.queries.query_id.tolist()


def test_nothing_points_at_what_is_not_there(sample, kinds, grades):
    queries, documents = set(sample.queries.query_id), set(sample.documents.doc_id)
    for query_id, doc_id in [*kinds, *grades]:
        assert query_id in queries
        assert doc_id in documents


def test_no_pair_is_listed_twice(kinds, grades):
    assert len(rows("kinds.tsv")) == len(kinds)
    assert len(rows("judgements.tsv")) == len(grades)
    assert set(grades.values()) == {0, 1, 2, 3}


def test_every_passage_was_planted_for_some_query(sample, kinds):
    assert {doc_id for _, doc_id in kinds} == set(sample.documents.doc_id)


def test_passages_have_the_length_of_a_passage(kinds):
    short = {doc_id for (_, doc_id), kind in kinds.items() if kind in NOT_WRITTEN_OUT}
    for row in jsonl("corpus.jsonl"):
        if row["_id"] in short:
            continue
        # Japanese has no spaces to count words by; three characters are about one.
        japanese = row["metadata"]["language"] == "ja"
        words = len(row["text"]) / 3 if japanese else len(row["text"].split())
        assert 30 <= words <= 120, row["_id"]


def test_every_query_has_unlabelled_answers_and_traps(sample, kinds):
    for query_id in sample.queries.query_id:
        own = [kind for (query, _), kind in kinds.items() if query == query_id]
        assert 1 <= sum(kind in ANSWERS for kind in own) <= 4, query_id
        assert 4 <= sum(kind not in ANSWERS and "positive" not in kind for kind in own) <= 8, query_id


def test_a_few_queries_were_given_no_good_negative(kinds):
    for query_id in ("q39", "q54", "q69", "q83"):
        own = Counter(kind for (query, _), kind in kinds.items() if query == query_id and kind not in ANSWERS)
        assert COPIES | {"query_as_document"} <= set(own)
        assert set(own) & HARD_NEGATIVES <= {"other_meaning", "other_aspect"}
        assert sum(own[kind] for kind in HARD_NEGATIVES) == 2


def test_no_text_stands_there_twice_but_as_an_exact_copy(sample, kinds):
    copies = {doc_id for (_, doc_id), kind in kinds.items() if kind == "exact_copy"}
    texts = Counter(normalise(row["text"]) for row in jsonl("corpus.jsonl") if row["_id"] not in copies)
    assert [text for text, count in texts.items() if count > 1] == []


def test_an_unlabelled_answer_answers_and_a_trap_does_not(kinds, grades):
    for pair, kind in kinds.items():
        answers = kind in ANSWERS | COPIES | {"positive"}
        assert (grades[pair] >= 2) == (answers or pair in ANSWER_IN_PART), (pair, kind)


def test_a_wrong_positive_does_not_answer_while_others_do(kinds, grades, positive):
    wrong = [pair for pair, kind in kinds.items() if kind == "wrong_positive"]
    assert [query_id for query_id, _ in wrong] == ["q08", "q20", "q30", "q45", "q62", "q74"]
    for query_id, doc_id in wrong:
        assert positive[query_id] == doc_id
        assert grades[query_id, doc_id] <= 1
        assert any(grade == 3 for (query, _), grade in grades.items() if query == query_id)


def test_a_query_was_judged_against_all_of_its_own_subject(grades):
    subject = {row["_id"]: row["metadata"]["subject"] for row in jsonl("corpus.jsonl")}
    for query in jsonl("queries.jsonl"):
        own = {doc_id for doc_id, of in subject.items() if of == query["metadata"]["subject"]}
        assert own <= {doc_id for query_id, doc_id in grades if query_id == query["_id"]}


def test_a_query_was_judged_against_all_of_its_own_language_unless_it_is_english(grades):
    language = {row["_id"]: row["metadata"]["language"] for row in jsonl("corpus.jsonl")}
    for query in jsonl("queries.jsonl"):
        tongue = query["metadata"]["language"]
        own = {doc_id for doc_id, of in language.items() if of == tongue != "en"}
        assert own <= {doc_id for query_id, doc_id in grades if query_id == query["_id"]}


def test_what_bm25_ranks_in_its_top_ten_was_judged(sample, grades, tmp_path):
    texts = data.passages(sample.documents)
    bm25.build(texts, tmp_path / "index", detect(texts))
    found = bm25.search(tmp_path / "index", sample.queries.text.tolist(), 10)
    query_ids, doc_ids = sample.queries.query_id.tolist(), sample.documents.doc_id.tolist()
    pairs = zip(found["query"], found["document"], strict=True)
    assert {(query_ids[q], doc_ids[d]) for q, d in pairs} <= set(grades)


def test_german_and_japanese_come_with_passages_of_their_own(kinds):
    language = {row["_id"]: row["metadata"]["language"] for row in jsonl("corpus.jsonl")}
    asked = {query["_id"]: query["metadata"]["language"] for query in jsonl("queries.jsonl")}
    assert Counter(asked.values()) == {"en": 69, "de": 10, "ja": 5}
    for query_id in [query_id for query_id, tongue in asked.items() if tongue != "en"]:
        spoken = Counter(language[doc_id] for query, doc_id in kinds if query == query_id)
        assert spoken[asked[query_id]] >= 8, query_id


def test_the_readme_counts_what_is_there_and_says_who_finds_it(kinds, grades):
    readme = (FOLDER / "README.md").read_text("utf-8")
    rows_told = re.findall(r"^\| `(\w+)` \| (\d+) \|.*\| (.*) \|$", readme, re.MULTILINE)
    assert {kind: int(count) for kind, count, _ in rows_told} == Counter(kinds.values())
    for kind, _, finder in rows_told:
        assert (finder in FOUND_BY_RULE.values()) == (kind in FOUND_BY_RULE)
        assert finder == FOUND_BY_RULE.get(kind, finder)
        assert finder.endswith("a person") == (kind in FOUND_BY_A_PERSON)
        assert (finder == "a true hard negative") == (kind in HARD_NEGATIVES)
    assert f"{len(grades):,} pairs" in readme
    assert f"other {84 * 952 - len(grades):,} pairs" in readme


def test_exact_copies_are_exact_but_for_case_width_and_spaces(sample, kinds, positive, marks):
    text = dict(zip(sample.documents.doc_id, data.passages(sample.documents), strict=True))
    for (query_id, doc_id), kind in kinds.items():
        same = normalise(text[doc_id]) == normalise(text[positive[query_id]])
        assert same == (kind in {"exact_copy", "positive", "wrong_positive"}), (query_id, doc_id)
        assert (marks[query_id, doc_id].duplicate_kind == "same_text") == (kind == "exact_copy")
        if kind == "exact_copy":
            assert text[doc_id] != text[positive[query_id]]


def test_only_containers_contain_the_positive(kinds, marks):
    found = {pair for pair, mark in marks.items() if mark.duplicate_kind == "contained"}
    assert found == {pair for pair, kind in kinds.items() if kind == "container"}


def test_near_copies_share_enough_words_with_the_positive(kinds, marks):
    alike = {pair for pair, mark in marks.items() if mark.positive_jaccard >= Policy().duplicate_jaccard}
    assert alike == {
        pair for pair, kind in kinds.items() if kind in {"near_copy", "exact_copy", "positive", "wrong_positive"}
    }


def test_a_repeated_query_is_recognised(kinds, marks):
    assert {pair for pair, mark in marks.items() if mark.is_the_query} == {
        pair for pair, kind in kinds.items() if kind == "query_as_document"
    }


def test_siblings_share_a_page_with_the_positive(kinds, marks):
    assert {pair for pair, mark in marks.items() if mark.is_sibling} == {
        pair for pair, kind in kinds.items() if kind == "sibling"
    }


def test_ids_do_not_tell_what_a_passage_is_for(sample, kinds):
    assert sample.documents.doc_id.tolist() == [f"p{number:04d}" for number in range(1, 953)]
    places = [int(doc_id[1:]) for (_, doc_id), kind in kinds.items() if "positive" in kind]
    assert 400 < sum(places) / len(places) < 552  # neither first nor last in the file
