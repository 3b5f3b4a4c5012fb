"""`Serving`: how models behind servers are asked. It changes no number, so no run folder holds it."""

from dataclasses import dataclass
from typing import Annotated

from nearmiss.settings.field_rules import check_fields
from nearmiss.settings.ranges import COUNT


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
    requests_at_once: Annotated[int, "most requests to one server at the same time; fewer where it refuses", COUNT] = 8
    texts_per_request: Annotated[int, "texts in one request to a served encoder or reranker", COUNT] = 32
    key_file: Annotated[
        str, "file with the key of the server, or with lines HOST KEY; by default NEARMISS_API_KEY is read"
    ] = ""

    def __post_init__(self) -> None:
        check_fields(self)
