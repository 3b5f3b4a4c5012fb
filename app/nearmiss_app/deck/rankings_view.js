// The candidates of the query in each ranking, around the one that is being judged.

import { fixed, h, sign } from "./elements.js";
import { pair_of } from "./ledger.js";

const AROUND = 7; // rows on each side of the card; a list that a person turns to is drawn whole

/** One list a ranking, each scrolled to the card, which is marked; null in a blind review. */
export function rankings_view(deck, card, query) {
  if (!query.rankings.length) return null;
  const verdicts = deck.ledger.verdicts();
  return h("section", { class: "rankings", "aria-label": "All candidates of this query" },
    ...query.rankings.map((ranking) => list(deck, card, query, ranking, verdicts)));
}

function list(deck, card, query, ranking, verdicts) {
  const here = ranking.rows.findIndex(([at]) => query.documents[at].doc_id === card.doc_id);
  const word = deck.data.sources[ranking.name] || ranking.name;
  const where = here < 0 ? `not among its ${ranking.rows.length}` : `#${ranking.rows[here][1]} of ${ranking.rows.length}`;
  const whole = deck.whole === `${query.query_id}\n${ranking.name}`;
  const from = whole ? 0 : Math.max(0, (here < 0 ? 0 : here) - AROUND);
  const to = whole ? ranking.rows.length : (here < 0 ? 0 : here) + AROUND + 1;
  const rows = ranking.rows.slice(from, to).map((row) => line(deck, card, query, row, verdicts));
  const words = `${word}: this candidate is ${where}`;
  const ol = h("ol", { tabindex: 0, "aria-label": words, "data-scroll": `ranking ${ranking.name}` }, ...rows);
  const all = h("button", { type: "button", class: "small", "aria-pressed": whole, title: whole ? "Only the neighbours" : "The whole list" }, whole ? "Near" : "All");
  all.onclick = () => {
    deck.whole = whole ? "" : `${query.query_id}\n${ranking.name}`;
    deck.draw({ anew: true });
  };
  return h("div", { class: "ranking" }, h("div", { class: "label" }, h("b", {}, word), h("span", { class: "where" }, where), all), ol);
}

function line(deck, card, query, [at, rank, score], verdicts) {
  const document = query.documents[at];
  const is_here = document.doc_id === card.doc_id;
  const own = verdicts.get(pair_of({ query_id: query.query_id, doc_id: document.doc_id })) || (is_here ? deck.verdict_on(card) : document.verdict);
  const mark = (kind, name) => sign(deck.data.looks, deck.data.dark, kind, name);
  const button = h("button", { type: "button", title: document.title, class: is_here ? "here" : "", "aria-current": is_here ? "true" : "" },
    h("span", { class: "rank" }, rank), mark("status", document.status), h("span", { class: "title", dir: "auto" }, document.title),
    h("span", { class: "score" }, score === null ? "" : fixed(score)), h("span", { class: "mark" }, own ? mark("verdict", own) : ""));
  button.onclick = () => deck.open(query.query_id, document.doc_id);
  return h("li", {}, button);
}
