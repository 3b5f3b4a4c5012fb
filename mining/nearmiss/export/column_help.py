"""
Descriptions of each format's columns, in their order; `card.md` prints them.
"""

QUERY = {"query": "the query's text"}
IDS = {"query_id": "the query's id"}
_SCORES = {"scores": "the teacher's scores: positive, then negatives; only if asked for"}
_NEGATIVES = {"negative_1 ... negative_n": "the hard negatives, in the order of their slots"}
_CONTEXTS = "passages as {title, text, score, title_score, passage_id}; score is the teacher's"

TRIPLET = QUERY | {"answer": "a positive", "negative": "a hard negative"} | _SCORES
N_TUPLE = QUERY | {"answer": "a positive"} | _NEGATIVES | _SCORES
MARGIN_MSE = QUERY | {
    "positive": "a positive",
    "negative": "a hard negative",
    "label": "the teacher's score of the positive less that of the negative",
}
SCORE_LIST = (
    QUERY | {"positive": "a positive"} | _NEGATIVES | {"label": "the teacher's scores: positive, then negatives"}
)
FLAG = QUERY | {
    "pos": "positives",
    "neg": "hard negatives, in the order of their slots",
    "pos_scores": "the teacher's scores of pos; only if asked for",
    "neg_scores": "the teacher's scores of neg; only if asked for",
    "prompt": "instruction for the query; only if given",
    "type": "always `normal`",
}
TEVATRON = (IDS | QUERY) | {
    "positive_passages": "passages as {docid, title, text}, with the teacher's `score` if asked for",
    "negative_passages": "the same, hard negatives in the order of their slots",
}
TEVATRON_IDS = IDS | {
    "query_text": "the query's text",
    "query_image": "always null",
    "positive_document_ids": "docids of the positives",
    "negative_document_ids": "docids of the hard negatives, in the order of their slots",
}
DPR = {
    "question": "the query's text",
    "answers": "your own column `answers`, or empty",
    "positive_ctxs": _CONTEXTS,
    "negative_ctxs": "always empty",
    "hard_negative_ctxs": _CONTEXTS,
}
PYLATE = IDS | {
    "document_ids": "one positive, then the hard negatives in the order of their slots",
    "scores": "the teacher's score of each of document_ids",
}
NEMO = {
    "question_id": "the query's id",
    "question": "the query's text",
    "corpus_id": "the corpus, as in corpus/merlin_metadata.json",
    "pos_doc": "positives as {id, score}; score is the teacher's",
    "neg_doc": "hard negatives as {id, score}, in the order of their slots",
}
ROCKETQA_CE = QUERY | {"title": "`-` where there is none", "passage": "a passage's text", "label": "1 or 0"}
ROCKETQA_DE = QUERY | {
    "positive_title": "`-` where there is none",
    "positive": "a positive's text",
    "negative_title": "`-` where there is none",
    "negative": "a hard negative's text",
    "label": "always 0",
}
LABELED_PAIR = QUERY | {"answer": "a passage", "label": "1 or 0; with scores, `score` (the teacher's) in its place"}
LABELED_LIST = QUERY | {
    "answer": "a positive, then the hard negatives",
    "labels": "1 or 0 for each; with scores, `scores` (the teacher's) in their place",
}
_MESSAGE = "a conversation of one message, {role, content}"
SWIFT = {
    "messages": "the query, after the instruction as a system message if one is given",
    "positive_messages": f"one positive, {_MESSAGE}",
    "negative_messages": f"the hard negatives in the order of their slots, each {_MESSAGE}",
}
SWIFT_RERANKER = SWIFT | {"positive_messages": f"the positives, each {_MESSAGE}"}
ARCTIC = IDS | {
    "doc_id": "a document's id",
    "QUERY_ID": "the query's number, 64 bits of its id",
    "DOCUMENT_ID": "the document's number, 64 bits of its id",
    "RELEVANCE": "1 for a positive, -1 for a hard negative",
}
ARCTIC_QUERY = {"QUERY_ID": "the query's number", "QUERY_TEXT": "its text"}
ARCTIC_DOCUMENT = {"DOCUMENT_ID": "the document's number", "DOCUMENT_TEXT": "its title and text"}
QRELS = IDS | {"iteration": "0", "doc_id": "a document", "grade": "a positive's grade; 0 if mined as a negative"}
RUN = IDS | {
    "iteration": "Q0",
    "doc_id": "a document",
    "rank": "1 is best, by the teacher, among these documents",
    "score": "the teacher's score",
    "tag": "always `nearmiss`",
}
TEVATRON_DOCUMENT = {"docid": "the document's id", "text": "its title and text", "image": "always null"}
PYLATE_DOCUMENT = {"document_id": "the document's id", "text": "its title and text"}
PYLATE_QUERY = IDS | {"text": "the query's text"}
NEMO_DOCUMENT = {"id": "the document's id", "text": "its title and text"}
