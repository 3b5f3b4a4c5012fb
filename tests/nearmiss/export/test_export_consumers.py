"""Exports read back by what they are for: `datasets`, and one training step of sentence-transformers with each loss."""

import json
from dataclasses import replace

import pytest

from nearmiss.export import EXPORT_FORMATS, Export, write
from tests.nearmiss.export.test_export import NEG, POS, PROVENANCE, QUERY, SCORE, SELECTED, TITLED, dataset_of, rows_in

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghijklmnopqrstuvwxyz", *(f"##{c}" for c in "aeinorst")]
TABLES = [
    (name, stem)
    for name, form in EXPORT_FORMATS.items()
    for stem in [table.stem for table in form.tables] + ([form.corpus.stem] if form.corpus else [])
    if stem != "corpus/train"
]


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    def exported(**choices):
        out = tmp_path_factory.mktemp("export") / "out"
        write(dataset_of(), SELECTED, out, Export(**choices), PROVENANCE)
        return out

    return exported


@pytest.fixture
def load(tmp_path):
    from datasets import load_dataset

    def loaded(*path, **choices):
        return load_dataset(*map(str, path), **choices, split="train", cache_dir=str(tmp_path / "cache"))

    return loaded


def expected(out, stem, columns):
    """The table's rows as the plain readers of test_export found them equal to the frames."""
    if (out / "train-00000.json").exists():
        content = json.loads((out / "train-00000.json").read_text())
        return content["data"] if isinstance(content, dict) else content
    rows = rows_in(out, stem)
    return [dict(zip(columns, row, strict=True)) if isinstance(row, list) else row for row in rows]


def comparable(rows, file):
    """TSV holds numbers as text; and of a JSON array `datasets` reads numbers to ten digits."""
    if file == "tsv":
        return [
            {name: value if isinstance(value, str) else f"{value:.9g}" for name, value in row.items()} for row in rows
        ]
    return json.loads(json.dumps(list(rows)), parse_float=lambda text: round(float(text), 8 if file == "array" else 20))


@pytest.mark.parametrize(("name", "stem"), TABLES)
def test_datasets_loads_every_table_from_the_folder_by_its_card(export, load, name, stem):
    file = EXPORT_FORMATS[name].file
    out = export(format=name, shard_size=None if file == "array" else 2)
    configs = [table for table in TABLES if table[0] == name]
    found = load(out, *([stem] if len(configs) > 1 else []))
    rows = expected(out, stem, found.column_names)
    if file == "tsv":
        kinds = {name: float if str(kind.dtype) == "float64" else str for name, kind in found.features.items()}
        rows = [{name: kinds[name](value) for name, value in row.items()} for row in rows]
    assert comparable(found, file) == comparable(rows, file)


def test_ids_that_look_like_numbers_stay_text_where_features_are_given(load, tmp_path):
    from datasets import Features, Value

    dataset = dataset_of()
    numbered = replace(dataset, queries=dataset.queries.replace({"query_id": {"q1": "007"}}))
    candidates = SELECTED[SELECTED.query_id.eq("q1")].replace({"query_id": {"q1": "007"}})
    write(numbered, candidates, tmp_path / "out", Export(format="trec"), PROVENANCE)
    names = ["query_id", "iteration", "doc_id", "rank", "score", "tag"]
    features = Features({name: Value("string") for name in names})
    assert set(load(tmp_path / "out", "run", features=features)["query_id"]) == {"007"}


@pytest.mark.parametrize("choices", [{"container": "parquet"}, {"compress": "gz"}, {"own_columns": True}])
def test_datasets_loads_every_container(export, load, choices):
    out = export(format="triplet", scores=True, shard_size=3, **choices)
    assert list(load(out)) == rows_in(out)


def test_nemo_finds_its_corpus_as_a_dataset_of_its_own(export, load):
    out = export(format="nemo")
    corpus = load(out / "corpus")
    assert dict(zip(corpus["id"], corpus["text"], strict=True)) == {f"d{i}": TITLED[f"d{i}"] for i in range(6)}


def test_flag_embedding_loads_its_lines_as_its_trainer_does(export, load):
    out = export(format="flag", scores=True)
    found = load("json", data_files=str(out / "train-00000.jsonl"))
    assert list(found) == rows_in(out)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A BERT of one layer with random weights, and a tokenizer of letters."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    folder = tmp_path_factory.mktemp("bert")
    (folder / "vocab.txt").write_text("\n".join(WORDS))
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=64,
        num_labels=1,
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    BertTokenizerFast(str(folder / "vocab.txt"), model_max_length=64).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def encoder(checkpoint):
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(checkpoint), device="cpu")


@pytest.fixture(scope="module")
def reranker(checkpoint):
    from sentence_transformers import CrossEncoder

    return CrossEncoder(str(checkpoint), device="cpu")


def step(model, loss):
    """One step down the gradient; true if the weights moved and stayed finite."""
    import torch

    before = [weight.detach().clone() for weight in model.parameters()]
    loss.backward()
    torch.optim.SGD(model.parameters(), lr=0.1).step()
    model.zero_grad()
    moved = any(not torch.equal(old, new) for old, new in zip(before, model.parameters(), strict=True))
    return moved and bool(torch.isfinite(loss)) and all(torch.isfinite(new).all() for new in model.parameters())


def encoder_step(model, rows, loss):
    """What SentenceTransformerTrainer does with a batch: collate, group the columns, call the loss."""
    from sentence_transformers.sentence_transformer.data_collator import SentenceTransformerDataCollator

    batch = SentenceTransformerDataCollator(preprocess_fn=model.preprocess)(list(rows))
    names = [name for name in rows.column_names if f"{name}_input_ids" in batch]
    features = [
        {key.removeprefix(f"{name}_"): value for key, value in batch.items() if key.startswith(f"{name}_")}
        for name in names
    ]
    return names, step(model, loss(features, batch.get("label")))


def reranker_step(model, rows, loss):
    """What CrossEncoderTrainer does with a batch."""
    from sentence_transformers.cross_encoder.data_collator import CrossEncoderDataCollator

    batch = CrossEncoderDataCollator(preprocess_fn=model.preprocess)(list(rows))
    labels = batch.pop("label")
    return list(batch), step(model, loss(list(batch.values()), labels))


@pytest.mark.parametrize(
    ("choices", "loss", "columns"),
    [
        ({"format": "triplet"}, "MultipleNegativesRankingLoss", ["query", "answer", "negative"]),
        ({"format": "triplet"}, "TripletLoss", ["query", "answer", "negative"]),
        ({"format": "triplet", "scores": True}, "MarginMSELoss", ["query", "answer", "negative"]),
        (
            {"format": "n-tuple", "negatives": 2},
            "MultipleNegativesRankingLoss",
            ["query", "answer", "negative_1", "negative_2"],
        ),
        (
            {"format": "n-tuple", "scores": True, "negatives": 2},
            "DistillKLDivLoss",
            ["query", "answer", "negative_1", "negative_2"],
        ),
        ({"format": "labeled-pair"}, "ContrastiveLoss", ["query", "answer"]),
        ({"format": "labeled-pair", "scores": True}, "CoSENTLoss", ["query", "answer"]),
        ({"format": "margin-mse"}, "MarginMSELoss", ["query", "positive", "negative"]),
        (
            {"format": "margin-mse-list", "negatives": 2},
            "MarginMSELoss",
            ["query", "positive", "negative_1", "negative_2"],
        ),
        ({"format": "kl", "negatives": 2}, "DistillKLDivLoss", ["query", "positive", "negative_1", "negative_2"]),
    ],
)
def test_an_encoder_takes_a_step_with_the_loss_of_the_format(export, load, encoder, choices, loss, columns):
    from sentence_transformers.sentence_transformer import losses

    rows = load(export(**choices))
    assert encoder_step(encoder, rows, getattr(losses, loss)(encoder)) == (columns, True)


@pytest.mark.parametrize(
    ("choices", "loss"),
    [
        ({"format": "labeled-pair"}, "BinaryCrossEntropyLoss"),
        ({"format": "labeled-pair", "scores": True}, "MSELoss"),
        ({"format": "labeled-list"}, "LambdaLoss"),
        ({"format": "labeled-list", "scores": True}, "ListNetLoss"),
        ({"format": "labeled-list"}, "PListMLELoss"),
    ],
)
def test_a_reranker_takes_a_step_with_the_loss_of_the_format(export, load, reranker, choices, loss):
    from sentence_transformers.cross_encoder import losses

    rows = load(export(**choices))
    assert reranker_step(reranker, rows, getattr(losses, loss)(reranker)) == (["query", "answer"], True)


def test_the_three_tables_of_pylate_resolve_to_texts(export, load):
    from sentence_transformers.util import resolve_ids

    out = export(format="pylate")
    train, queries, documents = (load(out, stem) for stem in ("train", "queries", "documents"))
    resolved = resolve_ids({"query_id": queries, "document_ids": documents}, output_format="lists")
    assert list(train.with_transform(resolved)) == [
        {
            "query": QUERY[q],
            "documents": [TITLED[d] for d in [p, *NEG[q]]],
            "scores": [SCORE[q, d] for d in [p, *NEG[q]]],
        }
        for q in POS
        for p in POS[q]
    ]
