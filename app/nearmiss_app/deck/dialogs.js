// What opens over the card, and closes with Escape: keys, history, guidelines, copies.

import { ACTIONS, refusal } from "./actions.js";
import { deed_words } from "./bar_view.js";
import { h, plural, sign } from "./elements.js";

const TAGS = new Set(["h1", "h2", "h3", "h4", "p", "ul", "ol", "li", "strong", "em", "code", "pre", "blockquote", "table", "thead", "tbody", "tr", "th", "td", "br", "hr"]);

/** @param {string} name of the dialog that is open, "" for none @returns {HTMLElement | null} */
export function dialog(deck, name) {
  const made = { help: keys, history, guidelines, copies }[name];
  return made ? made(deck) : null;
}

function panel(deck, name, title, ...children) {
  const close = plain("Close (Esc)", () => deck.show_dialog(""));
  return h("div", { class: `panel dialog ${name}`, role: "dialog", "aria-modal": "true", "aria-label": title, tabindex: -1 },
    h("div", { class: "top" }, h("h2", {}, title), close), ...children);
}

function plain(words, act) {
  const button = h("button", { type: "button" }, words);
  button.onclick = act;
  return button;
}

function keys(deck) {
  const problem = h("p", { class: "problem", role: "alert" });
  const rows = ACTIONS.map(([action, , words]) => {
    const input = h("input", { value: deck.key_of(action), maxlength: 1, size: 2, "aria-label": words });
    input.onchange = () => {
      const key = input.value.toLowerCase();
      const wrong = refusal(deck.keys, action, key);
      if (!wrong) return deck.change_keys({ ...deck.keys, [action]: key });
      problem.textContent = wrong;
      input.value = deck.key_of(action);
    };
    return h("label", {}, input, h("span", {}, words));
  });
  return panel(deck, "help", "Keys", h("p", { class: "label" }, "Type another key to change one."), h("div", { class: "keys" }, ...rows), problem,
    plain("As they were", () => deck.change_keys({})));
}

function history(deck) {
  const rows = deck.history().map((one) => {
    const look = deck.data.looks.verdict[one.verdict];
    const row = h("li", {},
      look ? sign(deck.data.looks, deck.data.dark, "verdict", one.verdict) : h("span", {}, one.verdict === "comment" ? "✎" : "↷"),
      h("span", { class: "what" }, deed_words(deck, one)), h("span", { class: "title", dir: "auto", title: one.title }, one.title),
      plain("Open", () => (deck.show_dialog(""), deck.open(one.query_id, one.doc_id))), plain("Undo", () => deck.undo(one)));
    return row;
  });
  const empty = rows.length ? null : h("p", {}, "Nothing yet.");
  return panel(deck, "history", `Your last ${rows.length || ""}`.trim(), h("p", { class: "label" }, "Undo takes back this one alone, and opens its card."), empty, h("ol", { class: "deeds" }, ...rows));
}

function copies(deck) {
  const about = deck.reasoned(deck.queue.card);
  if (!about) return null;
  const rows = about.card.copies.map((copy) => {
    const box = h("input", { type: "checkbox" });
    box.checked = true;
    return { copy, box, row: h("label", {}, box, h("span", { dir: "auto" }, copy.title), h("span", { class: "label", dir: "auto" }, `for: ${copy.query}`)) };
  });
  const give = plain("Give them the same verdict", () => deck.propagate(about, rows.filter(({ box }) => box.checked).map(({ copy }) => copy)));
  return panel(deck, "copies", plural(rows.length, "copy", "copies"), ...rows.map(({ row }) => row), give);
}

function guidelines(deck) {
  const { version, is_usual, tree } = deck.data.guidelines;
  const own = is_usual ? "The usual scale: a guidelines.md in the run's folder takes its place." : "From the run's guidelines.md.";
  const said = `${own} Version ${version}; that you read it is noted beside your verdicts.`;
  return panel(deck, "guidelines", "Guidelines", h("p", { class: "label" }, said), ...tree.map(node));
}

/** A node of the guidelines: a text, or a tag that is known to be harmless and its children. */
function node(told) {
  if (typeof told === "string") return document.createTextNode(told);
  const [tag, children] = told;
  return h(TAGS.has(tag) ? tag : "span", {}, ...children.map(node));
}
