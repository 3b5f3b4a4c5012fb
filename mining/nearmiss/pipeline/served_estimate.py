"""
What servers will be asked in a round, before the first request.

In:  a recipe and a `Dataset`
Out: sentences: the most texts and about how many pairs, requests and tokens, and what to know about an address
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from nearmiss.counts import counted
from nearmiss.data import Dataset, passages
from nearmiss.errors import RecipeError
from nearmiss.models.served import Address, address_of
from nearmiss.models.served.client import CHARACTERS_PER_TOKEN
from nearmiss.models.served.prices import Prices, read_prices
from nearmiss.settings import Mining, Serving, source_name


def estimated(recipe: Mining, data: Dataset, serving: Serving) -> list[str]:
    """A sentence for each served model, at most; none where all models run here."""
    encoder = address_of("--encoder", recipe.encoder)
    teacher = address_of("--teacher", recipe.teacher)
    if encoder is None and teacher is None:
        if serving != Serving():
            raise RecipeError(
                "--max-requests, --max-cost, --prices, --requests-at-once, --texts-per-request, --key-file: wanted a "
                "model behind a server, as --encoder openai:MODEL@URL; found none. Leave them out"
            )
        return []
    prices = read_prices(serving.prices) if serving.prices else None
    documents, queries = passages(data.documents), data.queries["text"].tolist()
    sentences = [address.warning for address in (encoder, teacher) if address is not None]
    if encoder is not None:
        sentences.append(f"{encoder}: {_of_texts([*documents, *queries], serving, encoder.model, prices)}")
        cut_at = encoder.vendor.cuts_texts_at if encoder.vendor else None
        sentences.append(_cut(encoder, "--max-length", recipe.max_length, cut_at, [*documents, *queries]))
    if teacher is not None:
        sentences.append(f"{teacher}: {_of_pairs(recipe, data, documents, queries, serving, teacher.model, prices)}")
        cut_at = teacher.vendor.cuts_documents_at if teacher.vendor else None
        sentences.append(_cut(teacher, "--teacher-max-length", recipe.teacher_max_length, cut_at, documents))
    return [sentence for sentence in sentences if sentence]


def _cut(address: Address, flag: str, sent: int | None, cut_at: int | None, texts: Sequence[str]) -> str:
    """What to know where a vendor cuts long texts and does not say so; "" where none is so long."""
    if cut_at is None or (sent is not None and sent <= cut_at):
        return ""
    longer = sum(len(text) > cut_at * CHARACTERS_PER_TOKEN for text in texts)
    if not longer:
        return ""
    return (
        f"{address}: {counted(longer, 'text')} of more than about {cut_at:,} tokens, where {address.kind} cuts and "
        f"does not say so; {flag} {cut_at} cuts here, and the run says it"
    )


def _of_texts(texts: Sequence[str], serving: Serving, model: str, prices: Prices | None) -> str:
    requests = -(-len(texts) // serving.texts_per_request)
    said = _in_words(f"{len(texts):,} texts", requests, sum(map(len, texts)), model, prices)
    return f"{said}; what is known already is not asked for"


def _of_pairs(
    recipe: Mining,
    data: Dataset,
    documents: Sequence[str],
    queries: Sequence[str],
    serving: Serving,
    model: str,
    prices: Prices | None,
) -> str:
    depth = recipe.teacher_depth or sum(recipe.depth_of(source_name(source)) for source in recipe.sources)
    each = min(depth, len(documents))
    labelled = pd.concat([data.positives["query_id"], data.negatives["query_id"]])
    of_query = each + labelled.value_counts().reindex(data.queries["query_id"], fill_value=0)
    pairs, requests = int(of_query.sum()), int(np.ceil(of_query / serving.texts_per_request).sum())
    length = sum(map(len, documents)) / max(len(documents), 1)
    characters = pairs * length + sum(map(len, queries)) * each
    about = _in_words(f"{pairs:,} pairs", requests, int(characters), model, prices, "about")
    return f"{about}; --teacher-depth N asks for fewer"


def _in_words(
    what: str, requests: int, characters: int, model: str, prices: Prices | None, bound: str = "at most"
) -> str:
    tokens = characters // CHARACTERS_PER_TOKEN
    cost = f", some {prices.in_words(prices.of(model).of(requests, tokens, 0))}" if prices else ""
    return f"{bound} {what} in {counted(requests, 'request')}, some {tokens:,} tokens{cost}"
