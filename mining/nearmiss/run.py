"""
The run folder: the one contract between the command line and the app.

In:  a folder, and perhaps the URL of a log of reviews
Out: its data, rounds, candidates, policy and verdicts, as frames and dataclasses

It reads what the pipeline wrote, without any model. Libraries that read tables are imported where they are needed: the
command that starts the app asks only whether there is a run.
"""

import dataclasses
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_type_hints

from nearmiss import access
from nearmiss.errors import RecipeError, ReviewError, RunError
from nearmiss.settings import Mining, Policy, as_written
from nearmiss.storage.damage import damaged
from nearmiss.storage.files import read_object, read_table, write_json
from nearmiss.storage.numbered import every_shard
from nearmiss.storage.one_writer import PATIENCE_S, one_writer

if TYPE_CHECKING:
    import pandas as pd

    from nearmiss.calibration import Calibration
    from nearmiss.data import Dataset
    from nearmiss.data.avoided import Avoided
    from nearmiss.review import ReviewLog
    from nearmiss.types import Pair

RUN_FILE = "run.json"
POLICY_FILE = "policy.json"
REVIEWS_FILE = "reviews.db"
SECONDS_FILE = "seconds.json"
# Of run.json and policy.json. Folders of version 0.1 name none, and count as 1.
SCHEMA = 2


Settings = TypeVar("Settings", Mining, Policy)


@dataclass(frozen=True)
class Run:
    """An open run folder; files are read only when they are needed."""

    folder: Path
    reviews: str = ""  # URL of the log; "" for the one beside the run

    @property
    def facts(self) -> dict[str, Any]:
        """What run.json holds: data, versions, and the recipe, models and counts of each round."""
        path = self.folder / RUN_FILE
        facts = read_object(path, ("versions", "dataset", "rounds"))
        check_schema(path, facts)
        whole = isinstance(facts["rounds"], list) and all(
            isinstance(entry, dict) and {"round", "finished", "recipe"} <= set(entry) for entry in facts["rounds"]
        )
        if not whole or not isinstance(facts["dataset"], dict):
            raise damaged(path, "a data set, and rounds with number, recipe and whether they are finished", "others")
        return facts

    @property
    def can_be_written(self) -> bool:
        """Whether policies, calibrations and exports can be kept in the folder; False for a mounted snapshot."""
        return os.access(self.folder, os.W_OK)

    @cached_property
    def dataset(self) -> "Dataset":
        """The checked data."""
        from nearmiss import data as dataset

        return dataset.load(self.folder / "dataset")

    @property
    def avoided(self) -> "Avoided":
        """The queries and documents that stand in an evaluation set, and are not trained on."""
        from nearmiss.data import avoided

        kept = self.facts.get("avoid")
        return avoided.read_avoided(self.folder / avoided.AVOIDED_FILE) if kept else avoided.NOTHING_AVOIDED

    @property
    def policy(self) -> Policy:
        """The thresholds in force."""
        path = self.folder / POLICY_FILE
        return policy_from(read_object(path, ("quota",)), path)

    def save_policy(self, policy: Policy) -> None:
        """Put other thresholds in force; RunError where another process keeps them for long."""
        with one_writer(self.folder, POLICY_FILE, PATIENCE_S):
            self.write_policy(policy)

    def write_policy(self, policy: Policy) -> None:
        """The same, for a caller that already holds the policy's lock."""
        access.require("change policy")
        write_json(self.folder / POLICY_FILE, {"schema": SCHEMA} | dataclasses.asdict(policy))

    @property
    def rounds(self) -> list[int]:
        """Numbers of the finished rounds."""
        return [entry["round"] for entry in self.facts["rounds"] if entry["finished"]]

    def round_folder(self, number: int | None = None) -> Path:
        """Folder of a finished round; the latest by default."""
        finished = self.rounds
        if not finished:
            raise RunError(f"{self.folder}: wanted a finished round; found none. Run the same `nearmiss mine` again")
        if number is not None and number not in finished:
            raise RunError(f"{self.folder}: wanted one of the rounds {finished}; found {number}")
        return self.folder / "rounds" / str(number or finished[-1])

    def round_facts(self, number: int | None = None) -> dict[str, Any]:
        """The entry of run.json for a finished round, with the seconds its stages took."""
        folder = self.round_folder(number)
        entry: dict[str, Any] = self.facts["rounds"][int(folder.name) - 1]
        path = folder / SECONDS_FILE
        return entry | {"seconds": read_object(path, ()) if path.exists() else {}}

    def mining(self, number: int | None = None) -> Mining:
        """The recipe of a finished round."""
        folder = self.round_folder(number)
        return mining_from(self.facts["rounds"][int(folder.name) - 1]["recipe"], self.folder / RUN_FILE)

    def last_recipe(self) -> Mining:
        """The recipe of the latest round, finished or not; the default one where none was begun."""
        rounds = self.facts["rounds"]
        return mining_from(rounds[-1]["recipe"], self.folder / RUN_FILE) if rounds else Mining()

    def provenance(self, number: int | None = None) -> dict[str, Any]:
        """Everything needed to reproduce a round's export: data, versions, recipe, models, policy."""
        facts = self.facts
        data = {name: facts[name] for name in ("dataset", "versions", "avoid") if name in facts}
        return data | self.round_facts(number) | {"policy": dataclasses.asdict(self.policy)}

    def candidates(self, number: int | None = None) -> "pd.DataFrame":
        """
        Every candidate of a round with every score, the rows of one query side by side, best fused rank first.

        `p_relevant` comes from the calibration in force and changes with it.
        """
        import pyarrow as pa

        from nearmiss.calibration import stored

        folder = self.round_folder(number)
        # Rounds of version 0.1 do not say how many shards they have.
        count = self.facts["rounds"][int(folder.name) - 1].get("candidate_shards")
        shards = every_shard(folder / "candidates", ".parquet", count)
        tables = [read_table(shard) for shard in shards]
        for shard, table in zip(shards, tables, strict=True):
            if table.schema != tables[0].schema:
                raise damaged(shard, f"the columns of {shards[0].name}", ", ".join(table.schema.names[:5]) + " ...")
        # Converting one table of all shards is twice as fast as concatenating a frame for each.
        frame: pd.DataFrame = pa.concat_tables(tables, promote_options="default").to_pandas()
        frame["p_relevant"] = stored.probabilities(folder, frame)
        return frame

    def calibration(self, number: int | None = None) -> "Calibration":
        """The model that turns a round's scores into p_relevant."""
        from nearmiss.calibration import stored
        from nearmiss.calibration.signals import signals

        found = stored.load(self.round_folder(number))
        if found is None:
            candidates = self.candidates(number)
            teacher = self.mining(number).teacher
            found = stored.stand_in(self.round_folder(number), signals(candidates), candidates, teacher)
        return found

    def log(self) -> "ReviewLog":
        """The log of what people judged; made where it is new, opened to read where it cannot be written."""
        from nearmiss.review import open_log

        return open_log(self.reviews or self.folder / REVIEWS_FILE)

    def log_to_read(self) -> "ReviewLog":
        """
        The log for one reading thread: an empty one in memory where nobody has judged.

        Raises ReviewError where the log that was named is not there, or one that people had begun.
        """
        from nearmiss.review import open_log, open_log_to_read

        return (
            open_log_to_read(self.reviews or self.folder / REVIEWS_FILE) if self._is_reviewed else open_log("sqlite://")
        )

    @property
    def _is_reviewed(self) -> bool:
        """Whether there is a log, or there was one, which then is missed when it is opened."""
        from nearmiss.review import begun

        path = self.folder / REVIEWS_FILE
        return bool(self.reviews) or path.exists() or begun(path).exists()

    def verdicts(self) -> "dict[Pair, str]":
        """The final verdict of each pair that people judged."""
        if not self._is_reviewed:
            return {}
        from nearmiss.review import Standing

        log = self.log_to_read()
        standing = Standing.of(log.since(0))
        log.close()
        return standing.verdicts()

    def judged(self, number: int | None = None) -> "pd.DataFrame":
        """The candidates with their final `verdict`, missing where nobody judged; no such column if none is judged."""
        import pandas as pd

        candidates, verdicts = self.candidates(number), self.verdicts()
        if not verdicts:
            return candidates
        pairs = pd.DataFrame(list(verdicts), columns=["query_id", "doc_id"], dtype="str")
        return candidates.merge(pairs.assign(verdict=list(verdicts.values())), how="left", on=["query_id", "doc_id"])

    def selected(self, number: int | None = None) -> "pd.DataFrame":
        """The candidates under the policy in force and the verdicts, with `status` and `slot`."""
        from nearmiss import selection

        return selection.select(self.judged(number), self.policy)


def open_run(folder: Path, reviews: str = "") -> Run:
    """
    The run in `folder`; raises RunError where there is none.

    `reviews` is the URL or file of a log that lies elsewhere; a relative one is meant from the current directory.
    """
    if not (folder / RUN_FILE).is_file():
        raise RunError(f"{folder}: wanted a run folder (with {RUN_FILE}); found {_what_is_there(folder)}")
    return Run(folder, from_here(reviews))


def runs_in(folder: Path) -> list[str]:
    """The names of the run folders in a folder, in order; none for one that is a run itself."""
    if not folder.is_dir() or (folder / RUN_FILE).is_file():
        return []
    return sorted(path.name for path in folder.iterdir() if (path / RUN_FILE).is_file())


def from_here(reviews: str) -> str:
    """The same log however the current directory changes: a relative file becomes a whole path."""
    name, _, rest = reviews.partition("://")
    if not rest and "://" not in reviews:
        return str(Path(reviews).absolute()) if reviews else ""
    path, question, query = rest.removeprefix("/").partition("?")
    if (
        not name.startswith("sqlite")
        or not rest.startswith("/")
        or path in ("", ":memory:")
        or Path(path).is_absolute()
    ):
        return reviews
    return f"{name}:///{Path(path).absolute()}{question}{query}"


def existing_log(reviews: str) -> str:
    """The log that was named, as `from_here` gives it; ReviewError where it is a file and does not exist."""
    where = from_here(reviews)
    name, _, rest = where.partition("://")
    path = Path(where) if "://" not in where else Path(rest.removeprefix("/").partition("?")[0])
    in_a_file = "://" not in where or (name.startswith("sqlite") and rest not in ("", "/", "/:memory:"))
    if where and in_a_file and not path.is_file():
        raise ReviewError(
            f"--reviews {reviews}: wanted a log that exists; found no such file. "
            "`nearmiss app` and `nearmiss review import` begin one with --new-reviews"
        )
    return where


def policy_from(content: dict[str, Any], place: Path = Path(POLICY_FILE)) -> Policy:
    """A policy from its JSON form, as read from `place`; FileError where this release cannot read it."""
    check_schema(place, content)
    return _settings_from(Policy, content, ("quota",), place)


def mining_from(content: dict[str, Any], place: Path = Path(RUN_FILE)) -> Mining:
    """A mining recipe from its JSON form, as read from `place`; FileError where this release cannot read it."""
    return _settings_from(Mining, content, ("sources", "depth"), place)


def check_schema(place: Path, content: dict[str, Any]) -> None:
    """Raise FileError where a later release wrote this."""
    schema = content.get("schema", 1)
    if not isinstance(schema, int) or isinstance(schema, bool) or schema < 1:
        raise damaged(place, f"a schema from 1 to {SCHEMA}", repr(schema))
    if schema > SCHEMA:
        raise RunError(
            f"{place}: wanted a schema up to {SCHEMA}, which is what this release of nearmiss reads; found {schema}. "
            "A later release wrote it: install that one"
        )


def _settings_from(kind: type[Settings], content: Any, tuples: tuple[str, ...], place: Path) -> Settings:
    if not isinstance(content, dict):
        raise damaged(place, f"the settings of a {kind.__name__}", repr(content)[:100])
    fields = {name: value for name, value in content.items() if name != "schema"}
    known = [field.name for field in dataclasses.fields(kind)]
    if unknown := sorted(set(fields) - set(known)):
        raise RunError(
            f"{place}: wanted only settings that this release of nearmiss knows; found {', '.join(unknown)}. "
            "A later release wrote it, or somebody by hand: install that one, or take them out"
        )
    for name, wanted in get_type_hints(kind).items():
        if name in fields and name not in tuples and not _fits(fields[name], wanted):
            raise damaged(place, f"{name} of another type", repr(fields[name])[:100])
    try:
        listed = {name: _as_tuple(fields[name]) for name in tuples if name in fields}
        return as_written(kind, fields | listed)  # also accepts what only an earlier release allowed
    except RecipeError as error:
        raise RunError(f"{place}: {error}") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise damaged(place, f"the settings of a {kind.__name__}", str(error)) from error


def _fits(value: Any, wanted: Any) -> bool:
    """Whether a value from JSON has a field's type; values of a Literal are checked elsewhere."""
    kinds = get_args(wanted) if isinstance(wanted, UnionType) else (wanted,)
    if value is None or isinstance(value, bool):
        return type(value) in kinds
    return any(kind not in (str, int, float) or isinstance(value, kind) for kind in kinds if kind is not NoneType) or (
        isinstance(value, int) and float in kinds
    )


def _as_tuple(listed: list[Any]) -> tuple[Any, ...]:
    """JSON has no tuples: lists of names, or of pairs."""
    return tuple(tuple(one) if isinstance(one, list) else one for one in listed)


def _what_is_there(folder: Path) -> str:
    if not folder.exists():
        return "no such folder"
    if not folder.is_dir():
        return "a file"
    names = sorted(path.name for path in folder.iterdir())
    return f"a folder with {', '.join(names[:5])}{' ...' if len(names) > 5 else ''}" if names else "an empty folder"
