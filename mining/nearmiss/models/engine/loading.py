"""
Loading: a model named by a person, found on disk or on the hub, and read by sentence-transformers.

In:  a folder or a hub name
Out: the folder, and the model in float32 on the processor

Every way this fails is a ModelError that says what was wanted and found.
"""

import os
from pathlib import Path
from typing import Any

from nearmiss.errors import ModelError
from nearmiss.models.engine.contract import Facts, Kind, Wanted

FILES = ["*.json", "*.txt", "*.model", "*.jinja", "*.py"]
OTHER_FORMATS = ["onnx/*", "openvino/*", "*.onnx", "*.h5", "*.msgpack", "*.ot", "*.gguf", "checkpoint-*/*", "eval/*"]


def model_folder(flag: str, name: str) -> Path:
    """The folder of a model given by folder or hub name, downloaded where needed."""
    folder = Path(name).expanduser()
    if folder.is_dir():
        if not list(folder.glob("*config*.json")):
            raise ModelError(f"{flag} {name}: wanted a model's folder; found no config.json in it")
        return folder
    if name.startswith((".", "/", "~")) or name.count("/") > 1 or (os.sep == "\\" and "\\" in name):
        raise ModelError(f"{flag} {name}: wanted a model's folder; found nothing there")
    return _downloaded(flag, name)


def _downloaded(flag: str, name: str) -> Path:
    from huggingface_hub import snapshot_download

    try:
        folder = Path(snapshot_download(name, allow_patterns=[*FILES, "*.safetensors"], ignore_patterns=OTHER_FORMATS))
        if not list(folder.rglob("*.safetensors")):
            snapshot_download(name, allow_patterns=["*.bin"], ignore_patterns=OTHER_FORMATS)
    except Exception as error:  # the hub's client raises its own, requests' and plain errors alike
        found = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(f"{flag} {name}: wanted a folder, or a model of the hub; found neither: {found}") from error
    return folder


def load_model(wanted: Wanted) -> Any:
    """The SentenceTransformer or CrossEncoder of a folder, in float32, with the wanted length."""
    try:
        model = _load(wanted)
    except Exception as error:  # what a broken folder raises is not documented anywhere
        lines = str(error).strip().splitlines() or [type(error).__name__]
        wish = "a CrossEncoder" if wanted.kind == "teacher" else "a SentenceTransformer"
        raise ModelError(f"{wanted.flag} {wanted.name}: wanted {wish} model; found {lines[0]}") from error
    if wanted.kind == "teacher" and model.num_labels != 1:
        raise ModelError(f"--teacher {wanted.name}: wanted a model with one label; found {model.num_labels}")
    model.max_seq_length = max_length(wanted, model)
    return model.eval()


def _load(wanted: Wanted) -> Any:
    from sentence_transformers import CrossEncoder, SentenceTransformer
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    # Newer transformers load the stored type, often bfloat16, unless told; the reference is float32.
    load = CrossEncoder if wanted.kind == "teacher" else SentenceTransformer
    return load(
        str(wanted.folder),
        device="cpu",
        trust_remote_code=wanted.trust_remote_code,
        local_files_only=True,
        model_kwargs={"dtype": "float32"},
    )


def max_length(wanted: Wanted, model: Any) -> int:
    """Tokens the model reads: as told, else its own (a teacher's at most 512), never more than it has positions for."""
    positions = getattr(model.config, "max_position_embeddings", None) or 1 << 20
    if "roberta" in model.config.model_type:
        positions -= model.config.pad_token_id + 1  # its first positions are taken by padding
    own = 512 if wanted.kind == "teacher" else 1 << 20
    return int(min(wanted.max_length or min(model.max_seq_length or own, own), positions))


def facts_of(kind: Kind, model: Any) -> Facts:
    """Prompts, dimension and length of a loaded model."""
    if kind == "teacher":
        default = model.prompts.get(model.default_prompt_name or "") or ""
        return Facts({"pair": default}, 1, model.max_seq_length)
    if kind == "tokens":
        return Facts({"token": ""}, model.get_embedding_dimension(), model.max_seq_length)
    # encode_document's order; it documents the first name there is, but always finds an empty "document" of its own.
    document = next(filter(None, map(model.prompts.get, ("document", "passage", "corpus"))), "")
    prompts = {"query": model.prompts.get("query") or "", "document": document}
    return Facts(prompts, model.truncate_dim or model.get_embedding_dimension(), model.max_seq_length)
