// The settings of a policy. While a slider moves, its counts are looked up in what the server sent before: one list for
// each number, one entry for each stop. What is released is sent as state, whole, so that no value is lost on the way.
// Names and texts become text nodes and nothing else.

const KEYBOARD_PAUSE = 300; // milliseconds without a key after which a slider moved by keys counts as released
const SPOKEN_PAUSE = 500;
const SHARE_STEP = 5; // percent
const NUMBER = new Intl.NumberFormat("en-US");

const panels = new WeakMap();

export default function (component) {
  const { parentElement } = component;
  let panel = panels.get(parentElement);
  if (!panel) panels.set(parentElement, (panel = new Panel(parentElement.querySelector(".tuner"))));
  panel.receive(component);
  return () => {
    panel.leave();
    panels.delete(parentElement);
  };
}

class Panel {
  constructor(root) {
    this.root = root;
    this.part = (name) => root.querySelector(`.${name}`);
    this.rows = new Map(); // setting -> its elements
    this.values = {};
    this.seq = 0;
    this.held = null; // the setting under the hand, and the stop it is at
    this.frame = 0;
  }

  receive({ data, setStateValue }) {
    this.send = setStateValue;
    const first = !this.data;
    this.data = data;
    this.settings = Object.fromEntries(data.groups.flatMap((group) => group.settings.map((s) => [s.name, s])));
    if (first) this.build();
    // What was sent and not answered yet is newer than what came.
    if (data.ack >= this.seq || first) {
      this.seq = Math.max(this.seq, data.ack);
      this.values = { ...data.values };
      if (this.held && this.held.released) this.held = null;
    }
    for (const name of this.rows.keys()) this.show_setting(name);
    this.show_groups();
    this.show_problems();
    this.show_counts();
    if (!data.counted && this.wanted !== data.name && data.ack >= this.seq) this.send("wants", (this.wanted = data.name));
  }

  leave() {
    cancelAnimationFrame(this.frame);
    for (const timer of [this.pause, this.speech]) clearTimeout(timer);
  }

  // ---- building, once ----

  build() {
    this.part("groups").replaceChildren(...this.data.groups.map((group) => this.group(group)));
  }

  group(group) {
    const body = make("div", "settings", group.settings.map((setting) => this.setting(setting)));
    const summary = make("summary", "", [make("span", "title", group.title), make("span", "values")]);
    const details = make("details", "group", [summary, make("p", "says", group.says), body]);
    details.open = group.open;
    details.dataset.group = group.title;
    return details;
  }

  setting(setting) {
    const row = { box: make("div", `setting ${setting.kind}`) };
    row.box.dataset.name = setting.name;
    row.words = make("p", "words", setting.words);
    row.words.id = `words-${setting.name}`;
    row.error = make("p", "error");
    row.error.id = `error-${setting.name}`;
    this.rows.set(setting.name, row);
    row.box.append(...this[`${setting.kind}_parts`](setting, row), row.words, row.error);
    return row.box;
  }

  slider_parts(setting, row) {
    row.range = this.described(make("input"), setting);
    Object.assign(row.range, { type: "range", min: 0, step: 1, id: `range-${setting.name}` });
    row.range.setAttribute("aria-label", setting.label);
    row.exact = this.described(make("input", "exact"), setting);
    Object.assign(row.exact, { type: "text", inputMode: "decimal", autocomplete: "off", spellcheck: false });
    row.exact.setAttribute("aria-label", `${setting.label}, exact value`);
    row.curve = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    row.curve.setAttribute("class", "curve");
    row.curve.setAttribute("aria-hidden", "true");
    row.curve.setAttribute("preserveAspectRatio", "none");
    row.area = document.createElementNS("http://www.w3.org/2000/svg", "path");
    row.curve.append(row.area);
    row.mark = make("span", "mark");
    row.mark.title = "saved";
    const label = make("label", "", setting.label);
    label.htmlFor = row.range.id;
    let by_key = false;
    row.range.onkeydown = () => void (by_key = true);
    row.range.onpointerdown = () => void (by_key = false); // returning false would hold the thumb
    row.range.oninput = () => this.move(setting.name, Number(row.range.value));
    row.range.onchange = () => this.release(setting.name, this.stops(setting.name)[row.range.value], by_key);
    row.exact.onchange = () => this.type(setting.name, row.exact.value);
    row.exact.onkeydown = (event) => event.key === "Enter" && this.type(setting.name, row.exact.value);
    return [make("div", "line", [label, row.exact]), make("div", "track", [row.curve, row.range, row.mark])];
  }

  switch_parts(setting, row) {
    row.check = this.described(make("input"), setting);
    Object.assign(row.check, { type: "checkbox", id: `check-${setting.name}` });
    row.check.setAttribute("role", "switch");
    row.check.onchange = () => this.release(setting.name, row.check.checked ? "on" : "off");
    const label = make("label", "", setting.label);
    label.htmlFor = row.check.id;
    return [make("div", "line", [label, row.check])];
  }

  choice_parts(setting, row) {
    row.select = this.described(make("select"), setting);
    row.select.id = `select-${setting.name}`;
    row.select.append(...setting.choices.map((choice) => new Option(choice, choice)));
    row.select.onchange = () => this.release(setting.name, row.select.value);
    const label = make("label", "", setting.label);
    label.htmlFor = row.select.id;
    return [make("div", "line", [label, row.select])];
  }

  number_parts(setting, row) {
    row.number = this.described(make("input", "exact"), setting);
    Object.assign(row.number, { type: "text", inputMode: "numeric", id: `number-${setting.name}`, autocomplete: "off" });
    row.number.onchange = () => this.release(setting.name, row.number.value);
    const label = make("label", "", setting.label);
    label.htmlFor = row.number.id;
    return [make("div", "line", [label, row.number])];
  }

  shares_parts(setting, row) {
    row.shares = make("div", "sources");
    return [make("div", "line", [make("span", "name", setting.label)]), row.shares];
  }

  share_row(setting, source) {
    const range = this.described(make("input"), setting);
    Object.assign(range, { type: "range", min: 0, max: 100, step: SHARE_STEP });
    range.setAttribute("aria-label", `${setting.label}: ${source}`);
    const said = make("output", "");
    const say = () => {
      said.textContent = Number(range.value) ? `${range.value}%` : "no share";
      range.setAttribute("aria-valuetext", said.textContent);
    };
    range.value = Math.round(100 * Number(this.shares()[source] || 0));
    range.oninput = say;
    let by_key = false;
    range.onkeydown = () => void (by_key = true);
    range.onpointerdown = () => void (by_key = false); // returning false would hold the thumb
    range.onchange = () => {
      const shares = { ...this.shares(), [source]: String(Number(range.value) / 100) };
      const named = Object.entries(shares).filter(([, share]) => Number(share) > 0);
      this.release(setting.name, named.map(([name, share]) => `${name}=${share}`), by_key);
    };
    say();
    const row = make("label", "source", [make("span", "", source), range, said]);
    row.dataset.source = source;
    return row;
  }

  described(element, setting) {
    element.setAttribute("aria-describedby", `words-${setting.name} error-${setting.name}`);
    return element;
  }

  // ---- what a hand does ----

  move(name, stop) {
    this.held = { name, stop, released: false };
    const text = this.stops(name)[stop];
    this.say_value(name, text);
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.show_counts();
    });
  }

  type(name, typed) {
    const text = ["", "off"].includes(typed.trim().toLowerCase()) ? "none" : typed.trim();
    if (text !== this.values[name]) this.release(name, text);
  }

  release(name, value, by_key = false) {
    this.values = { ...this.values, [name]: value };
    if (this.held && this.held.name === name) this.held.released = true;
    this.show_conditions();
    clearTimeout(this.pause);
    this.seq = Math.max(this.seq + 1, Date.now());
    const send = () => this.send("form", { seq: this.seq, values: this.values });
    if (by_key) this.pause = setTimeout(send, KEYBOARD_PAUSE);
    else send();
  }

  // ---- what is shown ----

  stops(name) {
    return this.settings[name].stops;
  }

  shares() {
    return Object.fromEntries((this.values.quota || []).map((text) => text.split(/=(?=[^=]*$)/)));
  }

  show_setting(name) {
    const row = this.rows.get(name), setting = this.settings[name], value = this.values[name];
    const off = Boolean(setting.unavailable);
    row.box.classList.toggle("unavailable", off);
    row.words.textContent = off ? setting.unavailable : setting.words;
    for (const input of row.box.querySelectorAll("input, select")) input.disabled = off;
    if (setting.kind === "switch") row.check.checked = value === "on";
    if (setting.kind === "choice") row.select.value = value;
    if (setting.kind === "number" && !this.has_focus(row.number)) row.number.value = value;
    if (setting.kind === "shares") this.show_shares(setting, row);
    if (setting.kind === "slider") this.show_slider(setting, row, value);
  }

  show_slider(setting, row, value) {
    row.range.max = setting.stops.length - 1;
    this.show_curve(setting, row);
    const saved = nearest(setting.stops, this.data.saved_values[setting.name]);
    row.mark.style.setProperty("--at", saved / Math.max(1, setting.stops.length - 1));
    if (this.held && this.held.name === setting.name && !this.held.released) return;
    const at = nearest(setting.stops, value);
    row.range.value = at;
    this.say_value(setting.name, Number(setting.stops[at]) === Number(value) ? setting.stops[at] : value);
  }

  say_value(name, text) {
    const row = this.rows.get(name), said = text === "none" ? "off" : text;
    if (!this.has_focus(row.exact)) row.exact.value = said;
    row.range.setAttribute("aria-valuetext", said);
  }

  show_curve(setting, row) {
    const kept = setting.along && setting.along.status.kept;
    row.curve.classList.toggle("flat", !kept);
    if (!kept) return row.area.setAttribute("d", "");
    const last = kept.length - 1, most = Math.max(1, ...kept);
    row.curve.setAttribute("viewBox", `0 0 ${last} 1`);
    row.area.setAttribute("d", `M0,1 ${kept.map((count, stop) => `L${stop},${(1 - count / most).toFixed(3)}`).join(" ")} L${last},1 Z`);
  }

  show_shares(setting, row) {
    const shown = [...row.shares.children].map((child) => child.dataset.source).join("\n");
    const focused = row.shares.contains(this.root.getRootNode().activeElement);
    if (shown === setting.choices.join("\n") && focused) return;
    row.shares.replaceChildren(...setting.choices.map((source) => this.share_row(setting, source)));
  }

  show_conditions() {
    for (const [name, row] of this.rows) {
      const condition = this.settings[name].only_with;
      row.box.hidden = Boolean(condition) && this.values[condition[0]] !== condition[1];
    }
  }

  show_groups() {
    this.show_conditions();
    for (const details of this.part("groups").children) {
      const group = this.data.groups.find((one) => one.title === details.dataset.group);
      const set = group.settings.filter((s) => !this.rows.get(s.name).box.hidden && is_set(s, this.values[s.name]));
      const said = set.map((s) => `${s.label} ${in_words(this.values[s.name])}`.toLowerCase());
      details.querySelector(".values").textContent = said.join(", ") || "nothing set";
    }
  }

  show_problems() {
    const errors = this.data.errors;
    for (const [name, row] of this.rows) {
      row.error.textContent = errors[name] || "";
      for (const input of row.box.querySelectorAll("input, select")) input.setAttribute("aria-invalid", String(name in errors));
      if (name in errors) row.box.closest("details").open = true;
    }
    const problem = this.part("problem");
    problem.hidden = !this.data.problem;
    problem.textContent = this.data.problem;
  }

  // What the settings come to: the decision's own counts, with those along the slider under the hand laid over them.
  counts() {
    const base = this.data.now, held = this.held;
    if (!held || !this.settings[held.name].counts) return { ...base, exact: true };
    const along = this.settings[held.name].along;
    const others_changed = Object.keys(this.values).some(
      (name) => name !== held.name && String(this.values[name]) !== String(this.data.values[name]),
    );
    if (!along || others_changed) return { ...base, exact: true, waiting: true };
    const status = { ...base.status };
    for (const [name, counts] of Object.entries(along.status)) status[name] = counts[held.stop];
    return { status, short: along.short[held.stop], empty: along.empty[held.stop], exact: this.data.exact };
  }

  show_counts() {
    const counts = this.counts(), saved = this.data.saved;
    this.part("counts").classList.toggle("waiting", Boolean(counts.waiting));
    const most = counts.exact ? "" : "at most ", least = counts.exact ? "" : "at least ";
    this.tile("kept", this.data.looks.kept, "kept", counts.status.kept, saved.status.kept, most);
    this.tile("short", null, `queries with fewer than ${NUMBER.format(this.data.wanted)}`, counts.short, saved.short, least);
    this.tile("empty", null, "queries with none", counts.empty, saved.empty, least);
    const names = this.data.reasons;
    const body = this.part("refused").tBodies[0];
    if (body.dataset.names !== names.join()) {
      body.dataset.names = names.join();
      body.replaceChildren(...names.map((name) => this.reason(name)));
    }
    names.forEach((name, place) => {
      const cells = body.rows[place].cells;
      body.rows[place].classList.toggle("none", !counts.status[name]);
      put(cells[1], NUMBER.format(counts.status[name] || 0));
      put(cells[2], change(counts.status[name] || 0, saved.status[name] || 0));
    });
    put(
      this.part("note"),
      counts.waiting ? "Counting ..." : counts.exact ? "" : "Bounds: what is exact comes on release.",
    );
    this.speak(counts, most, least);
  }

  tile(name, look, word, count, saved, bound) {
    let tile = this.part("main").querySelector(`.tile.${name}`);
    if (!tile) {
      tile = make("div", `tile ${name}`, [make("span", "number"), make("span", "change"), make("span", "word")]);
      this.part("main").append(tile);
    }
    put(tile.querySelector(".number"), bound + NUMBER.format(count));
    put(tile.querySelector(".change"), change(count, saved));
    put(tile.querySelector(".word"), word);
    if (look) tile.style.setProperty("--look", look.colour);
  }

  reason(name) {
    const look = this.data.looks[name];
    const sign = make("span", "sign", look.sign);
    sign.style.color = look.colour;
    sign.setAttribute("aria-hidden", "true");
    const head = make("th", "", [sign, look.word]);
    head.scope = "row";
    head.title = look.says;
    return make("tr", "", [head, make("td", "number"), make("td", "change")]);
  }

  speak(counts, most, least) {
    clearTimeout(this.speech);
    if (counts.waiting) return;
    const said = `${most}${NUMBER.format(counts.status.kept)} kept, ${least}${NUMBER.format(counts.short)} queries short`;
    this.speech = setTimeout(() => put(this.part("spoken"), said), SPOKEN_PAUSE);
  }

  has_focus(element) {
    return this.root.getRootNode().activeElement === element;
  }
}

/**
 * An element with a class and what is inside it.
 * @param {string} tag
 * @param {string} name
 * @param {string | (Node | string)[]} inside
 * @returns {any}
 */
function make(tag, name = "", inside = "") {
  const element = document.createElement(tag);
  if (name) element.className = name;
  element.append(...(Array.isArray(inside) ? inside : [inside]));
  return element;
}

function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function change(count, saved) {
  if (count === saved) return "";
  return `${count > saved ? "+" : "−"}${NUMBER.format(Math.abs(count - saved))}`;
}

// The stop that a value is, or comes nearest to.
function nearest(stops, value) {
  const exact = stops.indexOf(value);
  if (exact >= 0) return exact;
  const wanted = Number(value);
  if (Number.isNaN(wanted)) return Math.max(0, stops.indexOf("none"));
  let best = -1;
  stops.forEach((stop, place) => {
    if (stop !== "none" && (best < 0 || Math.abs(stop - wanted) < Math.abs(stops[best] - wanted))) best = place;
  });
  return best;
}

// Whether a setting does anything at this value.
function is_set(setting, value) {
  if (setting.unavailable || setting.kind === "number") return false;
  if (Array.isArray(value)) return value.length > 0;
  return !["none", "off", "0", setting.choices[0]].includes(value);
}

function in_words(value) {
  return Array.isArray(value) ? value.join(" ") : value === "on" ? "" : value;
}
