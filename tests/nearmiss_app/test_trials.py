"""Trials: what students reach, on its own page and in Tune; what they learn is tested with the core."""

import pytest

from nearmiss.pipeline.own_process import JobProgress, Stopped
from nearmiss.session import tuning
from nearmiss.settings import Policy, Trial
from nearmiss.training import trials
from nearmiss.training.trials import job, trial_files
from nearmiss.workspace import open_workspace
from nearmiss_app import training
from nearmiss_app.charts import trials as charts
from nearmiss_app.tuner.policy_words import label

QUICK = Trial(seeds=2, epochs=1, resamples=100)


@pytest.fixture
def tried(run):
    """The test's own run, with a trial along its ceiling."""
    trials.trial(run, QUICK, along="max_p_relevant", stops=["0.2", "0.3"])
    return run


@pytest.fixture
def begun(monkeypatch):
    """What the pages would have trained, without a process."""
    asked = []
    monkeypatch.setattr(job, "start", lambda run, policies, settings, number: asked.append((policies, settings)))
    return asked


def texts(page):
    return "\n".join(element.value for element in [*page.text, *page.caption, *page.markdown])


def test_the_page_says_what_was_found_and_what_a_student_is_worth(open_page, tried):
    page = open_page("trials")
    content = trial_files.latest(tried)
    shown = texts(page)
    assert label(content["says"][0]) in shown
    assert not any("max_p_relevant" in text.value for text in page.text)
    assert content["about_student"] in shown
    assert "It was of round" not in shown
    [picture] = [block.proto.body for block in page.get("html") if 'class="trial"' in block.proto.body]
    for one in content["policies"]:
        assert f">{label(one['name']).split(' = ')[0]}<" in picture
        assert f"{one['ndcg']:.4f} (" in picture
    assert list(page.dataframe[0].value["policy"]) == [one["name"] for one in content["policies"]]


def test_the_queries_on_which_a_policy_differs_from_the_one_in_force_can_be_opened(open_page, tried):
    page = open_page("trials")
    page.selectbox(key="trial_beside").select("no filter").run()
    work = open_workspace(tried)
    bare = next(point.policy for point in trial_files.points(trial_files.latest(tried)) if point.name == "no filter")
    found = tuning.compare_two(work, work.policy, bare)
    frames = [frame.value for frame in page.dataframe if "only B" in frame.value]
    assert [list(frame["id"]) for frame in frames] == [[one.query_id for one in found.by_query]]
    assert found.by_query[0].query_id


def test_what_a_trial_chooses_is_put_in_force_by_a_press_that_tune_can_undo(open_page, tried):
    content = trial_files.latest(tried)
    content["choice"] = {"name": "no filter", "changes": True, "says": "no filter should be in force: luck."}
    trial_files.write_json(tried / "trials" / "latest.json", content)
    before = open_workspace(tried).policy
    page = open_page("trials")
    assert "no filter should be in force: luck." in texts(page)
    page.button(key="trial_choose").click().run()
    bare = next(point.policy for point in trial_files.points(content) if point.name == "no filter")
    assert open_workspace(tried).policy == bare != before
    assert "trial_choose" not in {button.key for button in page.button}
    assert tuning.undo(open_workspace(tried).run, "ann") == before


def test_a_press_trains_the_chosen_policies(open_page, run, begun):
    page = open_page("trials")
    page.multiselect(key="trial_policies").select("nv-retriever")
    page.selectbox(key="trial_along").select("skip_top")
    page.number_input(key="trial_seeds").set_value(3)
    page.selectbox(key="trial_folds").select(5)
    page.button(key="train").click().run()
    [(policies, settings)] = begun
    assert settings == Trial(seeds=3, folds=5)
    names = [one.name for one in policies]
    assert names[0] == "in-batch only"
    assert any("nv-retriever" in name for name in names)
    assert any("skip_top 20" in name for name in names)


def test_tune_trains_along_the_ceiling_that_is_tried(open_page, run, begun):
    page = open_page("tune", policy="default", max_p_relevant="0.2", skip_top="1")
    page.button(key="train").click().run()
    [(policies, settings)] = begun
    assert settings == Trial()
    own = [one for one in policies if one.policy is not None and one.policy.skip_top == 1]
    assert any(one.policy == Policy(max_p_relevant=0.2, skip_top=1) for one in own)
    assert 5 <= len(own) <= 8
    assert {"in-batch only", "no filter", "95% rule", "in force"} <= {
        name for one in policies for name in one.name.split(" = ")
    }


def test_tune_draws_the_students_of_the_policy_that_is_tried_and_of_no_other(open_page, tried):
    assert "Each point: 2 small students (adapter)" in texts(open_page("tune"))
    other = texts(open_page("tune", policy="default", skip_top="3"))
    assert "Each point" not in other
    assert "The last trial was of other settings." in other


def test_while_students_are_trained_the_page_says_how_far_they_are_and_can_stop(open_page, run, monkeypatch):
    stopped = []
    monkeypatch.setattr(job, "progress", lambda run: JobProgress("students", 40, 10, "students", 2.0))
    monkeypatch.setattr(job, "stop", stopped.append)
    page = open_page("trials")
    assert "10 of 40 students, about 15 s left" in str([bar.proto for bar in page.get("progress")])
    page.button(key="train_stop").click().run()
    assert stopped == [run]


def test_a_trial_that_was_stopped_shows_what_it_has_and_goes_on(open_page, run, monkeypatch):
    again = []
    so_far = {"trial": {}, "waiting": ["95% rule", "in force"], "policies": []}
    monkeypatch.setattr(job, "progress", lambda run: Stopped("no space left"))
    monkeypatch.setattr(trial_files, "so_far", lambda run: so_far)
    monkeypatch.setattr(job, "again", again.append)
    page = open_page("trials")
    assert "no space left" in page.warning[0].value
    assert page.button(key="train_again").label == "Go on with the 2 left"
    page.button(key="train_again").click().run()
    assert again == [run]


def test_better_is_written_only_where_the_interval_says_so():
    def gap(low, high, verdict, queries=None):
        return {"name": "x", "against_95_rule": {"low": low, "high": high, "verdict": verdict, "queries": queries}}

    assert charts.in_words(gap(0.01, 0.02, "better")) == "▲ better"
    assert charts.in_words(gap(-0.02, -0.01, "worse")) == "▼ worse"
    unclear = charts.in_words(gap(-0.01, 0.02, "no difference found", 480))
    assert unclear == "no difference found; about 480 queries would tell"
    assert charts.in_words({"name": "95% rule = saved-1", "against_95_rule": None}) == "the 95% rule itself"


def test_names_of_policies_stay_text():
    one = {"name": "<b>x</b>", "ndcg": 0.5, "ndcg_interval": [0.4, 0.6], "queries": 1, "negatives": 2}
    content = {"policies": [one], "untrained": {"ndcg": 0.3}, "best": ""}
    assert "<b>" not in charts.forest(content, dark=False)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (JobProgress(), "Preparing ..."),
        (JobProgress("students", 41, 5, "students", 0.0), "5 of 41 students"),
        (JobProgress("students", 400, 10, "students", 1.0), "10 of 400 students, about 6 min left"),
    ],
)
def test_progress_in_words(state, words):
    assert training.how_far(state) == words
