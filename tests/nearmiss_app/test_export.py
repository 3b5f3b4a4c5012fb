"""The export page: it counts what the core counts, writes what it counted, and shows what there is."""

import functools
import html
import json
import re
import time
import zipfile
from dataclasses import replace
from io import BytesIO

import pandas as pd
import pytest

from nearmiss.counts import counted
from nearmiss.export import EXPORT_FORMATS, Export
from nearmiss.pipeline.evaluation_sets import keep, overlap_of
from nearmiss.run import open_run
from nearmiss.session import exporting
from nearmiss.session.export_inputs import ExportInputs, prepare
from nearmiss.workspace import open_workspace
from nearmiss_app import navigation
from tests.nearmiss.export.test_export_reviews import some_judgements

HOSTILE = "<script>alert(1)</script> ![x](http://example.org/x.png) $\\pi$ # heading"


@pytest.fixture
def judged(run):
    """The run with a few judgements in its log."""
    work = open_workspace(run)
    work.append(some_judgements(work, step=40))
    return run


opened = functools.cache(open_workspace)


def dry_run(run, **choices):
    return prepare(opened(run), Export(**choices)).dry_run()


def numbers(page):
    return {metric.label: metric.value for metric in page.metric}


def told(run, **choices):
    counted = dry_run(run, **choices)
    return {
        "Rows": f"{counted.all_rows:,}",
        "Queries": f"{counted.queries:,}",
        "Positives": f"{counted.positives:,}",
        "Negatives": f"{counted.negatives:,}",
    }


def pick(page, name):
    """Choose a format by its training code and its form."""
    page.selectbox(key="library").set_value(EXPORT_FORMATS[name].library).run()
    page.selectbox(key="format").set_value(name).run()


def folder_field(page):
    return next(field for field in page.text_input if field.label == "Folder")


def mistake(page):
    """The sentence in red, as a person reads it."""
    return page.error[0].value.replace("\\", "")


def written(page, run, name):
    """Press the button and wait for the export to end."""
    folder_field(page).set_value(name).run()
    page.button(key="write").click().run()
    folder = exporting.destination(run, name)
    for _ in range(200):
        if folder.is_dir():
            break
        page.run()
    return page.run()


def test_the_numbers_are_those_of_the_dry_run_for_every_format(open_page, judged):
    page = open_page("export")
    for name in EXPORT_FORMATS:
        pick(page, name)
        assert not page.exception
        assert not page.error
        assert numbers(page) == told(judged, format=name)
        assert page.button(key="write").label == f"Write {dry_run(judged, format=name).all_rows:,} rows"
        assert any(caption.value.startswith(f"Format {name}. Columns: ") for caption in page.caption)


def test_what_the_run_avoids_from_now_on_counts_at_once(open_page, judged):
    page = open_page("export")
    before = numbers(page)
    run = open_run(judged)
    asked = run.dataset.queries["text"].tolist()[:3]
    queries = pd.DataFrame({"query_id": ["e1", "e2", "e3"], "text": asked})
    documents = pd.DataFrame({"doc_id": ["e"], "text": ["an answer that is nowhere else in the collection"]})
    labels = pd.DataFrame({"query_id": queries["query_id"], "doc_id": "e"})
    test_set = {"queries": queries, "documents": documents, "positives": labels}
    keep(run, overlap_of(run.dataset, [test_set]))
    page.run()
    assert numbers(page) == told(judged)
    assert int(numbers(page)["Queries"].replace(",", "")) < int(before["Queries"].replace(",", ""))


def test_every_choice_counts_at_once(open_page, judged):
    page = open_page("export")
    before = numbers(page)
    for field, value in {"relevant": "drop", "partial": "keep", "unsure": "keep"}.items():
        page.button_group(key=field).set_value(value).run()
        assert numbers(page) == told(judged, **{field: value})
        page.button_group(key=field).set_value(getattr(Export(), field)).run()
        assert numbers(page) == before
    page.button_group(key="relevant").set_value("drop").run()
    assert int(numbers(page)["Positives"]) < int(before["Positives"])
    page.number_input(key="shard_size").set_value(100).run()
    files = dry_run(judged, relevant="drop", shard_size=100).files
    assert f"In {files} files." in "".join(c.value for c in page.caption)


def test_every_bar_of_what_is_left_out_has_a_word(open_page, judged):
    page = open_page("export")
    heading = next(m.value for m in page.markdown if m.value.startswith("**Left out"))
    counted = dry_run(judged)
    assert heading == f"**Left out: {counted.left_out:,} of {counted.candidates:,} candidates**"
    chart = json.loads(page.get("plotly_chart")[0].proto.spec)
    assert len(chart["data"][0]["y"]) == len(counted.left_out_candidates)
    assert not any(name in label for name in ("reviewed_unsure", "over_quota") for label in chart["data"][0]["y"])


def test_the_address_names_the_format(open_page):
    page = open_page("export", format="rocketqa-de")
    assert page.selectbox(key="format").value == "rocketqa-de"
    assert page.selectbox(key="library").value == "RocketQA"
    page = open_page("export", format="no such format")
    assert page.selectbox(key="format").value == "triplet"


def test_an_export_is_written_and_then_shown(open_page, judged):
    page = open_page("export")
    assert any(caption.value.startswith("None yet.") for caption in page.caption)
    page = written(page, judged, "mine")
    folder = judged / "exports" / "mine"
    assert exporting.written(folder).rows == dry_run(judged).all_rows
    assert page.success[0].value.startswith(f"Written: {dry_run(judged).all_rows:,} rows in")
    assert navigation.as_text(str(folder)) in page.success[0].value
    assert page.selectbox(key="export").value == "mine"
    path, sums, load = (code.value for code in page.code[:3])
    assert path == str(folder)
    shard = json.loads((folder / "manifest.json").read_text())["shards"][0]
    assert sums == f"{shard['sha256']}  {shard['name']}"
    assert load.startswith("from datasets import load_dataset")
    assert json.loads(page.json[0].value)["reviews"]["reviewers"] == 1
    assert folder_field(page).value == "triplet"  # and no more the name that is taken now


def test_an_export_shows_how_far_it_is_and_can_be_stopped(open_page, judged, monkeypatch):
    def slowly(export_inputs, out, advance):
        while True:
            advance(1)
            time.sleep(0.01)

    monkeypatch.setattr(ExportInputs, "write", slowly)
    page = open_page("export")
    page.button(key="write").click().run()
    page.run()
    assert page.button(key="write").disabled
    assert re.match(r"\d+ of [\d,]+ rows, \d+ a second, about [\d,]+ seconds left", page.get("progress")[0].proto.text)
    page.button(key="stop").click().run()
    for _ in range(100):
        if page.info:
            break
        time.sleep(0.02)
        page.run()
    assert page.info[0].value.startswith("Stopped. Nothing of it was left behind.")
    assert not page.button(key="write").disabled
    assert not (judged / "exports").exists()


def test_what_went_wrong_is_said_in_a_sentence(open_page, judged):
    (judged / "file").write_text("no folder")
    page = open_page("export")
    folder_field(page).set_value(str(judged / "file" / "mine")).run()
    page.button(key="write").click().run()
    for _ in range(100):
        if page.error:
            break
        time.sleep(0.02)
        page.run()
    assert "Not a directory" in mistake(page)
    assert not page.exception


def test_what_lies_in_a_folder_is_refused_in_a_sentence(open_page, judged):
    (judged / "exports" / "mine").mkdir(parents=True)
    (judged / "exports" / "mine" / "thesis.tex").write_text("years of work")
    page = open_page("export")
    folder_field(page).set_value("mine").run()
    page.button(key="write").click().run()
    assert mistake(page).endswith("mine: wanted a new or empty folder; found files in it")
    assert not page.exception


def test_a_name_that_leads_out_of_the_run_is_refused_in_a_sentence(open_page):
    page = open_page("export")
    folder_field(page).set_value("../mine").run()
    page.button(key="write").click().run()
    assert "wanted a name for the run's exports" in mistake(page)


def test_nothing_to_write_is_said_and_cannot_be_written(open_page, run):
    opened = open_run(run)
    opened.save_policy(replace(opened.policy, max_score=-1000.0))
    page = open_page("export")
    assert page.warning[0].value.startswith("Nothing to write")
    assert page.button(key="write").disabled
    assert numbers(page)["Rows"] == "0"


def test_two_exports_are_compared_with_what_changed_first(open_page, judged):
    work = open_workspace(judged)
    prepare(work, Export()).write(judged / "exports" / "first", lambda rows: None)
    work.run.save_policy(replace(work.policy, negatives_per_query=3))
    prepare(work, Export()).write(judged / "exports" / "second", lambda rows: None)
    page = open_page("export", **{"export": "second", "with": "first"})
    assert page.selectbox(key="export").value == "second"
    assert page.selectbox(key="with").value == "first"
    tables = [element.value for element in page.dataframe]
    setting = next(table for table in tables if "Setting" in table)
    assert setting.to_dict("records") == [
        {"Part": "Policy", "Setting": "negatives_per_query", "first": "7", "second": "3"}
    ]
    changed = next(table for table in tables if "Negatives lost" in table)
    assert changed["Negatives lost"].sum() == dry_run_of(judged, 7) - dry_run_of(judged, 3)


def dry_run_of(run, negatives_per_query):
    opened = open_run(run)
    opened.save_policy(replace(opened.policy, negatives_per_query=negatives_per_query))
    return dry_run(run).negatives


def test_two_formats_are_compared_as_far_as_they_can_be(open_page, judged):
    work = open_workspace(judged)
    prepare(work, Export()).write(judged / "exports" / "first", lambda rows: None)
    prepare(work, Export(format="flag")).write(judged / "exports" / "second", lambda rows: None)
    page = open_page("export", **{"export": "second", "with": "first"})
    assert any("cannot be compared" in caption.value for caption in page.caption)


def test_texts_of_passages_are_shown_as_text(open_page, judged):
    work = open_workspace(judged)
    prepare(work, Export()).write(judged / "exports" / "first", lambda rows: None)
    changed = replace(work.run.dataset, documents=work.run.dataset.documents.assign(text=HOSTILE))
    export_inputs = prepare(work, Export())
    replace(export_inputs, dataset=changed).write(judged / "exports" / "second", lambda rows: None)
    page = open_page("export", **{"export": "second", "with": "first"})
    shown = [element.proto.body for element in page.get("html")]
    assert any("&lt;script&gt;alert(1)&lt;/script&gt;" in body for body in shown)
    assert not any("<script" in body for body in shown)
    assert not any("heading" in markdown.value for markdown in page.markdown)


def test_a_small_export_can_be_downloaded_and_a_large_one_names_its_folder(open_page, judged, monkeypatch):
    work = open_workspace(judged)
    prepare(work, Export()).write(judged / "exports" / "first", lambda rows: None)
    page = open_page("export")
    assert len(page.get("download_button")) == 1
    with zipfile.ZipFile(BytesIO(exporting.zipped(judged / "exports" / "first"))) as archive:
        assert archive.testzip() is None
    monkeypatch.setattr(exporting, "LARGEST_ZIP", 10)
    page = open_page("export")
    assert not page.get("download_button")
    assert any(caption.value.startswith("Too large to download") for caption in page.caption)


def test_only_what_a_format_can_take_is_offered(open_page, judged):
    page = open_page("export")
    keys = {
        "triplet": {"scores"},
        "flag": {"scores", "prompt"},
        "kl": {"negatives"},
        "nemo": {"corpus_id"},
        "trec": set(),
    }
    for name, offered in keys.items():
        pick(page, name)
        shown = {w.key for w in (*page.checkbox, *page.text_input, *page.number_input)}
        assert shown & {"scores", "prompt", "negatives", "corpus_id"} == offered


def test_the_risk_stands_beside_the_button_and_no_certificate_is_claimed(open_page, judged):
    work = opened(judged)
    inputs = prepare(work, Export())
    ids = work.candidates[["query_id", "doc_id"]].itertuples(index=False, name=None)
    chance = dict(zip(ids, work.table.number("p_relevant").tolist(), strict=True))
    seen_as_negative = {pair for pair, verdict in work.standing.verdicts().items() if verdict == "not_relevant"}
    pairs = list(inputs.rows.itertuples(index=False, name=None))
    share = sum(0.0 if pair in seen_as_negative else chance[pair] for pair in pairs) / len(pairs)
    said = [element.value for element in open_page("export").text]
    answers = counted(round(share * len(pairs)), "answer")
    assert said == [
        f"Estimated by the scores: {share:.1%}, about {answers} among {len(pairs):,}.",
        "Not certified: no certificate covers these rows.",
    ]


@pytest.mark.parametrize("name", ["triplet", "trec", "kl", "nemo", "rocketqa-de"])
def test_the_first_rows_are_those_of_the_files_that_are_written(open_page, judged, tmp_path, name):
    page = open_page("export", format=name)
    inputs = prepare(opened(judged), Export(format=name))
    shown = {caption.value.replace("\\", "") for caption in page.caption}
    inputs = replace(inputs, export=replace(inputs.export, compress="none"))
    inputs.write(tmp_path / "out", lambda rows: None)
    previews = inputs.preview()
    for file in previews:
        assert any(words.startswith(file.name) for words in shown)
        if not file.name.endswith(".parquet"):
            assert (tmp_path / "out" / file.name).read_text("utf-8").startswith(file.beginning.rstrip("\n"))
    bodies = "".join(element.proto.body for element in page.get("html"))
    assert all(f">{html.escape(file.beginning)}</pre>" in bodies for file in previews)


def test_what_is_chosen_and_begun_in_one_browser_is_not_seen_in_another(open_page, judged):
    mine, other = open_page("export"), open_page("export")
    pick(mine, "flag")
    mine.button_group(key="relevant").set_value("drop").run()
    written(mine, judged, "mine")
    other.run()
    assert numbers(other) == told(judged, format="triplet")
    assert other.button_group(key="relevant").value == "promote"
    assert (len(mine.success), len(other.success)) == (1, 0)
    assert "format" not in other.query_params or other.query_params["format"] in ("triplet", ["triplet"])
