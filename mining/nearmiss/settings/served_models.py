"""`Serving`: how models behind servers are asked. It changes no number, so no run folder holds it."""

from dataclasses import dataclass
from typing import Annotated

from nearmiss.errors import RecipeError
from nearmiss.settings.field_rules import check_fields
from nearmiss.settings.ranges import COUNT, Range

ABOVE_NOTHING = Range(0, above=True)
SERVED_ENCODERS = ("openai", "cohere", "voyage", "jina", "zeroentropy", "gemini")  # what stands before the colon


@dataclass(frozen=True)
class Serving:
    """
    How models behind servers are asked: how often, how much at once, with which key.

    >>> import nearmiss as nm
    >>> nm.Serving(max_requests=500).requests_at_once
    8
    """

    max_requests: Annotated[
        int | None, "requests to servers that this command may send; it stops there, and goes on when repeated", COUNT
    ] = None
    max_cost: Annotated[
        float | None,
        "money that this command may spend on servers, in the currency of --prices; it stops before, as max_requests",
        ABOVE_NOTHING,
    ] = None
    prices: Annotated[str, "TOML file with the prices of models, by the million tokens or by the request"] = ""
    requests_at_once: Annotated[int, "most requests to one server at the same time; fewer where it refuses", COUNT] = 8
    texts_per_request: Annotated[int, "texts in one request to a served encoder or reranker", COUNT] = 32
    key_file: Annotated[
        str, "file with the key of the server, or with lines HOST KEY; by default NEARMISS_API_KEY is read"
    ] = ""

    def __post_init__(self) -> None:
        check_fields(self)
        if self.max_cost is not None and not self.prices:
            raise RecipeError("--max-cost: wanted --prices FILE beside it, which says what models cost; found none")
