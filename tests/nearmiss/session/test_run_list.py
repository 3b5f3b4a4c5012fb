"""Several runs in one folder: their names, what each says of itself, and names that are none."""

import shutil

import pytest

from nearmiss.errors import RunError
from nearmiss.review import open_log
from nearmiss.review.log import LogActivity
from nearmiss.run import runs_in
from nearmiss.session import run_list
from nearmiss.session.run_list import RunInFolder
from tests.nearmiss.review.test_review import judged


def test_each_run_says_how_far_it_is_and_a_damaged_one_what_is_wrong(run):
    folder = run.parent
    shutil.copytree(run, folder / "other")
    (folder / "broken").mkdir()
    (folder / "broken" / "run.json").write_text("{")
    (folder / "no run").mkdir()
    log = open_log(run / "reviews.db")
    log.append([judged(1, "relevant", doc_id="a", decided_at=5.0), judged(2, "partial", doc_id="a", decided_at=9.0)])
    log.append([judged(3, "comment", doc_id="b", decided_at=99.0), judged(4, "unsure", doc_id="c", decided_at=7.0)])
    log.append([judged(1, "relevant", doc_id="d", reviewer="model:m", client_id="m", arm="judge:x", decided_at=50.0)])
    log.close()
    assert runs_in(folder) == ["broken", "other", "sample"]
    found = [run_list.summary(folder, name) for name in runs_in(folder)]
    assert found[1:] == [RunInFolder("other", 84, 1), RunInFolder("sample", 84, 1, LogActivity(2, 1, 9.0))]
    assert "run.json" in found[0].problem
    # A run itself is no folder of runs, and neither is a file or nothing.
    assert [runs_in(place) for place in (run, run / "run.json", folder / "nowhere")] == [[], [], []]


@pytest.mark.parametrize("name", ["", ".", "..", "../sample", "sample/", "no run", "SAMPLE"])
def test_only_the_name_of_a_run_opens_one(run, name):
    (run.parent / "no run").mkdir()
    with pytest.raises(RunError, match="wanted one of its runs"):
        run_list.folder_of(run.parent, name)
    assert run_list.folder_of(run.parent, "sample") == run
