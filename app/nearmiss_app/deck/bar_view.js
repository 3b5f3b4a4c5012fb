// What stays in its place: the line above the card, and the bar below it with the verdicts and what became of the last.

import { REASONS, VERDICTS, words_of } from "./actions.js";
import { capital, duration, fixed, h, number, plural } from "./elements.js";
import { pair_of } from "./ledger.js";

/** A button for an action, with its key on it. */
export function button(deck, action, words, title = "") {
  const key = deck.key_of(action);
  const made = h("button", { type: "button", "data-action": action, title: title || words_of(action)[2], "aria-keyshortcuts": key },
    h("span", {}, words), h("kbd", { "aria-hidden": "true" }, key));
  made.onclick = () => {
    deck.act(action);
    deck.root.querySelector(`[data-action="${action}"]`)?.focus();
  };
  return made;
}

/** How far one is, and the ways back. */
export function header(deck) {
  const words = progress_words(deck.data.progress, deck.pending(), deck.place());
  return h("div", { class: "header" },
    h("span", { class: "progress", title: words }, words),
    h("span", { class: "state" }),
    button(deck, "undo", "Undo"), button(deck, "redo", "Redo"), button(deck, "history", "History"),
    button(deck, "guidelines", "Guidelines"), button(deck, "help", "Keys"));
}

/**
 * The line above the card.
 * @param {{left: number, shown: number | null, mine: number, per_minute: number | null, expected_answers: number, stretch: number, words: string}} progress
 * @param {number} pending own verdicts that the server has not counted yet
 * @param {number} place of the card among those shown, from 1
 */
export function progress_words(progress, pending, place) {
  const left = Math.max(0, progress.left - pending);
  const words = [progress.shown === null ? `${number(left)} to go` : `card ${number(Math.min(place, progress.shown))} of ${number(progress.shown)}`];
  words.push(`${number(progress.mine + pending)} judged by you`);
  if (progress.per_minute && left && progress.shown === null) words.push(`about ${duration(left / progress.per_minute)} left`);
  else if (progress.per_minute) words.push(`${progress.per_minute.toFixed(1)} a minute`);
  const next = Math.min(left, progress.stretch);
  if (progress.words) words.push(progress.words);
  else if (next && progress.shown === null) words.push(`the next ${next} hold about ${progress.expected_answers < 10 ? progress.expected_answers.toFixed(1) : Math.round(progress.expected_answers)} answers`);
  return words.join(" · ");
}

/** The verdicts, always in the same place, and beside them what became of the last one. */
export function bar(deck, card) {
  const own = card ? deck.verdict_on(card) : null;
  const verdicts = VERDICTS.map((verdict) => {
    const look = deck.data.looks.verdict[verdict];
    const made = button(deck, verdict, `${look.sign} ${capital(look.word)}`, look.says);
    made.style.setProperty("--own", deck.data.dark ? look.dark : look.light);
    made.setAttribute("aria-pressed", String(own === verdict));
    made.disabled = !card;
    return made;
  });
  const differences = button(deck, "changes", deck.showing.changes ? "Plain text" : "Differences");
  differences.disabled = !card || !card.changes.length;
  if (card && !card.changes.length) differences.title = "The texts are too different: nearly every word would be marked";
  const later = button(deck, "later", "Later");
  later.disabled = !card;
  return h("div", { class: "bar" },
    h("div", { class: "verdicts", role: "group", "aria-label": "Verdict" }, ...verdicts, h("span", { class: "gap" }), later, differences),
    feedback(deck, card));
}

/** What became of the last key. */
export function feedback_words(deck, card) {
  const about = deck.reasoned(card);
  const words = [deck.note, about ? `${about.card === card ? "This one" : "Last one"}: ${deck.data.looks.verdict[about.verdict].word}.` : "", about ? revealed(deck, about.card) : ""];
  return words.filter(Boolean).join(" ") || "Press a button, or its key.";
}

function feedback(deck, card) {
  const about = deck.reasoned(card);
  const reasons = Object.entries(REASONS).map(([reason, words]) => {
    const made = button(deck, reason, capital(words));
    made.disabled = !about;
    return made;
  });
  const copies = about ? about.card.copies.length : 0;
  const text = feedback_words(deck, card);
  return h("div", { class: "after" },
    h("span", { class: "note", title: text }, text),
    h("span", { class: "label why" }, "Why?"), ...reasons,
    copies ? button(deck, "copies", `${plural(copies, "copy", "copies")}: same verdict?`) : null);
}

/** What a verdict uncovered: the others' verdicts, what models said, and the numbers in a blind review or of a random draw. */
function revealed(deck, card) {
  const shown = deck.queue.seen.get(pair_of(card)) || card;
  const others = shown.others.map(({ reviewer, verdict }) => `${reviewer}: ${deck.data.looks.verdict[verdict].word}`);
  const parts = others.length ? [`Others: ${others.join(", ")}.`] : [];
  for (const { reviewer, verdict, reason } of shown.models) parts.push(`${reviewer}: ${[deck.data.looks.verdict[verdict].word, reason].filter(Boolean).join(". ")}`);
  if ((deck.data.blind || (shown.arm || card.arm || "").startsWith("audit:")) && shown.numbers) {
    const scores = Object.entries(shown.numbers.scores).filter(([, score]) => score !== null)
      .map(([source, score]) => `${deck.data.sources[source] || source} ${fixed(score)}`);
    const status = shown.status ? [deck.data.looks.status[shown.status].word] : [];
    parts.push(`Was hidden: ${[...status, ...scores].join(", ")}.`);
  }
  return parts.join(" ");
}

/** A deed in words: "relevant, copy of the positive, and 2 copies". */
export function deed_words(deck, one) {
  const look = deck.data.looks.verdict[one.verdict];
  const words = look ? look.word : one.verdict === "later" ? "put off" : `comment “${one.comment}”`;
  return [words, REASONS[one.reason], one.propagated ? `and ${plural(one.propagated, "copy", "copies")}` : ""].filter(Boolean).join(", ");
}
