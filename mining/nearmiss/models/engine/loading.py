"""
Loading: a model named by a person, found on disk or on the hub, and read by sentence-transformers.

In:  a folder or a hub name
Out: the folder, and the model in float32 on the processor

Every way this fails is a ModelError that says what was wanted and found.
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from nearmiss.errors import ModelError
from nearmiss.models.engine import probe
from nearmiss.models.engine.contract import ModelFacts, ModelKind, ModelRequest

ENDLESS = 1 << 20  # tokens
UNKNOWN = 0  # a dimension
FILES = ["*.json", "*.txt", "*.model", "*.jinja", "*.py"]
OTHER_FORMATS = ["onnx/*", "openvino/*", "*.onnx", "*.h5", "*.msgpack", "*.ot", "*.gguf", "checkpoint-*/*", "eval/*"]


def model_folder(flag: str, name: str) -> Path:
    """The folder of a model given by folder or hub name, downloaded where needed."""
    folder = Path(name).expanduser()
    if folder.is_dir():
        if not (list(folder.glob("*config*.json")) or (folder / "modules.json").is_file()):
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


def load_model(wanted: ModelRequest) -> Any:
    """The SentenceTransformer or CrossEncoder of a folder, in float32, with the wanted length."""
    try:
        model = _load(wanted)
    except Exception as error:  # what a broken folder raises is not documented anywhere
        lines = str(error).strip().splitlines() or [type(error).__name__]
        wish = "a CrossEncoder" if wanted.kind == "teacher" else "a SentenceTransformer"
        raise ModelError(f"{wanted.flag} {wanted.name}: wanted {wish} model; found {lines[0]}") from error
    if wanted.kind == "teacher" and model.num_labels != 1:
        raise ModelError(f"--teacher {wanted.name}: wanted a model with one label; found {model.num_labels}")
    check_tokenizer(wanted.flag, wanted.name, model)
    with suppress(AttributeError):  # some read a text of any length, such as a table of word vectors
        model.max_seq_length = max_length(wanted, model)
    return model.eval()


def check_tokenizer(flag: str, name: str, model: Any) -> None:
    """ModelError where the tokenizer knows no word: without its files transformers makes one that is empty."""
    tokenizer = getattr(model, "tokenizer", None)
    if not callable(tokenizer) or not hasattr(tokenizer, "all_special_ids"):
        return  # not one of transformers', and nothing but its own files makes those
    texts = [*probe.QUESTIONS, *probe.SENTENCES]
    known = {number for text in texts for number in tokenizer(text)["input_ids"]} - set(tokenizer.all_special_ids)
    if len(known) < 2:
        raise ModelError(
            f"{flag} {name}: wanted a tokenizer that knows words, from files such as tokenizer.json or vocab.txt; "
            "found one that reads every text as the same few signs. Copy the tokenizer's files into the model's folder"
        )


def _load(wanted: ModelRequest) -> Any:
    from sentence_transformers import CrossEncoder, SentenceTransformer
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    # Newer transformers load the stored type, often bfloat16, by default; the reference is float32.
    load = CrossEncoder if wanted.kind == "teacher" else SentenceTransformer
    model = load(
        str(wanted.folder),
        device="cpu",
        trust_remote_code=wanted.trust_remote_code,
        local_files_only=True,
        model_kwargs={"dtype": "float32"},
    )
    if wanted.modules is None:
        return model
    prompts = {str(name): str(prompt or "") for name, prompt in model.prompts.items()}
    return SentenceTransformer(modules=list(model)[: wanted.modules], prompts=prompts, device="cpu")


def max_length(wanted: ModelRequest, model: Any) -> int:
    """Tokens the model reads: as set, else its own (a teacher's at most 512), never more than it has positions for."""
    config = getattr(model, "config", None)
    positions = getattr(config, "max_position_embeddings", None) or ENDLESS
    if "roberta" in getattr(config, "model_type", ""):
        positions -= model.config.pad_token_id + 1  # its first positions are taken by padding
    own = ENDLESS if wanted.kind == "encoder" else 512
    return int(min(wanted.max_length or min(_own_length(model), own), positions))


def _own_length(model: Any) -> float:
    """Tokens that a model declares to read; ENDLESS where it does not, or reads any length."""
    found = getattr(model, "max_seq_length", None)
    return min(found, ENDLESS) if isinstance(found, int | float) and found > 0 else ENDLESS


def facts_of(kind: ModelKind, model: Any) -> ModelFacts:
    """Prompts, dimension and length of a loaded model."""
    if kind == "teacher":
        default = model.prompts.get(model.default_prompt_name or "") or ""
        return ModelFacts({"pair": default}, 1, int(_own_length(model)))
    if kind == "tokens":
        return ModelFacts({"token": ""}, _token_dimension(model), int(_own_length(model)))
    # encode_document's order; it documents the first name there is, but always finds an empty "document" of its own.
    document = next(filter(None, map(model.prompts.get, ("document", "passage", "corpus"))), "")
    prompts = {"query": model.prompts.get("query") or "", "document": document}
    # Not every module states its dimension; it is then known once the first text is read.
    dimension = model.truncate_dim or model.get_embedding_dimension() or UNKNOWN
    return ModelFacts(prompts, dimension, int(_own_length(model)))


def _token_dimension(model: Any) -> int:
    """Numbers in the vector of a token, which a layer after it may make another number of; KeyError for no tokens."""
    import torch

    features = model.preprocess([probe.SENTENCES[0]])
    features = {name: value.to(model.device) if torch.is_tensor(value) else value for name, value in features.items()}
    with torch.no_grad():
        return int(model(features)["token_embeddings"].shape[-1])
