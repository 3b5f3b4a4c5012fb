// The settings of a policy. While a slider moves, what it comes to is looked up in what the server sent before: one list
// for each number, one entry for each stop. What is released is sent as state, whole, so that no value is lost.

import { counts_at, CountsView } from "./counts_view.js";
import { draw_histogram } from "./histogram.js";
import { make } from "./plain_elements.js";
import { setting_row, share_row } from "./setting_rows.js";
import { as_typed, in_words, is_set, nearest } from "./values.js";

const KEYBOARD_PAUSE = 300; // milliseconds without a key after which a slider moved by keys counts as released

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
    this.view = new CountsView(this.part);
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
    clearTimeout(this.pause);
    this.view.quiet();
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
    const row = setting_row(setting, this);
    this.rows.set(setting.name, row);
    return row.box;
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
    const text = as_typed(typed);
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
    draw_histogram(row.curve, setting);
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

  show_shares(setting, row) {
    const shown = [...row.shares.children].map((child) => child.dataset.source).join("\n");
    const focused = row.shares.contains(this.root.getRootNode().activeElement);
    if (shown === setting.choices.join("\n") && focused) return;
    row.shares.replaceChildren(...setting.choices.map((source) => share_row(setting, source, this)));
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

  show_counts() {
    this.view.show(this.data, counts_at(this.data, this.held, this.values, this.settings));
  }

  has_focus(element) {
    return this.root.getRootNode().activeElement === element;
  }
}
