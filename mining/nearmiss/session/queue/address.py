"""
Addresses: the chosen view as the parameters of a web address, and back.

In:  a `View` and every how many pairs are judged twice; or the parameters of an address, which may hold anything
Out: the parameters that differ from the default view; or the view, and a message for each invalid parameter
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import get_args

from nearmiss.review import JUDGEMENTS
from nearmiss.selection import STATUSES
from nearmiss.session.model_opinions import DIFFERS, UNSURE
from nearmiss.session.queue.agenda import Order, View

VERDICTS = ("unjudged", "judged", "disputed", DIFFERS, UNSURE, "any", *JUDGEMENTS)
STATUSES_OFFERED = tuple(status for status in STATUSES if status != "known_positive")
NAMES = ("status", "verdict", "by", "source", "low", "high", "disagree", "text", "order", "query", "blind", "twice")
Address = dict[str, list[str]]


@dataclass(frozen=True)
class Choice:
    """A view, and `overlap`: every so many pairs are also given to a second reviewer (0 for none)."""

    view: View
    overlap: int = 0


def usual(query_id: str = "") -> Choice:
    """The default view: what matters most, or all of one query in its order."""
    return Choice(View(order="queries" if query_id else "priority", query_id=query_id))


def of_choice(choice: Choice) -> Address:
    """The parameters of a choice; those of the default view are left out."""
    view, plain = choice.view, usual(choice.view.query_id).view
    found: Address = {
        "status": [] if view.statuses == plain.statuses else list(view.statuses),
        "verdict": [] if view.verdict == plain.verdict else [view.verdict],
        "by": [view.reviewer] if view.reviewer else [],
        "source": list(view.sources),
        "low": [] if view.lowest is None else [f"{view.lowest:g}"],
        "high": [] if view.highest is None else [f"{view.highest:g}"],
        "disagree": ["1"] if view.disagree else [],
        "text": [view.text] if view.text.strip() else [],
        "order": [] if view.order == plain.order else [view.order],
        "query": [view.query_id] if view.query_id else [],
        "blind": ["1"] if view.blind else [],
        "twice": [str(choice.overlap)] if choice.overlap else [],
    }
    return {name: values for name, values in found.items() if values}


def to_choice(address: Mapping[str, Sequence[str]], sources: Sequence[str]) -> tuple[Choice, list[str]]:
    """The choice in an address; invalid parameters keep their default, with a message each."""
    typed = {name: [value for value in address.get(name, ()) if value.strip()] for name in NAMES}
    problems: list[str] = []

    def among(name: str, known: Sequence[str]) -> list[str]:
        wanted = f"address, {name}: wanted one of {', '.join(known)}"
        problems.extend(f"{wanted}; found {value!r}. It is left out" for value in typed[name] if value not in known)
        return [value for value in typed[name] if value in known]

    def number(name: str) -> float | None:
        for value in typed[name][-1:]:
            try:
                found = float(value)
            except ValueError:
                found = math.nan
            if math.isfinite(found):
                return found
            problems.append(f"address, {name}: wanted a number; found {value!r}. It is left out")
        return None

    def last(values: Sequence[str], otherwise: str) -> str:
        return values[-1] if values else otherwise

    start = usual(last(typed["query"], "").strip())
    orders: dict[str, Order] = {name: name for name in get_args(Order)}
    view = replace(
        start.view,
        statuses=tuple(among("status", STATUSES_OFFERED)) or start.view.statuses,
        verdict=last(among("verdict", VERDICTS), start.view.verdict),
        reviewer=last(typed["by"], "").strip(),
        sources=tuple(among("source", sources)),
        lowest=number("low"),
        highest=number("high"),
        disagree=typed["disagree"] == ["1"],
        text=last(typed["text"], ""),
        order=orders[last(among("order", list(orders)), start.view.order)],
        blind=typed["blind"] == ["1"],
    )
    return Choice(view, max(0, int(number("twice") or 0))), problems
