// The left side: the labelled answers, the document in focus with its ranks, and a button for each verdict.

import { VERDICTS } from "../deck/actions.js";
import { capital, compared, drawn, fixed, h } from "../deck/elements.js";
import { rank_words } from "./places.js";

/** The labelled answers with their ranks; the first of them where there are many. */
export function answers_of(page) {
  const shown = page.data.answers.map((answer) => {
    const place = page.view.documents.findIndex((item) => item.doc_id === answer.doc_id);
    return h("article", {}, answer.title ? h("h3", { dir: "auto" }, answer.title) : null, ranks_of(page, place), h("div", { class: "text", dir: "auto" }, ...drawn(answer.pieces)));
  });
  const more = page.data.more_answers ? [h("p", { class: "label" }, `and ${page.data.more_answers} more`)] : [];
  return [h("div", { class: "label" }, page.sign("status", "known_positive"), " Labelled answer"), ...shown, ...more];
}

/** Where each ranking puts a document. @param {number} place */
export function ranks_of(page, place) {
  const ranks = page.view.rankings.map((ranking) =>
    h("span", { class: ranking.places.includes(place) ? "" : "absent" }, `${page.word(ranking.name)} ${rank_words(ranking, place, fixed)}`));
  return h("div", { class: "numbers" }, ...ranks);
}

/** The text of the document in focus; its first words until the server sent the rest. */
export function text_of(page, item) {
  const text = page.texts.get(item.doc_id);
  if (!text) return h("div", { class: "text", dir: "auto", tabindex: 0 }, item.first_words);
  const pieces = page.showing_changes && text.changes.length ? compared(text.changes) : drawn(text.pieces);
  return h("div", { class: "text", dir: "auto", tabindex: 0 }, ...pieces);
}

/** What the document in focus is, its status and the reader's verdict, and where each ranking puts it. */
export function heading_of(page, item) {
  const own = page.verdict_of(page.at);
  return [
    h("div", { class: "label" }, page.sign("status", page.status_of(page.at), true), own ? h("span", {}, "you: ", page.sign("verdict", own, true)) : null),
    h("h3", { dir: "auto" }, item.title || item.doc_id), ranks_of(page, page.at)];
}

/** A button for each verdict, undo and differences; the verdict that the document in focus has is pressed. */
export function verdict_buttons(page) {
  const answer = page.view.documents[page.at].is_positive && !page.chosen.size;
  const own = page.chosen.size ? "" : page.verdict_of(page.at);
  const verdicts = VERDICTS.map((verdict, number) => {
    const look = page.data.looks.verdict[verdict];
    const button = key_button(page, verdict, `${look.sign} ${capital(look.word)}`, String(number + 1), { title: look.says, "data-verdict": verdict, "aria-pressed": own === verdict ? "true" : "false" });
    button.style.setProperty("--own", page.colour_of("verdict", verdict));
    button.disabled = answer || !page.data.can_judge;
    return button;
  });
  const undo = key_button(page, "undo", "Undo", "z", { "data-action": "undo" });
  const differs = key_button(page, "compare", "Differences", "x", { "aria-pressed": page.showing_changes ? "true" : "false", title: "What differs from the labelled answer" });
  return h("div", { class: "buttons", role: "group", "aria-label": "Verdict" }, ...verdicts, undo, differs);
}

/**
 * A button that does what a key does.
 * @param {string} action @param {string} words @param {string} key @param {Record<string, string>} more attributes
 */
export function key_button(page, action, words, key, more) {
  const button = h("button", { type: "button", "aria-keyshortcuts": key, ...more }, words, h("kbd", { "aria-hidden": "true" }, key));
  button.onclick = () => page.act(action);
  return button;
}
