"""Tiny random models of the architectures that people use, made in seconds and saved as sentence-transformers does."""

from pathlib import Path

TEXT = """apple bank boil bread bridge butter castle cherry city close cook cost dog flow garden ground harbour heat how
is law library loan market milk money open plum quince river salt sea ship station stone the tree train water what when
where why wing winter query : instruct passage given a search retrieve yes no"""
SIZES = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "max_position_embeddings": 80,
}
GROUPED = SIZES | {"num_key_value_heads": 2, "head_dim": 8}


def encoder(folder: Path, architecture: str, pooling: str, prompts: dict[str, str] | None = None) -> Path:
    """A SentenceTransformer: bert, xlm-roberta, mistral or qwen3, pooled by mean, cls or lasttoken."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer

    base = _base(folder / "base", architecture, head=False)
    parts = [
        Transformer(str(base), max_seq_length=64),
        Pooling(SIZES["hidden_size"], pooling_mode=pooling),
        Normalize(),
    ]
    model = SentenceTransformer(modules=parts, prompts=prompts, device="cpu")
    model.save_pretrained(str(folder / "encoder"))
    return folder / "encoder"


def teacher(folder: Path, architecture: str, labels: int = 1) -> Path:
    """A CrossEncoder with one logit (or more): bert, xlm-roberta or qwen3."""
    from sentence_transformers import CrossEncoder

    base = _base(folder / "base", architecture, head=True, labels=labels)
    model = CrossEncoder(str(base), num_labels=labels, max_length=64, device="cpu")
    model.save_pretrained(str(folder / "teacher"))
    return folder / "teacher"


def _base(folder: Path, architecture: str, *, head: bool, labels: int = 1) -> Path:
    import torch
    import transformers

    torch.manual_seed(0)
    names = {"bert": "Bert", "xlm-roberta": "XLMRoberta", "mistral": "Mistral", "qwen3": "Qwen3"}
    sizes = GROUPED if architecture in ("mistral", "qwen3") else SIZES
    special = {"pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3}
    config = getattr(transformers, f"{names[architecture]}Config")(vocab_size=len(_vocabulary()), **sizes, **special)
    config.num_labels = labels
    build = getattr(transformers, names[architecture] + ("ForSequenceClassification" if head else "Model"))
    model = build(config).eval()
    # The usual spread of 0.02 leaves tiny models nearly blind to their input.
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim == 2:
                weight.normal_(0, 0.3)
    model.save_pretrained(folder)
    _tokenizer(left=architecture in ("mistral", "qwen3")).save_pretrained(folder)
    return folder


def _vocabulary() -> dict[str, int]:
    return {word: number for number, word in enumerate(["<pad>", "<unk>", "<s>", "</s>", *TEXT.split()])}


def _tokenizer(*, left: bool):
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.WordLevel(_vocabulary(), unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    single, pair = ("$A </s>", "$A $B </s>") if left else ("<s> $A </s>", "<s> $A </s> $B:1 </s>:1")
    tokenizer.post_processor = processors.TemplateProcessing(single, pair, [("<s>", 2), ("</s>", 3)])
    special = {"pad_token": "<pad>", "unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>"}
    side = "left" if left else "right"
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, padding_side=side, cls_token="<s>", sep_token="</s>", **special
    )
