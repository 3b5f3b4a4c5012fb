"""
The command `nearmiss judge`.

In:  a run, a model behind a URL
Out: its verdicts in the log, or files of a batch; counts as text or JSON on standard output
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nearmiss.cli import app
from nearmiss.cli.commands import AsJson, ReviewsFlag, RoundNumber, RunFolder, say_what_was_paid
from nearmiss.cli.console import errors as _errors
from nearmiss.cli.console import output as _output
from nearmiss.cli.console import print_json as _print_json
from nearmiss.cli.console import remarks
from nearmiss.cli.flags import takes
from nearmiss.cli.progress_bar import progress_on
from nearmiss.counts import counted
from nearmiss.errors import RecipeError
from nearmiss.settings import Serving
from nearmiss.typed_settings import typed_fields

if TYPE_CHECKING:
    from nearmiss.judging import JudgeOutcome
    from nearmiss.models.served import Budget
    from nearmiss.workspace import Workspace

LISTED = 10  # failed pairs


@app.command("judge")
@takes(Serving)
def judge(
    run: RunFolder,
    model: Annotated[str, typer.Option(help="openai:MODEL@URL: a chat model behind a server")],
    budget: Annotated[int, typer.Option(min=1, help="pairs to ask about, in the order of the review")] = 500,
    second: Annotated[
        str, typer.Option(help="openai:MODEL@URL: a stronger model, asked where the first says answer or fails")
    ] = "",
    swap: Annotated[
        float, typer.Option(min=0, max=1, help="share of the pairs to ask about twice, the document before the query")
    ] = 0.0,
    batch_out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="write the questions as an OpenAI batch, and ask nothing")
    ] = None,
    batch_in: Annotated[
        Path | None, typer.Option(metavar="FILE", exists=True, dir_okay=False, help="read the answers of a batch")
    ] = None,
    round: RoundNumber = None,
    reviews: ReviewsFlag = "",
    json: AsJson = False,
    flags: dict[str, Any] = {},  # noqa: B006
) -> None:
    """Ask a language model about the pairs that matter most. Its verdicts are kept, and count for no person."""
    from nearmiss import judging
    from nearmiss.judging import asking
    from nearmiss.models.served import Budget
    from nearmiss.workspace import open_workspace

    budget_of_requests = Budget(Serving(**typed_fields(Serving, flags)))
    if batch_out is not None and batch_in is not None:
        raise RecipeError("--batch-in: wanted none beside --batch-out; found both. Read the answers later")
    if (second or swap) and (batch_out is not None or batch_in is not None):
        raise RecipeError("--second, --swap: wanted none beside a batch, which asks one model once; found one")
    work = open_workspace(run, reviews, round)
    if work.run.can_be_written:
        budget_of_requests.keep_in(work.run.folder)
    if batch_out is not None:
        _write_batch(work, model, budget, batch_out, budget_of_requests, json)
        return
    if batch_in is not None:
        found = [judging.read_batch(work, model, batch_in, budget_of_requests)]
        say_what_was_paid(work.run.folder)
    else:
        pairs, prompt = judging.planned(work, model, budget)
        addresses = [asking.address_of_judge(name) for name in filter(None, (model, second))]
        say = remarks(_errors())
        for warning in filter(None, (address.warning for address in addresses)):
            say(warning)
        if budget_of_requests.prices is not None:
            for address in addresses:
                budget_of_requests.prices.of(address.model)  # before anything is paid
        tokens = judging.tokens_to_read(work, pairs, prompt)
        say(f"{addresses[0]}: {judging.estimate_in_words(tokens, budget_of_requests, addresses[0].model)}")
        with progress_on(_errors())("judge", len(pairs), "pairs") as advance:
            found = [judging.judge(work, model, budget, budget_of_requests, advance, swap=swap, pairs=pairs)]
        if second:
            with progress_on(_errors())("second judge", len(pairs), "pairs") as advance:
                found.append(judging.confirm(work, found[0], second, budget, budget_of_requests, advance))
        say_what_was_paid(work.run.folder)
    if json:
        _print_json(found[0].as_json() | ({"second": found[1].as_json()} if second else {}))
        return
    for done in found:
        for sentence in _in_words(done):
            _output().print(sentence, markup=False, highlight=False, soft_wrap=True)
    if second:
        differ = counted(len(found[1].differ), "pair")
        _output().print(f"  they differ on {differ} that the first called an answer: a person decides", soft_wrap=True)
    _output().print("They count for no person: the page Agreement compares them with what people said", soft_wrap=True)


def _write_batch(work: "Workspace", model: str, count: int, path: Path, budget: "Budget", json: bool) -> None:
    from nearmiss import judging
    from nearmiss.judging.asking import address_of_judge

    address, say = address_of_judge(model), remarks(_errors())
    pairs, prompt = judging.planned(work, model, count)
    tokens = judging.tokens_to_read(work, pairs, prompt)
    fitting = judging.within_limit(tokens, budget, address.model)
    say(f"{address}: {judging.estimate_in_words(tokens[:fitting], budget, address.model, batch=True)}")
    if fitting < len(pairs):
        say(f"--max-cost: {fitting:,} of {counted(len(pairs), 'question')} cost no more, by this estimate")
    written = judging.write_batch(work, model, count, path, pairs=pairs[:fitting])
    if json:
        _print_json({"files": [str(file) for file in written.files], "requests": written.requests})
    else:
        files = ", ".join(map(str, written.files)) or "no file"
        _output().print(f"{counted(written.requests, 'question')} in {files}", markup=False, soft_wrap=True)


def _in_words(done: "JudgeOutcome") -> Iterator[str]:
    verdicts = ", ".join(f"{count:,} {verdict.replace('_', ' ')}" for verdict, count in sorted(done.verdicts.items()))
    yield f"{counted(sum(done.verdicts.values()), 'verdict')} of {done.reviewer}, by prompt {done.prompt}"
    if verdicts:
        yield f"  {verdicts}"
    if any(done.tokens.values()):
        yield f"  {done.tokens['read']:,} tokens read, {done.tokens['written']:,} written"
    if done.failed:
        yield f"  {counted(len(done.failed), 'pair')} without a verdict; the same command asks about them again"
        for (query_id, doc_id), why in list(done.failed.items())[:LISTED]:
            yield f"    {query_id} {doc_id}: {why}"
    if done.swapped:
        yield f"  {done.swapped_same:,} of {done.swapped:,} the same when asked with the document before the query"
