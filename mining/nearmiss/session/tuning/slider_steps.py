"""
Slider steps: round numbers at which a slider stops, and the same as texts.

In:  the range of a setting
Out: rising values, about MOST_STOPS of them; texts with as many decimals as the steps need
"""

import itertools
import math
from collections.abc import Sequence

from nearmiss.session.tuning.along import SliderStop

MOST_STOPS = 200


def even_steps(low: float, high: float) -> list[float]:
    """Round numbers at even steps that reach from `low` to `high`, MOST_STOPS or a few more of them."""
    step = _step((high - low) / MOST_STOPS)
    digits = max(0, -math.floor(math.log10(step)))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(number * step, digits) for number in range(first, last + 1)]


def whole_steps(last: int) -> list[int]:
    """1, 2, 3 ... where that is few enough, else round steps to `last`."""
    step = max(1, math.ceil(_step(last / MOST_STOPS)))
    return sorted({1, *range(step, last, step), last})


def _step(at_least: float) -> float:
    """The next of 1, 2, 5, 10 ... times a power of ten."""
    power = 10.0 ** math.floor(math.log10(max(at_least, 1e-6)))
    return next(times * power for times in (1.0, 2.0, 5.0, 10.0) if times * power >= at_least * (1 - 1e-9))


def in_words(stops: Sequence[SliderStop]) -> tuple[str, ...]:
    """The stops as texts, as many decimals each as the most common step needs."""
    numbers = [stop for stop in stops if stop is not None]
    if all(isinstance(number, int) for number in numbers):
        return tuple("none" if stop is None else str(stop) for stop in stops)
    steps = [round(b - a, 9) for a, b in itertools.pairwise(numbers)]
    digits = len(f"{max(steps, key=steps.count):.9f}".rstrip("0").partition(".")[2]) if steps else 1
    return tuple("none" if stop is None else _decimal(stop, digits) for stop in stops)


def _decimal(number: float, digits: int) -> str:
    text = f"{number:.{digits}f}"
    return text if float(text) == number else repr(number)
