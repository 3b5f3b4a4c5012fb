"""The command line: what a user types, what comes back, and with which exit code."""

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import asdict, fields, replace
from importlib.metadata import version
from pathlib import Path

import pytest

from nearmiss import cli
from nearmiss.counts import counted
from nearmiss.presets import PRESETS
from nearmiss.reports import explanation, funnel
from nearmiss.run import open_run
from nearmiss.settings import Mining, Policy, flag

ROOT = Path(__file__).parents[3]
SAMPLE = str(ROOT / "sample_data")


@pytest.fixture(scope="module")
def run(mined_by_command, tmp_path_factory):
    """The sample mined with the embedded models: one real run that every test here reads."""
    return shutil.copytree(mined_by_command, tmp_path_factory.mktemp("cli") / "run")


def nearmiss(*words):
    """Exit code, standard output and standard error of the command."""
    command = [sys.executable, "-m", "nearmiss.cli", *map(str, words)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    return done.returncode, done.stdout, done.stderr


def call(capsys, monkeypatch, *words):
    """The same in this process, for speed."""
    monkeypatch.setattr(sys, "argv", ["nearmiss", *map(str, words)])
    monkeypatch.delenv("COLUMNS", raising=False)  # the suite's own processes set it, and then a pipe is that narrow
    with pytest.raises(SystemExit) as exit_:
        cli.main()
    printed = capsys.readouterr()
    return exit_.value.code, printed.out, printed.err


def test_help_imports_nothing_heavy():
    code = (
        "import sys; sys.argv = ['nearmiss', 'mine', '--help']\n"
        "from nearmiss import cli\n"
        "try: cli.main()\n"
        "finally: print(sorted({'torch', 'pandas', 'numpy', 'pyarrow', 'openvino', 'transformers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("modules", "heavy"),
    [
        ("nearmiss.run", {"pandas", "numpy", "pyarrow"}),  # before the server starts
        (
            "nearmiss.workspace, nearmiss.session.overview, nearmiss.session.next_step",
            {"scipy", "sklearn", "numba"},
        ),  # before its first page
    ],
)
def test_the_first_page_waits_for_nothing_that_it_does_not_use(modules, heavy):
    script = f"import sys, {modules}; print(sorted({heavy} & set(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


@pytest.mark.parametrize("recipe", [Mining, Policy])
def test_every_setting_is_a_flag_with_its_own_words(capsys, monkeypatch, recipe):
    _, out, _ = call(capsys, monkeypatch, "mine", "--help")
    words = " ".join(out.split())
    for field in fields(recipe):
        name = flag({"sources": "source"}.get(field.name, field.name))
        assert f"{name} " in words, name


def test_the_report_has_what_programs_rely_on(capsys, monkeypatch, run):
    code, out, _ = call(capsys, monkeypatch, "report", run, "--json")
    told = json.loads(out)
    assert code == 0
    wanted = {"queries", "documents", "candidates", "status", "kept", "short_queries", "sources", "seconds", "teacher"}
    assert wanted <= set(told)
    assert sum(told["status"].values()) == told["candidates"] == len(open_run(run).candidates())
    assert set(told["sources"]) == {"bm25", "dense"}
    assert {"found", "only_here"} <= set(told["sources"]["dense"])


def test_a_selection_with_another_policy_is_in_force_afterwards(capsys, monkeypatch, run):
    before = open_run(run).policy
    code, out, _ = call(capsys, monkeypatch, "select", run, "--relative-margin", "none", "--max-score", "0.5", "--json")
    assert code == 0
    assert open_run(run).policy == replace(before, relative_margin=None, max_score=0.5)
    assert json.loads(out)["status"]["too_close"] > 0
    call(capsys, monkeypatch, "select", run, "--preset", "bge")
    assert open_run(run).policy == PRESETS["bge"].policy
    call(capsys, monkeypatch, "select", run, "--preset", "default")
    assert open_run(run).policy == before


def test_explain_says_why_in_words(capsys, monkeypatch, run):
    candidates = open_run(run).selected()
    close = candidates[candidates.status.eq("too_close")].iloc[0]
    code, out, _ = call(capsys, monkeypatch, "explain", run, close.query_id, close.doc_id)
    assert code == 0
    assert "probably an unlabelled answer" in " ".join(out.split())
    code, out, _ = call(capsys, monkeypatch, "explain", run, close.query_id, "--json")
    told = json.loads(out)
    assert {e["doc_id"]: e["status"] for e in told} == dict(
        candidates[candidates.query_id.eq(close.query_id)][["doc_id", "status"]].astype(str).itertuples(index=False)
    )


def test_export_writes_the_kept_negatives(capsys, monkeypatch, run, tmp_path):
    code, _, _ = call(capsys, monkeypatch, "export", run, tmp_path / "out", "--format", "triplet", "--compress", "none")
    assert code == 0
    shards = sorted((tmp_path / "out").glob("train*.jsonl"))
    rows = [json.loads(line) for shard in shards for line in shard.read_text("utf-8").splitlines()]
    judged = open_run(run).selected()
    positives = judged[judged.is_positive].groupby("query_id").size()
    kept = judged[judged.status.eq("kept")].groupby("query_id").size()
    assert len(rows) == (positives * kept).sum()
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["provenance"]["policy"] == json.loads(json.dumps(asdict(open_run(run).policy)))


def test_what_only_reads_makes_no_log(capsys, monkeypatch, run, tmp_path):
    copy = shutil.copytree(run, tmp_path / "run", ignore=shutil.ignore_patterns("reviews*"))
    for words in (("export", copy, tmp_path / "out"), ("calibrate", copy), ("report", copy)):
        assert call(capsys, monkeypatch, *words)[0] == 0
        assert not list(copy.glob("reviews*")), words[0]


def test_presets_are_listed(capsys, monkeypatch):
    code, out, _ = call(capsys, monkeypatch, "presets", "--json")
    assert code == 0
    assert list(json.loads(out)) == list(PRESETS)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["report", "nowhere"], "error: nowhere: wanted a run folder (with run.json); found no such folder"),
        (["mine", "nowhere"], "A new run needs both: nearmiss mine DATA RUN"),
        (["mine", SAMPLE, "x", "--preset", "dppr"], "error: --preset: wanted one of default, dpr,"),
        (["mine", SAMPLE, "x", "--depth", "many"], "error: --depth: wanted a whole number; found 'many'"),
        (
            ["mine", SAMPLE, "x", "--relative-margin", "5%"],
            "error: --relative-margin: wanted a number or none; found '5%'",
        ),
        (["mine", SAMPLE, "x", "--source", "bm52"], "error: --source: wanted one of bm25, dense, sparse"),
        (
            ["mine", SAMPLE, "x", "--column", "text=body"],
            "error: --column: wanted FIELD=NAME with a field among query,",
        ),
        (["mine", SAMPLE, "x", "--column", "query=q"], "error: --column: wanted none, since the columns of beir have"),
        (["mine", "nowhere", "--split", "a"], "error: --split: wanted none, since a round of nowhere reads the data"),
        (["mine", SAMPLE, "x", "--nonsense"], "No such option: --nonsense"),
        (["mine", SAMPLE, "x", "--encoder", "/no/such/model"], "/no/such/model"),
        ([SAMPLE], "No such command"),
    ],
)
def test_a_mistake_is_one_clear_line_and_exit_code_1(capsys, monkeypatch, tmp_path, words, message):
    monkeypatch.chdir(tmp_path)
    code, _, err = call(capsys, monkeypatch, *words)
    assert code == 1
    assert message in err
    assert "Traceback" not in err


def test_depth_may_be_one_number_for_all_or_one_for_each():
    from nearmiss.cli.flags import spelled_out_depth

    sources = ("bm25", "run:other=file.tsv")
    assert spelled_out_depth((("", 50),), sources) == (("bm25", 50), ("other", 50))
    assert spelled_out_depth((("", 50), ("other", 7)), sources) == (("bm25", 50), ("other", 7))
    assert spelled_out_depth((("bm25", 9),), sources) == (("bm25", 9),)


def test_an_interrupted_run_says_how_to_go_on_and_exits_130(tmp_path):
    command = [sys.executable, "-m", "nearmiss.cli", "mine", SAMPLE, str(tmp_path / "run")]
    # A shell's background jobs ignore SIGINT, and their children inherit it.
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    for line in process.stderr:
        if line.startswith("read "):
            break
    os.kill(process.pid, signal.SIGINT)
    said = process.stderr.read()
    assert process.wait(timeout=60) == 130
    assert "run the same command again" in said


def test_a_round_more_needs_only_the_run(run):
    code, out, err = nearmiss("mine", run, "--depth", "10", "--json")
    assert code == 0, err
    assert json.loads(out)["round"] == 2
    assert open_run(run).mining(2).depth == (("bm25", 10), ("dense", 10))
    code, out, _ = nearmiss("report", run, "--compare", "1", "2", "--json")
    told = json.loads(out)
    assert told["kept"][0] == told["in_both"] + told["gone"]
    assert told["kept"][1] == told["in_both"] + told["new"]


@pytest.mark.parametrize("words", [["-h"], ["mine", "-h"], ["audit", "-h"], ["audit", "plan", "-h"]])
def test_help_has_a_short_form_everywhere(capsys, monkeypatch, words):
    code, out, _ = call(capsys, monkeypatch, *words)
    assert code == 0
    assert out.startswith("Usage:")


def test_the_version_is_said(capsys, monkeypatch):
    assert call(capsys, monkeypatch, "--version") == (0, f"nearmiss {version('nearmiss')}\n", "")


def test_a_range_stands_in_the_help_and_in_the_refusal(capsys, monkeypatch, run):
    _, out, _ = call(capsys, monkeypatch, "select", "--help")
    assert "hard negatives to keep for each query; 1 or more [7]" in " ".join(out.split())
    code, _, err = call(capsys, monkeypatch, "select", run, "--negatives-per-query", "0")
    assert (code, err) == (1, "error: --negatives-per-query: wanted 1 or more; found 0\n")


def test_queries_lists_whole_ids_and_can_be_narrowed(capsys, monkeypatch, run):
    data = open_run(run).dataset
    judged = open_run(run).selected()
    code, out, _ = call(capsys, monkeypatch, "queries", run, "--json")
    told = json.loads(out)
    assert code == 0
    assert {one["query_id"]: one["text"] for one in told} == dict(
        data.queries[["query_id", "text"]].itertuples(index=False)
    )
    kept = judged[judged.status.eq("kept")].groupby("query_id").size()
    assert {one["query_id"]: one["kept"] for one in told if one["kept"]} == kept.to_dict()
    assert sum(one["candidates"] for one in told) == len(judged)
    code, out, _ = call(capsys, monkeypatch, "queries", run, "--with", "CHEESE", "--json")
    assert [one["text"] for one in json.loads(out)] == [
        text for text in data.queries["text"] if "cheese" in text.lower()
    ]
    _, out, _ = call(capsys, monkeypatch, "queries", run, "--short")
    short = [one for one in told if one["kept"] < open_run(run).policy.negatives_per_query]
    assert [line.split()[1] for line in out.splitlines()[3:-1]] == [one["query_id"] for one in short]


def test_what_is_piped_has_whole_ids_and_json_has_numbers(capsys, monkeypatch, run):
    long = "a-document-whose-id-is-longer-than-any-terminal-is-wide-" * 4
    explained = explanation.explain

    def renamed(*arguments):
        return [replace(one, doc_id=long) for one in explained(*arguments)[:2]]

    monkeypatch.setattr(explanation, "explain", renamed)
    monkeypatch.setattr("nearmiss.cli.commands._texts", lambda *_: {long: "text"})
    query_id = open_run(run).dataset.queries["query_id"].iloc[0]
    _, out, _ = call(capsys, monkeypatch, "explain", run, query_id)
    assert sum(long in line for line in out.splitlines()) == 2
    _, out, _ = call(capsys, monkeypatch, "explain", run, query_id, "--json")
    scores = json.loads(out)[0]["scores"]
    assert {type(value) for value in scores.values()} <= {int, float, type(None)}
    assert isinstance(scores["teacher_score"], float)


@pytest.mark.parametrize("words", [("queries",), ("report",), ("queries", "--json"), ("presets",)])
def test_a_reader_that_has_had_enough_ends_the_command_well(run, words):
    command = [
        sys.executable,
        "-m",
        "nearmiss.cli",
        words[0],
        *([str(run)] if words[0] != "presets" else []),
        *words[1:],
    ]
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(command, cwd=ROOT, stdout=writer, stderr=subprocess.PIPE, text=True, timeout=120)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("words", [("report",), ("queries",), ("queries", "--json"), ("explain", "q01")])
def test_an_output_that_knows_only_ascii_stops_no_command(run, words):
    command = [sys.executable, "-m", "nearmiss.cli", words[0], str(run), *words[1:]]
    environment = os.environ | {"PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, env=environment, timeout=120)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.isascii()
    if "--json" in words:
        texts = {one["text"] for one in json.loads(done.stdout)}
        assert texts == set(open_run(run).dataset.queries["text"])


@pytest.mark.parametrize("port", ["0", "99999", "-1", "http"])
def test_a_port_that_is_none_is_refused(capsys, monkeypatch, run, port):
    code, _, err = call(capsys, monkeypatch, "app", run, f"--port={port}")
    assert code == 1
    assert err.startswith("error: Invalid value for '--port'")


def test_the_app_prints_the_address_of_the_page_that_is_asked_for(capsys, monkeypatch, run):
    monkeypatch.setattr("nearmiss.cli.serving.serve", lambda *_, **__: None)
    page = "review?query=q82&doc=p0516"
    _, _, err = call(capsys, monkeypatch, "app", run, "--page", page)
    first, second = err.splitlines()
    assert first == f"http://127.0.0.1:8501/{page}  (Ctrl-C stops it)"
    assert second == "Without a login: only this machine can reach it. --auth FILE lets a team in."


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--corpus-id", "mine"], "--corpus-id: wanted nemo"),
        (["--prompt", "query: "], "--prompt: wanted flag"),
        (["--negatives", "3"], "--negatives: wanted n-tuple"),
        (["--shard-size", "0"], "--shard-size: wanted 1 or more; found 0"),
        (["--format", "trec", "--own-columns"], "--own-columns: wanted a format that can be extended; found trec"),
        (["--format", "nemo", "--corpus-id", " "], "--corpus-id: wanted a name; found none"),
    ],
)
def test_an_option_that_the_format_ignores_is_refused(capsys, monkeypatch, run, tmp_path, words, message):
    code, _, err = call(capsys, monkeypatch, "export", run, tmp_path / "out", *words)
    assert (code, err.startswith(f"error: {message}")) == (1, True)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 queries"), (1, "1 query"), (2, "2 queries"), (1000, "1,000 queries")]
)
def test_one_is_not_many(count, words):
    assert counted(count, "query") == words


def test_a_comparison_names_what_was_set_otherwise_before_it_calls_anything_easy(capsys, monkeypatch, run, tmp_path):
    copy = shutil.copytree(run, tmp_path / "run")
    if len(open_run(copy).rounds) == 1:
        assert call(capsys, monkeypatch, "mine", copy, "--depth", "10")[0] == 0
    told = funnel.compare(open_run(copy), 1, 2)
    assert told["changed"] == ["depth of bm25 100 -> 10", "depth of dense 100 -> 10"]
    assert told["looks_less_far"]
    assert told["easy"] == sum(told["gone_because"].get(name, 0) for name in ("over_quota", "too_easy"))
    code, out, _ = call(capsys, monkeypatch, "report", copy, "--compare", "1", "2")
    assert code == 0
    assert "no source finds them any more" not in out
    assert out.index("changed: depth of bm25 100 -> 10") < out.index("kept negatives")
    back = funnel.compare(open_run(copy), 2, 1)
    assert not back["looks_less_far"]
    assert back["changed"] == ["depth of bm25 10 -> 100", "depth of dense 10 -> 100"]


LOG = "postgresql+psycopg://nobody@localhost/none"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("audit", "plan", "RUN", "--half-width", "0"), "--half-width: wanted above 0 and below 1; found 0.0"),
        (("audit", "plan", "RUN", "--seed", "-1"), "--seed: wanted 0 or more; found -1"),
        (("audit", "estimate", "RUN", "--half-width", "nan"), "--half-width: wanted a number; found NaN"),
        (("audit", "certify", "RUN", "--max-rate", "inf"), "--max-rate: wanted above 0 and below 1; found inf"),
        (("mine", SAMPLE, "new", "--preset", "dpr", "--teacher-prompt", "x"), "--teacher-prompt: wanted none"),
        (("select", "RUN", "--simans-a", "2"), "--simans-a: wanted none, since the sampling is top; found 2.0"),
        (
            ("select", "RUN", "--anchor", "max", "--relative-margin", "none"),
            "--anchor: wanted none, since no margin or floor starts from it",
        ),
        (("audit", "estimate", "RUN", "--simans-a", "2"), "--simans-a: wanted none, since the sampling is top"),
        (("map", "RUN", "--seed", "-1"), "--seed: wanted 0 or more; found -1"),
        (("report", "RUN", "--compare", "1", "1", "--round", "1"), "--round 1: wanted none beside --compare"),
        (("trial", "RUN", "--max-length", "64"), "--max-length: wanted none, since the adapter learns from the run's"),
        (("train", "RUN", "out", "--student", "adapter", "--max-length", "64"), "--max-length: wanted none, since the"),
        (("rounds", "RUN", "--max-length", "64"), "--max-length: wanted none, since the adapter learns from the run's"),
        (("trial", "RUN", "--test-data", SAMPLE, "--held-out", ".5"), "--held-out 0.5: wanted none, since --test-data"),
        (("teach", SAMPLE, "out", "--round", "1"), "--round: wanted none, since "),
        (("teach", SAMPLE, "out", "--partial", "drop"), "--partial: wanted none, since "),
        (("calibrate", "RUN", "--undo", "--yes"), "--yes: wanted none beside --dry-run, --undo or --redo"),
        (("calibrate", "RUN", "--redo", "--with-audits"), "--with-audits: wanted none beside --undo or --redo"),
        (("app", "RUN", "--reviews", LOG, "--new-reviews", "b.db"), "--new-reviews b.db: wanted one log; found"),
        (
            ("review", "import", "RUN", "a.jsonl", "--format", "jsonl", "--label", "a=relevant"),
            "--label, --question: wanted",
        ),
        (
            ("review", "import", "RUN", "a", "--format", "prodigy", "--relevant-from", "2"),
            "--relevant-from, --partial-from",
        ),
    ],
)
def test_a_number_out_of_range_or_a_flag_that_nothing_reads_is_refused(
    capsys, monkeypatch, tmp_path, mined, words, message
):
    monkeypatch.chdir(tmp_path)
    before = sorted(mined.rglob("*"))
    code, _, err = call(capsys, monkeypatch, *(mined if word == "RUN" else word for word in words))
    assert (code, message in err, list(tmp_path.iterdir())) == (1, True, [])
    assert sorted(mined.rglob("*")) == before  # nothing is written before everything is checked
