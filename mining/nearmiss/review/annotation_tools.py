"""
Annotation tools: what Label Studio, Prodigy and Argilla export, and plain rows of ids and verdict.

In:  objects of a JSON or JSON-lines file, or rows of a CSV file, each with its place
Out: the judgements in them

| format         | known by                           | verdict                            | who, when                |
|----------------|------------------------------------|------------------------------------|--------------------------|
| `label-studio` | `data` and `annotations`           | the choice in the one control      | `completed_by`,          |
|                |                                    |                                    | `updated_at`             |
| `prodigy`      | `answer`                           | `accept` is relevant, `reject` is  | `_annotator_id`,         |
|                |                                    | not; or the option, or the `label` | `_timestamp`             |
| `argilla`      | `fields` and `responses`           | the submitted answer to a question | `user_id`, `updated_at`  |
| `rows`         | `query_id`, `doc_id` and `verdict` | `verdict`                          | `reviewer`, `decided_at` |

`query_id` and `doc_id` stand in the object itself or in its `data`, `meta` or `metadata`.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nearmiss.data.checks import Wrong, described, wanted_field, wanted_id
from nearmiss.review.given import Judgement, ReadJudgements, moment, verdict_of
from nearmiss.review.history import settle

ROW_FIELDS = ("query_id", "doc_id", "verdict", "reviewer", "comment", "decided_at")
IGNORED = "skipped by the annotator"
UNSUBMITTED = "not submitted"
EMPTY = "without an annotation"
Fields = Mapping[str, Any]


@dataclass(frozen=True)
class Placed:
    """One object of a file, the line or number it has there, and how errors name that."""

    number: int
    place: str
    fields: Fields


@dataclass(frozen=True)
class Words:
    """What the user says about labels: which verdict each means, and which question or control holds them."""

    labels: Mapping[str, str]
    question: str = ""


# A judgement, or why there is none.
Found = Judgement | str


def given(format: str, objects: Iterable[Placed], words: Words) -> ReadJudgements:
    """The judgements of a file; ReviewError lists what is wrong, object by object."""
    judgements: list[Judgement] = []
    left: Counter[str] = Counter()
    bad: list[tuple[int, str]] = []
    names: dict[str, None] = {}
    rows = 0
    for one in objects:
        rows += 1
        names |= dict.fromkeys(one.fields)
        try:
            for found in READERS[format](one.fields, words):
                if isinstance(found, str):
                    left[found] += 1
                else:
                    judgements.append(found)
        except Wrong as wrong:
            bad.append((one.number, f"{one.place}: {wrong}"))
    settle(rows, bad)
    unused = tuple(name for name in names if name not in ROW_FIELDS) if format == "rows" else ()
    untimed = any(one.decided_at is None for one in judgements)
    assumed = ("decided now, where no time is told",) if untimed else ()
    return ReadJudgements(judgements, rows, left, assumed, unused)


def _label_studio(fields: Fields, words: Words) -> Iterator[Found]:
    query_id, doc_id = _ids(fields)
    made = _listed(fields, "annotations")
    if not made:
        yield EMPTY
    for one in made:
        if one.get("was_cancelled"):
            yield IGNORED
            continue
        results = [result for result in _listed(one, "result") if result.get("type") != "relation"]
        values = {str(result.get("from_name", "")): _value(result) for result in results}
        if not values:
            yield EMPTY
            continue
        label = _chosen(values, words.question)
        by = one.get("completed_by")
        who = by if not isinstance(by, Mapping) else by.get("email") or by.get("username") or by.get("id")
        when = moment(one.get("updated_at") or one.get("created_at"))
        yield Judgement(query_id, doc_id, verdict_of(label, words.labels), _annotator(who), decided_at=when)


def _value(result: Fields) -> Any:
    """What was chosen in one control."""
    value = result.get("value")
    kind = str(result.get("type", ""))
    if not isinstance(value, Mapping) or kind not in value:
        raise Wrong(f"a value with {kind or 'the type'!r} in each result", described(value))
    chosen = value[kind]
    if isinstance(chosen, list):
        if len(chosen) != 1:
            raise Wrong("one choice in each annotation", f"{len(chosen)}: {chosen}")
        return chosen[0]
    return chosen


def _prodigy(fields: Fields, words: Words) -> Iterator[Found]:
    query_id, doc_id = _ids(fields)
    answer = fields.get("answer")
    if answer not in ("accept", "reject", "ignore"):
        raise Wrong("an answer among accept, reject, ignore", described(answer))
    if answer == "ignore":
        yield IGNORED
        return
    chosen = fields.get("accept")
    if isinstance(chosen, list):
        if answer == "reject" or len(chosen) != 1:
            raise Wrong("one accepted choice", f"answer {answer!r} with {chosen}")
        verdict = verdict_of(chosen[0], words.labels)
    elif "label" in fields:
        verdict = verdict_of(fields["label"], words.labels)
        if answer == "reject" and verdict not in ("relevant", "not_relevant"):
            raise Wrong("a rejected label to be relevant or not_relevant", described(fields["label"]))
        if answer == "reject":
            verdict = "not_relevant" if verdict == "relevant" else "relevant"
    else:
        verdict = verdict_of(answer, {"accept": "relevant", "reject": "not_relevant"} | dict(words.labels))
    who = fields.get("_annotator_id") or fields.get("_session_id")
    yield Judgement(query_id, doc_id, verdict, _annotator(who), decided_at=moment(fields.get("_timestamp")))


def _argilla(fields: Fields, words: Words) -> Iterator[Found]:
    query_id, doc_id = _ids(fields)
    answers = list(_responses(wanted_field(fields, "responses")))
    if not answers:
        yield EMPTY
    for by, status, values, when in answers:
        if status not in (None, "submitted"):
            yield IGNORED if status == "discarded" else UNSUBMITTED
            continue
        label = _chosen(values, words.question)
        yield Judgement(query_id, doc_id, verdict_of(label, words.labels), _annotator(by), decided_at=moment(when))


def _responses(content: Any) -> Iterator[tuple[Any, Any, dict[str, Any], Any]]:
    """Who answered, the answer's status, the value of each question, and when; in the forms of Argilla 1 and 2."""
    if isinstance(content, list):  # one response for each person
        for one in content:
            if not isinstance(one, Mapping) or not isinstance(one.get("values") or {}, Mapping):
                raise Wrong("responses with values", described(one))
            values = {
                str(name): value.get("value") if isinstance(value, Mapping) else value
                for name, value in (one.get("values") or {}).items()
            }
            yield one.get("user_id"), one.get("status"), values, one.get("updated_at")
        return
    if not isinstance(content, Mapping):
        raise Wrong("an object or a list in 'responses'", described(content))
    people: dict[tuple[Any, Any, Any], dict[str, Any]] = {}
    for name, answers in content.items():  # the answers of all, for each question
        for one in answers if isinstance(answers, list) else [None]:
            if not isinstance(one, Mapping) or "value" not in one:
                raise Wrong(f"a list of values in the responses to {name!r}", described(answers))
            who = one.get("user_id"), one.get("status"), one.get("updated_at")
            if any(isinstance(part, list | Mapping) for part in who):
                raise Wrong(f"one user_id, status and updated_at in the responses to {name!r}", described(one))
            people.setdefault(who, {})[str(name)] = one["value"]
    for (by, status, when), values in people.items():
        yield by, status, values, when


def _row(fields: Fields, words: Words) -> Iterator[Found]:
    query_id, doc_id = _ids(fields)
    texts = {name: fields.get(name) or "" for name in ("reviewer", "comment")}
    for name, text in texts.items():
        if not isinstance(text, str):
            raise Wrong(f"text in {name!r}", described(text))
    if fields.get("verdict") in (None, ""):
        raise Wrong("a verdict", "none")
    verdict = verdict_of(fields["verdict"], words.labels)
    yield Judgement(query_id, doc_id, verdict, **texts, decided_at=moment(fields.get("decided_at")))


READERS: dict[str, Callable[[Fields, Words], Iterator[Found]]] = {
    "label-studio": _label_studio,
    "prodigy": _prodigy,
    "argilla": _argilla,
    "rows": _row,
}


def _ids(fields: Fields) -> tuple[str, str]:
    places = [
        fields,
        *(inner for name in ("data", "meta", "metadata") if isinstance(inner := fields.get(name), Mapping)),
    ]
    found = [next((place[name] for place in places if name in place), None) for name in ("query_id", "doc_id")]
    if None in found:
        raise Wrong("query_id and doc_id, in the object or in its data, meta or metadata", f"only {sorted(fields)}")
    return wanted_id(found[0], "query_id"), wanted_id(found[1], "doc_id")


def _listed(fields: Fields, name: str) -> list[Any]:
    content = fields.get(name)
    if not isinstance(content, list) or not all(isinstance(one, Mapping) for one in content):
        raise Wrong(f"a list of objects in {name!r}", described(content))
    return content


def _chosen(values: Mapping[str, Any], question: str) -> Any:
    """The value of the question that was named, or of the only one."""
    if question:
        if question not in values:
            raise Wrong(f"an answer to --question {question}", f"answers to {', '.join(values)}")
        return values[question]
    if len(values) != 1:
        raise Wrong("one question, or --question NAME", f"answers to {', '.join(values) or 'none'}")
    return next(iter(values.values()))


def _annotator(who: Any) -> str:
    """A name for an annotator whom the tool knows by a number."""
    if who is None or who == "":
        return ""
    return who if isinstance(who, str) else f"annotator {who}"


def place_of(path: Path, number: int, is_line: bool) -> str:
    """How errors name a line, or an object of an array by its number from 1."""
    return f"{path}:{number}" if is_line else f"{path}, object {number}"
