"""
Prices: what servers charge, from a table that the user writes; and what was paid, in a file of the run.

In:  a TOML file: a currency, and for each model what it costs by the million tokens or by the request
Out: what a request costs; the sums of all answered requests

    currency = "USD"

    [models."MODEL"]
    per_million_tokens_read = 0.0
    per_million_tokens_written = 0.0
    per_request = 0.0
    batch_discount = 0.5

No prices come with nearmiss: they change, and differ from one contract to another.
"""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from nearmiss.counts import counted
from nearmiss.errors import RecipeError
from nearmiss.storage import line_log

PAID_FILE = "served_requests.jsonl"


@dataclass(frozen=True)
class Price:
    """What one model costs, in the table's currency."""

    per_million_tokens_read: float = 0.0
    per_million_tokens_written: float = 0.0
    per_request: float = 0.0
    batch_discount: float = 0.0  # the share that a request of a batch file costs less

    def of(self, requests: int, read: int, written: int, *, batch: bool = False) -> float:
        """The cost of so many requests, with so many tokens in all."""
        tokens = self.per_million_tokens_read * read + self.per_million_tokens_written * written
        return (self.per_request * requests + tokens / 1e6) * (1 - self.batch_discount if batch else 1)


@dataclass(frozen=True)
class Prices:
    """A table of prices, and where it was read."""

    path: str
    currency: str
    models: Mapping[str, Price]

    def of(self, model: str) -> Price:
        """The price of a model; RecipeError where the table has none."""
        if model not in self.models:
            known = ", ".join(sorted(self.models)) or "none"
            raise RecipeError(f'--prices {self.path}: wanted [models."{model}"]; found {known}')
        return self.models[model]

    def in_words(self, cost: float) -> str:
        """An amount with its currency, to the cent, or to two digits where it is less."""
        return f"{cost:,.2f} {self.currency}" if cost >= 0.1 or not cost else f"{cost:.2g} {self.currency}"


def read_prices(path: str) -> Prices:
    """The table in a file; RecipeError that says what is wrong with it."""
    place = f"--prices {path}"
    try:
        content = tomllib.loads(Path(path).expanduser().read_text("utf-8"))
    except OSError as error:
        raise RecipeError(f"{place}: wanted a file with prices; found {error.strerror or error}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RecipeError(f"{place}: wanted TOML; found {error}") from None
    currency, models = content.get("currency"), content.get("models")
    if not isinstance(currency, str) or not currency.strip() or not isinstance(models, dict):
        raise RecipeError(f'{place}: wanted currency = "USD" (or another) and tables [models."NAME"]; found others')
    return Prices(path, currency.strip(), {name: _price(place, name, table) for name, table in models.items()})


def _price(place: str, model: str, table: Any) -> Price:
    known = [field.name for field in fields(Price)]
    given = table if isinstance(table, dict) else {}
    numbers = all(type(value) in (int, float) and math.isfinite(value) and value >= 0 for value in given.values())
    if not given or set(given) - set(known) or not numbers:
        raise RecipeError(
            f'{place}: [models."{model}"]: wanted one or more of {", ".join(known)}, as numbers from 0; found {table!r}'
        )
    if given.get("batch_discount", 0) > 1:
        found = given["batch_discount"]
        raise RecipeError(f'{place}: [models."{model}"]: wanted a batch_discount from 0 to 1; found {found}')
    return Price(**given)


def paid_so_far(folder: Path) -> dict[str, tuple[int, float]]:
    """Of each currency, how many requests of a run had a price in it, and what they cost."""
    found: dict[str, tuple[int, float]] = {}
    seen: set[str] = set()
    for line in line_log.whole_lines(folder / PAID_FILE):
        try:
            currency, cost, batch = str(line["currency"]), float(line["cost"]), str(line.get("batch") or "")
        except (ValueError, TypeError, KeyError):
            continue  # none of ours
        if batch in seen:
            continue  # the same answer of a batch, read again
        seen |= {batch} if batch else set()
        requests, paid = found.get(currency, (0, 0.0))
        found[currency] = requests + 1, paid + cost
    return found


def paid_in_words(folder: Path) -> list[str]:
    """The same, a sentence for each currency; none where no request had a price."""
    return [
        f"paid to servers for this run so far: {cost:,.4f} {currency} ({counted(requests, 'request')})"
        for currency, (requests, cost) in paid_so_far(folder).items()
    ]
