"""
Past one machine, by arithmetic: what each stage of mining costs at a size that nobody ran here.

    python -m tests.benchmarks.scale [--documents 1e9] [--queries 1e6]

Nothing is measured by this: it multiplies what `tests.benchmarks.stages` measured, and the operations of a
transformer's layers by a share of a device's rate that is supposed, not measured. The tables are those of
`mining/SCALE.md`.
"""

import argparse
from dataclasses import dataclass

RATE = 989e12  # an H200's dense bfloat16 operations a second, by its maker
DOCUMENT_TOKENS, PAIR_TOKENS, CANDIDATES = 128, 256, 150
# By `python -m tests.benchmarks.stages`: bytes of memory and of disk, CPU seconds.
DOCUMENT_MEMORY, DOCUMENT_DISK, DOCUMENT_SECONDS = 0.9e3, 0.4e3, 0.24e-3
QUERY_MEMORY, QUERY_SECONDS = 46e3 / 200 * CANDIDATES, 4.0e-3
SEARCH_SHARE = 0.3  # of the device's rate, in products of large blocks with a running top k


@dataclass(frozen=True)
class Size:
    """A transformer: parameters of its layers (without embeddings), numbers of a vector, share of the device's rate."""

    name: str
    layers: float
    dimensions: int
    share: float

    def hours(self, texts: float, tokens: int) -> float:
        """Device hours to read so many texts: two operations for each parameter and token."""
        return texts * tokens * 2 * self.layers / (self.share * RATE) / 3600

    def search_hours(self, documents: float, queries: float) -> float:
        """Device hours of every product of a query and a document."""
        return 2 * documents * queries * self.dimensions / (SEARCH_SHARE * RATE) / 3600


SIZES = (
    Size("MiniLM, 6 layers", 10.6e6, 384, 0.2),
    Size("base, 12 layers", 85e6, 768, 0.4),
    Size("0.6B, 28 layers", 440e6, 1024, 0.4),
)


def models(documents: float, queries: float) -> list[tuple[str, ...]]:
    """The rows that depend on the model: vectors, exact search, a teacher of that size on all and on 30 a query."""
    found = []
    for size in SIZES:
        pairs = [size.hours(queries * depth, PAIR_TOKENS) for depth in (CANDIDATES, 30)]
        hours = size.hours(documents, DOCUMENT_TOKENS), size.search_hours(documents, queries), *pairs
        disk = documents * size.dimensions * 4
        found.append((size.name, f"{disk / 1e12:,.1f} TB", *(f"{one:,.1f}" for one in hours)))
    return found


def stages(documents: float, queries: float) -> list[tuple[str, ...]]:
    """The rows that do not: memory, disk and CPU hours of documents and of candidates."""
    memory, disk = documents * DOCUMENT_MEMORY, documents * DOCUMENT_DISK
    hours = documents * DOCUMENT_SECONDS / 3600
    return [
        ("documents and BM25", f"{memory / 1e9:,.0f} GB", f"{disk / 1e9:,.0f} GB", f"{hours:,.1f}"),
        (
            "queries and candidates",
            f"{queries * QUERY_MEMORY / 1e9:,.0f} GB",
            "",
            f"{queries * QUERY_SECONDS / 3600:,.1f}",
        ),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=float, default=1e9)
    parser.add_argument("--queries", type=float, default=1e6)
    asked = parser.parse_args()
    print("| model | vectors on disk | encoding, h | exact search, h | teacher on all, h | on 30 a query, h |")
    print("|---|---|---|---|---|---|")
    for row in models(asked.documents, asked.queries):
        print("| " + " | ".join(row) + " |")
    print("\n| stage on one machine | memory | disk | CPU hours |\n|---|---|---|---|")
    for row in stages(asked.documents, asked.queries):
        print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
