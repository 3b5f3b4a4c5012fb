// The review card: one candidate after the other, each judged by a key. The next cards are here before they are needed;
// what was decided is kept and sent again until the server says that it is written.

import { REASONS, VERDICTS, action_of, key_of } from "./actions.js";
import { bar, deed_words, feedback_words, header } from "./bar_view.js";
import { card_view } from "./card_view.js";
import { dialog } from "./dialogs.js";
import { h, unquoted } from "./elements.js";
import { Ledger, pair_of } from "./ledger.js";
import { RESEND, outbox_of, stored } from "./outbox.js";
import { Queue } from "./queue.js";
import { rankings_view } from "./rankings_view.js";
import { fit_to_window, is_connected, nothing_left, scroll_back, scrolled_places } from "./stage.js";

const GONE = 300; // milliseconds without a place on the page after which keys mean nothing
const KEYS = "nearmiss:keys";
const ASK_AGAIN = 5000; // milliseconds after which it is asked whether others left something
const UNHEARD = 5; // sendings without an answer after which the page is loaded again

// Streamlit may take the component away and put it back between two keys: the deck outlives its place on the page.
export default function (component) {
  const { parentElement, data } = component;
  globalThis.nearmiss_decks ??= {};
  const deck = (globalThis.nearmiss_decks[data.run] ??= new Deck(data));
  const root = parentElement.querySelector(".deck");
  deck.enter(root, parentElement.querySelector(".spoken"));
  deck.receive(component);
  return () => deck.leave(root);
}

class Deck {
  constructor(data) {
    this.id = Math.random();
    this.outbox = outbox_of(data.run);
    this.queue = new Queue();
    this.ledger = new Ledger();
    this.queries = {};
    /** @type {Map<string, {text: string, replaces: object | null}>} comments being typed, by card */
    this.drafts = new Map();
    this.last = null; // the last judgement, for reasons and copies
    this.shown_at = Date.now() / 1000;
    this.showing = { changes: false, dialog: "" };
    this.whole = ""; // the ranking that is drawn whole
    this.keys = stored(localStorage, KEYS) || {};
    this.note = "";
    this.unheard = 0; // times that what waits was sent over a connection that stands, without an answer
    document.addEventListener("keydown", (event) => this.key(event));
    addEventListener("resize", () => this.fit());
    setInterval(() => this.resend(), RESEND / 2);
    this.outbox.adopt();
  }

  enter(root, spoken) {
    this.root = root;
    this.spoken = spoken;
    this.left_at = null;
  }

  leave(root) {
    if (root === this.root) this.left_at = performance.now();
  }

  get gone() {
    return this.left_at !== null && performance.now() - this.left_at > GONE;
  }

  // ---- to and from the server

  receive({ data, setStateValue }) {
    this.data = data;
    this.set = setStateValue;
    this.unheard = 0;
    this.outbox.acknowledge(data.ack);
    if (data.problems.length) this.note = data.problems.join(" ");
    Object.assign(this.queries, data.queries);
    if (data.view !== this.view) {
      this.view = data.view;
      this.queue.clear();
      // Where only what is not judged is shown, a key pressed meanwhile must not bring its card again.
      if (data.shows_judged) this.ledger.begin();
    }
    const wanted = data.focus && data.focus_number !== this.focus_number ? data.focus.join("\n") : "";
    this.queue.merge(data.cards, this.ledger.verdicts(), wanted);
    this.queue.reveal(data.revealed);
    if (wanted && this.queue.open(wanted)) {
      this.focus_number = data.focus_number;
      this.arrive();
    } else if (this.queue.card && this.ledger.verdicts().has(pair_of(this.queue.card)) && !this.looking_back) this.forward();
    this.draw();
    // Meant for a deck that held more than this one, as after a broken connection.
    if (data.deck !== null && data.deck !== this.id) this.send();
  }

  emit(card, verdict, more = {}) {
    const event = this.outbox.add({
      query_id: card.query_id,
      doc_id: card.doc_id,
      verdict,
      reviewer: this.data.reviewer,
      arm: card.arm || "",
      inclusion_probability: card.inclusion_probability ?? null,
      scores_visible: Boolean(card.numbers),
      shown_at: this.shown_at,
      decided_at: Date.now() / 1000,
      ...more,
    });
    this.send();
    return event;
  }

  send() {
    this.sent_at = Date.now();
    // What is here already need not be sent again.
    const have = this.queue.cards.slice(this.queue.at).map(({ query_id, doc_id }) => [query_id, doc_id]);
    const passed = this.queue.passed(this.ledger.verdicts());
    this.set("events", { nonce: this.sent_at + Math.random(), events: this.outbox.waiting, have, passed, at: this.queue.at, deck: this.id, view: this.view });
  }

  resend() {
    if (this.gone) return;
    this.outbox.adopt();
    this.fit();
    if (this.held && Date.now() - (this.sent_at || 0) > ASK_AGAIN) this.send();
    if (!this.outbox.waiting.length) return;
    this.outbox.keep();
    if (Date.now() - (this.sent_at || 0) > RESEND) {
      this.send();
      if (is_connected()) this.unheard += 1;
    }
    this.draw_state();
    // A server that was started again may not know this page's part any more: a fresh page takes over what waits.
    if (this.unheard >= UNHEARD && this.outbox.keeps && !this.drafts.size) location.reload();
  }

  // ---- what a person does

  act(action) {
    const card = this.queue.card;
    if (["help", "history", "guidelines"].includes(action)) return this.show_dialog(this.showing.dialog === action ? "" : action);
    if (action === "changes") this.showing.changes = !this.showing.changes && Boolean(card?.changes.length);
    else if (action === "undo") this.undo(this.history()[0]);
    else if (action === "redo") this.redo();
    else if (action === "next") this.step(1);
    else if (action === "previous") this.step(-1);
    else if (action === "copies") return this.reasoned(card)?.card.copies.length ? this.show_dialog(this.showing.dialog ? "" : "copies") : undefined;
    else if (action in REASONS) this.reason(action);
    else if (!card || !this.data.reviewer) return this.draw();
    else if (action === "comment") return this.root.querySelector("textarea").focus();
    else if (action === "later") this.later();
    else this.judge(action);
    this.draw();
  }

  judge(verdict) {
    const card = this.queue.card;
    this.say(card);
    const event = this.emit(card, verdict);
    this.ledger.add(event, this.title_of(card));
    this.last = { card, event };
    this.note = "";
    this.looking_back = false;
    this.forward(this.queue.at + 1);
  }

  /** The judgement that a reason would be about: that of the card one looks at, else the last one. */
  reasoned(card) {
    const own = card && this.verdict_on(card);
    if (own) return { card, verdict: own, event: this.last && pair_of(this.last.card) === pair_of(card) ? this.last.event : null };
    return this.last && { card: this.last.card, verdict: this.last.event.verdict, event: this.last.event };
  }

  reason(reason) {
    const about = this.reasoned(this.queue.card);
    if (!about) return void (this.note = "A reason belongs to a judgement: judge first.");
    const event = this.emit(about.card, about.verdict, { reason, shown_at: about.event?.shown_at ?? this.shown_at });
    this.ledger.add(event, this.title_of(about.card));
    this.last = { card: about.card, event };
    this.note = `Reason noted: ${REASONS[reason]}.`;
  }

  later() {
    const card = this.queue.card;
    this.say(card);
    this.ledger.add(this.emit(card, "later"), this.title_of(card));
    this.queue.drop();
    this.arrive();
    this.note = `Put off: “${this.title_of(card)}”.`;
  }

  /** Take back a deed, and return to its card. @param {import("./ledger.js").Deed | undefined} deed */
  undo(deed) {
    if (!deed) return void (this.note = "Nothing to undo.");
    this.emit({ ...deed, arm: "" }, "undo", { target: deed.event, reason: "", comment: "" });
    this.ledger.undo(deed);
    this.last = null;
    this.showing.dialog = "";
    const seen = this.queue.seen.get(pair_of(deed));
    if (seen && VERDICTS.includes(deed.verdict)) this.queue.reveal([{ ...seen, verdict: null, others: [], models: [], pieces: unquoted(seen.pieces) }]);
    this.open(deed.query_id, deed.doc_id, deed.arm);
    this.note = `Undone: ${deed_words(this, deed)} on “${deed.title}”.`;
    this.draw();
  }

  redo() {
    const deed = this.ledger.redo();
    this.emit(deed ? { ...deed, arm: "" } : NOBODY, "redo", { reason: "", comment: "" });
    this.note = deed ? `Done again: ${deed_words(this, deed)} on “${deed.title}”.` : "Done again.";
    if (deed && VERDICTS.includes(deed.verdict) && this.queue.open(pair_of(deed))) this.forward(this.queue.at + 1);
  }

  propagate(about, chosen) {
    const more = about.event ? { parent_seq: about.event.client_seq, reason: about.event.reason || "" } : {};
    for (const copy of chosen) {
      const given = this.emit(copy, about.verdict, more);
      this.ledger.add(given, copy.title);
    }
    this.note = `Same verdict for ${chosen.length} ${chosen.length === 1 ? "copy" : "copies"}.`;
    this.showing.dialog = "";
    this.forward();
    this.draw();
  }

  /** Save what was typed on a card as a comment on that card. */
  say(card) {
    const name = pair_of(card);
    const { text = "", replaces = null } = this.drafts.get(name) || {};
    this.drafts.delete(name);
    if (!text.trim() || (replaces && replaces.text === text.trim())) return;
    if (replaces) this.take_back_comment(card, replaces);
    this.ledger.add(this.emit(card, "comment", { comment: text.trim() }), this.title_of(card));
    this.note = replaces ? "Comment changed." : "Comment saved.";
  }

  edit(card, comment) {
    this.drafts.set(pair_of(card), { text: comment.text, replaces: comment });
    this.draw();
    this.root.querySelector("textarea").focus();
  }

  remove(card, comment) {
    this.take_back_comment(card, comment);
    this.note = "Comment deleted. Redo brings it back.";
    this.draw();
  }

  take_back_comment(card, comment) {
    this.emit({ ...card, arm: "" }, "undo", { target: comment.event });
    this.ledger.undo({ event: comment.event, query_id: card.query_id, doc_id: card.doc_id, verdict: "comment", reason: "", comment: comment.text, arm: "", title: this.title_of(card), propagated: 0 });
  }

  open(query_id, doc_id, arm = "") {
    if (this.queue.open(pair_of({ query_id, doc_id, arm }))) this.arrive();
    else this.set("open", { nonce: Math.random(), query_id, doc_id });
    this.looking_back = true;
    this.draw();
  }

  step(by) {
    this.queue.go(Math.min(this.queue.at + by, this.queue.cards.length - 1));
    this.looking_back = true;
    this.arrive();
  }

  forward(from = this.queue.at) {
    this.queue.forward(this.ledger.verdicts(), from);
    this.arrive();
  }

  /** Another card is shown. */
  arrive() {
    this.shown_at = Date.now() / 1000;
    this.showing.changes = false;
    if (this.queue.needs_more()) this.send();
  }

  // ---- keys

  key(event) {
    if (this.gone || event.repeat || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.composedPath()[0];
    if (event.key === "Escape" && this.showing.dialog) return this.show_dialog("");
    if (target && (/^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) || target.isContentEditable)) return;
    const action = action_of(this.keys, event.key);
    if (!action || (this.showing.dialog && this.showing.dialog !== action)) return;
    event.preventDefault();
    event.stopPropagation();
    this.act(action);
  }

  key_of(action) {
    return key_of(this.keys, action);
  }

  change_keys(keys) {
    this.keys = keys;
    localStorage.setItem(KEYS, JSON.stringify(keys));
    this.draw();
  }

  show_dialog(name) {
    this.showing.dialog = name;
    if (name === "guidelines") this.set("read", { nonce: Math.random(), version: this.data.guidelines.version });
    this.draw();
    (name ? this.root.querySelector(".dialog") : this.root.querySelector(".candidate .text"))?.focus({ preventScroll: true });
  }

  // ---- what a person sees

  verdict_on(card) {
    return this.ledger.verdicts().get(pair_of(card)) || card.verdict;
  }

  title_of(card) {
    const start = card.title || card.pieces.map(([text]) => text).join("");
    return start.length > 60 ? `${start.slice(0, 59)}…` : start;
  }

  history() {
    return this.ledger.history(this.data.history, this.outbox.waiting);
  }

  /** Own verdicts in this view that the server has not counted yet. */
  pending() {
    const waiting = new Set(this.outbox.waiting.filter(({ verdict }) => VERDICTS.includes(verdict)).map(pair_of));
    return [...this.ledger.verdicts().keys()].filter((pair) => waiting.has(pair)).length;
  }

  /** The place of the card among those that the view shows, from 1. */
  place() {
    return this.queue.at + 1;
  }

  draw({ anew = false } = {}) {
    const card = this.queue.card;
    const query = card && this.queries[card.query_id];
    const shown = card ? pair_of(card) : "";
    const box = this.drawn === shown ? this.root.querySelector("textarea:focus") : null;
    const caret = box?.selectionStart;
    const focused = /** @type {ShadowRoot} */ (this.root.getRootNode()).activeElement;
    const held = focused instanceof HTMLElement && this.root.contains(focused) ? focused.dataset.action : "";
    const scrolled = this.drawn === shown && !anew ? scrolled_places(this.root) : new Map();
    this.drawn = shown;
    this.root.dataset.mode = this.data.dark ? "dark" : "light";
    const ranked = query?.rankings.length && card.numbers;
    this.root.classList.toggle("unranked", !ranked);
    const stage = h("div", { class: "stage" }, header(this), query ? card_view(this, card, query) : card ? h("p", {}, "Loading …") : this.nothing_left());
    const parts = [stage, ranked ? rankings_view(this, card, query) : null, bar(this, query ? card : null), dialog(this, this.showing.dialog)];
    this.root.replaceChildren(...parts.filter(Boolean));
    this.fit();
    this.draw_state();
    scroll_back(this.root, scrolled);
    if (box) {
      const again = this.root.querySelector("textarea");
      again?.focus();
      again?.setSelectionRange(caret, caret);
    }
    // Drawn anew, a button still has the focus: the server's answer takes nobody's place away.
    if (held) this.root.querySelector(`[data-action="${held}"]`)?.focus({ preventScroll: true });
  }

  nothing_left() {
    return nothing_left(this.data.reviewer, this.outbox.waiting.length, this.data.progress.done, this.held);
  }

  /** Candidates that wait for this reviewer, but lie with others. */
  get held() {
    const { left, shown } = this.data.progress;
    return this.queue.card || shown !== null ? 0 : left;
  }

  /** What a screen reader says: what became of the last key, and the card that came. It stays while the rest is redrawn. */
  speak() {
    const card = this.queue.card;
    const query = card && this.queries[card.query_id];
    const words = [this.outbox.is_late() ? this.outbox.words() : "", feedback_words(this, card)];
    if (query) words.push(`Query: ${query.text}. Candidate: ${card.title || card.pieces.map(([piece]) => piece).join("").slice(0, 80)}.`);
    else if (!card) words.push(this.nothing_left().textContent);
    const text = words.filter(Boolean).join(" ");
    if (this.spoken && this.spoken.textContent !== text) this.spoken.textContent = text;
  }

  /** Where the deck lies and how wide it is may have changed. */
  fit() {
    fit_to_window(this.root);
  }

  draw_state() {
    const state = this.root.querySelector(".state");
    if (!state) return;
    const words = this.outbox.words();
    if (state.textContent !== words) state.textContent = words;
    state.classList.toggle("pending", this.outbox.waiting.length > 0);
    state.classList.toggle("late", this.outbox.is_late());
    this.root.dataset.waiting = this.outbox.waiting.length;
    this.root.dataset.saved = this.outbox.saved;
    this.speak();
  }
}

const NOBODY = { query_id: "-", doc_id: "-", numbers: null };
