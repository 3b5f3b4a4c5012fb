// The query, its labelled answers and the candidate, with the comments on it.

import { compared, drawn, fixed, h, sign } from "./elements.js";
import { pair_of } from "./ledger.js";

/** Query above, answers and candidate side by side; long texts scroll inside. */
export function card_view(deck, card, query) {
  return h("div", { class: "body" },
    h("section", { "aria-label": "Query", class: "asked" },
      h("h2", { class: "query", dir: "auto", tabindex: 0, "data-scroll": "query" }, ...drawn(query.pieces)), beside(deck, card)),
    h("div", { class: "sides" }, positives(deck, query), candidate(deck, card, query)));
}

/** The ways to the query's own page and to the map; ranks and statuses stand there, so not while they are hidden. */
function beside(deck, card) {
  if (!card.numbers) return null;
  const address = new URLSearchParams({ query: card.query_id, doc: card.doc_id, reviewer: deck.data.reviewer });
  return h("span", { class: "label ways" }, h("a", { href: `query?${address}` }, "See it in all rankings"), " · ", h("a", { href: `map?${address}` }, "On the map"));
}

function positives(deck, query) {
  const shown = query.positives.map((positive) =>
    h("div", {},
      positive.title ? h("h3", { dir: "auto" }, positive.title) : null,
      positive.numbers ? numbers(deck, positive.numbers, query) : null,
      h("div", { class: "text", dir: "auto" }, ...drawn(positive.pieces))));
  const more = query.more_positives ? h("p", { class: "label" }, `and ${query.more_positives} more`) : null;
  return h("section", { class: "positive", "aria-label": "Labelled answer", tabindex: 0, "data-scroll": "positive" },
    h("div", { class: "label" }, sign(deck.data.looks, deck.data.dark, "status", "known_positive"), " Labelled answer"), ...shown, more);
}

function candidate(deck, card, query) {
  const differs = deck.showing.changes && card.changes.length;
  const text = differs ? compared(card.changes) : drawn(card.pieces);
  const worded = (kind, name) => sign(deck.data.looks, deck.data.dark, kind, name, true);
  const own = deck.verdict_on(card);
  return h("section", { class: "candidate", "aria-label": "Candidate" },
    h("div", { class: "label" }, h("b", {}, "Candidate"),
      card.status ? h("span", { class: "chips" }, worded("status", card.status)) : null,
      own ? h("span", { class: "chips" }, "you: ", worded("verdict", own)) : null,
      own && card.others.length ? h("span", { class: "chips" }, ...card.others.flatMap((one) => [`${one.reviewer}: `, worded("verdict", one.verdict)])) : null),
    card.title ? h("h3", { dir: "auto" }, card.title) : null,
    card.numbers ? numbers(deck, card.numbers, query) : h("div", { class: "numbers" }, "Scores, ranks and status are hidden until you judge."),
    own && card.models.length ? models(deck, card) : null,
    card.why ? h("div", { class: "numbers why", title: card.why }, `Shown because: ${card.why}`) : null,
    h("div", { class: "text", tabindex: 0, dir: "auto", "data-scroll": "candidate" }, ...text),
    comments(deck, card));
}

/** What models said of it, each with its reason. */
function models(deck, card) {
  const said = card.models.map(({ reviewer, verdict, reason }) =>
    h("p", {}, h("b", {}, reviewer), ": ", sign(deck.data.looks, deck.data.dark, "verdict", verdict, true), reason ? `. ${reason}` : ""));
  return h("div", { class: "models", "data-scroll": "models", tabindex: 0, role: "group", "aria-label": "What models said" }, ...said);
}

/** Scores and ranks of a candidate; a source that did not find it says so. */
function numbers(deck, told, query) {
  const word = (source) => deck.data.sources[source] || source;
  const depth = new Map(query.rankings.map(({ name, rows }) => [name, rows.length]));
  const parts = Object.entries(told.scores).map(([source, score]) => {
    const rank = told.ranks[source];
    if (score === null && !rank) return h("span", { class: "absent" }, depth.has(source) ? `${word(source)}: not among its first ${depth.get(source)}` : `${word(source)}: not found`);
    return h("span", {}, `${word(source)} ${score === null ? "" : fixed(score)}${rank ? ` (#${rank})` : source in told.ranks ? " (not found)" : ""}`);
  });
  const gap = told.margin;
  const beside = gap === null || gap === 0 ? "" : gap > 0 ? `${fixed(gap)} below the answer` : `${fixed(-gap)} above the answer`;
  return h("div", { class: "numbers" }, ...parts, told.ranks.fused ? h("span", {}, `${word("fused")} #${told.ranks.fused}`) : null,
    told.p_relevant === null ? null : h("span", {}, `p_relevant ${fixed(told.p_relevant)}`), beside ? h("span", { class: gap < 0 ? "above" : "" }, beside) : null);
}

/** The comments on this card, and a line to write one. What is typed here stays with this card. */
function comments(deck, card) {
  const name = pair_of(card);
  const draft = deck.drafts.get(name) || { text: "", replaces: null };
  const box = h("textarea", { rows: 1, placeholder: `Comment (${deck.key_of("comment")}), Enter saves`, "aria-label": "Comment on this candidate" });
  box.value = draft.text;
  box.oninput = () => deck.drafts.set(name, { ...draft, text: box.value });
  box.onkeydown = (event) => {
    if (event.isComposing) return;
    if (event.key === "Escape") box.blur();
    if (event.key !== "Enter" || event.shiftKey) return;
    event.preventDefault();
    box.blur();
    deck.say(card);
    deck.draw();
  };
  const written = deck.ledger.comments(card, deck.data.reviewer).map((one) => {
    const line = h("p", {}, h("b", {}, one.reviewer), " ", h("span", { dir: "auto" }, one.text));
    if (one.own) line.append(" ", small("Edit", () => deck.edit(card, one)), small("Delete", () => deck.remove(card, one)));
    return line;
  });
  return h("div", { class: "comments" }, h("div", { class: "written", "data-scroll": "comments", tabindex: written.length ? 0 : -1 }, ...written), box);
}

function small(words, act) {
  const button = h("button", { type: "button", class: "small" }, words);
  button.onclick = act;
  return button;
}
