// One query beside its rankings: the answers and the document in focus on the left, the lists on the right.

import { RESEND, outbox_of } from "../deck/outbox.js";

const VERDICTS = ["relevant", "partial", "not_relevant", "unsure"];
const KEYS = { 1: "relevant", 2: "partial", 3: "not_relevant", 4: "unsure" };
const GONE = 300; // milliseconds without a place on the page after which keys mean nothing

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
    this.shows_picture = false;
    this.texts = new Map();
    this.outbox = outbox_of(data.run);
    this.showing_changes = false;
    document.addEventListener("keydown", (event) => this.key(event));
    setInterval(() => this.gone || (this.resend(), this.draw_state()), RESEND / 2);
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
    this.outbox.acknowledge(data.ack);
    this.note = data.problems.length ? data.problems.join(" ") : this.note || "";
    const { view } = data;
    if (this.query_id !== view.query_id) {
      this.query_id = view.query_id;
      this.mine = new Map(); // document -> verdict given on this page, until the server says it too
      this.chosen = new Set();
      this.done = [];
      this.undone = [];
      this.texts.clear();
      this.note = "";
      this.remarks.written.clear();
      this.focused = false;
      this.started_at = Date.now() / 1000;
      this.at = this.first(view, data.focus);
      this.column = Math.max(0, view.rankings.findIndex(({ places }) => places.includes(this.at)));
    }
    for (const [doc_id, reading] of Object.entries(data.readings)) this.texts.set(doc_id, reading);
    if (!this.outbox.waiting.length) this.mine.clear();
    this.view = view;
    this.draw();
  }

  // The document of the address, else the best kept one of the first list, else its first row.
  first(view, doc_id) {
    const asked = view.documents.findIndex((item) => item.doc_id === doc_id);
    if (asked >= 0) return asked;
    const { places } = view.rankings.find(({ name }) => name === view.decides) ?? view.rankings[0];
    return places.find((place) => view.documents[place].status === "kept") ?? places[0];
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
    return this.mine.get(place) ?? this.view.documents[place].verdict;
  }

  name(place) {
    return shortened(named(this.view.documents[place]), 40);
  }

  colour_of(kind, name) {
    const look = this.data.looks[kind][name];
    return this.data.dark ? look.dark : look.light;
  }

  // ---- what a person does

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
    const { places } = this.view.rankings[number];
    const [from, to] = [places.indexOf(this.at), places.indexOf(place)].sort((a, b) => a - b);
    for (const one of places.slice(Math.max(0, from), to + 1)) if (!this.view.documents[one].is_positive) this.chosen.add(one);
    this.show_chosen();
  }

  show_chosen() {
    this.columns.choose(this.chosen);
    this.draw_verdicts();
  }

  move(step) {
    this.go(this.columns.next(this.at, this.column, step), this.column);
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
    this.give(places, verdict);
    this.done.push(places.map((place) => [place, verdict]));
    this.undone = [];
    this.say(`${places.length === 1 ? this.name(places[0]) : `${places.length} rows`}: ${this.data.looks.verdict[verdict].word}.`);
    const alone = !this.chosen.size;
    this.chosen.clear();
    this.show_chosen();
    if (alone) this.move(1);
  }

  give(places, verdict, more = {}) {
    this.send(places, verdict, more);
    for (const place of places) this.mine.set(place, verdict);
    this.mark();
  }

  send(places, verdict, more = {}) {
    const known = { reviewer: this.data.reviewer, arm: "query", inclusion_probability: null, scores_visible: true };
    const times = { shown_at: this.started_at, decided_at: Date.now() / 1000 };
    for (const place of places) this.outbox.add({ query_id: this.query_id, doc_id: this.view.documents[place].doc_id, verdict, ...known, ...times, ...more });
    this.post();
  }

  post() {
    this.posted_at = Date.now();
    this.set("events", { nonce: this.posted_at + Math.random(), events: this.outbox.waiting });
  }

  resend() {
    this.outbox.adopt();
    if (!this.outbox.waiting.length) return;
    this.outbox.keep();
    if (Date.now() - (this.posted_at || 0) > RESEND) this.post();
  }

  // Takes back what one press gave, all its rows; what was given before this page was opened, one row a press.
  undo() {
    if (!this.data.reviewer) return;
    const step = this.done.pop();
    this.send(step ? step.map(([place]) => place) : [this.at], "undo");
    if (!step) return this.say("The last judgement is undone.");
    this.undone.push(step);
    for (const [place, , before] of step) this.mine.set(place, before ?? "");
    this.mark();
    this.say(`Undone: ${step.length === 1 ? this.name(step[0][0]) : `${step.length} rows`}.`);
    this.go(step[0][0], this.column);
  }

  redo() {
    const step = this.undone.pop();
    if (!step) return this.say("Nothing to do again.");
    this.send(step.map(([place]) => place), "redo");
    this.done.push(step);
    for (const [place, verdict] of step) this.mine.set(place, verdict);
    this.mark();
    this.say("Done again.");
  }

  key(event) {
    if (this.gone || !this.root?.isConnected || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.composedPath()[0];
    if (target && (/^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) || target.isContentEditable)) return;
    const action = this.action(event.key.toLowerCase(), this.root.contains(target));
    if (!action || (event.repeat && !event.key.startsWith("Arrow"))) return;
    event.preventDefault();
    event.stopPropagation();
    action();
  }

  action(key, inside) {
    if (key in KEYS) return () => this.judge(KEYS[key]);
    const anywhere = { z: () => this.undo(), y: () => this.redo(), x: () => this.compare(), j: () => this.move(1), k: () => this.move(-1) };
    if (inside && this.on("point")) {
      const by = { arrowdown: 1, arrowright: 1, arrowup: -1, arrowleft: -1 }[key];
      if (by) return () => this.picture.step(by);
      if (key === "enter") return () => this.reading.querySelector(".text").focus();
    }
    const within = {
      arrowdown: () => this.move(1),
      arrowup: () => this.move(-1),
      arrowright: () => this.go(...this.columns.beside(this.at, this.column, 1)),
      arrowleft: () => this.go(...this.columns.beside(this.at, this.column, -1)),
      " ": () => this.toggle(this.at),
      escape: () => (this.chosen.clear(), this.show_chosen()),
    };
    return anywhere[key] ?? this.remarks.action(key) ?? (inside && this.on("row") ? within[key] : undefined);
  }

  on(kind) {
    return Boolean(this.root.getRootNode().activeElement?.closest?.(`.${kind}`));
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
    const built = JSON.stringify([this.view, this.data.picture, this.data.tried, this.limits.name, this.data.dark]) + (this.data.along ? Math.random() : "");
    if (this.built !== built) {
      this.built = built;
      this.build();
    }
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
    this.answers = h("section", { class: "answers", tabindex: 0, "aria-label": "Labelled answers" });
    this.state = h("span", { class: "state", role: "status" });
    const lists = h("div", { class: "wide", style: `--n: ${this.view.rankings.length}` }, this.bump.build(this.view), this.columns.build(this.view));
    this.scroller = h("div", { class: "scroller" }, lists);
    this.drawn = this.picture.build(this.view, this.data.picture);
    this.root.replaceChildren(
      h("h2", { class: "text-of-query", dir: "auto" }, this.view.text),
      h("div", { class: "sides" },
        h("div", { class: "left" }, this.answers, this.reading, this.verdicts, this.remarks.build()),
        h("div", { class: "right" }, this.toolbar(), this.limits.build(this.data), this.scroller, this.drawn)));
    this.draw_answers();
    this.show_half();
    held?.forEach((top, number) => this.columns.lists[number] && (this.columns.lists[number].scrollTop = top));
    this.draw_verdicts();
    this.remarks.type_on();
    if (inside) this.columns.enter(this.at, this.column);
  }

  toolbar() {
    const box = h("input", { type: "checkbox" });
    box.checked = this.columns.together;
    box.onchange = () => (this.columns.together = box.checked);
    this.together = h("label", {}, box, "Scroll the lists together");
    /** @type {[string, boolean][]} */
    const choices = [["Rankings", false], ["Picture", true]];
    const halves = choices.map(([words, picture]) => {
      const button = h("button", { type: "button", "data-half": words.toLowerCase() }, words);
      button.onclick = () => {
        this.shows_picture = picture;
        this.show_half();
      };
      return button;
    });
    return h("div", { class: "toolbar" }, h("div", { class: "halves", role: "group", "aria-label": "What is shown" }, ...halves), this.together, this.state);
  }

  show_half() {
    this.scroller.hidden = this.together.hidden = this.shows_picture;
    this.drawn.hidden = !this.shows_picture;
    for (const button of this.root.querySelectorAll("[data-half]")) button.setAttribute("aria-pressed", (button.dataset.half === "picture") === this.shows_picture ? "true" : "false");
    if (this.shows_picture) this.picture.draw();
    else this.bump.draw();
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

  draw_answers() {
    const shown = this.data.answers.map((answer) => {
      const place = this.view.documents.findIndex((item) => item.doc_id === answer.doc_id);
      return h("article", {}, answer.title ? h("h3", { dir: "auto" }, answer.title) : null, this.numbers(place), h("div", { class: "text", dir: "auto" }, ...marked(answer.pieces)));
    });
    const more = this.data.more_answers ? h("p", { class: "label" }, `and ${this.data.more_answers} more`) : null;
    this.answers.replaceChildren(h("div", { class: "label" }, this.sign("status", "known_positive"), " Labelled answer"), ...[...shown, more].filter(Boolean));
  }

  // Where each ranking puts a document.
  numbers(place) {
    const ranks = this.view.rankings.map((ranking) => {
      const at = ranking.places.indexOf(place);
      const words = at < 0 ? `not among the first ${ranking.places.length}` : `#${ranking.ranks[at]}${ranking.scores[at] === null ? "" : ` (${fixed(ranking.scores[at])})`}`;
      return h("span", { class: at < 0 ? "absent" : "" }, `${this.word(ranking.name)} ${words}`);
    });
    return h("div", { class: "numbers" }, ...ranks);
  }

  draw_reading() {
    const item = this.view.documents[this.at];
    const text = this.texts.get(item.doc_id);
    this.reading.dataset.doc = item.doc_id;
    if (!text) this.want(item.doc_id);
    const differs = this.showing_changes && text?.changes.length;
    const status = this.status_of(this.at);
    const own = this.verdict_of(this.at);
    const body = text ? (differs ? compared(text.changes) : marked(text.pieces)) : [item.first_words];
    const box = h("div", { class: "text", dir: "auto", tabindex: 0 }, ...body);
    this.reading.replaceChildren(
      h("div", { class: "label" }, this.sign("status", status, true), own ? h("span", {}, "you: ", this.sign("verdict", own, true)) : ""),
      h("h3", { dir: "auto" }, item.title || item.doc_id), this.numbers(this.at), box);
    const best = box.querySelector(".best");
    if (best) box.scrollTop = Math.max(0, best.offsetTop - box.offsetTop - 8);
    this.draw_verdicts();
  }

  want(doc_id) {
    clearTimeout(this.wanting);
    const { places } = this.view.rankings[this.column];
    const near = places.slice(Math.max(0, places.indexOf(this.at)), places.indexOf(this.at) + 8).map((place) => this.view.documents[place].doc_id);
    const doc_ids = [...new Set([doc_id, ...near])].filter((one) => !this.texts.has(one));
    this.wanting = setTimeout(() => this.set("wants", { nonce: Math.random(), query_id: this.query_id, doc_ids }), 60);
  }

  draw_verdicts() {
    const answer = this.view.documents[this.at].is_positive && !this.chosen.size;
    const own = this.chosen.size ? "" : this.verdict_of(this.at);
    const buttons = VERDICTS.map((verdict, number) => {
      const look = this.data.looks.verdict[verdict];
      const button = h("button", { type: "button", title: look.says, "data-verdict": verdict, "aria-pressed": own === verdict ? "true" : "false", "aria-keyshortcuts": number + 1 },
        `${look.sign} ${capital(look.word)}`, h("kbd", { "aria-hidden": "true" }, number + 1));
      button.style.setProperty("--own", this.colour_of("verdict", verdict));
      button.disabled = answer || !this.data.can_judge;
      button.onclick = () => this.judge(verdict);
      return button;
    });
    const undo = h("button", { type: "button", "data-action": "undo" }, "Undo", h("kbd", { "aria-hidden": "true" }, "z"));
    undo.onclick = () => this.undo();
    const differs = h("button", { type: "button", "aria-pressed": this.showing_changes ? "true" : "false", title: "What differs from the labelled answer" }, "Differences", h("kbd", { "aria-hidden": "true" }, "x"));
    differs.onclick = () => this.compare();
    const count = this.chosen.size ? `${this.chosen.size} rows chosen: one press judges them all.` : "";
    this.verdicts.replaceChildren(h("div", { class: "buttons", role: "group", "aria-label": "Verdict" }, ...buttons, undo, differs),
      h("p", { class: "note", role: "status" }, [count, this.note].filter(Boolean).join(" ")));
    this.remarks.draw();
  }

  sign(kind, name, worded = false) {
    const look = this.data.looks[kind][name];
    const sign = h("span", { class: "sign", title: `${look.word}: ${look.says}` }, worded ? `${look.sign} ${look.word}` : look.sign);
    if (!worded) sign.setAttribute("aria-label", look.word), sign.setAttribute("role", "img");
    sign.style.color = this.colour_of(kind, name);
    return sign;
  }
}
