"""
Languages that BM25 knows: how to recognise them, which words to leave out, how to find a word's stem.

In:  texts, or a two-letter code ("und" for plain words of any other language)
Out: the code; a function from word to stem

`words` decides what a word is; unspaced scripts need neither stems nor stop words.
"""

import functools
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path
from runpy import run_path
from typing import Any, NamedTuple

from nearmiss.errors import RecipeError
from nearmiss.retrieval.tokenization import normalise, words

UNDETERMINED = "und"  # ISO 639 for "undetermined"


class Language(NamedTuple):
    """A Snowball stemmer by name ("" for none), and the commonest function words, by which its texts are recognised."""

    stemmer: str
    common: str


# Lists of about equal length, since a longer one would win by its length. They are also the stop words where bm25s
# carries none.
LANGUAGES: dict[str, Language] = {
    "ar": Language("arabic", "في من على أن إلى التي عن ما هذا لا مع كان الذي هذه كما أو"),
    "ca": Language("catalan", "de la el i que a en els les del per un una amb és no"),
    "cs": Language("czech", "a v se na je že s z do o i to jako pro ve za"),
    "da": Language("danish", "og i at det er en af til på som de for med den ikke et"),
    "de": Language("german", "der die und das in den von zu mit ist des auf für nicht ein eine"),
    "el": Language("greek", "και το η να του της με που για από τα στο την των είναι οι"),
    "en": Language("english", "the of and to in is was for that it with as on by are a"),
    "eo": Language("esperanto", "la kaj de en estas al ne kiu por ke kun li estis el pri sed"),
    "es": Language("spanish", "de la que el en y los del se las por un para con una es"),
    "et": Language("estonian", "ja on ei et ka oli see kui mis aga või oma ning ta nii seda"),
    "eu": Language("basque", "eta da ez bat zen du baina ere dira izan zuen egin hau den dute edo"),
    "fa": Language("persian", "و در به از که این را با است برای آن یک های می شد بود"),
    "fi": Language("finnish", "ja on ei se että oli en ovat mutta tai kun hän joka sekä myös ollut"),
    "fr": Language("french", "de la le et les des en un une du est que dans pour par sur"),
    "ga": Language("irish", "an na agus ar is a i go le ag bhí do sé leis tá gur"),
    "hi": Language("hindi", "के है में की को से का और पर यह हैं ने कि एक भी इस"),
    "hu": Language("hungarian", "a az és hogy nem is egy van volt meg ez de ha csak mint vagy"),
    "hy": Language("armenian", "և է որ են եւ համար ու այս էր հետ մի որը իր նա մեջ չի"),
    "id": Language("indonesian", "yang dan di ini dengan untuk dari dalam tidak pada adalah itu ke oleh akan juga"),
    "it": Language("italian", "di e il la che in un a per del è non una con della sono"),
    "ja": Language("", ""),
    "ko": Language("", ""),
    "lt": Language("lithuanian", "ir yra į kad iš su tai kaip bet buvo ar o dėl jo ne už"),
    "ne": Language("nepali", "र छ हो मा छन् भएको यो पनि लागि गरेको को ले गर्न एक थियो तथा"),
    "nl": Language("dutch", "de van het een en in is dat op te zijn voor met die niet aan"),
    "no": Language("norwegian", "og i det er på en til av som for med at de ikke har et"),
    "pl": Language("polish", "w i na z do się nie jest o że od przez oraz jak po to"),
    "pt": Language("portuguese", "de que e do da em um para com não uma os no se na por"),
    "ro": Language("romanian", "și de în a la cu pe un o din pentru care este nu mai sau"),
    "ru": Language("russian", "и в не на что с по как это к из у за от для же"),
    "sr": Language("serbian", "и у је да се на за су од са као није који би а који"),
    "st": Language("sesotho", "ho le a e ka o ea tsa ba ha ke sa se hore ya mo"),
    "sv": Language("swedish", "och i att det som en på är av för med den till inte ett om"),
    "ta": Language("tamil", "மற்றும் ஒரு என்று இந்த உள்ள என அது இது ஆகும் இருந்து இல் வேண்டும் அவர் பல என்ற கொண்டு"),
    "th": Language("", ""),
    "tr": Language("turkish", "ve bir bu da de için ile çok olarak daha ne gibi olan sonra ama kadar"),
    "uk": Language("", "і в на з не що до у та як є за для від це його"),
    "yi": Language("yiddish", "און די אין איז צו פון דער דאס אז ניט מיט א פֿון האט ער זיך"),
    "zh": Language("", ""),
    UNDETERMINED: Language("", ""),
}
_WITHOUT_STEMMER = {"ja": "Japanese", "ko": "Korean", "th": "Thai", "uk": "Ukrainian", "zh": "Chinese"}
_SCRIPTS = {"CJK": "zh", "HIRAGANA": "ja", "KATAKANA": "ja", "HANGUL": "ko", "THAI": "th"}
SAMPLE = 2000
_ENOUGH = 0.05  # share of function words in a text of a known language is 0.2 to 0.4, by chance under 0.02


def checked(code: str) -> str:
    """`code`, if it is one that BM25 knows; RecipeError otherwise."""
    if code not in LANGUAGES:
        raise RecipeError(f"--language: wanted one of {', '.join(LANGUAGES)}; found {code!r}")
    return code


def detect(texts: Sequence[str]) -> str:
    """
    The language of most of the texts, by script where that decides, else by their function words, else `und`.

    Reads about SAMPLE of them, evenly spaced, since a corpus is often sorted by where its parts came from.
    """
    characters: Counter[str] = Counter()
    tokens: Counter[str] = Counter()
    for text in texts[:: max(1, len(texts) // SAMPLE)]:
        normalised = normalise(text)
        characters.update(normalised)
        tokens.update(words(normalised))
    return _by_script(characters) or _by_function_words(tokens)


def term_maker(code: str) -> Callable[[str], str]:
    """A function from a word, as `words` gives it, to its stem; "" for a stop word. Keeps what it has seen."""
    import Stemmer

    left_out = _stop_words(checked(code))
    stemmer = Stemmer.Stemmer(LANGUAGES[code].stemmer) if LANGUAGES[code].stemmer else None

    @functools.cache
    def term(word: str) -> str:
        if word in left_out:
            return ""
        return stemmer.stemWord(word) if stemmer else word

    return term


def language_name(code: str) -> str:
    """A language's name in English; empty for `und`."""
    return _WITHOUT_STEMMER.get(code, LANGUAGES[checked(code)].stemmer.capitalize())


def function_words(code: str) -> frozenset[str]:
    """
    The words that only hold a sentence together, as `words` gives them: no sign that two texts are about the same.

    For English the list is longer than what BM25 leaves out, whose rankings published numbers rest on; and a language
    without a stemmer, of which BM25 leaves out no word, has its commonest ones here.
    """
    common = _as_words(LANGUAGES[checked(code)].common.split())
    longer = _as_words(_lists()["STOPWORDS_EN_PLUS"]) if code == "en" else frozenset()
    return _stop_words(code) | common | longer


def _stop_words(code: str) -> frozenset[str]:
    if not LANGUAGES[code].stemmer:
        return frozenset()
    name = "EN" if code == "en" else LANGUAGES[code].stemmer.upper()
    return _as_words(_lists().get(f"STOPWORDS_{name}") or LANGUAGES[code].common.split())


@functools.cache
def _lists() -> dict[str, Any]:
    """The lists that bm25s carries, by name; the package itself loads a compiler, and the first card would wait."""
    package = find_spec("bm25s")
    assert package is not None
    assert package.origin is not None
    return run_path(str(Path(package.origin).with_name("stopwords.py")))


def _as_words(listed: Iterable[str]) -> frozenset[str]:
    return frozenset(word for entry in listed for word in words(normalise(entry)))


def _by_script(characters: Counter[str]) -> str:
    letters: Counter[str] = Counter()
    for character, count in characters.items():
        if character.isalpha():
            script = unicodedata.name(character, "?").split()[0]
            letters[_SCRIPTS.get(script, "")] += count
    chinese_or_japanese = letters["zh"] + letters["ja"]
    others = {code: letters[code] for code in ("", "ko", "th")}
    if chinese_or_japanese > max(others.values()):
        # Japanese mixes kana into Han; Chinese quotes a kana word now and then.
        return "ja" if letters["ja"] > 0.1 * chinese_or_japanese else "zh"
    return max(others, key=lambda code: others[code])


def _by_function_words(tokens: Counter[str]) -> str:
    counts = {
        code: sum(tokens[word] for word in {normalise(word) for word in language.common.split()})
        for code, language in LANGUAGES.items()
    }
    best = max(counts, key=lambda code: counts[code])
    return best if counts[best] > _ENOUGH * tokens.total() else UNDETERMINED
