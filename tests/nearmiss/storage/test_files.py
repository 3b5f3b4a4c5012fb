"""Files that are whole or absent: drafts of their own, numbers in order, and what is said of damage and a full disk."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nearmiss.errors import FileError, MissingFile
from nearmiss.storage.files import (
    read_array,
    read_json,
    read_object,
    read_table,
    write_atomically,
    write_json,
    write_parquet,
)
from nearmiss.storage.numbered import by_number, every_shard, numbered, shard_name
from nearmiss.storage.temporary import sweep, sweep_drafts_of, temporary_name
from tests.conftest import ROOT


def test_threads_that_write_one_file_never_share_a_draft(tmp_path):
    path = tmp_path / "policy.json"

    def write(writer):
        for number in range(200):
            write_json(path, {"writer": writer, "number": number})

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(write, range(3)))
    assert read_json(path)["number"] == 199
    assert [found.name for found in tmp_path.iterdir()] == ["policy.json"]


def test_a_draft_keeps_the_suffix_and_no_two_have_one_name():
    names = {temporary_name("00000.parquet") for _ in range(100)}
    assert len(names) == 100
    assert all(name.startswith(".tmp-") and name.endswith("-00000.parquet") for name in names)


def test_drafts_of_dead_processes_are_swept_and_those_of_living_ones_stay(tmp_path):
    code = "import sys; from nearmiss.storage.temporary import temporary_name; print(temporary_name('a.npy'))"
    dead = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT).stdout.strip()
    (tmp_path / "round").mkdir()
    (tmp_path / "round" / dead).write_text("half")
    (tmp_path / dead.replace("a.npy", "folder")).mkdir()
    living = tmp_path / temporary_name("b.npy")
    recent, old = tmp_path / ".tmp-run.json", tmp_path / ".tmp-policy.json"  # as version 0.1 called them
    for path in (living, recent, old):
        path.write_text("half")
    os.utime(old, (0, 0))
    sweep_drafts_of(tmp_path / "folder")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["round", living.name, recent.name, old.name])
    sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.rglob("*")) == sorted(["round", living.name, recent.name])


def test_what_fails_while_it_writes_leaves_the_file_as_it_was(tmp_path):
    write_json(tmp_path / "a.json", 1)
    with pytest.raises(TypeError):
        write_json(tmp_path / "a.json", {1, 2})
    assert read_json(tmp_path / "a.json") == 1
    assert len(list(tmp_path.iterdir())) == 1


def test_shards_are_listed_by_number(tmp_path):
    for number in (100_000, 7, 99_999, 0):
        (tmp_path / shard_name(number, ".npy")).touch()
    (tmp_path / "00001.parquet").touch()
    (tmp_path / temporary_name("00003.npy")).touch()
    assert [path.name for path in numbered(tmp_path, ".npy")] == ["00000.npy", "00007.npy", "99999.npy", "100000.npy"]


def test_a_missing_shard_is_named(tmp_path):
    for number in (0, 1, 3):
        (tmp_path / shard_name(number, ".npy")).touch()
    with pytest.raises(MissingFile, match=r"00002\.npy: wanted a shard for each number; found no such file"):
        every_shard(tmp_path, ".npy")
    (tmp_path / "00002.npy").touch()
    assert len(every_shard(tmp_path, ".npy", 4)) == 4
    with pytest.raises(MissingFile, match=r"00004\.npy: wanted one of 5 shards"):
        every_shard(tmp_path, ".npy", 5)
    with pytest.raises(FileError, match=r"00003\.npy: wanted 3 shards; found 4"):
        every_shard(tmp_path, ".npy", 3)
    with pytest.raises(MissingFile, match=r"none.00000\.npy"):
        every_shard(tmp_path / "none", ".npy")


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (None, "no such file"),
        (b"", "an empty file"),
        (b'{"a": 1', "Expecting"),
        (b"\xff\x00\x9d", "can't decode"),
        (b"[1]", "a list"),
        (b'{"b": 1}', "none of the name a"),
    ],
)
def test_json_that_is_damaged_is_named_with_what_was_wanted(tmp_path, content, found):
    path = tmp_path / "policy.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(FileError) as error:
        read_object(path, ("a",))
    assert str(error.value).startswith(f"{path}: wanted a JSON object with a; found ")
    assert found in str(error.value)
    assert str(error.value).endswith("`nearmiss select RUN --preset default` writes a new one")


def test_a_cut_or_rotten_table_is_named(tmp_path):
    path = tmp_path / "candidates" / "00000.parquet"
    write_parquet(path, pd.DataFrame({"score": np.random.default_rng(0).normal(size=5000)}))
    whole = path.read_bytes()
    rotten = bytearray(whole)
    rotten[len(whole) // 3] ^= 0xFF
    for content in (b"", whole[:1000], bytes(rotten), os.urandom(100)):
        path.write_bytes(content)
        with pytest.raises(FileError, match=r"00000\.parquet: wanted a whole Parquet file; found .*mine` again"):
            read_table(path)
    path.write_bytes(whole)
    assert read_table(path).num_rows == 5000


def test_a_cut_array_is_named(tmp_path):
    path = tmp_path / "p_relevant-0.npy"
    with write_atomically(path) as draft:
        np.save(draft, np.arange(100))
    whole = path.read_bytes()
    for content in (b"", whole[:200], b"nonsense"):
        path.write_bytes(content)
        with pytest.raises(FileError, match=r"wanted a whole array of numpy; found .*computed again"):
            read_array(path)


LIMITED = """
import resource, sys
from pathlib import Path
import numpy as np, pandas as pd
from nearmiss.errors import FileError
from nearmiss.storage.files import write_atomically, write_json, write_parquet
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
folder = Path(sys.argv[1])
many = np.random.default_rng(0).normal(size=50_000)
def array(path):
    with write_atomically(path) as draft:
        np.save(draft, many)
for name, write in {
    "a.json": lambda path: write_json(path, many.tolist()),
    "a.parquet": lambda path: write_parquet(path, pd.DataFrame({"a": many})),
    "a.npy": array,
}.items():
    try:
        write(folder / name)
    except FileError as error:
        print(error)
"""


def test_a_quota_that_is_used_up_names_the_file_and_leaves_nothing(tmp_path):
    done = subprocess.run([sys.executable, "-c", LIMITED, tmp_path], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert [line.split(": ")[0] for line in said] == [str(tmp_path / name) for name in ("a.json", "a.parquet", "a.npy")]
    assert all("wanted to write it; found: " in line and "Make room" in line for line in said)
    assert list(tmp_path.iterdir()) == []


def test_json_comes_back(tmp_path):
    write_json(tmp_path / "a" / "b.json", {"é": [1, None]})
    assert json.loads((tmp_path / "a" / "b.json").read_text("utf-8")) == read_json(tmp_path / "a" / "b.json")


def test_numbers_in_names_are_sorted_as_numbers():
    names = ["1-99999-00002.parquet", "1-100000-00001.parquet", "2-00000.parquet", "1-99999-00010.parquet"]
    found = sorted(map(Path, names), key=by_number)
    assert [path.name for path in found] == [names[0], names[3], names[1], names[2]]
