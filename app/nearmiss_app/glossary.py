"""What the words on the pages mean: the table of the manual and of the sidebar."""

from html import escape

WORDS = {
    "adjudicator": "the person whose verdict counts where reviewers differ",
    "agreement": "how often reviewers give the same verdict, beyond chance where a coefficient says so",
    "alpha, AC1, kappa": "coefficients of agreement: 1 is always the same verdict, 0 is no better than luck",
    "anchor": "which of a query's several answers the margins start from",
    "arm": "how a pair came to be judged: by the queue, by an audit's draw, or chosen on Query, Map or Pairs",
    "audit": "a random sample that is judged to measure what is left; its chances are written down beforehand",
    "AUC": "how often an answer is put above a negative: 0.5 is luck, 1 is always",
    "band": "the 95% interval around a line",
    "batch": "many pairs given one verdict by one press; one undo takes back all",
    "blind": "judging with scores, ranks and statuses hidden until the verdict is given",
    "calibration": "how the scores are turned into the chance that a candidate is an answer",
    "candidate": "a document that some source found for a query",
    "ceiling": "the score above which a candidate is refused as a probable answer",
    "certificate": "the statement that the share of answers among the kept is at most a rate, with a stated confidence",
    "chance, `p_relevant`": "how likely a candidate is an unlabelled answer, from 0 to 1",
    "combined": "the ranking that joins those of all sources",
    "confidence": "how often such a statement holds, over many audits",
    "cosine": "how alike two texts are to the encoder: 1 is the same direction, 0 unrelated",
    "density": "shades on the map where documents crowd",
    "disagreement": "a pair on which reviewers differ and nobody has decided",
    "draw": "a pair that an audit picked at random",
    "duplicate, copy": "the same text as an answer, one within the other, or nearly the same",
    "encoder": "the model that turns texts into vectors",
    "estimated": "computed from the chances, without a person's verdict",
    "false negative": "a kept negative that does answer the query",
    "floor": "the score below which a candidate is refused as too easy",
    "format": "the files that a training library reads",
    "funnel": "how many candidates each rule refuses, in order",
    "good negatives lost": "refused candidates that are no answers",
    "gradient, share of the gradient": "how hard training pushes a negative away, as a share of all kept ones",
    "group": "passages that come from one document, by `group_id`",
    "guidelines": "what a project means by each verdict; the log knows who had read which version",
    "judge": "a language model that was asked for verdicts; it counts for no person",
    "kept": "chosen as a hard negative",
    "labelled": "said by the data, not by a reviewer",
    "list": "the documents drawn around or found on the map",
    "margin": "the gap that must be left below the answer's score",
    "measured": "computed from verdicts on random draws, with an interval",
    "nearest by cosine": "the documents most alike in truth, wherever the map put them",
    "not needed": "refused by no rule; others were preferred",
    "nDCG@10": "how high the answers stand among the first ten documents that are found: 1 is as high as can be",
    "odds": "a chance divided by what is missing to 1: 20% is 1 to 4",
    "pair": "a query and one of its candidates",
    "policy": "the thresholds and quotas in force",
    "positive, labelled answer": "a document that the data or a reviewer says answers the query",
    "priority, what matters most": "the order of Review: likely answers, harmful in training, with many copies",
    "rank": "the place a source gives a document, 1 is best",
    "recipe": "everything that decided what was mined: sources, models, depths",
    "repeat": "a pair shown to its reviewer again, unannounced, to see whether they agree with themselves",
    "round": "one mining of the data, with one encoder",
    "row": "one line of a table, or one training example of an export",
    "score": "a number that rises with likeness; the teacher's decides where there is one",
    "short query": "a query with fewer negatives than wanted",
    "source": "who found a candidate: BM25, dense, sparse or a run file",
    "status": "`kept`, or the rule that refused a candidate",
    "student": "a small model trained on what a policy would export, to see what the export is worth",
    "teacher": "the model whose scores decide: a cross-encoder, late interaction, or the encoder's own cosine",
    "temperature": "what the training loss divides cosines by: the lower, the more the hardest negatives count",
    "topic": "documents that lie close together on the map, named by the words that mark them",
    "trial": "students of several policies, tested on queries that they never saw",
    "verdict": "a reviewer's judgement: relevant, partly, not relevant, cannot tell",
}


def as_html() -> str:
    """The words as a list to read in a narrow column."""
    entries = "".join(f"<dt><b>{_plain(word)}</b></dt><dd>{_plain(meaning)}</dd>" for word, meaning in WORDS.items())
    # The region is a box around the list: with a role of its own a list is none to a reader of screens.
    words = f"<dl style='margin:0;font-size:0.875rem'>{entries}</dl>"
    return f"<div tabindex='0' role='region' aria-label='Words'>{words}</div>"


def _plain(text: str) -> str:
    return escape(text.replace("`", ""))
