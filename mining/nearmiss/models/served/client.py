"""
The client: requests to one server, several at once, repeated where that helps.

In:  an address, a budget, what to ask
Out: answers, in the order of what was asked; ModelError in one line, with no key in it

The `openai` client repeats what failed (408, 409, 429, 5xx, a cut connection) with jitter and waits as long as
Retry-After says, whatever the server's form is. Here are the budget, the pace, and what an error means.
"""

import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any, TypeVar

from nearmiss.errors import ModelError, require
from nearmiss.models.served.budget import Budget, Pace
from nearmiss.models.served.keys import hidden, key_for
from nearmiss.models.served.server_address import Address

if TYPE_CHECKING:
    from openai import OpenAI

REPEATS = 8  # of a request that failed: about half a minute in all, where the server names no time
TIMEOUT = 300.0  # seconds: a large model on a processor is slow
TOO_FAST = (429, 503)
TOO_MUCH = (400, 413, 422)  # perhaps fewer texts in one request would be answered
CHARACTERS_PER_TOKEN = 4  # as a rule, in English: a server does not tell how it counts
NO_KEY = "no-key"  # the client wants one; it is not sent
SHOWN = 300  # characters of what a server says

CHAT = "/chat/completions"
MOST = "nearmiss.most"  # what a request may cost
MOST_WRITTEN = 2000  # tokens, until a longer answer is met
MOST_REFUSED = 10  # texts, before a server is taken to refuse all

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


class Refused(ModelError):
    """The server will not answer this request, however often it is sent."""


class RefusedTexts:
    """What a server refused of many texts, each asked for alone in the end; safe between threads."""

    def __init__(self) -> None:
        self._found: list[Refused] = []

    def add(self, error: Refused) -> None:
        """One more."""
        self._found.append(error)
        self.stop_if_many()

    def stop_if_many(self) -> None:
        """Raise Refused where they are too many to be a few odd texts: a server may refuse all."""
        if len(self._found) >= MOST_REFUSED:
            self.check()

    def check(self) -> None:
        """Raise Refused where there is any; the first is told in full, and what was answered is kept."""
        found = list(self._found)
        if not found:
            return
        others = [str(error).partition(", to ")[2].partition(". Where that")[0] for error in found[1:]]
        more = f" Refused, too: {'; '.join(others)}." if others else ""
        raise Refused(f"{found[0]}.{more} All others that were asked for are answered and kept")


class Client:
    """One server, as one command asks it."""

    def __init__(self, address: Address, budget: Budget) -> None:
        require("served", "openai")
        self.address, self.budget = address, budget
        self.pace = Pace(budget.serving.requests_at_once)
        self._key = key_for(address, budget.serving.key_file)
        self.price = budget.prices.of(address.model) if budget.prices else None
        self._most_written = MOST_WRITTEN
        self.openai = self._opened()

    def __repr__(self) -> str:
        return f"Client({self.address})"

    def _opened(self) -> "OpenAI":
        import openai

        hooks: Any = {"request": [self._before], "response": [self._after]}
        return openai.OpenAI(
            base_url=self.address.url,
            api_key=self._key or NO_KEY,
            max_retries=REPEATS,
            timeout=TIMEOUT,
            # A proxy that the environment names does not lead to this machine.
            http_client=openai.DefaultHttpxClient(event_hooks=hooks, trust_env=not self.address.is_here),
        )

    def _before(self, request: Any) -> None:
        """Called as each request is sent, repeated ones too."""
        header = self.address.vendor.key_header if self.address.vendor else ""
        if header or not self._key:
            request.headers.pop("Authorization", None)
        if header and self._key:
            request.headers[header] = self._key
        if seconds := self.pace.wait:
            time.sleep(seconds)
        most = 0.0
        if self.price is not None:
            # What a model will write is guessed from the longest answer so far; encoders and rerankers write nothing.
            written = self._most_written if request.url.path.endswith(CHAT) else 0
            most = self.price.of(1, _most_read(request), written)
        self.budget.spend(most)
        request.extensions[MOST] = most

    def _after(self, response: Any) -> None:
        if response.status_code in TOO_FAST:
            self.pace.refused(response.headers)
        most = response.request.extensions.get(MOST, 0.0)
        if response.status_code >= 400:
            self.budget.give_back(most)
            return
        self.pace.answered()
        if self.price is not None:
            response.read()
            read, written = _counted(response, len(response.request.content))
            self._most_written = max(self._most_written, 2 * written)
            self.budget.pay(self.address.model, most, self.price.of(1, read, written), read, written)

    def ask(self, send: Callable[[], Answer]) -> Answer:
        """The answer to one request of `self.openai`; ModelError where there is none."""
        import openai

        try:
            return send()
        # `from None`: the client's own error holds the request, and with it the key.
        except openai.APIStatusError as error:
            raise self._refused(error.status_code, _said(error.body) or str(error.message)) from None
        except openai.APITimeoutError:
            raise ModelError(f"{self.address}: wanted an answer; found none within {TIMEOUT:.0f} seconds") from None
        except openai.APIConnectionError as error:
            found = hidden(str(error.__cause__ or error), self._key)
            raise ModelError(
                f"{self.address}: wanted a server that answers; found none after {REPEATS + 1} tries ({found}). Every "
                "answer so far is kept: the same command goes on from there"
            ) from None
        except openai.OpenAIError as error:
            raise ModelError(
                f"{self.address}: wanted an answer; found {hidden(str(error), self._key)[:SHOWN]}"
            ) from None
        except ValueError as error:  # an answer that is not JSON
            raise ModelError(
                f"{self.address}: wanted JSON of the server; found {hidden(str(error), self._key)[:SHOWN]}"
            ) from None

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """The JSON that the server answers to a request that the `openai` client has no method for."""
        return self.ask(lambda: self.openai.post(path, body=body, cast_to=object))

    def each(self, send: Callable[[Asked], Answer], asked: Sequence[Asked]) -> list[Answer]:
        """
        The answer to each, in their order, several at once.

        Where one fails nothing more is begun, what is under way is waited for, since it is paid, and the error raised.
        """
        if len(asked) < 2:
            return [send(one) for one in asked]

        def in_turn(one: Asked) -> Answer:
            with self.pace.turn():
                return send(one)

        with ThreadPoolExecutor(min(len(asked), self.budget.serving.requests_at_once)) as pool:
            futures: list[Future[Answer]] = [pool.submit(in_turn, one) for one in asked]
            try:
                wait(futures, return_when=FIRST_EXCEPTION)
            finally:
                for future in futures:
                    future.cancel()
        failed = [error for future in futures if not future.cancelled() and (error := future.exception())]
        if failed:
            raise failed[0]
        return [future.result() for future in futures]

    def _refused(self, status: int, message: str) -> ModelError:
        found = f"{status}: {' '.join(hidden(message, self._key).split())[:SHOWN]}"
        if status in (401, 403):
            cure = "Give the key with NEARMISS_API_KEY or --key-file"
        elif status == 404:
            cure = "Check the model's name, and the path of the URL: most servers want /v1 at its end"
        elif status in TOO_MUCH:
            return Refused(f"{self.address}: wanted an answer; found {found}")
        else:
            cure = "Every answer so far is kept: the same command goes on from there"
        return ModelError(f"{self.address}: wanted an answer; found {found}. {cure}")


def in_characters(tokens: int | None) -> int | None:
    """How many characters stand for so many tokens; None for no limit."""
    return None if tokens is None else CHARACTERS_PER_TOKEN * tokens


def _most_read(request: Any) -> int:
    """The most tokens that a request can have: one for each byte, and the query once more for each document."""
    size = len(request.content)
    if request.url.path.endswith("/rerank"):
        body = json.loads(request.content)
        size += len(body["query"].encode()) * len(body.get("documents") or body.get("texts") or ())
    return size


def _counted(response: Any, sent: int) -> tuple[int, int]:
    """Tokens read and written, as the server counted them; where it did not, 4 bytes sent are one."""
    try:
        answer = response.json()
        # Cohere says what it bills, and ZeroEntropy's reranker says it beside its results.
        usage = answer.get("usage") or (answer.get("meta") or {}).get("billed_units") or answer
        written = int(usage.get("completion_tokens") or 0)
        read = int(usage.get("prompt_tokens") or usage.get("total_tokens") or usage.get("input_tokens") or 0)
    except (AttributeError, TypeError, ValueError):
        read, written = 0, 0
    return read or -(-sent // CHARACTERS_PER_TOKEN), written


def _said(body: Any) -> str:
    """What a server says of an error, in the forms of OpenAI and others; "" where it is none of them."""
    said = body.get("message") or body.get("error") or body.get("detail") if isinstance(body, dict) else body
    return said if isinstance(said, str) else ""


def in_parts(send: Callable[[list[Asked]], list[Answer]], asked: list[Asked], refused: RefusedTexts) -> list[Answer]:
    """
    The answers to all; where the server refuses so many in one request, those of each half.

    One that is refused alone is added to `refused` and missing among the answers, and the others are asked for: check
    `refused` before the answers are used.
    """
    refused.stop_if_many()
    try:
        return send(asked)
    except Refused as error:
        if len(asked) < 2:
            refused.add(error)
            return []
    middle = len(asked) // 2
    return in_parts(send, asked[:middle], refused) + in_parts(send, asked[middle:], refused)
