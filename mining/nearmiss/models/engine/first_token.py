"""
The last layer, for the first token alone.

A cross-encoder of BERT's family scores a pair by the state of its first token; so its last layer needs the queries, the
output and the feed-forward network of that one position, and of the others only keys and values. With six layers this
saves a seventh of the work, and the answer is the same sum.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def first_token_only(model: Any) -> Iterator[bool]:
    """While it lasts, the last layer gives position 0 only; False where the model is not of BERT's build."""
    layers = next((module.layer for module in model.modules() if _is_bert_encoder(module)), None)
    if layers is None:
        yield False
        return
    whole = layers[-1]
    layers[-1] = _for_first_token(whole)
    try:
        yield True
    finally:
        layers[-1] = whole


def _is_bert_encoder(module: Any) -> bool:
    last = module.layer[-1] if hasattr(module, "layer") and hasattr(module.layer, "__getitem__") else None
    attention = getattr(getattr(last, "attention", None), "self", None)
    parts = all(hasattr(attention, name) for name in ("query", "key", "value", "attention_head_size", "scaling"))
    return parts and hasattr(last, "feed_forward_chunk") and not getattr(last, "is_decoder", False)


def _for_first_token(layer: Any) -> Any:
    """A module that stands in for `layer` and returns (batch, 1, width)."""
    from torch import nn

    class FirstTokenLayer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.whole = layer

        def forward(self, hidden: Any, mask: Any = None, *rest: Any, **named: Any) -> Any:
            attention = self.whole.attention
            first = hidden[:, :1]
            seen = nn.functional.scaled_dot_product_attention(
                _heads(attention.self.query(first), attention.self),
                _heads(attention.self.key(hidden), attention.self),
                _heads(attention.self.value(hidden), attention.self),
                attn_mask=None if mask is None else mask[:, :, :1],
                scale=attention.self.scaling,
            )
            joined = seen.transpose(1, 2).flatten(2)
            return self.whole.feed_forward_chunk(attention.output(joined, first))

    return FirstTokenLayer().eval()


def _heads(states: Any, attention: Any) -> Any:
    """(batch, length, width) as (batch, heads, length, width of a head)."""
    return states.unflatten(-1, (-1, attention.attention_head_size)).transpose(1, 2)
