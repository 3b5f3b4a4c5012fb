"""Small live models of sentence-transformers, made in memory: texts that share words lie close."""

import numpy as np
import torch
from datasets import Dataset
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

PAIRS = {
    "query": ["what do bees eat", "where do whales sleep", "how do cats purr", "why do leaves fall", "who built rome"],
    "answer": [
        "bees live on nectar and pollen",
        "whales rest near the surface of the sea",
        "cats move a muscle in the throat and purr",
        "leaves fall when days grow short",
        "romulus built rome says the legend",
    ],
}
CORPUS = [
    "bees build combs of wax",
    "whales sing in the deep sea",
    "cats sleep most of the day",
    "leaves are green in spring",
    "rome lies on the river tiber",
    "bees and cats and leaves",
    "the sea is deep and cold",
    "what whales eat is krill",
]
PROMPTS = {"query": "find : ", "document": "text : "}


def dataset(**columns):
    return Dataset.from_dict(PAIRS | columns)


def encoder(similarity="cosine", prompts=None, salt=0):
    """A SentenceTransformer that averages random vectors of words."""
    words = sorted({word for text in [*PAIRS["query"], *PAIRS["answer"], *CORPUS] for word in text.split()})
    vocabulary = {word: number for number, word in enumerate(["<unk>", "find", "text", ":", *words])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizers.Lowercase(), pre_tokenizers.Whitespace()
    weights = np.random.default_rng(salt).normal(size=(len(vocabulary), 24)).astype(np.float32)
    model = SentenceTransformer(
        modules=[StaticEmbedding(tokenizer, embedding_weights=weights)], prompts=prompts, device="cpu"
    )
    model.similarity_fn_name = similarity
    return model


class CrossEncoder:
    """Scores a pair by the share of the query's words that the document holds; counts what it is asked."""

    def __init__(self):
        self.asked = []

    def predict(self, pairs, batch_size=32, convert_to_tensor=False, pool=None, show_progress_bar=None):
        self.asked += [tuple(pair) for pair in pairs]
        scores = torch.tensor([self.score(*pair) for pair in pairs], dtype=torch.float32)
        return scores if convert_to_tensor else scores.numpy()

    def score(self, query, document):
        wanted, found = set(query.split()), set(document.split())
        # A share of the length, so that hardly any two scores are equal.
        return len(wanted & found) / len(wanted) - len(document) / 1000
