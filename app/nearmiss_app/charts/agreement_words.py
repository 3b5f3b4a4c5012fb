"""The agreement page's texts, as HTML in which people's own texts are escaped; no Streamlit inside."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from html import escape

from nearmiss.agreement import Agreement, TwoPeople
from nearmiss.agreement.disputes import Dispute, DisputedDocument, Opinion
from nearmiss.agreement.judges import FEWEST_COMMON, JudgeAgreement
from nearmiss.agreement.people import PersonProgress
from nearmiss.agreement.people_report import HEADINGS, cells
from nearmiss.counts import counted
from nearmiss.review import Entry
from nearmiss_app.theme import STATUS, VERDICT

REASON_WORDS = {
    "duplicate_of_positive": "copy of the positive",
    "bad_query": "bad query",
    "wrong_positive": "wrong positive",
    "too_easy": "too easy",
}
PEOPLE = 10  # in the table
KINDS = 8  # of difference
LONGEST = 20_000  # characters of a text that are shown
NAME, SHORT_NAME = 24, 13  # characters of a person's name, and where there is little room

STYLE = """<style>
.agreement {
  --line: color-mix(in srgb, currentColor 18%, transparent);
  --quiet: color-mix(in srgb, currentColor 75%, transparent);
  font-variant-numeric: tabular-nums;
  line-height: 1.45;
}
.agreement :is(p, h2, h3) { margin: 0; padding: 0; }
.agreement h2 { font-size: 1.375rem; font-weight: 600; line-height: 1.3; }
.agreement h3 { line-height: 1.45; }
.agreement.head { margin-top: 1rem; }
.agreement.head .quiet { font-size: 1rem; }
.agreement .quiet { color: var(--quiet); font-size: 0.875rem; font-weight: 400; }
.agreement .text { unicode-bidi: plaintext; overflow-wrap: anywhere; white-space: pre-wrap; }
.agreement .name { unicode-bidi: isolate; overflow-wrap: anywhere; font-weight: 600; }
.agreement .asked { font-size: 1.375rem; font-weight: 600; max-height: 8rem; overflow: auto; }
.agreement .texts {
  display: grid;
  gap: 1rem;
  margin-top: 0.75rem;
  grid-template-columns: repeat(auto-fit, minmax(min(17rem, 100%), 1fr));
}
.agreement .opinions { list-style: none; margin: 0.75rem 0 0; padding: 0; }
.agreement .passage {
  height: 16rem;
  overflow: auto;
  margin-top: 0.25rem;
  padding: 0.75rem 1rem;
  border: 1px solid var(--line);
  border-radius: 6px;
}
@media (max-width: 1100px) {
  .agreement .passage { height: 9.5rem; }
}
.agreement [tabindex]:focus-visible { outline: 2px solid currentColor; outline-offset: 1px; }
.agreement .passage h3 { font-size: 1rem; font-weight: 600; margin-bottom: 0.25rem; }
.agreement .part + .part { margin-top: 1rem; padding-top: 1rem; border-top: 1px solid var(--line); }
.agreement .opinion {
  display: grid;
  grid-template-columns: 8.5rem minmax(10rem, 16rem) 1fr;
  gap: 0.125rem 1rem;
  padding: 0.375rem 0;
  border-top: 1px solid var(--line);
}
@media (max-width: 700px) {
  .agreement .opinion { grid-template-columns: 8.5rem 1fr; }
  .agreement .opinion > div { grid-column: 1 / -1; }
}
.agreement .said { color: var(--own); font-weight: 600; }
.agreement .isolated { unicode-bidi: isolate; }
.agreement .line { white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.agreement .wide { overflow-x: auto; }
.agreement table { border-collapse: separate; border-spacing: 3px; }
.agreement th { font-weight: 500; text-align: left; padding: 0.25rem 0.5rem; min-width: 8rem; }
.agreement th .quiet, .agreement td .quiet { white-space: nowrap; }
.agreement .progress th .quiet { white-space: normal; }
.agreement thead th { text-align: center; vertical-align: bottom; min-width: 0; }
.agreement td { text-align: center; padding: 0.375rem 0.625rem; border-radius: 6px; min-width: 5rem; }
@media (max-width: 1000px) {
  .agreement thead th { padding-inline: 0; }
  .agreement thead .name { writing-mode: vertical-rl; transform: rotate(180deg); white-space: nowrap; }
  .agreement tbody th { min-width: 6rem; overflow-wrap: anywhere; padding-inline-start: 0; }
  .agreement td { min-width: 0; padding-inline: 0.125rem; font-size: 0.875rem; }
  .agreement td .unit { display: none; }
}
.agreement td.both { background: color-mix(in srgb, currentColor var(--much), transparent); }
.agreement td b { font-weight: 600; display: block; }
.agreement .judge { display: grid; gap: 1rem 3rem; align-items: start; margin-top: 0.5rem; }
.agreement .judge { grid-template-columns: repeat(auto-fit, minmax(min(22rem, 100%), 1fr)); }
.agreement .confusion :is(thead, tbody) th { min-width: 0; overflow-wrap: normal; }
.agreement .confusion tbody th { min-width: 6.5rem; padding-inline: 0; }
.agreement .confusion thead th { padding-inline: 0.25rem; font-size: 0.875rem; }
.agreement .differences .quiet { white-space: nowrap; }
.agreement .differences { display: grid; gap: 0.125rem 1.5rem; grid-template-columns: auto 1fr; margin-top: 0.5rem; }
</style>"""


def heading(title: str, says: str) -> str:
    """The heading of a part of the page, and what it shows."""
    return f'<div class="agreement head"><h2>{safe(title)}</h2><p class="quiet">{safe(says)}</p></div>'


def note(says: str) -> str:
    """A sentence in small print."""
    return _framed(f'<p class="quiet">{safe(says)}</p>')


def people(found: Agreement) -> str:
    """Who differs from whom, as a table: the share of common pairs on which two people agree."""
    names = list(found.judged)[:PEOPLE]
    known = {(one.first, one.second): one for one in found.between}
    known |= {(one.second, one.first): one for one in found.between}
    heads = "".join(
        f'<th scope="col" title="{safe(name)}"><span class="name">{safe(shortened(name, SHORT_NAME))}</span></th>'
        for name in names
    )
    rows = []
    for first in names:
        cells = "".join(_cell(known.get((first, second)), first == second) for second in names)
        judged = f'<div class="quiet">{found.judged[first]:,} judged</div>'
        rows.append(f'<tr><th scope="row"><span class="name">{safe(shortened(first))}</span>{judged}</th>{cells}</tr>')
    table = f"<table><thead><tr><td></td>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    more = len(found.judged) - len(names)
    rest = f'<p class="quiet">{more:,} more people judged less than these.</p>' if more > 0 else ""
    return _framed(
        f'<div class="wide" tabindex="0" role="region" aria-label="Who differs from whom">{table}</div>{rest}'
    )


def progress(found: Sequence[PersonProgress]) -> str:
    """How far each person is, as a table."""
    heads = "".join(f'<th scope="col"><span class="quiet">{safe(name)}</span></th>' for name in HEADINGS[1:])
    rows = []
    for one in found:
        values = "".join(f"<td>{safe(value) or '–'}</td>" for value in cells(one))
        rows.append(f'<tr><th scope="row"><span class="name">{safe(shortened(one.name))}</span></th>{values}</tr>')
    table = f"<table><thead><tr><td></td>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    region = '<div class="wide progress" tabindex="0" role="region" aria-label="Progress by person">'
    return _framed(f"{region}{table}</div>")


def _cell(both: TwoPeople | None, same: bool) -> str:
    if same:
        return "<td></td>"
    if both is None or both.raw.value is None:
        return '<td class="quiet" title="no pair in common">–</td>'
    # The less they agree, the stronger the background.
    style = f"--much: {round(5 + 30 * (1 - both.raw.value))}%"
    count, noun = counted(both.raw.pairs, "pair").split()
    return (
        f'<td class="both" style="{style}"><b>{both.raw.value:.0%}</b>'
        f'<span class="quiet">{count}<span class="unit"> {noun}</span></span></td>'
    )


def differences(shown: Iterable[TwoPeople], words: Callable[[str], str]) -> str:
    """In words, the verdicts on which two people differ most often; empty where they never differ."""
    kinds = [(one, kind) for one in shown for kind in one.differences]
    kinds.sort(key=lambda each: -each[1][2])
    rows = []
    for one, (first, second, count) in kinds[:KINDS]:
        sentence = (
            f'<span class="name">{safe(shortened(one.first))}</span> {safe(words(first))}, '
            f'<span class="name">{safe(shortened(one.second))}</span> {safe(words(second))}'
        )
        times = "once" if count == 1 else f"{count:,} times"
        rows.append(f'<p>{sentence}</p><p class="quiet">{times}</p>')
    if not rows:
        return ""
    return heading("Seen differently", "What two people most often say of the same pair.") + _framed(
        f'<div class="differences">{"".join(rows)}</div>'
    )


def judge(found: JudgeAgreement, words: Callable[[str], str], coefficients: str, cost: str = "", *, dark: bool) -> str:
    """One model: how far it agrees with people, or how many pairs are wanting, where the two differ, and its cost."""
    name = f'<p><span class="name">{safe(shortened(found.judge, 60))}</span> judged {counted(found.judged, "pair")}</p>'
    name += f'<p class="quiet">{safe(cost)}</p>' if cost else ""
    if not found.is_known:
        return _framed(
            f'{name}<p class="quiet">Not yet known: people have judged {found.pairs:,} of its pairs, and it takes '
            f"{FEWEST_COMMON}.</p>"
        )
    of = f'<p class="quiet">On the {found.pairs:,} of them that people judged too.</p>{coefficients}'
    return _framed(f'{name}<div class="judge"><div>{of}</div>{_confusion(found, words, dark)}</div>')


def _confusion(found: JudgeAgreement, words: Callable[[str], str], dark: bool) -> str:
    """How often people and a model gave which two verdicts, as a table; where they differ, the more the darker."""
    counts = {(people, model): count for people, model, count in found.confusion}
    present = {one for pair in counts for one in pair}
    kinds = [verdict for verdict in VERDICT if verdict in present]

    def named(verdict: str) -> str:
        look = VERDICT[verdict]
        return f'<span style="color: {look.colour(dark)}">{look.sign}</span> {safe(words(verdict))}'

    def cell(people: str, model: str) -> str:
        count = counts.get((people, model), 0)
        much = 0 if people == model or not count else round(8 + 60 * count / found.pairs)
        told = safe(f"People {words(people)}, the model {words(model)}")
        shown = f"<b>{count:,}</b>" if people == model else f"{count:,}" if count else "–"
        return f'<td class="both" style="--much: {much}%" title="{told}">{shown}</td>'

    heads = "".join(f'<th scope="col">{named(one)}</th>' for one in kinds)
    rows = "".join(
        f'<tr><th scope="row">{named(one)}</th>{"".join(cell(one, other) for other in kinds)}</tr>' for one in kinds
    )
    table = f"<table><thead><tr><td></td>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    return (
        '<div class="wide confusion" tabindex="0" role="region" aria-label="Verdicts of people and of the model">'
        f'<p class="quiet">Rows: what people said. Columns: what the model said.</p>{table}</div>'
    )


def apart(query: str, document: str, said: str, quote: str) -> str:
    """A pair on which a model and people differ: the query, the document's beginning, and what the model quotes."""
    quoted = f'<p class="quiet text">“{safe(quote)}”</p>' if quote else ""
    read = f'<p class="text" dir="auto">{safe(shortened(document, 200))}</p><p class="quiet">{safe(said)}</p>{quoted}'
    asked = f'<p class="name" dir="auto">{safe(shortened(query, 200))}</p>'
    return _framed(f'<div class="opinion" style="display: block">{asked}{read}</div>')


def dispute(shown: Dispute, *, dark: bool) -> str:
    """The query, the labelled answers beside the candidate as on Review, and below, each person's verdict in a line."""
    answers = "".join(_part(one) for one in shown.positives)
    opinions = "".join(_opinion(one, dark) for one in shown.opinions)
    star = STATUS["known_positive"]
    sign = f'<span aria-hidden="true" style="color: {star.colour(dark)}">{star.sign}</span>'
    return _framed(
        f'<p class="asked text" tabindex="0" role="region" aria-label="Query" dir="auto">{_text(shown.query)}</p>'
        '<div class="texts">'
        f"<section><h2 class='quiet'>{sign} {_labelled(shown)}</h2>{_box('Labelled answer', answers)}</section>"
        f"<section><h2 class='quiet'><b>Candidate</b></h2>{_box('Candidate', _part(shown.document))}</section>"
        f'</div><ul class="opinions" aria-label="Verdicts">{opinions}</ul>'
    )


def button_colours(*, dark: bool) -> str:
    """The colours of the buttons that decide, as on Review; their keys begin with the verdict."""
    rules = (
        f".st-key-verdicts [class*='st-key-{verdict}-'] button:enabled "
        f"{{ color: {look.colour(dark)}; border-color: {look.colour(dark)}; }}"
        for verdict, look in VERDICT.items()
    )
    return f"<style>{' '.join(rules)}</style>"


def decision(entry: Entry, query: str, title: str, *, dark: bool) -> str:
    """One decision, on one line."""
    look = VERDICT[entry.event.verdict]
    return _framed(
        f'<p class="line"><span class="said" style="--own: {look.colour(dark)}">{look.sign} {look.word}</span> '
        f'<span class="isolated">{safe(opening(query))}</span> <span class="quiet">'
        f'<span class="isolated">{safe(opening(title))}</span></span></p>'
        f'<p class="quiet">by <span class="isolated">{safe(shortened(entry.event.reviewer))}</span></p>'
    )


def opening(text: str, longest: int = 70) -> str:
    """The first words of a text."""
    whole = " ".join(text[: 4 * longest].split())
    return whole if len(whole) <= longest else f"{whole[: longest - 1]}…"


def _labelled(shown: Dispute) -> str:
    return "Labelled answer" if len(shown.positives) == 1 else f"Labelled answers ({len(shown.positives)})"


def _box(label: str, content: str) -> str:
    return f'<div class="passage" tabindex="0" role="region" aria-label="{label}">{content}</div>'


def _part(one: DisputedDocument) -> str:
    title = f'<h3 class="text" dir="auto">{_text(one.title)}</h3>' if one.title.strip() else ""
    return f'<div class="part">{title}<p class="text" dir="auto">{_text(one.text)}</p></div>'


def _opinion(one: Opinion, dark: bool) -> str:
    look = VERDICT[one.verdict]
    reason = f", {REASON_WORDS.get(one.reason, one.reason)}" if one.reason else ""
    comments = "".join(f'<p class="text" dir="auto">{_text(comment)}</p>' for comment in one.comments)
    nothing = "" if one.reason or one.comments else '<p class="quiet">no reason given</p>'
    day = datetime.fromtimestamp(one.decided_at, UTC).strftime("%-d %b %Y")
    return (
        f'<li class="opinion" style="--own: {look.colour(dark)}">'
        f'<p class="said">{look.sign} {look.word}</p><p><span class="name">{safe(shortened(one.reviewer))}</span> '
        f'<span class="quiet">{day}</span>{safe(reason)}</p><div>{comments}{nothing}</div></li>'
    )


def _framed(content: str) -> str:
    return f'<div class="agreement">{content}</div>'


def _text(text: str) -> str:
    left_out = len(text) - LONGEST
    return safe(text[:LONGEST]) + (f"… ({left_out:,} more characters)" if left_out > 0 else "")


def safe(text: str) -> str:
    """The text, escaped for HTML."""
    return escape(text, quote=True)


def shortened(name: str, longest: int = NAME) -> str:
    """A person's name, shortened where it is very long."""
    return name if len(name) <= longest else f"{name[: longest - 1]}…"
