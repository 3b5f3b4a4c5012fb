"""
What the terminal shows: progress with a rate and an ETA, reports and explanations as tables.

In:  the dictionaries and dataclasses of `report`, `explanation` and `presets`
Out: text on the console

Computes no numbers of its own.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from nearmiss.calibration.fitting import PRIOR_ALONE
from nearmiss.cli.console import is_utf
from nearmiss.counts import counted
from nearmiss.presets import EVERYWHERE, Family, Preset
from nearmiss.reports.explanation import Explanation
from nearmiss.reports.queries import ListedQuery
from nearmiss.selection import RULES

PLAIN_EVERY_S = 15.0
RULE_NAMES = {rule.__name__ for rule in RULES}


class RateColumn(ProgressColumn):
    """Items a second, in the task's own unit."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{rate_in_words(speed)} {task.fields['unit']}/s" if speed else "", style="dim")


def rate_in_words(rate: float) -> str:
    """Whole numbers from ten on, else with significant decimals: `0.04`, `3.2`, `1,250`."""
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.1f}" if rate >= 1 else f"{rate:.2g}"


class ConsoleProgress:
    """Progress of each stage on the console: a bar in a terminal, a line now and then in a log."""

    def __init__(self, console: Console) -> None:
        self.console = console

    @contextmanager
    def __call__(self, stage: str, total: int, unit: str) -> Iterator[Callable[[int], None]]:
        if not self.console.is_terminal:
            yield self._plain(stage, total, unit)
            return
        columns = (
            TextColumn("{task.description:<18}"),
            BarColumn(),
            MofNCompleteColumn(),
            RateColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=self.console) as bars:
            task = bars.add_task(stage, total=total, unit=unit, start=False)

            def advance(count: int) -> None:
                if not bars.tasks[0].started:
                    # The time before the first item is mostly preparation, and tells nothing about the rate.
                    bars.start_task(task)
                bars.advance(task, count)

            yield advance

    def _plain(self, stage: str, total: int, unit: str) -> Callable[[int], None]:
        shown = time.monotonic()
        began: float | None = None
        done = first = 0

        def advance(count: int) -> None:
            nonlocal began, done, first, shown
            done += count
            now = time.monotonic()
            if began is None:
                began, first = now, done  # preparation came before, as above
            if now - shown >= PLAIN_EVERY_S:
                shown = now
                rate_and_rest = ""
                if done > first:
                    rate = (done - first) / (now - began)
                    rate_and_rest = f", {rate_in_words(rate)}/s, {(total - done) / rate:,.0f} s left"
                self.console.print(f"{stage}: {done:,} of {total:,} {unit}{rate_and_rest}")

        return advance


def show_report(console: Console, report: Mapping[str, Any]) -> None:
    """The funnel: what each source found, what each rule refused, what is left."""
    console.print(
        f"{report['run']}, round {report['round']}: {counted(report['queries'], 'query')}, "
        f"{counted(report['documents'], 'document')}, {counted(report['candidates'], 'candidate')}",
        style="bold",
        markup=False,
        soft_wrap=True,
    )
    console.print(_model_line("encoder", report["encoder"]), markup=False, soft_wrap=True)
    teacher = report["teacher"]
    if teacher is None:
        console.print(
            "teacher  none: the dense score stands in for it; name one with --teacher, such as late-interaction"
        )
    else:
        console.print(_model_line("teacher", teacher), markup=False, soft_wrap=True)
        console.print(f"         {counted(teacher['scored'], 'pair')} scored, {teacher['cached']:,} from the cache")
    if report["shared_answers"]:
        answers = counted(report["shared_answers"], "answer")
        console.print(f"answers  {answers} shared with other queries of the same text", highlight=False)
    if report["avoided"]:
        console.print(Text(f"avoided  {report['avoided']['says']}"), soft_wrap=True)
    console.print(_sources_table(report))
    console.print(_status_table(report, "█" if is_utf(console.encoding) else "#"))
    _show_shortfall(console, report)
    seconds = ", ".join(f"{stage} {taken:.1f}" for stage, taken in report["seconds"].items())
    console.print(f"[dim]seconds: {seconds}[/]", soft_wrap=True)


def _model_line(role: str, model: Mapping[str, Any]) -> str:
    agreement = f", {model['agreement']}" if model.get("agreement") else ""
    return f"{role}  {model['name']} ({model['engine']}, {model['precision']}{agreement}) {model['fingerprint'][:12]}"


def _sources_table(report: Mapping[str, Any]) -> Table:
    table = Table("source", title="found", title_justify="left", header_style="bold")
    for heading in ("found", "only here", "kept", "positives found"):
        table.add_column(heading, justify="right")
    for source, counts in report["sources"].items():
        recall = f"{report['positives_found'].get(source, 0):.1%}"
        numbers = (f"{counts[key]:,}" for key in ("found", "only_here", "kept"))
        table.add_row(Text(source), *numbers, recall)
    return table


def _status_table(report: Mapping[str, Any], bar: str) -> Table:
    table = Table("status", title="kept and refused", title_justify="left", header_style="bold")
    table.add_column("candidates", justify="right")
    table.add_column("share", justify="right")
    table.add_column("")
    for status, count in report["status"].items():
        if count:
            share = count / max(report["candidates"], 1)
            style = "bold green" if status == "kept" else ""
            table.add_row(status, f"{count:,}", f"{share:.1%}", bar * round(30 * share), style=style)
    return table


def _show_shortfall(console: Console, report: Mapping[str, Any]) -> None:
    wanted, short, empty = (report[key] for key in ("negatives_per_query", "short_queries", "empty_queries"))
    if short:
        of = f"{short:,} of {counted(report['queries'], 'query')}"
        has = "has" if short == 1 else "have"
        console.print(f"{of} {has} fewer than {counted(wanted, 'negative')}, {empty:,} none", soft_wrap=True)
    else:
        console.print(f"every query has {counted(wanted, 'negative')}")
    if report["ceiling"]:
        console.print(Text(report["ceiling"]), soft_wrap=True)
    estimated = report["estimated_false_negatives"]
    console.print(
        f"[dim]The scores estimate that {estimated:.1%} of the kept negatives are unlabelled answers. To measure it, "
        "draw a sample with `nearmiss audit plan` and judge it.[/]",
        soft_wrap=True,
    )
    if report["estimated_rate"]:
        console.print(Text(report["estimated_rate"]["says"], style="dim"), soft_wrap=True)
    for doubt in report["model_doubts"]:
        console.print(Text(f"doubt: {doubt}", style="yellow"), soft_wrap=True)
    for doubt in report["doubts"]:
        if doubt != PRIOR_ALONE:
            console.print(Text(f"p_relevant: {doubt}", style="yellow"), soft_wrap=True)


def show_map(console: Console, facts: Mapping[str, Any]) -> None:
    """How much is on the map, and how faithful it is."""
    both = f"{counted(facts['documents'], 'document')} and {counted(facts['queries'], 'query')}"
    console.print(f"{both} on the map, of {facts['of']:,}")
    kept = facts["kept_neighbours"]
    if kept["neighbours"]:
        console.print(
            f"a map lies: of the {kept['neighbours']} documents most alike to one, it keeps {kept['documents']:.0%} "
            "among as many nearest"
        )


def show_comparison(console: Console, comparison: Mapping[str, Any]) -> None:
    """What one round changed against another."""
    first, second = comparison["rounds"]
    table = Table("", f"round {first}", f"round {second}", header_style="bold")
    table.add_row("kept negatives", *(f"{count:,}" for count in comparison["kept"]))
    for score in ("dense", "teacher"):
        gaps = ("-" if gap is None else f"{gap:.4f}" for gap in comparison[f"{score}_gap"])
        table.add_row(f"{score}: positive above its negatives", *gaps)
    for change in comparison["changed"]:
        console.print(Text(f"changed: {change}"), soft_wrap=True)
    console.print(table)
    console.print(
        f"{counted(comparison['in_both'], 'negative')} in both, {comparison['new']:,} new, {comparison['gone']:,} gone:"
    )
    for reason, count in comparison["gone_because"].items():
        words = _gone_in_words(reason, second, comparison["looks_less_far"])
        console.print(f"  {count:>8,}  {words}", highlight=False, soft_wrap=True)


def _gone_in_words(reason: str, second: int, looks_less_far: bool) -> str:
    if reason == "not_found" and looks_less_far:
        return f"not found: round {second} looks less far, so nobody can say whether they are easy now"
    # What made it so is in the changes above, and may be more than the encoder.
    words = {"not_found": "not found: no source finds them any more", "over_quota": "below those kept now: over_quota"}
    return words.get(reason, reason)


def show_explanations(console: Console, query: str, explanations: list[Explanation], texts: Mapping[str, str]) -> None:
    """One line for each of a query's candidates; every score, threshold and rule where there is only one."""
    # Texts and ids are other people's: never read as markup.
    console.print(Text(f"query {explanations[0].query_id}: {query}", style="bold"), soft_wrap=True)
    if len(explanations) == 1:
        _show_one(console, explanations[0], texts)
        return
    table = Table("slot", header_style="bold")
    table.add_column("doc_id", overflow="fold")  # a shortened id cannot be copied into a command
    for heading in ("status", "teacher", "dense", "why"):
        table.add_column(heading)
    for e in explanations:
        scores = (_score(e.scores.get(name)) for name in ("teacher_score", "dense_score"))
        why = e.reasons[0].partition(": ")[2] if e.status in RULE_NAMES else ""
        table.add_row(str(e.slot or ""), Text(e.doc_id), e.status, *scores, Text(why))
    console.print(table)


def _show_one(console: Console, explanation: Explanation, texts: Mapping[str, str]) -> None:
    text = texts[explanation.doc_id]
    console.print(Text(f"document {explanation.doc_id}: {text[:400]}{'...' if len(text) > 400 else ''}"))
    style = "bold green" if explanation.status == "kept" else "bold yellow"
    slot = f", slot {explanation.slot}" if explanation.slot else ""
    console.print(f"status   [{style}]{explanation.status}[/]{slot}")
    for reason in explanation.reasons:
        console.print(Text(f"  {reason}"))
    for name, value in explanation.scores.items():
        console.print(f"  {name:<20} {_score(value)}", highlight=False)
    for name, limit in explanation.thresholds.items():
        console.print(f"  {name:<20} {limit:.4g}", highlight=False)
    if explanation.signals:
        console.print("  what moves p_relevant most (added to its logit):", highlight=False)
    for signal in explanation.signals:
        console.print(Text(f"    {signal}"))


def _score(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def show_queries(console: Console, listed: list[ListedQuery]) -> None:
    """One line for each query."""
    table = Table(header_style="bold")
    table.add_column("query_id", overflow="fold")
    for heading in ("positives", "candidates", "kept"):
        table.add_column(heading, justify="right")
    table.add_column("text", overflow="fold")
    for one in listed:
        counts = (f"{count:,}" for count in (one.positives, one.candidates, one.kept))
        table.add_row(Text(one.query_id), *counts, Text(" ".join(one.text.split())))
    console.print(table)


def _family_in_words(family: Family) -> str:
    prompt = f", queries after {family.query_prompt!r}" if family.query_prompt else ""
    return f"{family.model} ({family.pooling} pooling{prompt})"


def show_presets(console: Console, presets: Mapping[str, Preset]) -> None:
    """Every preset with its source, the models it was published with, and what differs here."""
    for preset in presets.values():
        console.print(f"{preset.name}  {preset.summary}", style="bold", markup=False, highlight=False, soft_wrap=True)
        lines = {
            "source": (preset.source,),
            "encoders": tuple(_family_in_words(family) for family in preset.encoders),
            "teachers": preset.teachers,
            "differs": preset.deviations,
            "unverified": preset.unverified,
        }
        for heading, entries in lines.items():
            for place, entry in enumerate(entries):
                line = f"  {heading if not place else '':<10} {entry}"
                console.print(line, markup=False, highlight=False, soft_wrap=True, style="dim")
    console.print("In each of them:", *EVERYWHERE, sep="\n  ", highlight=False, soft_wrap=True)
