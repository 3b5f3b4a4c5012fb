"""The agreement page's pictures: a dot with its interval in each row; no Streamlit inside."""

from collections.abc import Callable, Sequence

from nearmiss.agreement import AC1, ALPHA, COHEN, FLEISS, GOOD, RAW, Agreement, AgreementEstimate, TwoPeople
from nearmiss.agreement.judges import JudgeAgreement
from nearmiss.counts import counted
from nearmiss_app.charts.agreement_words import NAME, shortened
from nearmiss_app.charts.intervals import Row, rows
from nearmiss_app.theme import VERDICT

NAMES = {
    RAW: "Same verdict",
    AC1: "Gwet's AC1",
    ALPHA: "Krippendorff's alpha",
    FLEISS: "Fleiss' kappa",
    COHEN: "Cohen's kappa",
}
ACCENT = {"light": "#2456a6", "dark": "#8ab4f8"}


def coefficients(found: Agreement, *, dark: bool) -> str:
    """Every coefficient with its interval, the one to read first."""
    order = sorted(found.coefficients, key=lambda name: (name != found.to_read, list(NAMES).index(name)))
    shown = [
        _row(NAMES[name], found.coefficients[name], coefficient, dark=dark, strong=name == found.to_read)
        for name in order
    ]
    return _drawn(shown, coefficient, mark=GOOD)


def by_verdict(found: Agreement, words: Callable[[str], str], *, dark: bool) -> str:
    """For each verdict, how often another person gives the same one."""
    looks = {verdict: VERDICT[verdict] for verdict in found.by_verdict}
    shown = [
        _row(f"{looks[name].sign} {words(name)}", one, percent, dark=dark, colour=looks[name].colour(dark))
        for name, one in found.by_verdict.items()
    ]
    return _drawn(shown, percent)


def with_themselves(found: Agreement, *, dark: bool) -> str:
    """How often each person gave the same verdict when a pair was shown again."""
    return _drawn([_row(_name(name), one, percent, dark=dark) for name, one in found.with_themselves.items()], percent)


def between(shown: Sequence[TwoPeople], *, dark: bool) -> str:
    """The kappa of each two people; those who differ most come first."""
    named = [(f"{_name(one.first)} and {_name(one.second)}", one.kappa) for one in shown]
    return _drawn([_row(name, one, coefficient, dark=dark) for name, one in named], coefficient)


def of_judge(found: JudgeAgreement, *, dark: bool) -> str:
    """How far a model agrees with people, by each coefficient."""
    shown = [_row(NAMES[name], one, coefficient, dark=dark) for name, one in found.coefficients.items()]
    return _drawn(shown, coefficient, mark=GOOD)


def coefficient(value: float) -> str:
    """A coefficient with a proper minus sign, and never "-0"."""
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "−")


def percent(value: float) -> str:
    """A share."""
    return f"{value:.0%}"


def _drawn(shown: Sequence[Row], number: Callable[[float], str], mark: float | None = None) -> str:
    """Rows on a scale from 0, or from the lowest limit, to 1."""
    left = min([0.0, *(one.low for one in shown)])
    ticks = [tick for tick in (-1.0, -0.5, 0.0, 0.5, 1.0) if tick >= left]
    return rows(shown, (left, 1.0), [(tick, number(tick)) for tick in ticks], mark)


def _row(
    name: str,
    one: AgreementEstimate,
    number: Callable[[float], str],
    *,
    dark: bool,
    strong: bool = False,
    colour: str = "",
) -> Row:
    colour = colour or ACCENT["dark" if dark else "light"]
    if one.value is None or one.low is None or one.high is None:
        return Row(name, "cannot be told", colour=colour)
    limits = f"{number(one.low)} to {number(one.high)}"
    pairs = counted(one.pairs, "pair")
    return Row(name, number(one.value), limits, one.low, one.value, one.high, colour, strong, f"95% interval; {pairs}")


def _name(person: str) -> str:
    # Isolated, so that a right-to-left name does not reorder the rest of its line.
    return f"\u2068{shortened(person, NAME)}\u2069"
