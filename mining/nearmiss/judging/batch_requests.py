"""
Batches: the same questions as files in OpenAI's form, for servers that answer within a day at half the price.

In:  a `Workspace`; later the file of answers, in any order and perhaps partly failed
Out: JSON lines, at most 50,000 a file; then verdicts in the log

An answer is known by its `custom_id`: the prompt's fingerprint and a digest of the pair, which the run knows again.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nearmiss.errors import ReviewError
from nearmiss.judging.asking import FORMS, JudgeOutcome, address_of_judge, event_of, planned, reviewer_of
from nearmiss.judging.judge_answer import Unsound, checked
from nearmiss.judging.judge_costs import note
from nearmiss.judging.judge_prompt import JudgePrompt, in_force
from nearmiss.judging.pairs_to_ask import judged_by
from nearmiss.models.served import Budget
from nearmiss.review import Event
from nearmiss.storage.files import write_atomically
from nearmiss.types import Pair
from nearmiss.workspace import Workspace

MOST = 50_000  # requests in one file
URL = "/v1/chat/completions"


@dataclass(frozen=True)
class BatchWritten:
    """The files of requests, and how many there are in all."""

    files: tuple[Path, ...]
    requests: int


def write_batch(
    work: Workspace, model: str, count: int, path: Path, *, pairs: Sequence[Pair] | None = None
) -> BatchWritten:
    """
    Write the next `count` questions, or those about `pairs`, as `planned` gave them.

    Beyond MOST, further files are numbered. ReviewError where a file is there.
    """
    if pairs is None:
        pairs, _ = planned(work, model, count)
    prompt = in_force(work)
    name = address_of_judge(model).model
    parts = [pairs[start : start + MOST] for start in range(0, len(pairs), MOST)]
    files = tuple(path if not number else path.with_stem(f"{path.stem}-{number + 1}") for number in range(len(parts)))
    for file in files:
        if file.exists():
            raise ReviewError(f"--batch-out {file}: wanted a new file; found one that is there")
    for file, part in zip(files, parts, strict=True):
        with write_atomically(file) as draft, draft.open("w", encoding="utf-8") as out:
            for pair, text in zip(part, work.texts([doc_id for _, doc_id in part]), strict=True):
                request = _request(work, name, prompt, pair, text)
                out.write(json.dumps(request, ensure_ascii=False) + "\n")
    return BatchWritten(files, len(pairs))


def read_batch(work: Workspace, model: str, path: Path, budget: Budget | None = None) -> JudgeOutcome:
    """
    Write the answers of a file into the log; those that are there already are passed over.

    What they cost by the prices of `budget` is written down, with the discount of a batch.

    Failed and unknown requests are listed by their `custom_id` or pair. ReviewError for a file that is no batch, or one
    of another prompt.
    """
    address = address_of_judge(model)
    prompt, reviewer = in_force(work), reviewer_of(address)
    price = budget.prices.of(address.model) if budget and budget.prices else None
    pairs = {_custom_id(prompt, pair): pair for pair in map(work.pair_at, range(len(work.table.query)))}
    done = judged_by(work, reviewer, prompt.fingerprint)
    events: dict[Pair, Event] = {}
    failed: dict[Pair, str] = {}
    tokens: Counter[str] = Counter()
    answered: list[tuple[int, int, str]] = []
    for place, answer in _answers(path):
        custom_id = answer["custom_id"]
        pair = pairs.get(custom_id)
        if pair is None:
            raise ReviewError(
                f"{place}: wanted an answer about this run, by prompt {prompt.fingerprint}; found custom_id "
                f"{custom_id[:80]!r}. Nothing was written"
            )
        if pair in done:
            continue
        body = (answer.get("response") or {}).get("body") or {}
        if usage := body.get("usage"):
            read, written = (usage.get(name) or 0 for name in ("prompt_tokens", "completion_tokens"))
            answered.append((read, written, f"{reviewer} {answer.get('id')} {custom_id}"))
            tokens.update({"read": read, "written": written})
        try:
            content = _content(answer, body)
            found = checked(content, work.texts([pair[1]])[0])
        except Unsound as error:
            failed[pair] = str(error)
            continue
        failed.pop(pair, None)
        events[pair] = event_of(pair, found, reviewer, prompt, str(body.get("model") or ""))
    for read, written, name in answered:
        note(work, reviewer, read, written, batch=name)
        if budget and price:
            budget.pay(address.model, 0.0, price.of(1, read, written, batch=True), read, written, batch=name)
    work.append(list(events.values()))
    verdicts = Counter(event.verdict for event in events.values())
    return JudgeOutcome(reviewer, prompt.fingerprint, len(events) + len(failed), verdicts, failed, tokens)


def _request(work: Workspace, model: str, prompt: JudgePrompt, pair: Pair, text: str) -> dict[str, Any]:
    messages = prompt.messages(work.query_text(pair[0]), text)
    body = {"model": model, "messages": messages, **FORMS[0]}
    return {"custom_id": _custom_id(prompt, pair), "method": "POST", "url": URL, "body": body}


def _custom_id(prompt: JudgePrompt, pair: Pair) -> str:
    digest = hashlib.sha256(json.dumps(pair).encode()).hexdigest()[:32]
    return f"{prompt.fingerprint}-{digest}"


def _answers(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each line with its place."""
    for number, text in enumerate(path.read_text("utf-8").split("\n"), 1):
        if not text.strip():
            continue
        try:
            answer = json.loads(text)
        except ValueError:
            answer = None
        if not isinstance(answer, dict) or not isinstance(answer.get("custom_id"), str):
            raise ReviewError(f"{path}:{number}: wanted an answer with a custom_id; found {text[:80]!r}")
        yield f"{path}:{number}", answer


def _content(answer: dict[str, Any], body: dict[str, Any]) -> str:
    """What the model wrote; Unsound where the request failed."""
    if answer.get("error") or (answer.get("response") or {}).get("status_code", 200) != 200:
        raise Unsound(f"wanted an answer; found {str(answer.get('error') or body)[:200]}")
    try:
        return str(body["choices"][0]["message"]["content"])
    except (KeyError, IndexError, TypeError):
        raise Unsound(f"wanted a chat completion; found {str(body)[:200]}") from None
