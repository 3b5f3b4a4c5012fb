// Where documents stand in the rankings of a query, and which of them a key leads to. A document is a place: its number
// among the view's documents. Works without a page.

/**
 * @typedef {Object} Item a document of the query
 * @property {string} doc_id
 * @property {string} title
 * @property {string} first_words
 * @property {string} status
 * @property {"above" | "below" | "between"} side of the limits
 * @property {string} verdict of the reader; "" for none
 * @property {boolean} is_positive
 */
/**
 * @typedef {Object} Ranking
 * @property {string} name
 * @property {number[]} places best first
 * @property {number[]} ranks 1 is best
 * @property {(number | null)[]} scores null where the ranking has ranks only
 * @property {number} found documents in the whole ranking
 * @property {number | null} ceiling on this ranking's own score
 * @property {number | null} ceiling_after listed rows that lie above it
 * @property {number | null} floor
 * @property {number | null} floor_after
 */
/**
 * @typedef {Object} QueryView
 * @property {string} query_id
 * @property {string} text
 * @property {Item[]} documents
 * @property {Ranking[]} rankings
 * @property {number} kept
 * @property {string} decides the ranking whose score the margins bound
 */

const READ_AHEAD = 8; // texts that are asked for at once, from the document in focus on

/** The document of the address, else the best kept one of the list that decides, else its first row. @param {QueryView} view */
export function first_place(view, doc_id = "") {
  const asked = view.documents.findIndex((item) => item.doc_id === doc_id);
  if (asked >= 0) return asked;
  const { places } = view.rankings.find(({ name }) => name === view.decides) ?? view.rankings[0];
  return places.find((place) => view.documents[place].status === "kept") ?? places[0];
}

/**
 * The document `step` rows further in a list; its first where the list lacks the document.
 * @param {QueryView} view @param {number} place @param {number} number of the list @param {number} step
 */
export function further(view, place, number, step) {
  const { places } = view.rankings[number];
  const at = places.indexOf(place);
  return places[within(at < 0 ? 0 : at + step, places.length)];
}

/**
 * The same document in a list beside, or else what stands there at its height.
 * @param {QueryView} view @param {number} place @param {number} number of the list @param {number} step lists to the right
 * @returns {[place: number, number: number]}
 */
export function beside(view, place, number, step) {
  const to = within(number + step, view.rankings.length);
  const { places } = view.rankings[to];
  if (places.includes(place)) return [place, to];
  return [places[within(view.rankings[number].places.indexOf(place), places.length)], to];
}

/** The candidates of a list between two of its documents, both included. @param {QueryView} view @param {number} number */
export function candidates_between(view, number, one, other) {
  const { places } = view.rankings[number];
  const [from, to] = [places.indexOf(one), places.indexOf(other)].sort((a, b) => a - b);
  return places.slice(Math.max(0, from), to + 1).filter((place) => !view.documents[place].is_positive);
}

/** The document in focus and those that come next in its list: their texts are wanted. @param {QueryView} view */
export function soon_read(view, number, place) {
  const { places } = view.rankings[number];
  const at = places.indexOf(place);
  return [...new Set([place, ...places.slice(Math.max(0, at), at + READ_AHEAD)])].map((one) => view.documents[one].doc_id);
}

/** Where a ranking puts a document, in words. @param {Ranking} ranking @param {(value: number) => string} spelled */
export function rank_words(ranking, place, spelled) {
  const at = ranking.places.indexOf(place);
  if (at < 0) return `not among the first ${ranking.places.length}`;
  const score = ranking.scores[at];
  return `#${ranking.ranks[at]}${score === null ? "" : ` (${spelled(score)})`}`;
}

/** What is drawn over the rest: answers over kept documents, those over all others. @param {string} status */
export function weight_of(status) {
  return status === "known_positive" ? 2 : status === "kept" ? 1 : 0;
}

function within(place, length) {
  return Math.max(0, Math.min(length - 1, place));
}
