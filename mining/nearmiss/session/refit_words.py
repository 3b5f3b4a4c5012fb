"""
The changes a new calibration would bring, in sentences and a table, for the app and the command line.

In:  a `Preview`
Out: rows of a table, sentences
"""

from nearmiss.calibration.reliability import Auc
from nearmiss.session.refit import Preview, RefitOutcome

HEADINGS = ("", "now", "after")


def rows(seen: Preview) -> list[tuple[str, str, str]]:
    """Each quantity, its value now, its value after."""
    compared = [
        ("kept negatives", _kept),
        (f"queries left short, of {seen.queries:,}", _short),
        ("estimated answers among the kept", _answers),
        ("AUC on unseen queries, with 95% interval", _auc),
    ]
    if seen.draws:
        compared.append((f"audit draws among the kept, of {seen.draws:,}", _draws))
    return [(name, of(seen.before), of(seen.after)) for name, of in compared]


def of_draws(seen: Preview) -> list[str]:
    """What the draws of this round's audits stay valid for."""
    if not seen.draws:
        return []
    sentences = []
    if seen.spent:
        names = ", ".join(seen.spent)
        several = len(seen.spent) > 1
        sentences.append(
            f"{'Audits' if several else 'Audit'} {names}: {'their' if several else 'its'} judgements are learned from "
            f"here, so {'they' if several else 'it'} can then neither measure nor certify this round. Undo gives "
            f"{'them' if several else 'it'} back."
        )
    if len(seen.spent) < 1:
        sentences.append(
            f"The {seen.draws:,} audit draws stay a random sample of all candidates, so they measure any thresholds, "
            f"before and after. {seen.after.draws:,} of them would lie among the kept ({seen.before.draws:,} now); the "
            "fewer they are, the wider the interval. A certificate holds for the rows that it names, so other rows "
            "need another one."
        )
    return sentences


def _kept(of: RefitOutcome) -> str:
    return f"{of.kept:,}"


def _short(of: RefitOutcome) -> str:
    return f"{of.short:,}"


def _answers(of: RefitOutcome) -> str:
    return f"{of.answers:,.0f} ({of.rate:.1%})"


def _draws(of: RefitOutcome) -> str:
    return f"{of.draws:,}"


def _auc(of: RefitOutcome) -> str:
    return told_auc(of.auc)


def told_auc(found: Auc | None) -> str:
    """An AUC with its interval; a dash where there is none."""
    return "–" if found is None else f"{found.value:.2f} ({found.low:.2f} to {found.high:.2f})"
