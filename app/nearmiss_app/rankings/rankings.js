// One query beside its rankings: the answers and the document in focus on the left, the lists on the right.

import { REASONS, VERDICTS } from "../deck/actions.js";
import { h, sign } from "../deck/elements.js";
import { RESEND, outbox_of } from "../deck/outbox.js";
import { Bump } from "./bump.js";
import { Columns } from "./columns.js";
import { named, shortened } from "./drawing.js";
import { Judgements } from "./judgements.js";
import { asked_by_key } from "./keys.js";
import { Limits } from "./limits.js";
import { Picture } from "./picture.js";
import { beside, candidates_between, first_place, further, soon_read } from "./places.js";
import { answers_of, heading_of, text_of, verdict_buttons } from "./reading_view.js";
import { Remarks } from "./remarks.js";
import { toolbar } from "./toolbar.js";

const GONE = 300; // milliseconds without a place on the page after which keys mean nothing
const SOON = 60; // milliseconds after which the texts around the focus are asked for

// Streamlit may take the component away and put it back between two keys: what is shown outlives its place on the page.
export default function (component) {
  const { parentElement, data } = component;
  const pages = (globalThis.nearmiss_queries ??= {});
  const page = (pages[data.run] ??= new QueryPage(data));
  const root = parentElement.querySelector(".query-page");
  page.enter(root);
  page.receive(component);
  return () => page.leave(root);
}

class QueryPage {
  constructor(data) {
    this.columns = new Columns(this);
    this.bump = new Bump(this);
    this.picture = new Picture(this);
    this.limits = new Limits(this);
    this.remarks = new Remarks(this);
    this.outbox = outbox_of(data.run);
    const now = () => ({ query_id: this.query_id, reviewer: this.data.reviewer, shown_at: this.started_at, documents: this.view.documents });
    this.judgements = new Judgements(this.outbox, now, (events) => this.set("events", { nonce: Date.now() + Math.random(), events }));
    this.texts = new Map();
    /** @type {HTMLElement} */
    this.together = null;
    this.shows_picture = false;
    this.asked_for_picture = false;
    this.showing_changes = false;
    document.addEventListener("keydown", (event) => this.key(event));
    setInterval(() => this.gone || (this.judgements.resend(), this.draw_state()), RESEND / 2);
  }

  enter(root) {
    this.left_at = null;
    if (this.root !== root) this.built = null;
    this.root = root;
  }

  leave(root) {
    if (root === this.root) this.left_at = performance.now();
  }

  get gone() {
    return this.left_at !== null && performance.now() - this.left_at > GONE;
  }

  receive({ data, setStateValue }) {
    this.set = setStateValue;
    this.data = data;
    this.note = data.problems.length ? data.problems.join(" ") : this.note || "";
    this.judgements.acknowledge(data.ack);
    if (this.query_id !== data.view.query_id) this.begin(data);
    for (const [doc_id, reading] of Object.entries(data.readings)) this.texts.set(doc_id, reading);
    /** @type {import("./places.js").QueryView} */
    this.view = data.view;
    this.draw();
  }

  // Another query than before.
  begin({ view, focus }) {
    this.query_id = view.query_id;
    this.judgements.clear();
    /** @type {Set<number>} */
    this.chosen = new Set();
    this.texts.clear();
    this.note = "";
    this.remarks.written.clear();
    this.focused = false;
    this.started_at = Date.now() / 1000;
    this.at = first_place(view, focus);
    this.column = Math.max(0, view.rankings.findIndex(({ places }) => places.includes(this.at)));
  }

  // ---- what is so

  word(name) {
    return this.data.sources[name] || name;
  }

  get dark() {
    return this.data.dark;
  }

  status_of(place) {
    return this.limits.status_of(place) ?? this.view.documents[place].status;
  }

  verdict_of(place) {
    return this.judgements.own.get(place) ?? this.view.documents[place].verdict;
  }

  name(place) {
    return shortened(named(this.view.documents[place]), 40);
  }

  colour_of(kind, name) {
    const look = this.data.looks[kind][name];
    return this.data.dark ? look.dark : look.light;
  }

  sign(kind, name, worded = false) {
    return sign(this.data.looks, this.data.dark, kind, name, worded);
  }

  // ---- what a person does

  key(event) {
    if (this.gone || !this.root?.isConnected || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.composedPath()[0];
    if (target && (/^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) || target.isContentEditable)) return;
    const focused = !this.root.contains(target) ? "" : this.on("point") ? "point" : this.on("row") ? "row" : "";
    const action = asked_by_key(event.key.toLowerCase(), focused);
    if (!action || (event.repeat && !event.key.startsWith("Arrow"))) return;
    event.preventDefault();
    event.stopPropagation();
    this.act(action);
  }

  on(kind) {
    return Boolean(this.root.getRootNode().activeElement?.closest?.(`.${kind}`));
  }

  /** @param {string} action as `keys.js` names it */
  act(action) {
    if (VERDICTS.includes(action)) return this.judge(action);
    if (REASONS[action]) return this.remarks.reason(action);
    const acts = {
      undo: () => this.undo(),
      redo: () => this.redo(),
      compare: () => this.compare(),
      next: () => this.move(1),
      previous: () => this.move(-1),
      right: () => this.go(...beside(this.view, this.at, this.column, 1)),
      left: () => this.go(...beside(this.view, this.at, this.column, -1)),
      choose: () => this.toggle(this.at),
      choose_none: () => (this.chosen.clear(), this.show_chosen()),
      farther: () => this.picture.step(1),
      nearer: () => this.picture.step(-1),
      read: () => this.text.focus(),
      write_comment: () => this.remarks.box.focus(),
    };
    acts[action]();
  }

  light(place) {
    this.columns.light(place);
    this.bump.light(place);
    this.picture.light(place);
  }

  focus(place, number = this.column) {
    if (place === this.at && number === this.column && this.focused) return;
    this.at = place;
    this.column = number;
    this.focused = true;
    this.started_at = Date.now() / 1000;
    this.columns.show_focus(place, number);
    this.light(null);
    this.draw_reading();
  }

  press(place, number, event) {
    if (event.ctrlKey || event.metaKey) this.toggle(place);
    else if (event.shiftKey) this.choose_up_to(place, number);
    this.focus(place, number);
  }

  toggle(place) {
    if (this.view.documents[place].is_positive) return;
    if (!this.chosen.delete(place)) this.chosen.add(place);
    this.show_chosen();
  }

  choose_up_to(place, number) {
    for (const one of candidates_between(this.view, number, this.at, place)) this.chosen.add(one);
    this.show_chosen();
  }

  show_chosen() {
    this.columns.choose(this.chosen);
    this.draw_verdicts();
  }

  move(step) {
    this.go(further(this.view, this.at, this.column, step), this.column);
  }

  go(place, number) {
    this.focus(place, number);
    this.columns.enter(place, number);
  }

  judge(verdict) {
    if (!this.data.reviewer) return this.say("Type your name on the left: judgements are written down under it.");
    if (!this.data.can_judge) return this.say("Judgements cannot be written beside this run.");
    const places = this.chosen.size ? [...this.chosen] : [this.at];
    if (this.view.documents[places[0]].is_positive) return this.say("This is a labelled answer: only candidates are judged here.");
    this.judgements.judge(places, verdict);
    this.mark();
    this.say(`${this.names(places)}: ${this.data.looks.verdict[verdict].word}.`);
    const alone = !this.chosen.size;
    this.chosen.clear();
    this.show_chosen();
    if (alone) this.move(1);
  }

  names(places) {
    return places.length === 1 ? this.name(places[0]) : `${places.length} rows`;
  }

  undo() {
    if (!this.data.reviewer) return;
    const step = this.judgements.undo(this.at);
    if (!step) return this.say("The last judgement is undone.");
    this.mark();
    this.say(`Undone: ${this.names(step.map(([place]) => place))}.`);
    this.go(step[0][0], this.column);
  }

  redo() {
    if (!this.judgements.redo()) return this.say("Nothing to do again.");
    this.mark();
    this.say("Done again.");
  }

  compare() {
    this.showing_changes = !this.showing_changes;
    this.draw_reading();
  }

  say(text) {
    this.note = text;
    this.draw_verdicts();
  }

  // ---- what a person sees

  draw() {
    this.root.dataset.mode = this.data.dark ? "dark" : "light";
    // Lists are built once for a query and its limits: what is judged or tried only moves marks in them.
    const { documents, rankings } = this.view;
    const built = JSON.stringify([this.query_id, this.data.dark, rankings, documents.map(({ doc_id, side }) => [doc_id, side])]);
    const marked = JSON.stringify([this.data.tried, this.limits.name, documents.map(({ status, verdict }) => [status, verdict])]);
    if (this.built !== built) this.build();
    else if (this.data.along || this.marked !== marked) this.renew_limits();
    this.built = built;
    this.marked = marked;
    this.draw_picture();
    this.mark();
    this.columns.show_focus(this.at, this.focused ? this.column : null);
    this.show_chosen();
    this.draw_reading();
  }

  build() {
    const held = this.columns.lists?.map((list) => list.scrollTop);
    const inside = this.root.contains(this.root.getRootNode().activeElement) && this.on("row");
    this.reading = h("section", { class: "reading", "aria-label": "Document in focus" });
    this.verdicts = h("div", { class: "verdicts" });
    this.told = h("p", { class: "note", role: "status" });
    this.state = h("span", { class: "state", role: "status" });
    const lists = h("div", { class: "wide", style: `--n: ${this.view.rankings.length}` }, this.bump.build(this.view), this.columns.build(this.view));
    this.scroller = h("div", { class: "scroller" }, lists);
    this.drawn = h("div", { class: "picture" });
    this.pictured = "";
    this.picture.points = null;
    this.moved = this.limits.build(this.data);
    this.root.replaceChildren(
      h("h2", { class: "text-of-query", dir: "auto" }, this.view.text),
      h("div", { class: "sides" },
        h("div", { class: "left" }, h("section", { class: "answers", tabindex: 0, "aria-label": "Labelled answers" }, ...answers_of(this)), this.reading, this.verdicts, this.remarks.build(), this.told),
        h("div", { class: "right" }, toolbar(this), this.moved, this.scroller, this.drawn)));
    this.show_half();
    held?.forEach((top, number) => this.columns.lists[number] && (this.columns.lists[number].scrollTop = top));
    this.draw_verdicts();
    this.remarks.type_on();
    if (inside) this.columns.enter(this.at, this.column);
  }

  // The slider and its counts anew; the control that is in use stays so.
  renew_limits() {
    const used = [...this.moved.children].indexOf(this.root.getRootNode().activeElement);
    const moved = this.limits.build(this.data);
    this.moved.replaceWith(moved);
    this.moved = moved;
    if (used >= 0) /** @type {HTMLElement} */ (moved.children[used]).focus();
    this.show_half();
  }

  // The picture is not sent before somebody looks at it, and not built before it is in sight.
  draw_picture() {
    if (!this.shows_picture) return;
    if (!this.data.picture) {
      if (!this.asked_for_picture) this.set("pictured", { shown: true });
      this.asked_for_picture = true;
      return;
    }
    this.asked_for_picture = false;
    const pictured = JSON.stringify([this.data.picture, this.marked]);
    if (this.pictured === pictured) return;
    this.pictured = pictured;
    const drawn = this.picture.build(this.view, this.data.picture);
    this.drawn.replaceWith(drawn);
    this.drawn = drawn;
    this.show_half();
  }

  show_half() {
    this.scroller.hidden = this.together.hidden = this.shows_picture;
    this.drawn.hidden = !this.shows_picture;
    for (const button of this.root.querySelectorAll("[data-half]")) button.setAttribute("aria-pressed", (button.dataset.half === "picture") === this.shows_picture ? "true" : "false");
    if (!this.shows_picture) this.bump.draw();
    else if (this.pictured) this.picture.draw();
  }

  // What a moved slider changes.
  repaint() {
    this.mark();
    this.show_half();
    this.draw_reading();
  }

  mark() {
    this.columns.mark((place) => this.status_of(place), (place) => this.verdict_of(place));
    this.draw_state();
  }

  draw_state() {
    if (!this.state) return;
    this.state.textContent = this.outbox.words();
    this.root.dataset.waiting = this.outbox.waiting.length;
    this.root.dataset.saved = this.outbox.saved;
  }

  draw_reading() {
    const item = this.view.documents[this.at];
    this.reading.dataset.doc = item.doc_id;
    if (!this.texts.has(item.doc_id)) this.ask_for_texts();
    this.text = text_of(this, item);
    this.reading.replaceChildren(...heading_of(this, item), this.text);
    /** @type {HTMLElement | null} */
    const best = this.text.querySelector(".best");
    if (best) this.text.scrollTop = Math.max(0, best.offsetTop - this.text.offsetTop - 8);
    this.draw_verdicts();
  }

  ask_for_texts() {
    clearTimeout(this.wanting);
    const doc_ids = soon_read(this.view, this.column, this.at).filter((one) => !this.texts.has(one));
    this.wanting = setTimeout(() => this.set("wants", { nonce: Math.random(), query_id: this.query_id, doc_ids }), SOON);
  }

  draw_verdicts() {
    const count = this.chosen.size ? `${this.chosen.size} rows chosen: one press judges them all.` : "";
    this.verdicts.replaceChildren(verdict_buttons(this));
    this.told.textContent = [count, this.note].filter(Boolean).join(" ");
    this.remarks.draw();
  }
}
