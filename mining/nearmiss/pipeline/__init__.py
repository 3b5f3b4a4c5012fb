"""
The pipeline: the stages in order, and rounds.

In:  a `Dataset` (or the one a run already holds), a `Mining`, a folder
Out: a `Run` with one more finished round

Each stage writes shards and skips those that exist, so a killed run, started again, goes on where it was and ends with
the same bytes. No threshold is applied: every candidate is stored with every score.
"""

import dataclasses
import shutil
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from nearmiss import data as dataset
from nearmiss.calibration import stored
from nearmiss.data import Dataset
from nearmiss.errors import RunError
from nearmiss.models import score_cache
from nearmiss.models.encoder import Encoder
from nearmiss.models.engine.loading import model_folder
from nearmiss.models.live import weights_fingerprint
from nearmiss.models.served import Budget
from nearmiss.models.teacher import Teacher
from nearmiss.pipeline.evaluation_sets import keep, overlap_of
from nearmiss.pipeline.model_checks import check_models
from nearmiss.pipeline.number_types import compared, in_the_number_types_of, is_same_elsewhere, other_numbers
from nearmiss.pipeline.progress import Watch, silent
from nearmiss.pipeline.reading_once import TOKENS, with_tokens_kept
from nearmiss.pipeline.round import Round, count_rows, count_scores
from nearmiss.pipeline.searching import read_run
from nearmiss.pipeline.served_answers import ANSWERS, other_lengths, start_over, with_answers_kept
from nearmiss.pipeline.stages import calibrate, run_stages
from nearmiss.retrieval.given_vectors import GivenVectors, given_vectors
from nearmiss.retrieval.vector_store import RECORD
from nearmiss.run import POLICY_FILE, RUN_FILE, SCHEMA, Run, mining_from, open_run
from nearmiss.settings import SOURCES, Mining, Policy, Serving, check_together, source_file, with_whole_paths
from nearmiss.storage.files import read_object, sha256_of, write_json
from nearmiss.storage.fingerprint import fingerprint_of_model
from nearmiss.storage.numbered import shard_name
from nearmiss.storage.one_writer import HOLDER, LOCK, one_writer
from nearmiss.storage.temporary import PREFIX, sweep

__all__ = ["Watch", "mine", "silent"]

LIBRARIES = ("nearmiss", "bm25s", "faiss-cpu", "numpy", "openvino", "sentence-transformers", "torch", "transformers")
Models = dict[str, Encoder | Teacher | None]
SCAFFOLDING = ("found", "pool", TOKENS, ANSWERS)  # a round's files that only its own stages read


def mine(
    folder: Path,
    recipe: Mining,
    data: Dataset | None = None,
    policy: Policy | None = None,
    *,
    encoder: Encoder | None = None,
    teacher: Teacher | None = None,
    sparse_encoder: Any = None,
    serving: Serving | None = None,
    avoid: Sequence[Any] | None = None,
    avoid_answers: bool = True,
    watch: Watch = silent,
) -> Run:
    """
    Mine a round into `folder` and return the run.

    A new folder needs `data`; an existing one keeps its own, and gets one more round where no `data` is given and the
    recipe or a model's weights have changed. `encoder`, `teacher` and `sparse_encoder` take the place of those the
    recipe names. `serving` says how models behind servers are asked. `avoid` names evaluation sets whose queries (and
    answers, with `avoid_answers`) the run does not train on, in the place of those that it kept; none for none.
    Raises RunError where the folder holds other data or a half-made round of another recipe, and where another process
    mines into it; RecipeError where the policy asks for what the recipe does not mine. Nothing is written before
    everything is checked.
    """
    check_together(recipe, policy)
    recipe = with_whole_paths(recipe)
    run = _existing(folder, data)
    collection = data or open_run(folder).dataset
    fingerprint = run.facts["dataset"]["fingerprint"] if run else dataset.fingerprint(collection)
    overlap = None if avoid is None else overlap_of(collection, avoid, avoid_answers)
    budget = Budget(serving)
    begun = in_the_number_types_of(run.facts["rounds"] if run else [], recipe, budget)
    encoder = encoder or _given(recipe, collection) or begun.encoder()
    teacher = teacher or begun.teacher(collection.documents, fingerprint, encoder)
    wanted = _entry(recipe, encoder, teacher, sparse_encoder)
    models: Models = {"encoder": encoder, "teacher": teacher}
    if run is None or not _round_to_make(run, wanted, models, may_add=data is None)["finished"]:
        for source in set(recipe.sources).difference(SOURCES):
            read_run(collection, source, 1)
    with one_writer(folder):
        sweep(folder)
        # Asked again, since another process may have written while nothing was held.
        run = _existing(folder, data) or _create(folder, collection)
        entry = _round_to_make(run, wanted, models, may_add=data is None)
        if policy is not None:
            run.save_policy(policy)
        if overlap is not None:
            keep(run, overlap)
        budget.keep_in(run.folder)
        # The data that were given, which are those of the run: nothing reads them from disk beside these.
        this = Round(run.folder, entry["round"], collection, recipe, encoder, teacher, sparse_encoder)
        if not entry["finished"] or _lacks_files(this):
            _make(run, this, entry, wanted, watch)
        for name in SCAFFOLDING:
            shutil.rmtree(this.folder / name, ignore_errors=True)
    return run


def _make(run: Run, this: Round, entry: dict[str, Any], wanted: dict[str, Any], watch: Watch) -> None:
    """Run what a round lacks of its stages; its entry in run.json says when it begins and when it is finished."""
    if other_numbers(entry, wanted):
        start_over(this.folder)
        entry = entry | wanted
    entry = entry | {"finished": False} | _versions_of(entry)
    _record(run, entry)
    this = with_answers_kept(dataclasses.replace(this, teacher=with_tokens_kept(this)))
    remembered = run_stages(this, watch)
    if stored.load(this.folder) is None:
        calibrate(this)
    checks = {"model_checks": check_models(this)}
    _record(run, _finished(this, entry | remembered | checks))


def _given(recipe: Mining, data: Dataset) -> GivenVectors | None:
    """The vectors that the recipe names in the place of an encoder."""
    if not recipe.document_vectors:
        return None
    doc_ids, query_ids = data.documents["doc_id"].tolist(), data.queries["query_id"].tolist()
    return given_vectors(recipe.document_vectors, recipe.query_vectors, doc_ids, query_ids)


def _existing(folder: Path, data: Dataset | None) -> Run | None:
    """
    The run in `folder`, None where a new one can be made of `data`; writes nothing.

    RunError where there is no run and none can be made, and where the run is of other data.
    """
    if data is None or (folder / RUN_FILE).exists():
        run = open_run(folder)
        if data is not None and dataset.fingerprint(data) != run.facts["dataset"]["fingerprint"]:
            raise RunError(f"{folder}: wanted the data this run was made of; found other data. Use another folder")
        return run
    # What a killed run may have left before run.json stood; anything else is somebody's.
    ours = {"dataset", POLICY_FILE, LOCK, HOLDER}
    strange = [path.name for path in folder.glob("*") if path.name not in ours and not path.name.startswith(PREFIX)]
    if strange or folder.is_file():
        found = f"a folder with {', '.join(sorted(strange)[:5])}" if strange else "a file"
        raise RunError(f"{folder}: wanted a new folder or a run; found {found}")
    return None


def _lacks_files(this: Round) -> bool:
    """Whether files of the round were removed, as one does with a damaged one."""
    shards = [this.candidates(number) for number, _, _ in this.shards()]
    return not all(path.exists() for path in [*shards, *_vector_files(this)])


def _vector_files(this: Round) -> list[Path]:
    """The files of the round's vectors, as far as their own record says how many there are."""
    paths = []
    for name in ("document_vectors", "query_vectors"):
        record = this.folder / name / RECORD
        paths.append(record)
        if record.exists():
            facts = read_object(record, ("rows", "rows_per_shard"))
            count = -(-facts["rows"] // facts["rows_per_shard"])
            paths += [record.with_name(shard_name(number, ".npy")) for number in range(count)]
    return paths


def _versions() -> dict[str, str]:
    return {library: version(library) for library in LIBRARIES}


def _versions_of(entry: dict[str, Any]) -> dict[str, Any]:
    """The libraries' versions of a round; where it goes on under others than it began with, those of each attempt."""
    known = entry.get("versions")
    if known is None or known == _versions():
        return {"versions": known or _versions()}
    earlier = [one for one in entry.get("earlier_versions", []) if one != known]
    return {"versions": _versions(), "earlier_versions": [*earlier, known]}


def _create(folder: Path, data: Dataset) -> Run:
    dataset.save(data, folder / "dataset")
    run = Run(folder)
    run.write_policy(Policy())
    counts = {name: len(getattr(data, name)) for name in ("queries", "documents", "positives", "negatives")}
    rows = dataclasses.asdict(data.counts)
    facts = {
        "schema": SCHEMA,
        "versions": _versions(),
        "dataset": {"fingerprint": dataset.fingerprint(data), **counts, "rows": rows},
        "rounds": [],
    }
    write_json(folder / RUN_FILE, facts)
    return run


def _entry(recipe: Mining, encoder: Encoder, teacher: Teacher | None, sparse_encoder: Any) -> dict[str, Any]:
    """What identifies a round: the recipe and the models' weights."""
    return {
        "recipe": dataclasses.asdict(recipe),
        "encoder": _model(recipe.document_vectors or recipe.encoder or "all-MiniLM-L6-v2 (embedded)", encoder),
        "teacher": None if teacher is None else _model(recipe.teacher, teacher),
        "sparse_encoder": _sparse_encoder(recipe, sparse_encoder),
        "run_files": _run_files(recipe),
    }


def _run_files(recipe: Mining) -> dict[str, str]:
    """The digest of each run file that the recipe names, to notice a change, since its results are kept."""
    paths = (source_file(source)[0] for source in recipe.sources if source not in SOURCES)
    return {path: sha256_of(Path(path)) for path in paths if Path(path).is_file()}


def _sparse_encoder(recipe: Mining, live: Any) -> dict[str, Any] | None:
    if "sparse" not in recipe.sources:
        return None
    if live is not None:
        return {"name": recipe.sparse_encoder, "fingerprint": weights_fingerprint(live)}
    folder = model_folder("--sparse-encoder", recipe.sparse_encoder)
    return {"name": recipe.sparse_encoder, "fingerprint": fingerprint_of_model(folder)}


def _model(name: str, model: Encoder | Teacher) -> dict[str, Any]:
    return {
        "name": name,
        "fingerprint": model.fingerprint,
        "engine": model.engine,
        "precision": model.precision,
        "agreement": model.agreement,
        **(model.facts if isinstance(model, GivenVectors) else {}),
    }


def _round_to_make(run: Run, wanted: dict[str, Any], models: Models, *, may_add: bool) -> dict[str, Any]:
    """The last round where it is the wanted one, else a new one."""
    rounds = run.facts["rounds"]
    if rounds:
        last = rounds[-1]
        changes = _changes(last, wanted, models)
        if not changes:
            return dict(last)
        if not last["finished"] or not may_add:
            state = "a finished round" if last["finished"] else "an unfinished round"
            cure = "Add a round with `nearmiss mine RUN`" if last["finished"] else "Finish it with its own recipe"
            raise RunError(
                f"{run.folder}: wanted the recipe of round {last['round']}, {state}; found {'; '.join(changes)}. "
                f"{cure}, or use another folder"
            )
    return {"round": len(rounds) + 1, "finished": False, **wanted}


def _changes(last: dict[str, Any], wanted: dict[str, Any], models: Models) -> list[str]:
    # Earlier releases wrote paths as they were typed.
    before, after = (dataclasses.asdict(compared(mining_from(entry["recipe"]))) for entry in (last, wanted))
    free = other_lengths(last, models)
    changes = [
        f"{name} {before[name]!r} -> {after[name]!r}"
        for name in before
        if before[name] != after[name] and name not in free.values()
    ]
    for model in ("encoder", "teacher", "sparse_encoder"):
        prints = [entry[model] and entry[model]["fingerprint"] for entry in (last, wanted)]
        if prints[0] != prints[1] and model not in free and not is_same_elsewhere(last[model], models.get(model)):
            changes.append(f"other weights of the {model}")
    before_files, files = (
        {str(Path(path).absolute()): digest for path, digest in entry.get("run_files", {}).items()}
        for entry in (last, wanted)
    )
    # A missing file is not a changed one: what it found is kept.
    changes += [f"another content of {path}" for path in files if before_files.get(path, files[path]) != files[path]]
    return changes


def _record(run: Run, entry: dict[str, Any]) -> None:
    facts = {"schema": SCHEMA} | run.facts | {"schema": SCHEMA}
    rounds = [other for other in facts["rounds"] if other["round"] != entry["round"]]
    write_json(run.folder / RUN_FILE, facts | {"rounds": [*rounds, entry]})


def _finished(this: Round, entry: dict[str, Any]) -> dict[str, Any]:
    """The entry with how many pairs the teacher scored, and how many an earlier round had scored already."""
    if this.teacher is not None:
        scored = score_cache.count_scored(this.run / "teacher_scores", this.teacher, f"{this.number}-")
        count = count_rows if this.recipe.teacher_depth is None else count_scores
        asked = count(this.candidates(number) for number, _, _ in this.shards())
        entry = entry | {"teacher": entry["teacher"] | {"scored": scored, "cached": asked - scored}}
    return entry | {"finished": True, "candidate_shards": len(list(this.shards()))}
