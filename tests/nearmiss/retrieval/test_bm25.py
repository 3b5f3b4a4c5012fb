"""BM25 by bm25s, against the formula written out, and languages against sentences."""

import math
import random

import numpy as np
import pandas as pd
import pytest

from nearmiss.errors import RecipeError
from nearmiss.retrieval import bm25, bm25_scores
from nearmiss.retrieval.language import LANGUAGES, _stop_words, detect, term_maker
from nearmiss.retrieval.tokenization import normalise, words

WORDS = [
    "wing",
    "flow",
    "heat",
    "shock",
    "layer",
    "plate",
    "jet",
    "nozzle",
    "cone",
    "drag",
    "lift",
    "speed",
    "mach",
    "body",
    "tail",
]


@pytest.fixture(scope="module")
def corpus():
    rng = random.Random(3)
    return [" ".join(rng.choices(WORDS, k=rng.randint(1, 12))) for _ in range(60)] + ["", "!?", "the of and"]


def oracle(texts, query, language="en"):
    """Lucene's BM25, one document and one query word at a time."""
    term = term_maker(language)
    documents = [[term(word) for word in words(normalise(text)) if term(word)] for text in texts]
    mean = sum(map(len, documents)) / len(documents)
    scores = []
    for document in documents:
        score = 0.0
        for word in words(normalise(query)):
            holding = sum(term(word) in other for other in documents)
            times = document.count(term(word))
            idf = math.log(1 + (len(documents) - holding + 0.5) / (holding + 0.5))
            score += idf * times / (times + bm25.K1 * (1 - bm25.B + bm25.B * len(document) / mean))
        scores.append(score)
    return np.array(scores)


def found_by(texts, queries, k, folder, language="en"):
    bm25.build(texts, folder, language)
    return bm25.search(folder, queries, k)


def documents_of(found, query=0):
    return found.loc[found["query"].eq(query), "document"].tolist()


def test_scores_are_those_of_the_formula(corpus, tmp_path):
    queries = ["wing flow", "the shocked layers of a cone", "jet jet nozzle", "drag"]
    found = found_by(corpus, queries, len(corpus), tmp_path / "index")
    for row, query in enumerate(queries):
        expected = oracle(corpus, query)
        mine = found[found["query"].eq(row)]
        assert sorted(mine["document"]) == np.flatnonzero(expected).tolist()
        np.testing.assert_allclose(mine["score"], expected[mine["document"]], rtol=1e-5)
        assert mine["rank"].tolist() == list(range(1, len(mine) + 1))
        assert mine["score"].is_monotonic_decreasing


def test_ties_go_to_the_first_document_even_across_the_last_rank(tmp_path):
    texts = ["shock wave", "wing", *["flow over a plate"] * 30, "flow"]
    found = found_by(texts, ["flow"], 5, tmp_path / "index")
    assert documents_of(found) == [32, 2, 3, 4, 5]


def test_a_smaller_k_is_the_head_of_a_larger_one(corpus, tmp_path):
    folder = tmp_path / "index"
    everything = found_by(corpus, ["wing plate mach", "tail"], 100, folder)
    for k in (1, 3, 10, 63):
        head = everything[everything["rank"] <= k].reset_index(drop=True)
        pd.testing.assert_frame_equal(bm25.search(folder, ["wing plate mach", "tail"], k), head)


def test_nothing_is_found_for_queries_without_a_known_word(corpus, tmp_path):
    found = found_by(corpus, ["", "the of", "zebra", "wing", "?!"], 3, tmp_path / "index")
    assert set(found["query"]) == {3}
    assert found.dtypes.astype(str).tolist() == ["int32", "int32", "int32", "float32"]


def test_blocks_of_queries_change_nothing(corpus, tmp_path, monkeypatch):
    queries = [f"{one} {other}" for one in WORDS for other in WORDS[:3]]
    whole = found_by(corpus, queries, 7, tmp_path / "index")
    monkeypatch.setattr(bm25, "QUERY_BLOCK", 4)
    done = []
    pd.testing.assert_frame_equal(bm25.search(tmp_path / "index", queries, 7, advance=done.append), whole)
    assert sum(done) == len(queries)


def test_an_index_is_whole_or_absent_and_the_same_bytes_each_time(corpus, tmp_path):
    def broken():
        yield from corpus[:5]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bm25.build(broken(), tmp_path / "one", "en")
    assert not (tmp_path / "one").exists()
    for name in ("one", "two"):
        bm25.build(iter(corpus), tmp_path / name, "en")
    bm25.build(broken(), tmp_path / "one", "en")  # exists, so it is finished and the texts are not read
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "two"]
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_stems_and_stop_words_follow_the_language(tmp_path):
    english = found_by(["she was running the races", "the and of"], ["the runs", "race"], 5, tmp_path / "en")
    assert (documents_of(english, 0), documents_of(english, 1)) == ([0], [0])
    german = found_by(["die Häuser der Stadt", "der die das"], ["das Haus"], 5, tmp_path / "de", "de")
    assert documents_of(german) == [0]


def test_texts_without_spaces_are_found_whatever_the_language(tmp_path):
    texts = ["the weather in Tokyo", "東京都の天気は晴れです", "京都の天気", "ภาษาไทยไม่มีช่องว่าง", "한국어를 공부합니다"]
    queries = ["東京の天気", "ภาษาไทย", "한국어 공부", "TOKYO"]
    found = found_by(texts, queries, 1, tmp_path / "index", "en")
    assert [documents_of(found, query) for query in range(4)] == [[1], [3], [4], [0]]


def test_words_of_every_script():
    assert words(normalise("Hepatitis-C, vitamin B12; Straße")) == ["hepatitis", "c", "vitamin", "b12", "strasse"]
    assert words(normalise("हिन्दी भाषा")) == ["हिन्दी", "भाषा"]
    assert words(normalise("ｉＰｈｏｎｅ用東京")) == ["iphone", "用", "用東", "東", "東京", "京"]
    assert words(normalise("  \n ")) == []


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The boundary layer is a thin layer of fluid that forms on the wing.", "en"),
        ("Die Stadt liegt an der Elbe und ist das Zentrum des Landes.", "de"),
        ("La ville est située dans le nord de la France, sur les bords du fleuve.", "fr"),
        ("La ciudad se encuentra en el norte de España y es una de las mayores.", "es"),
        ("A cidade fica no norte do país e é uma das maiores que não tem um porto.", "pt"),
        ("La città si trova nel nord del paese e non è una delle più grandi che ci sono.", "it"),
        ("De stad ligt in het noorden van het land en is een van de grootste.", "nl"),
        ("Staden ligger i norr och det är en av de största som inte har hamn.", "sv"),
        ("Byen ligger i nord, og det er en af de største, der ikke har et slot.", "da"),
        ("Kaupunki on maan pohjoisosassa, ja se on yksi suurimmista, mutta ei satama.", "fi"),
        ("Město leží na severu a je to jedno z největších, které se rozkládá v údolí.", "cs"),
        ("Miasto leży na północy i jest jednym z największych, ale nie ma portu w zatoce.", "pl"),
        ("Город находится на севере и не является портом, но он стоит на реке.", "ru"),
        ("Місто розташоване на півночі і є одним з найбільших, що не має порту в затоці.", "uk"),
        ("Η πόλη είναι στο βορρά και δεν έχει λιμάνι από το παρελθόν.", "el"),
        ("تقع المدينة في شمال البلاد على نهر من أكبر الأنهار التي كان", "ar"),
        ("यह शहर देश के उत्तर में है और इस की आबादी से", "hi"),
        ("Şehir ülkenin kuzeyinde ve bu bir liman değil, ama çok büyük.", "tr"),
        ("この都市は国の北部にあります。", "ja"),
        ("这座城市位于国家的北部。", "zh"),
        ("이 도시는 나라의 북쪽에 있다.", "ko"),
        ("เมืองนี้อยู่ทางตอนเหนือของประเทศ", "th"),
        ("Zyx qwv kjh plm", "und"),
        ("", "und"),
    ],
)
def test_a_sentence_betrays_its_language(text, language):
    assert detect([text]) == language


def test_a_few_foreign_documents_do_not_change_the_language():
    english = ["The wing of the aircraft is in the flow of air."] * 20
    assert detect([*english, "Der Flügel des Flugzeugs ist in der Luft.", "飛行機の翼"]) == "en"


def test_a_corpus_sorted_by_language_is_read_all_along():
    parts = {"de": "Die Stadt liegt an der Elbe und ist groß.", "en": "The city is on the river and it is large."}
    assert detect([*[parts["de"]] * 4000, *[parts["en"]] * 9000]) == "en"


def test_every_language_can_be_used():
    for code in LANGUAGES:
        assert term_maker(code)("xyzzy") != ""


@pytest.mark.parametrize("code", [code for code, language in LANGUAGES.items() if language.stemmer])
def test_stop_words_are_those_that_bm25s_would_leave_out(code):
    from bm25s.tokenization import _infer_stopwords

    try:
        listed = _infer_stopwords(code)
    except ValueError:  # it has none for this language
        listed = LANGUAGES[code].common.split()
    assert _stop_words(code) == {word for entry in listed for word in words(normalise(entry))}


def test_an_unknown_language_is_refused_with_the_known_ones(tmp_path):
    with pytest.raises(RecipeError, match=r"--language: wanted one of ar, .*en, .*; found 'klingon'"):
        bm25.build(["text"], tmp_path / "index", "klingon")


@pytest.mark.parametrize(
    "change", [("bm25s", "9.9"), ("PyStemmer", "9.9"), ("numpy", "9.9"), ("K1", 0.9), ("B", 0.4), ("MAKING", 0)]
)
def test_whatever_changes_an_index_changes_where_it_lies(tmp_path, monkeypatch, change):
    name, value = change
    now = bm25.place(tmp_path, "en")
    assert now == bm25.place(tmp_path, "en")
    assert now.name.startswith("bm25-en-")
    assert bm25.place(tmp_path, "de").name[len("bm25-de-") :] != now.name[len("bm25-en-") :]
    if hasattr(bm25, name):
        monkeypatch.setattr(bm25, name, value)
    else:
        known = bm25.version
        monkeypatch.setattr(bm25, "version", lambda library: value if library == name else known(library))
    assert bm25.place(tmp_path, "en") != now


def test_an_index_made_in_blocks_has_the_bytes_of_one_that_bm25s_makes_in_memory(corpus, tmp_path, monkeypatch):
    import bm25s

    monkeypatch.setattr(bm25_scores, "DOCUMENTS_AT_ONCE", 7)
    bm25.build(corpus, tmp_path / "own", "en")
    vocabulary = {"": 0}
    documents = list(bm25._token_ids(corpus, "en", vocabulary, lambda count: None))
    index = bm25s.BM25(k1=bm25.K1, b=bm25.B, method="lucene", backend="numba")
    index.index((documents, vocabulary), show_progress=False)
    index.save(tmp_path / "theirs", show_progress=False)
    for path in sorted((tmp_path / "theirs").iterdir()):
        own = tmp_path / "own" / path.name
        if path.suffix == ".npy":
            np.testing.assert_array_equal(np.load(own), np.load(path), strict=path.name != "indptr.csc.index.npy")
        else:
            assert own.read_bytes() == path.read_bytes(), path.name


def test_an_index_of_blank_documents_finds_nothing(tmp_path):
    assert found_by(["", "!?"], ["wing"], 2, tmp_path / "index").empty
