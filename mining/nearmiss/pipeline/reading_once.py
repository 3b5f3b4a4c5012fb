"""
Reading once: documents whose tokens late interaction compares, and whose vector is the mean of those tokens.

In:  a round's encoder and teacher
Out: the teacher with a place for token vectors; how documents are then embedded, and what their vectors are known by
"""

from nearmiss.models.late_interaction import LateInteraction
from nearmiss.models.teacher import Teacher
from nearmiss.pipeline.round import Round
from nearmiss.retrieval.vector_store import Encode

TOKENS = "document_tokens"


def with_tokens_kept(this: Round) -> Teacher | None:
    """The teacher; where it reads every token that the encoder would read, with a folder to keep them in."""
    teacher, megabytes = this.teacher, this.recipe.token_disk
    if isinstance(teacher, LateInteraction) and megabytes and teacher.gives_vectors_of(this.encoder):
        return teacher.keeping(this.folder / TOKENS, megabytes)
    return teacher


def document_encoder(this: Round) -> tuple[Encode, str]:
    """What makes the vectors of documents, and the fingerprint of its numbers."""
    teacher = this.teacher
    if isinstance(teacher, LateInteraction) and teacher.texts.store is not None:
        # Its last digits are not those of texts that are read in batches.
        return teacher.encode_document, f"{this.encoder.fingerprint} by token"
    return this.encoder.encode_document, this.encoder.fingerprint
