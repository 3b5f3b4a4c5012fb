// What a person can do in the deck, and the key for each.

/** @typedef {[name: string, key: string, words: string]} Action */

/** @type {Action[]} */
export const ACTIONS = [
  ["relevant", "1", "Relevant: an answer that nobody labelled"],
  ["partial", "2", "Partly an answer"],
  ["not_relevant", "3", "Not relevant: a true hard negative"],
  ["unsure", "4", "Cannot tell"],
  ["duplicate_of_positive", "d", "Reason: copy of the positive"],
  ["bad_query", "b", "Reason: bad query"],
  ["wrong_positive", "w", "Reason: wrong positive"],
  ["too_easy", "e", "Reason: too easy"],
  ["later", "l", "Later: put it at the end"],
  ["next", "j", "Skip to the next card"],
  ["previous", "k", "Back to the card before"],
  ["undo", "z", "Undo"],
  ["redo", "y", "Redo"],
  ["history", "h", "Your last judgements, with undo for each"],
  ["comment", "m", "Comment"],
  ["changes", "x", "Show what differs from the positive"],
  ["copies", "p", "Same verdict for the copies of the last one"],
  ["guidelines", "g", "Guidelines: what each verdict means"],
  ["help", "?", "Show the keys"],
];
export const VERDICTS = ["relevant", "partial", "not_relevant", "unsure"];
/** @type {Record<string, string>} */
export const REASONS = {
  duplicate_of_positive: "copy of the positive",
  bad_query: "bad query",
  wrong_positive: "wrong positive",
  too_easy: "too easy",
};
/** @type {Record<string, string>} */
export const TAKEN = { c: "Streamlit clears its cache with it", r: "Streamlit runs the page again with it" };

/**
 * The key of an action, as this person chose it.
 * @param {Record<string, string>} chosen action to key
 * @param {string} action
 */
export function key_of(chosen, action) {
  return chosen[action] || words_of(action)[1];
}

/**
 * The action that a key stands for; undefined for none.
 * @param {Record<string, string>} chosen
 * @param {string} key as the browser names it
 */
export function action_of(chosen, key) {
  return ACTIONS.find(([name]) => key_of(chosen, name) === key.toLowerCase())?.[0];
}

/** @param {string} action @returns {Action} */
export function words_of(action) {
  return ACTIONS.find(([name]) => name === action);
}

/**
 * Why a key cannot be given to an action; "" where it can.
 * @param {Record<string, string>} chosen
 * @param {string} action
 * @param {string} key
 */
export function refusal(chosen, action, key) {
  const owner = ACTIONS.find(([name]) => name !== action && key_of(chosen, name) === key);
  if (!key) return "Wanted one key.";
  if (TAKEN[key]) return `${key} is taken: ${TAKEN[key]}.`;
  return owner ? `${key} is taken: ${owner[2]}.` : "";
}
