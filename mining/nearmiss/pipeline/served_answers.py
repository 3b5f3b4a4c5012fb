"""
Served answers: what servers said for a round that is not finished, and vectors that an earlier round has.

In:  a `Round` whose encoder or teacher is behind a server
Out: the same, with models that write each answer into the round's folder and never ask for one again
"""

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from nearmiss.errors import ModelError
from nearmiss.models.encoder import Encoder
from nearmiss.models.served.reranker import ServedTeacher
from nearmiss.models.served.served_encoder import ServedEncoder
from nearmiss.models.teacher import Teacher
from nearmiss.pipeline.round import Round
from nearmiss.retrieval.vector_store import RECORD
from nearmiss.storage.files import read_object, write_atomically, write_json
from nearmiss.storage.numbered import numbered

ANSWERS = "served_answers"
MODELS_FILE = "served_models.json"  # how each model behind a server answered what each start asks it
LENGTHS = {"encoder": "max_length", "teacher": "teacher_max_length"}  # settings of models


def with_answers_kept(this: Round) -> Round:
    """The round with served models that keep their answers, and with the vectors that an earlier round has."""
    folder = this.folder / ANSWERS
    encoder, teacher = this.encoder, this.teacher
    for model in (encoder, teacher):
        if isinstance(model, ServedEncoder | ServedTeacher):
            _noticed(this.run / MODELS_FILE, model)
    if isinstance(encoder, ServedEncoder):
        encoder = encoder.keeping(folder)
        _take_over_vectors(this)
    if isinstance(teacher, ServedTeacher):
        teacher = teacher.keeping(folder)
    return replace(this, encoder=encoder, teacher=teacher)


def _noticed(path: Path, model: ServedEncoder | ServedTeacher) -> None:
    """
    Write down how a server answers a text that is always asked; ModelError where it once answered otherwise.

    Many servers repeat the name that they were asked for, whatever model runs under it, and some tell none.
    """
    known = read_object(path, ()) if path.exists() else {}
    name = model.at_length(None).fingerprint[:16]
    if name not in known:
        write_json(path, known | {name: list(model.probe)})
    elif changed := model.changed_since(known[name]):
        raise ModelError(
            f"{model.client.address}: wanted the model that answered for this run before; found another under the same "
            f"name: {changed}. The server changed its model; mine with it into another folder"
        )


def other_lengths(last: Mapping[str, Any], models: Mapping[str, Encoder | Teacher | None]) -> dict[str, str]:
    """
    Of served models, the setting that says how much of a text is sent, where the round may go on with another.

    It may while it is unfinished: answers are known by the text that was sent, so none is paid for twice.
    """
    if last["finished"]:
        return {}
    served = {name: model for name in LENGTHS if isinstance(model := models.get(name), ServedEncoder | ServedTeacher)}
    return {
        name: LENGTHS[name]
        for name, model in served.items()
        if last[name] and model.at_length(last["recipe"][LENGTHS[name]]).fingerprint == last[name]["fingerprint"]
    }


def start_over(folder: Path) -> None:
    """Remove what a round has made, but not what servers said: they are not asked for it again."""
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.is_dir() and path.name != ANSWERS:
            shutil.rmtree(path, ignore_errors=True)
        elif not path.is_dir():
            path.unlink(missing_ok=True)


def _take_over_vectors(this: Round) -> None:
    """Copy vectors that an earlier round paid for; `embed` throws away those of another model or other texts."""
    for name in ("document_vectors", "query_vectors"):
        for number in range(this.number - 1, 0, -1):
            earlier, own = this.run / "rounds" / str(number) / name, this.folder / name
            record = earlier / RECORD
            if record.exists() and read_object(record, ("fingerprint",))["fingerprint"] == this.encoder.fingerprint:
                for path in [record, *numbered(earlier, ".npy")]:
                    _copy_once(path, own / path.name)
                break


def _copy_once(path: Path, to: Path) -> None:
    if not to.exists():
        with write_atomically(to) as draft:
            shutil.copyfile(path, draft)
