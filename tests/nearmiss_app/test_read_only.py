"""The app over a run that can only be read, such as a mounted snapshot."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from nearmiss_app.navigation import TITLES


@pytest.fixture(scope="module")
def snapshot(mined, tmp_path_factory):
    """A copy of the run on a place where nobody may write: for root a mount, for others permissions."""
    folder = Path(shutil.copytree(mined, tmp_path_factory.mktemp("snapshot") / "sample"))
    if os.geteuid() != 0:
        for path in [folder, *folder.rglob("*")]:
            path.chmod(path.stat().st_mode & ~0o222)
        yield folder
        for path in [folder, *folder.rglob("*")]:
            path.chmod(path.stat().st_mode | 0o200)
        return
    if not shutil.which("mount") or subprocess.run(["mount", "--bind", folder, folder], capture_output=True).returncode:
        pytest.skip("this machine mounts nothing, and root may write everywhere else")
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", folder], check=True)
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@pytest.fixture
def run(snapshot):
    """The run that `open_page` opens."""
    return snapshot


@pytest.mark.parametrize("name", TITLES)
def test_every_page_opens_over_a_run_that_can_only_be_read(open_page, run, name):
    page = open_page(name, reviewer="ann")
    assert not page.error
    said = " ".join(info.value for info in page.info)
    assert "This run can only be read" in said
    # Who judges gets pairs of their own, which is written down.
    assert ("--new-reviews FILE" in said) is (name in ("review", "pairs"))
    assert not (run / "reviews.db").exists()


def test_judgements_about_a_run_that_can_only_be_read_are_kept_elsewhere(open_page, run, tmp_path, monkeypatch):
    monkeypatch.setenv("NEARMISS_REVIEWS", str(tmp_path / "mine.db"))
    page = open_page("review", reviewer="ann")
    assert not page.error
    assert "--new-reviews" not in " ".join(info.value for info in page.info)
    assert (tmp_path / "mine.db").exists()
