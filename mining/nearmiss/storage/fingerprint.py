"""
The fingerprint of a model: what it computes, whatever it is called and wherever it lies.

In:  a model's folder
Out: a hex digest of its weights and of the settings that change its numbers

Only reads files, so it needs no heavy import and takes less than a third of a second for MiniLM.
"""

import hashlib
import json
from collections.abc import Collection, Iterator
from pathlib import Path

# What a published folder also holds and no forward pass reads: other formats, model cards, a trainer's state.
SETTINGS = ("*.json", "*.txt", "*.model", "*.jinja", "*.py", "*.tiktoken", "*.vocab", "*.spm", "*.yaml")
UNREAD = ("onnx", "openvino", "eval", "checkpoint-*", "low_rank", ".*")
UNREAD_FILES = ("trainer_state.json", "data_config.json", "train_script.py", "requirements.txt", "*.index.json")
# Who wrote the file and with what; the same weights saved again by a newer release are the same model.
TRIVIA = ("_name_or_path", "transformers_version", "__version__", "name_or_path", "tokenizer_file")


def fingerprint_of_model(folder: Path, without: Collection[str] = ()) -> str:
    """
    Hex SHA-256 of every tensor (name, type, shape, bytes) and setting in a model's folder, in order of name.

    `without` are names of modules and files in the folder that are left out.
    """
    digest = hashlib.sha256()
    for part in _parts(folder):
        if part != folder and part.relative_to(folder).parts[0] in without:
            continue
        for path in _weights(part):
            digest.update(str(part.relative_to(folder)).encode())
            _add_tensors(digest, path)
        for path in sorted({path for pattern in SETTINGS for path in part.glob(pattern)}):
            if not any(path.match(pattern) for pattern in (*UNREAD_FILES, *without)):
                digest.update(f"{path.relative_to(folder)}\0".encode())
                digest.update(_setting(path))
    return digest.hexdigest()


def fingerprint_of(*facts: object) -> str:
    """Hex SHA-256 of facts that JSON can hold: a model's fingerprint, a prompt, a length."""
    return hashlib.sha256(json.dumps(facts, ensure_ascii=False).encode()).hexdigest()


def _parts(folder: Path) -> list[Path]:
    """The folder and those of its modules, such as `1_Pooling`, however deep: a Router's lie within its own."""
    inside = sorted(path for path in folder.iterdir() if path.is_dir())
    read = (path for path in inside if not any(path.match(pattern) for pattern in UNREAD))
    return [folder, *(part for path in read for part in _parts(path))]


def _weights(part: Path) -> list[Path]:
    """The files that a module's tensors are read from: the first of these forms that it has."""
    forms = (["*.safetensors"], ["pytorch_model*.bin"], ["*.bin", "*.pt", "*.pth", "*.npy", "*.npz"])
    found = (sorted(path for pattern in form for path in part.glob(pattern)) for form in forms)
    return next(filter(None, found), [])


def _add_tensors(digest: "hashlib._Hash", path: Path) -> None:
    if path.suffix != ".safetensors":
        with path.open("rb") as content:
            digest.update(hashlib.file_digest(content, "sha256").digest())
        return
    for name, kind, tensor in _tensors(path):
        digest.update(f"{name}\0{kind}\0".encode())
        digest.update(tensor)


def _tensors(path: Path) -> Iterator[tuple[str, str, memoryview]]:
    """Name, type with shape, and bytes of each tensor, by name, since their order in the file is arbitrary."""
    import mmap

    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        start = 8 + int.from_bytes(content[:8], "little")
        header = json.loads(content[8:start])
        header.pop("__metadata__", None)
        with memoryview(content) as everything:
            for name in sorted(header):
                first, end = header[name]["data_offsets"]
                with everything[start + first : start + end] as one:
                    yield name, f"{header[name]['dtype']}{header[name]['shape']}", one


def _setting(path: Path) -> bytes:
    content = path.read_bytes()
    if path.suffix != ".json":
        return content
    try:
        fields = json.loads(content)
    except ValueError:
        return content
    if isinstance(fields, dict):
        fields = {name: value for name, value in fields.items() if name not in TRIVIA}
    return json.dumps(fields, sort_keys=True).encode()
