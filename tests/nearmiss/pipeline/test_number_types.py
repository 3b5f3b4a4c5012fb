"""Another processor's number type is no other model: a round goes on as it was begun, or is made anew as a whole."""

import json
from dataclasses import replace

import pytest

from nearmiss import data, pipeline
from nearmiss.errors import ModelError, RunError
from nearmiss.pipeline import number_types
from nearmiss.pipeline.number_types import in_the_number_types_of, is_same_elsewhere, other_numbers
from nearmiss.pipeline.served_answers import start_over
from nearmiss.run import mining_from
from nearmiss.settings import Mining
from nearmiss.storage.fingerprint import fingerprint_of
from tests.conftest import ROOT
from tests.words import WordEncoder


class Model:
    def __init__(self, precision, weights="own"):
        self.weights, self.precision = weights, precision
        self.fingerprint = self.fingerprint_in(precision)

    def fingerprint_in(self, precision):
        return fingerprint_of(self.weights, precision)


def round_of(recipe, precision="int8"):
    import dataclasses

    model = {"precision": precision, "fingerprint": Model(precision).fingerprint}
    return {"recipe": dataclasses.asdict(recipe), "finished": False, "encoder": model, "teacher": None}


@pytest.mark.parametrize(
    ("model", "same"),
    [(Model("int8"), True), (Model("bfloat16"), True), (Model("int8", "other"), False), (object(), False)],
)
def test_the_same_weights_are_the_same_model_in_any_number_type(model, same):
    assert is_same_elsewhere(round_of(Mining())["encoder"], model) is same


def test_a_round_goes_on_in_the_number_type_that_it_was_begun_in(monkeypatch):
    monkeypatch.setattr(number_types, "load_encoder", lambda recipe, budget: recipe.precision)
    recipe = mining_from(round_of(Mining())["recipe"])
    assert in_the_number_types_of([round_of(recipe)], recipe).encoder() == "int8"
    assert in_the_number_types_of([], recipe).encoder() == "auto"
    assert in_the_number_types_of([round_of(Mining(seed=7))], recipe).encoder() == "auto"


def test_a_model_on_another_server_goes_on_in_the_number_types_that_the_round_was_begun_in():
    one, other = (Mining(encoder=f"openai:toy@http://{host}/v1") for host in ("127.0.0.1:1", "127.0.0.1:2"))
    assert in_the_number_types_of([round_of(one)], other).types == {"encoder": "int8"}
    assert in_the_number_types_of([round_of(one)], replace(other, seed=7)).types == {}


def test_a_round_that_is_made_anew_keeps_what_servers_were_paid_for(tmp_path):
    for name in ("seconds.json", "pool/00000.parquet", "served_answers/model/00000.answers"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    start_over(tmp_path)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["00000.answers"]
    start_over(tmp_path / "not there yet")


def test_where_this_machine_has_no_such_type_the_round_is_made_anew(monkeypatch):
    def load(recipe, budget):
        if recipe.precision == "bfloat16":
            raise ModelError("--precision bfloat16: wanted a processor with AVX512_BF16 or AMX; found none")
        return Model("float32")

    monkeypatch.setattr(number_types, "load_encoder", load)
    begun = round_of(Mining(), "bfloat16")
    found = in_the_number_types_of([begun], Mining()).encoder()
    assert found.precision == "float32"
    wanted = {"encoder": {"fingerprint": found.fingerprint}, "teacher": None}
    assert other_numbers(begun, wanted)
    assert not other_numbers(begun, begun)


def test_another_content_of_a_run_file_is_seen(tmp_path):
    sample = data.read(str(ROOT / "sample_data"))
    queries, documents = sample.queries["query_id"], sample.documents["doc_id"]
    path = tmp_path / "other.tsv"
    path.write_text("".join(f"{query}\t{documents[0]}\t0.5\n" for query in queries))
    recipe = Mining(sources=("bm25", f"run:other={path}#score"), teacher="")
    pipeline.mine(tmp_path / "run", recipe, sample, encoder=WordEncoder())
    pipeline.mine(tmp_path / "run", recipe, sample, encoder=WordEncoder())
    path.write_text(path.read_text().replace("0.5", "0.25"))
    with pytest.raises(RunError, match=r"found another content of .*other\.tsv"):
        pipeline.mine(tmp_path / "run", recipe, sample, encoder=WordEncoder())


def test_a_later_round_finds_a_run_file_from_another_directory(tmp_path, monkeypatch):
    sample = data.read(str(ROOT / "sample_data"))
    document = sample.documents["doc_id"][0]
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "other.tsv").write_text("".join(f"{q}\t{document}\t0.5\n" for q in sample.queries["query_id"]))
    monkeypatch.chdir(tmp_path / "here")
    typed = Mining(sources=("bm25", "run:other=other.tsv#score"), teacher="")
    run = pipeline.mine(tmp_path / "run", typed, sample, encoder=WordEncoder())
    # As a release wrote it that kept the path as typed: the same round, where it was typed.
    facts = json.loads((run.folder / "run.json").read_text())
    facts["rounds"][0]["recipe"]["sources"] = list(typed.sources)
    facts["rounds"][0]["run_files"] = {"other.tsv": next(iter(facts["rounds"][0]["run_files"].values()))}
    as_now = (run.folder / "run.json").read_text()
    (run.folder / "run.json").write_text(json.dumps(facts))
    assert pipeline.mine(run.folder, typed, sample, encoder=WordEncoder()).rounds == [1]
    (run.folder / "run.json").write_text(as_now)
    monkeypatch.chdir(tmp_path)
    again = pipeline.mine(run.folder, replace(run.last_recipe(), seed=7), encoder=WordEncoder())
    assert again.rounds == [1, 2]
    assert again.candidates(2)["other_rank"].notna().sum() == len(sample.queries)
