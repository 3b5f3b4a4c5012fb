"""Models that tell nothing apart raise a doubt, in words, wherever a run is reported; good ones raise none."""

import numpy as np
import pytest

from nearmiss import data, pipeline
from nearmiss.reports.doubts import of_models
from nearmiss.reports.funnel import report
from nearmiss.run import open_run
from nearmiss.session import overview
from nearmiss.settings import Mining
from nearmiss.workspace import open_to_read
from tests.conftest import ROOT
from tests.words import OverlapTeacher, WordEncoder

GOOD = {"pairs": 100, "alike": 0.05, "encoder_auc": 0.97, "teacher_auc": 0.99, "teacher_spread": 8.0}
CASES = [
    ({}, []),
    ({"alike": 0.89}, []),
    ({"alike": 0.999}, ["vectors are nearly all alike (cosine 0.999"]),
    ({"encoder_auc": 0.52}, ["the encoder does not tell labelled answers from documents drawn at random: it scores"]),
    ({"teacher_auc": 0.5}, ["the teacher does not tell labelled answers"]),
    ({"teacher_auc": 0.5, "teacher_spread": 0.0}, ["the teacher's scores are all alike (they differ by 0 at most)"]),
    ({"teacher_auc": None, "teacher_spread": None}, []),
    ({"pairs": 5, "encoder_auc": 0.4, "teacher_auc": 0.4}, []),
]


@pytest.mark.parametrize(("change", "wanted"), CASES)
def test_a_doubt_is_a_sentence_about_what_was_measured(change, wanted):
    found = of_models({"model_checks": GOOD | change})
    assert len(found) == len(wanted)
    assert all(words in doubt for words, doubt in zip(wanted, found, strict=True))


def test_a_run_of_an_older_release_raises_no_doubt():
    assert of_models({"round": 1}) == []


def test_good_models_raise_none(mined):
    assert report(open_run(mined))["model_doubts"] == []


class Alike(WordEncoder):
    def _vector(self, text):
        vector = np.ones(32) + super()._vector(text) / 1000
        return (vector / np.linalg.norm(vector)).astype(np.float32)


class Deaf(OverlapTeacher):
    def score(self, pairs):
        return np.full(len(pairs), 1.5, np.float32)


@pytest.mark.slow
def test_blind_models_are_doubted_on_the_terminal_in_the_report_and_on_the_overview(tmp_path, capsys):
    from rich.console import Console

    from nearmiss.cli import show

    sample = data.read(str(ROOT / "sample_data"))
    run = pipeline.mine(tmp_path / "run", Mining(teacher="deaf"), sample, encoder=Alike(), teacher=Deaf())
    told = report(run)
    assert ["all alike" in doubt for doubt in told["model_doubts"]] == [True, True]
    assert overview.about(open_to_read(run.folder)).doubts == tuple(told["model_doubts"])
    show.show_report(Console(width=200), told)
    assert "doubt: the encoder's vectors are nearly all alike" in capsys.readouterr().out
