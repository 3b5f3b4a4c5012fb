"""The numbers that a setting may have: `Range`, and the ranges in use."""

from typing import NamedTuple

# Beyond these, scores, ranks and counts have no meaning, and float32 or a 64-bit index would overflow.
LARGEST_NUMBER, LARGEST_COUNT = 1e9, 2**31 - 1


class Range(NamedTuple):
    """The numbers that a setting may have; the check, the flag's help and the slider all read it here."""

    low: float = -LARGEST_NUMBER
    high: float = LARGEST_NUMBER
    above: bool = False  # `low` itself is not allowed
    below: bool = False  # `high` itself is not allowed

    def holds(self, value: float) -> bool:
        """Whether the value is allowed; NaN and the infinities never are."""
        over = value > self.low if self.above else value >= self.low
        return over and (value < self.high if self.below else value <= self.high)

    @property
    def has_low(self) -> bool:
        """Whether the lower end is worth showing to a user."""
        return self.low != -LARGEST_NUMBER

    @property
    def has_high(self) -> bool:
        """Whether the upper end is worth showing to a user."""
        return self.high not in (LARGEST_NUMBER, LARGEST_COUNT)

    @property
    def words(self) -> str:
        """The range in words: `0 to 1`, `1 or more`, `above 0 and below 1`; "a number" where any will do."""
        if not self.has_low:
            return "a number"
        low = f"above {self.low:,.9g}" if self.above else f"{self.low:,.9g} or more"
        if not self.has_high:
            return low
        if self.above or self.below:
            return f"{low} and {'below' if self.below else 'at most'} {self.high:,.9g}"
        return f"{self.low:,.9g} to {self.high:,.9g}"

    def wanted(self, value: float) -> str:
        """What a value out of range should have been."""
        if value > self.high and not self.has_high:
            return f"{self.words} up to {self.high:,.0f}"
        return f"{self.words} from {self.low:,.0f}" if value < self.low and not self.has_low else self.words


NUMBER, SHARE, GAP = Range(), Range(0, 1), Range(0)
COUNT, COUNT_OR_NONE = Range(1, LARGEST_COUNT), Range(0, LARGEST_COUNT)
PART, TOKENS = Range(0, 1, above=True, below=True), Range(8, LARGEST_COUNT)
