"""
Tokens: texts cut into numbers, and batches that waste no work on padding.

In:  texts, or pairs of texts
Out: batches of a model's inputs, the longest first, and which texts each holds

All texts are cut before any is batched: sorted by their number of tokens, the rows of a batch are equally long and
hardly anything is padded; sorted by characters, as is common, a fifth of the work is padding.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nearmiss.storage.files import read_json, write_json

Inputs = Sequence[str] | Sequence[tuple[str, str]]  # texts for an encoder, pairs for a teacher
Places = npt.NDArray[np.int64]  # which texts a batch holds, by their place among the inputs

# Small batches: what a layer writes stays in the processor's cache for the next one to read.
TOKENS_PER_BATCH = 1024
# Each width of batch costs the engine a megabyte or more of code and room that it keeps: 32 widths instead of hundreds
# for 2% of padding.
WIDTHS_APART = 8
# A text longer than this many characters a token is cut before the tokenizer, which would need a gigabyte for 10 MB.
CHARACTERS_PER_TOKEN = 200


@dataclass(frozen=True)
class Form:
    """How a model wants its tokens."""

    inputs: tuple[str, ...]  # input_ids, attention_mask, perhaps token_type_ids
    max_length: int
    pad_id: int
    pad_left: bool
    cut_left: bool


class Tokenizer:
    """A model's own fast tokenizer without the library around it."""

    def __init__(self, rust: Any, form: Form) -> None:
        self.form, self._rust = form, rust
        self._rust.enable_truncation(form.max_length, direction="left" if form.cut_left else "right")
        self._rust.no_padding()

    @classmethod
    def saved(cls, folder: Path) -> "Tokenizer":
        """The one that `save` wrote."""
        from tokenizers import Tokenizer as Rust

        fields = read_json(folder / "form.json")
        return cls(Rust.from_file(str(folder / "tokenizer.json")), Form(**fields | {"inputs": tuple(fields["inputs"])}))

    @classmethod
    def of(cls, model: Any) -> "Tokenizer":
        """That of a loaded model; AttributeError where it has no fast one."""
        from tokenizers import Tokenizer as Rust

        return cls(Rust.from_str(model.tokenizer.backend_tokenizer.to_str()), _form(model, ()))

    def encode(self, inputs: Inputs, prompt: str, *, offsets: bool = False) -> list[Any]:
        """
        The tokens of each text or pair; the prompt goes before the text, or before the pair's first one.

        Only with `offsets` they say from which characters they come, which is slower.
        """
        longest = CHARACTERS_PER_TOKEN * self.form.max_length
        prompted = [_prompted(one, prompt, longest) for one in inputs]
        return list(self._rust.encode_batch(prompted) if offsets else self._rust.encode_batch_fast(prompted))

    @property
    def size(self) -> int:
        """How many tokens there are; their numbers are below."""
        return int(max(self._rust.get_vocab().values(), default=-1)) + 1

    @cached_property
    def are_words(self) -> npt.NDArray[np.bool_]:
        """Which tokens are a word or part of one, (size,): not what the model adds itself, and not signs alone."""
        found = np.zeros(self.size, bool)
        for number in self._rust.get_vocab().values():
            text = self._rust.decode([number])  # nothing for what the model adds
            # A byte of a letter, as some tokenizers cut, is no letter by itself.
            found[number] = any(character.isalnum() or character == "\ufffd" for character in text)
        return found

    def padded(self, encodings: list[Any], places: Places) -> dict[str, npt.NDArray[np.int64]]:
        """The model's inputs, by name (rows, width), for the encodings at these places."""
        rows = [encodings[place] for place in places]
        shape = len(rows), max(1, min(_width(max(len(encoding) for encoding in rows)), self.form.max_length))
        ids, types, mask = (
            np.full(shape, self.form.pad_id, np.int64),
            np.zeros(shape, np.int64),
            np.zeros(shape, np.int64),
        )
        for row, encoding in enumerate(rows):
            filled = slice(shape[1] - len(encoding), None) if self.form.pad_left else slice(len(encoding))
            ids[row, filled], types[row, filled], mask[row, filled] = encoding.ids, encoding.type_ids, 1
        named = {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}
        return {name: named[name] for name in self.form.inputs}


def batches(encodings: list[Any]) -> list[Places]:
    """Places of equally long encodings, at most TOKENS_PER_BATCH tokens together, the longest first."""
    lengths = np.array([len(encoding) for encoding in encodings], np.int64)
    order = np.argsort(-lengths, kind="stable")
    found, start = [], 0
    while start < len(order):
        size = max(1, TOKENS_PER_BATCH // max(1, _width(int(lengths[order[start]]))))
        found.append(order[start : start + size])
        start += size
    return found


def save(model: Any, names: tuple[str, ...], folder: Path) -> None:
    """Write what `Tokenizer` reads, from a loaded sentence-transformers model."""
    model.tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"))
    write_json(folder / "form.json", asdict(_form(model, names)))


def _form(model: Any, names: tuple[str, ...]) -> Form:
    tokenizer = model.tokenizer
    left, cut = tokenizer.padding_side == "left", tokenizer.truncation_side == "left"
    return Form(names, model.max_seq_length, tokenizer.pad_token_id or 0, left, cut)


def _width(tokens: int) -> int:
    return -(-tokens // WIDTHS_APART) * WIDTHS_APART


def _prompted(one: str | tuple[str, str], prompt: str, longest: int) -> str | tuple[str, str]:
    if isinstance(one, str):
        return prompt + one[:longest]
    return prompt + one[0][:longest], one[1][:longest]
