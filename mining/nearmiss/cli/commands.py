"""
The commands, each a few lines: read what was typed, ask the core, show the answer.

In:  arguments and flags
Out: files in the run folder, text or JSON on standard output; progress goes to standard error
"""

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nearmiss.cli import app
from nearmiss.cli.console import errors as _errors
from nearmiss.cli.console import output as _output
from nearmiss.cli.console import print_json as _print_json
from nearmiss.cli.console import remarks
from nearmiss.cli.flags import spelled_out_depth, takes
from nearmiss.cli.progress_bar import progress_on
from nearmiss.cli.reading import NO_READING, ReadingFlags, read, refuse, takes_data
from nearmiss.counts import counted
from nearmiss.errors import AccessError, RecipeError, ReviewError, RunError
from nearmiss.presets import PRESETS, Preset
from nearmiss.settings import (
    COUNT_OR_NONE,
    Avoid,
    Export,
    Mining,
    Policy,
    Serving,
    check_number,
    check_read,
    source_name,
)
from nearmiss.typed_settings import typed_fields

if TYPE_CHECKING:
    from nearmiss.data import Dataset
    from nearmiss.run import Run

FORGET = "none"
RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="a run folder, made by `mine`")]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON instead of text")]
RoundNumber = Annotated[int | None, typer.Option("--round", help="number of the round; by default the latest")]


def _existing_log(reviews: str) -> str:
    from nearmiss.run import existing_log

    return existing_log(reviews)


ReviewsFlag = Annotated[
    str,
    typer.Option(
        callback=_existing_log,
        help="another log of judgements: a file, or a URL such as postgresql+psycopg://user@host/name; by default "
        "reviews.db in the run",
    ),
]
NewReviews = Annotated[
    str, typer.Option("--new-reviews", metavar="FILE", help="the same, for a log that does not exist yet")
]


def one_log(reviews: str, new_reviews: str) -> None:
    """RecipeError where two logs were named."""
    if reviews and new_reviews:
        raise RecipeError(f"--new-reviews {new_reviews}: wanted one log; found --reviews {reviews} beside it")


PresetName = Annotated[
    str | None, typer.Option("--preset", help="published recipe to start from; `nearmiss presets` lists them")
]


@app.command()
@takes(Mining, Policy, Serving, Avoid)
@takes_data
def mine(
    data: Annotated[str, typer.Argument(metavar="DATA", help="a data set: folder, file or hub name")],
    run: Annotated[Path | None, typer.Argument(metavar="RUN", help="folder of the run; created if it is new")] = None,
    preset: PresetName = None,
    reading: ReadingFlags = NO_READING,
    json: AsJson = False,
    flags: dict[str, Any] = {},  # noqa: B006  (filled by `takes`)
) -> None:
    """Mine DATA into the folder RUN. With RUN alone: one more round on its data, say with --encoder CHECKPOINT."""
    from nearmiss.pipeline import mine as mine_round

    console = _errors()
    serving, avoid = Serving(**typed_fields(Serving, flags)), avoided_of(flags)
    if run is None:
        refuse(reading, f"a round of {data} reads the data that the run keeps")
        opened = _existing_run(data)
        recipe, policy = _another_round(opened, preset, flags)
        _say_what_is_sent(recipe, opened.dataset, serving)
        watch = progress_on(console)
        finished = mine_round(opened.folder, recipe, policy=policy, serving=serving, watch=watch, **avoid)
    else:
        start = _preset(preset)
        recipe = replace(start.mining, **_mining_fields(start.mining, flags))
        policy = _policy(start.policy, flags)
        check_read(recipe, typed_fields(Mining, flags))
        dataset = read(console, data, reading)
        _say_what_is_sent(recipe, dataset, serving)
        finished = mine_round(run, recipe, dataset, policy, serving=serving, watch=progress_on(console), **avoid)
    _report(finished, json)
    say_what_was_paid(finished.folder)


def say_what_was_paid(folder: Path) -> None:
    """What the run's requests to servers cost so far, where they have a price."""
    from nearmiss.models.served.prices import paid_in_words

    for sentence in paid_in_words(folder):
        remarks(_errors())(sentence)


def avoided_of(flags: dict[str, Any]) -> dict[str, Any]:
    """The evaluation sets that were typed, by the names of `Avoid`; nothing where what a run keeps stays as it is."""
    typed = typed_fields(Avoid, flags)
    if "avoid_answers" in typed and "avoid" not in typed:
        raise RecipeError("--avoid-answers: wanted --avoid FOLDER beside it; found none")
    if FORGET in typed.get("avoid", ()):
        if len(typed["avoid"]) > 1:
            raise RecipeError(f"--avoid {FORGET}: wanted it alone; found others beside it")
        return {"avoid": ()}
    return typed


def _say_what_is_sent(recipe: Mining, data: "Dataset", serving: Serving) -> None:
    """What servers will be asked at most, before the first request."""
    from nearmiss.pipeline.served_estimate import estimated

    say = remarks(_errors())
    for sentence in estimated(recipe, data, serving):
        say(sentence)


@app.command()
@takes(Policy)
def select(
    run: RunFolder,
    preset: PresetName = None,
    reviews: ReviewsFlag = "",
    json: AsJson = False,
    flags: dict[str, Any] = {},  # noqa: B006
) -> None:
    """Decide again without mining. Flags change the policy in force; --preset replaces it."""
    from nearmiss.run import open_run

    opened = open_run(run, reviews)
    start = _preset(preset).policy if preset else opened.policy
    policy = _policy(start, flags)
    _report(opened, json, policy)  # first, so that a run that is not finished keeps its policy
    opened.save_policy(policy)


@app.command()
def report(
    run: RunFolder,
    round: RoundNumber = None,
    compare: Annotated[
        tuple[int, int] | None, typer.Option(metavar="A B", help="what round B changed against round A")
    ] = None,
    reviews: ReviewsFlag = "",
    json: AsJson = False,
) -> None:
    """Show what each source found, what each rule refused, which queries fall short, and the spread of scores."""
    from nearmiss.cli import show
    from nearmiss.reports import funnel as reports
    from nearmiss.run import open_run

    if compare is not None and round is not None:
        raise RecipeError(f"--round {round}: wanted none beside --compare, which names two rounds")
    opened = open_run(run, reviews)
    if compare is None:
        _report(opened, json, number=round)
        return
    comparison = reports.compare(opened, *compare)
    if json:
        _print_json(comparison)
    else:
        show.show_comparison(_output(), comparison)


@app.command()
def explain(
    run: RunFolder,
    query_id: Annotated[str, typer.Argument(metavar="QUERY_ID")],
    doc_id: Annotated[str | None, typer.Argument(metavar="[DOC_ID]")] = None,
    round: RoundNumber = None,
    reviews: ReviewsFlag = "",
    json: AsJson = False,
) -> None:
    """Say why a candidate is kept or refused: every score, threshold and rule, in words."""
    from nearmiss.cli import show
    from nearmiss.reports import explanation
    from nearmiss.run import open_run

    opened = open_run(run, reviews)
    candidates, calibration = opened.judged(round), opened.calibration(round)
    explanations = explanation.explain(candidates, opened.policy, query_id, doc_id, calibration)
    if json:
        _print_json([asdict(e) for e in explanations])
        return
    query = opened.dataset.queries.set_index("query_id")["text"][query_id]
    show.show_explanations(_output(), query, explanations, _texts(opened, {e.doc_id for e in explanations}))


@app.command("queries")
def list_queries(
    run: RunFolder,
    words: Annotated[str, typer.Option("--with", help="only queries with this text in their id or their words")] = "",
    short: Annotated[bool, typer.Option("--short", help="only queries that keep fewer negatives than wanted")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="print at most so many; by default all")] = None,
    round: RoundNumber = None,
    reviews: ReviewsFlag = "",
    json: AsJson = False,
) -> None:
    """List the queries: id, text, positives, candidates, and how many negatives each keeps."""
    from nearmiss.cli import show
    from nearmiss.reports import queries
    from nearmiss.run import open_run

    listed = queries.listed(open_run(run, reviews), round, words, only_short=short)[:limit]
    if json:
        _print_json([asdict(one) for one in listed])
    else:
        show.show_queries(_output(), listed)


@app.command()
@takes(Export)
def export(
    run: RunFolder,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="a new folder for the shards")],
    round: RoundNumber = None,
    reviews: ReviewsFlag = "",
    flags: dict[str, Any] = {},  # noqa: B006
) -> None:
    """Write the kept negatives as training shards, with a manifest and a card."""
    from nearmiss.session.export_inputs import prepare
    from nearmiss.workspace import open_to_read

    options = Export(**typed_fields(Export, flags))
    export_inputs = prepare(open_to_read(run, reviews, round), options)
    planned = export_inputs.dry_run()
    with progress_on(_errors())("export", planned.all_rows, "rows") as advance:
        manifest = export_inputs.write(out, advance)
    rows = sum(shard.rows for shard in manifest.shards)
    _output().print(
        f"{out}: {counted(rows, 'row')} of {options.format} in {counted(len(manifest.shards), 'file')}, from "
        f"{counted(manifest.exported_queries, 'query')}; see manifest.json",
        soft_wrap=True,
    )
    facts = manifest.provenance["certification"]
    if not facts["certified"] and facts["rows_that_differ"]:
        _output().print(
            f"  not certified: {facts['rows_that_differ']:,} rows differ from those certified last. "
            f"{facts['to_certify']}",
            markup=False,
            soft_wrap=True,
        )
    if manifest.promoted_positives:
        _output().print(f"  {counted(manifest.promoted_positives, 'positive')} found by reviewers")
    if planned.width and options.negatives is None:
        _output().print(
            f"  {counted(planned.width, 'negative')} in each row: the most that nine in ten queries have; "
            "--negatives N sets another number",
            soft_wrap=True,
        )
    for reason, count in manifest.left_out_queries.items():
        _output().print(f"  {counted(count, 'query')} left out: {reason}")


@app.command("vectors")
def write_out_vectors(
    run: RunFolder,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="a new folder for the files")],
    round: RoundNumber = None,
    parquet: Annotated[bool, typer.Option("--parquet", help="as Parquet, in place of .npy with ids beside it")] = False,
) -> None:
    """Write a round's vectors of documents and queries with their ids, as --document-vectors reads them."""
    from nearmiss.retrieval.given_vectors import write_vectors
    from nearmiss.retrieval.vector_store import open_vectors
    from nearmiss.run import open_run

    opened = open_run(run)
    folder, data = opened.round_folder(round), opened.dataset
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise RunError(f"{out}: wanted a new folder; found one that holds something")
    for name, ids in (("document", data.documents["doc_id"]), ("query", data.queries["query_id"])):
        shards = open_vectors(folder / f"{name}_vectors").shards()
        path = write_vectors(out, f"{name}_vectors", ids.tolist(), shards, "parquet" if parquet else "npy")
        _output().print(f"{path}: {counted(len(ids), 'vector')} of {shards[0].shape[1]} numbers", soft_wrap=True)


@app.command("map")
def make_map(
    run: RunFolder,
    round: RoundNumber = None,
    seed: Annotated[int | None, typer.Option(help="seed of the layout; by default the round's own")] = None,
    sample: Annotated[int, typer.Option(min=100, help="points at most; a seeded sample is drawn above this")] = 50_000,
    json: AsJson = False,
) -> None:
    """Lay out documents and queries on a plane, for the app's map."""
    from nearmiss import maps
    from nearmiss.cli import show
    from nearmiss.run import open_run

    if seed is not None:
        check_number("--seed", seed, COUNT_OR_NONE)
    facts = maps.make(open_run(run), round, seed=seed, room=sample, watch=progress_on(_errors()))
    if json:
        _print_json(facts)
    else:
        show.show_map(_output(), facts)


@app.command("app")
def open_app(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="a run folder, or a folder of run folders to choose from")],
    reviews: ReviewsFlag = "",
    reviewer: Annotated[
        str, typer.Option(help="your name, which is stored with your judgements; nobody checks it")
    ] = "",
    port: Annotated[
        int, typer.Option(min=1, max=65535, help="port of the app, which only this machine can reach by default")
    ] = 8501,
    new_reviews: NewReviews = "",
    page: Annotated[str, typer.Option(help="page of the printed address, as review or 'query?query=q03'")] = "",
    auth: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="login by OpenID Connect and roles, as a TOML file; then nobody is anonymous"
        ),
    ] = None,
    host: Annotated[str, typer.Option(help="address to serve on; another one needs --auth")] = "127.0.0.1",
    base_path: Annotated[str, typer.Option(help="path below which a proxy serves the app, as /reviews")] = "",
    insecure_open: Annotated[
        bool, typer.Option("--insecure-open", help="serve without a login to whoever reaches --host")
    ] = False,
    log_json: Annotated[
        bool, typer.Option("--log-json", envvar="NEARMISS_LOG_JSON", help="write the server's log as lines of JSON")
    ] = False,
) -> None:
    """Look, tune, review and export in the browser: this machine's only, or a team's with --auth."""
    from nearmiss.cli import serving
    from nearmiss.run import from_here, open_run, runs_in

    one_log(reviews, new_reviews)
    where = serving.address(port, host, base_path, auth, is_open=insecure_open)
    if auth is not None and reviewer:
        raise AccessError(f"--reviewer {reviewer}: wanted none beside --auth, where each person is who signed in")
    if is_one := not runs_in(run):
        open_run(run).round_folder()
    elif reviews or new_reviews:
        raise ReviewError(f"{run}: wanted the log of each run beside it, since there are several; found --reviews")
    say = remarks(_errors()) if not log_json else lambda sentence: None
    say(f"{where.url}{page.lstrip('/')}  (Ctrl-C stops it)")
    if insecure_open:
        say("Without a login: whoever reaches this address reads, judges, changes and exports everything.")
    elif auth is None:
        say("Without a login: only this machine can reach it. --auth FILE lets a team in.")
    served = replace(where, log_json=log_json)
    serving.serve(run, from_here(new_reviews) or reviews, reviewer, served, is_one=is_one)


@app.command()
def presets(json: AsJson = False) -> None:
    """List published recipes: their source, the models they were published with, and what differs here."""
    from nearmiss.cli import show

    if json:
        _print_json({name: asdict(preset) for name, preset in PRESETS.items()})
    else:
        show.show_presets(_output(), PRESETS)


def _report(run: "Run", as_json: bool, policy: Policy | None = None, number: int | None = None) -> None:
    from nearmiss.cli import show
    from nearmiss.reports import funnel as reports

    content = reports.report(run, number, policy)
    if as_json:
        _print_json(content)
    else:
        show.show_report(_output(), content)


def _preset(name: str | None) -> Preset:
    if name is not None and name not in PRESETS:
        raise RecipeError(f"--preset: wanted one of {', '.join(PRESETS)}; found {name!r}")
    return PRESETS[name or "default"]


def _mining_fields(base: Mining, flags: dict[str, Any]) -> dict[str, Any]:
    typed = typed_fields(Mining, flags)
    sources = typed.get("sources", base.sources)
    if "depth" in typed:
        typed["depth"] = spelled_out_depth(typed["depth"], sources)
    elif "sources" in typed:
        # A preset's depths for sources that are no longer used.
        typed["depth"] = tuple(pair for pair in base.depth if pair[0] in set(map(source_name, sources)))
    return typed


def _existing_run(folder: str) -> "Run":
    from nearmiss.run import open_run

    try:
        return open_run(Path(folder))
    except RunError as error:
        raise RunError(f"{error}. A new run needs both: nearmiss mine DATA RUN") from None


def _another_round(run: "Run", preset: str | None, flags: dict[str, Any]) -> tuple[Mining, Policy | None]:
    """The last round's recipe with the typed flags; a policy only where the user named one."""
    last = run.last_recipe()
    base = _preset(preset).mining if preset else last
    recipe = replace(base, **_mining_fields(base, flags))
    check_read(recipe, typed_fields(Mining, flags))
    if not typed_fields(Policy, flags) and not preset:
        return recipe, None
    return recipe, _policy(_preset(preset).policy if preset else run.policy, flags)


def _policy(start: Policy, flags: dict[str, Any]) -> Policy:
    """A policy with the typed flags; RecipeError for a flag that another choice makes unused."""
    typed = typed_fields(Policy, flags)
    policy = replace(start, **typed)
    check_read(policy, typed)
    return policy


def _texts(run: "Run", doc_ids: set[str]) -> dict[str, str]:
    from nearmiss.data import passages

    documents = run.dataset.documents
    wanted = documents[documents["doc_id"].isin(list(doc_ids))]
    return dict(zip(wanted["doc_id"], passages(wanted), strict=True))
