"""What every test shares: no hub, a cache folder that is not the user's, and a small run that is mined once."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import HealthCheck, settings

from nearmiss import data as dataset
from nearmiss import pipeline
from nearmiss.settings import Mining
from nearmiss.workspace import open_workspace
from tests.words import OverlapTeacher, WordEncoder

ROOT = Path(__file__).parent.parent

# The same examples in every run, however slow the machine: what is green here is green there.
settings.register_profile("same", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("same")


@pytest.fixture(scope="session", autouse=True)
def own_cache_folder(tmp_path_factory):
    own = tmp_path_factory.getbasetemp()
    # Processes of one suite share the models that one of them converted.
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(shared / "cache"))
        patch.setenv("HF_HUB_OFFLINE", "1")
        yield


def shared(tmp_path_factory, name, make):
    """The run that `make` mines into a folder of this name; once for all processes of a suite."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / name
    with FileLock(f"{folder}.lock", timeout=900):
        if not (folder / "done").exists():
            make(folder / "sample")
            (folder / "done").touch()
    return folder / "sample"


def mined_by_toys(tmp_path_factory, name, teacher):
    recipe = Mining(sources=("bm25", "dense"), teacher="overlap" if teacher else "")

    def make(folder):
        data = dataset.read(str(ROOT / "sample_data"))
        pipeline.mine(folder, recipe, data, encoder=WordEncoder(), teacher=teacher)

    folder = shared(tmp_path_factory, name, make)
    yield folder
    assert not (folder / "reviews.db").exists(), "a test wrote into the run that all tests share"


@pytest.fixture(scope="session")
def mined(tmp_path_factory):
    """The sample mined once, with toys for models."""
    yield from mined_by_toys(tmp_path_factory, "mined", OverlapTeacher())


@pytest.fixture(scope="session")
def without_teacher(tmp_path_factory):
    """The sample mined once by toys, where the encoder's cosine decides."""
    yield from mined_by_toys(tmp_path_factory, "without-teacher", None)


@pytest.fixture(scope="session")
def mined_by_command(tmp_path_factory):
    """The sample as `nearmiss mine` leaves it, with the embedded models."""

    def make(folder):
        words = ["mine", str(ROOT / "sample_data"), str(folder)]
        subprocess.run([sys.executable, "-m", "nearmiss.cli", *words], cwd=ROOT, check=True, timeout=900)

    return shared(tmp_path_factory, "mined-by-command", make)


@pytest.fixture
def run(mined, tmp_path):
    """A copy of the run that a test may change."""
    return Path(shutil.copytree(mined, tmp_path / "sample"))


@pytest.fixture
def work(run):
    """That copy, opened."""
    opened = open_workspace(run)
    yield opened
    opened.log.close()


# Where trained or converted models, servers or killed processes take the seconds.
SLOW = (
    "tests/nearmiss/training/",
    "tests/nearmiss/api/test_docstrings.py",
    "tests/nearmiss/api/test_mining.py",
    "tests/nearmiss/hard_negatives/",
    "tests/nearmiss/models/test_engine.py",
    "tests/nearmiss/models/test_model_families.py",
    "tests/nearmiss/models/test_late_interaction.py",
    "tests/nearmiss/models/test_module_lists.py",
    "tests/nearmiss/models/test_served.py",
    "tests/nearmiss/models/test_prices.py",
    "tests/nearmiss/models/test_vendors.py",
    "tests/nearmiss/models/test_teachers.py",
    "tests/nearmiss/models/test_vectors.py",
    "tests/nearmiss/pipeline/",
    "tests/nearmiss/maps/",
    "tests/nearmiss/cli/",
    "tests/nearmiss/export/test_export_consumers.py",
    "tests/nearmiss_app/",
    "tests/test_readme.py",
    "tests/test_traps.py",
)


def pytest_ignore_collect(collection_path, config):
    """`make test-fast` does not even import the folders and files that it leaves out."""
    left_out = ("tests/browser/", *SLOW)
    if "not slow" in config.option.markexpr and collection_path.is_relative_to(ROOT):
        place = collection_path.relative_to(ROOT).as_posix()
        return True if f"{place}/".startswith(left_out) or place.startswith(left_out) else None
    return None


def pytest_collection_modifyitems(items):
    """What `make test-fast` leaves out: everything in a browser, and the folders and files of SLOW."""
    for item in items:
        place = item.path.relative_to(ROOT).as_posix()
        if place.startswith("tests/browser/"):
            item.add_marker("browser")
        if place.startswith(SLOW):
            item.add_marker("slow")
