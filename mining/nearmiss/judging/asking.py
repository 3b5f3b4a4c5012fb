"""
Asking: each pair is one request; its answer is in the log before the next one is sent.

In:  a `Workspace`, the address of a model, how many pairs
Out: verdicts in the log, and what came of each pair

A pair that fails (refused, not as asked, a quote that is not there) gets no verdict and is listed; the same command
asks about it again. A killed command has lost no answer but those under way.
"""

import hashlib
import json
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from nearmiss.errors import ModelError
from nearmiss.judging.judge_answer import SCHEMA, JudgeAnswer, Unsound, checked
from nearmiss.judging.judge_costs import note
from nearmiss.judging.judge_prompt import JudgePrompt, in_force
from nearmiss.judging.pairs_to_ask import judged_by, to_ask
from nearmiss.models.served import Address, Budget, address_of
from nearmiss.models.served.client import Client, Refused
from nearmiss.review import ANSWERS, JUDGE, MODEL, Event
from nearmiss.review.events import LONGEST
from nearmiss.types import Advance, Pair
from nearmiss.workspace import Workspace

FLAG = "--model"
STRICT = {"type": "json_schema", "json_schema": {"name": "grade", "strict": True, "schema": SCHEMA}}
# Ways to ask for the same, the strictest first: not every server knows a schema, and not every model a temperature.
FORMS: tuple[dict[str, Any], ...] = (
    {"response_format": STRICT, "temperature": 0},
    {"response_format": STRICT},
    {"response_format": {"type": "json_object"}, "temperature": 0},
    {"response_format": {"type": "json_object"}},
    {},
)


@dataclass(frozen=True)
class JudgeOutcome:
    """What came of the pairs that were asked about."""

    reviewer: str
    prompt: str  # its fingerprint
    asked: int
    verdicts: Mapping[str, int]
    failed: Mapping[Pair, str] = field(default_factory=dict)  # and why
    tokens: Mapping[str, int] = field(default_factory=dict)  # as the server counted them
    swapped: int = 0  # pairs that were asked about again, the document before the query
    swapped_same: int = 0  # those that got the same verdict
    differ: tuple[Pair, ...] = ()  # of a second judge: pairs on which it differs from the first

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        failed = [{"query_id": query, "doc_id": doc, "why": why} for (query, doc), why in self.failed.items()]
        plain = {"verdicts": dict(self.verdicts), "tokens": dict(self.tokens), "differ": [*map(list, self.differ)]}
        return {**vars(self), **plain, "failed": failed}


def address_of_judge(name: str) -> Address:
    """The address in `--model`; ModelError where it is none."""
    address = address_of(FLAG, name)
    if address is None or address.kind != "openai":
        raise ModelError(f"{FLAG} {name}: wanted openai:MODEL@URL; found another name")
    if len(reviewer_of(address)) > LONGEST["reviewer"]:
        most = LONGEST["reviewer"] - len(MODEL)
        raise ModelError(f"{address}: wanted a name of at most {most} characters; found {len(address.model)}")
    return address


def reviewer_of(address: Address) -> str:
    """The name under which a model's verdicts stand: the same wherever it is served."""
    return MODEL + address.model


def planned(work: Workspace, model: str, count: int) -> tuple[list[Pair], JudgePrompt]:
    """The pairs that would be asked about now, and with which prompt."""
    prompt = in_force(work)
    return to_ask(work, reviewer_of(address_of_judge(model)), prompt.fingerprint, count), prompt


def judge(
    work: Workspace,
    model: str,
    count: int,
    budget: Budget | None = None,
    advance: Advance = lambda count: None,
    *,
    swap: float = 0.0,
    pairs: Sequence[Pair] | None = None,
) -> JudgeOutcome:
    """
    Ask a model about the next `count` pairs and write what it says; or about `pairs`, as `planned` gave them.

    A share `swap` of them is asked about twice, the document first the second time, which is only counted.
    ModelError where the server does not answer or the budget is spent; what was said until then stands in the log.
    """
    if pairs is None:
        pairs, _ = planned(work, model, count)
    return _asked(work, model, pairs, in_force(work), budget, advance, swap)


def confirm(
    work: Workspace,
    first: JudgeOutcome,
    model: str,
    count: int,
    budget: Budget | None = None,
    advance: Advance = lambda count: None,
) -> JudgeOutcome:
    """
    Ask a second model about `count` pairs at most: those that failed, and all that the first ever called an answer.

    `first` is what came of the first judge just now. Pairs on which the two differ are for a person to decide.
    """
    prompt, reviewer = in_force(work), reviewer_of(address_of_judge(model))
    if reviewer == first.reviewer:
        raise ModelError(f"--second {model}: wanted another model; found the one that was asked first")
    judges = work.standing.judges
    done = judged_by(work, reviewer, prompt.fingerprint)
    said = {pair: judges.by_reviewer(pair)[first.reviewer] for pair in judged_by(work, first.reviewer, first.prompt)}
    answers = [pair for pair, entry in sorted(said.items()) if entry.event.verdict in ANSWERS]
    pairs = [pair for pair in dict.fromkeys([*first.failed, *answers]) if pair not in done]
    found = _asked(work, model, pairs[:count], prompt, budget, advance)
    now = judges.standing_of(reviewer)
    differ = [pair for pair in answers if pair in now and now[pair].event.verdict != said[pair].event.verdict]
    return replace(found, differ=tuple(differ))


def _asked(
    work: Workspace,
    model: str,
    pairs: Sequence[Pair],
    prompt: JudgePrompt,
    budget: Budget | None,
    advance: Advance,
    swap: float = 0.0,
) -> JudgeOutcome:
    judging = _Judging(work, Client(address_of_judge(model), budget or Budget()), prompt, advance, swap)
    waiting = list(pairs)
    try:
        # Alone until it is known in which form this server takes the question.
        while judging.form is None and waiting:
            judging.ask(waiting.pop(0))
        judging.client.each(judging.ask, waiting)
    finally:
        work.refresh()
    return judging.outcome


class _Judging:
    """One command; safe between threads."""

    def __init__(self, work: Workspace, client: Client, prompt: JudgePrompt, advance: Advance, swap: float) -> None:
        self.work, self.client, self.prompt, self.advance, self.swap = work, client, prompt, advance, swap
        self.reviewer = reviewer_of(client.address)
        self.form: int | None = None
        self.verdicts, self.tokens = Counter[str](), Counter[str]()
        self.failed: dict[Pair, str] = {}
        self.swapped = Counter[bool]()
        self._lock = threading.Lock()

    def ask(self, pair: Pair) -> None:
        query, document = self.work.query_text(pair[0]), self.work.texts([pair[1]])[0]
        try:
            found, reported = self._answered(query, document)
        except (Refused, Unsound) as error:
            with self._lock:
                self.failed[pair] = str(error)
        else:
            self.work.log.append([event_of(pair, found, self.reviewer, self.prompt, reported)])
            with self._lock:
                self.verdicts[found.verdict] += 1
            if _drawn(pair, self.swap):
                self._ask_swapped(query, document, found.verdict)
        with self._lock:
            self.advance(1)

    def _ask_swapped(self, query: str, document: str, verdict: str) -> None:
        try:
            again, _ = self._answered(query, document, swapped=True)
        except (Refused, Unsound):
            return
        with self._lock:
            self.swapped[again.verdict == verdict] += 1

    def _answered(self, query: str, document: str, *, swapped: bool = False) -> tuple[JudgeAnswer, str]:
        """The answer, and what the server calls its model."""
        messages = self.prompt.messages(query, document, swapped=swapped)
        forms = range(len(FORMS)) if self.form is None else (self.form,)
        for form in forms:
            try:
                answer = self.client.ask(self._sending(messages, form))
            except Refused:
                if form == forms[-1]:
                    raise
                continue
            self.form = form
            read = getattr(answer.usage, "prompt_tokens", 0) or 0
            written = getattr(answer.usage, "completion_tokens", 0) or 0
            note(self.work, self.reviewer, read, written)
            with self._lock:
                self.tokens.update({"read": read, "written": written})
            content = answer.choices[0].message.content if answer.choices else ""
            return checked(content, document), str(answer.model or "")
        raise AssertionError("there is a form to ask in")

    def _sending(self, messages: Any, form: int) -> Callable[[], Any]:
        create: Any = self.client.openai.chat.completions.create
        return partial(create, model=self.client.address.model, messages=messages, **FORMS[form])

    @property
    def outcome(self) -> JudgeOutcome:
        asked = sum(self.verdicts.values()) + len(self.failed)
        swapped = self.swapped.total(), self.swapped[True]
        return JudgeOutcome(
            self.reviewer, self.prompt.fingerprint, asked, self.verdicts, self.failed, self.tokens, *swapped
        )


def _drawn(pair: Pair, share: float) -> bool:
    """Whether a pair is among a share of all, whoever is asked about it and in whatever order."""
    number = int.from_bytes(hashlib.sha256(json.dumps(pair).encode()).digest()[:4], "big")
    return number < share * 2**32


def event_of(pair: Pair, answer: JudgeAnswer, reviewer: str, prompt: JudgePrompt, reported: str) -> Event:
    """A row of the log: the verdict, and in its comment the grade, the reason, the quote and the server's model."""
    said = {"grade": answer.grade, "reason": answer.reason, "quote": answer.quote[:2000], "model": reported}
    return Event(
        query_id=pair[0],
        doc_id=pair[1],
        verdict=answer.verdict,
        reviewer=reviewer,
        comment=json.dumps(said, ensure_ascii=False),
        arm=JUDGE + prompt.fingerprint,
        client_id=f"judge {uuid.uuid4().hex}",
        client_seq=1,
        scores_visible=False,
        decided_at=time.time(),
    )
