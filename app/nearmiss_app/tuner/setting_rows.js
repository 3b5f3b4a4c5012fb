// One row for each setting, by its kind; built once. A row tells its panel what a hand does, and knows nothing else.

import { histogram } from "./histogram.js";
import { make } from "./plain_elements.js";

const SHARE_STEP = 5; // percent

/**
 * @typedef {Object} Row the elements of one setting
 * @property {HTMLElement} box
 * @property {HTMLElement} words
 * @property {HTMLElement} error
 * @property {HTMLInputElement} [range] of a slider, with `exact`, `curve` and `mark`
 *
 * @typedef {Object} Hand what a row calls
 * @property {(name: string, stop: number) => void} move while a slider moves
 * @property {(name: string, value: unknown, by_key?: boolean) => void} release
 * @property {(name: string, typed: string) => void} type
 * @property {(name: string) => string[]} stops
 * @property {() => Record<string, string>} shares
 */

/**
 * The row of a setting.
 * @param {Hand} hand
 * @returns {Row}
 */
export function setting_row(setting, hand) {
  /** @type {any} */
  const row = { box: make("div", `setting ${setting.kind}`) };
  row.box.dataset.name = setting.name;
  row.words = make("p", "words", setting.words);
  row.words.id = `words-${setting.name}`;
  row.error = make("p", "error");
  row.error.id = `error-${setting.name}`;
  row.box.append(...PARTS[setting.kind](setting, row, hand), row.words, row.error);
  return row;
}

const PARTS = { slider: slider_parts, switch: switch_parts, choice: choice_parts, number: number_parts, shares: shares_parts };

function slider_parts(setting, row, hand) {
  row.range = described(make("input"), setting);
  Object.assign(row.range, { type: "range", min: 0, step: 1, id: `range-${setting.name}` });
  row.range.setAttribute("aria-label", setting.label);
  row.exact = described(make("input", "exact"), setting);
  Object.assign(row.exact, { type: "text", inputMode: "decimal", autocomplete: "off", spellcheck: false });
  row.exact.setAttribute("aria-label", `${setting.label}, exact value`);
  row.curve = histogram();
  row.mark = make("span", "mark");
  row.mark.title = "saved";
  const by_key = watch_keys(row.range);
  row.range.oninput = () => hand.move(setting.name, Number(row.range.value));
  row.range.onchange = () => hand.release(setting.name, hand.stops(setting.name)[row.range.value], by_key());
  row.exact.onchange = () => hand.type(setting.name, row.exact.value);
  row.exact.onkeydown = (event) => event.key === "Enter" && hand.type(setting.name, row.exact.value);
  return [make("div", "line", [label_of(setting, row.range), row.exact]), make("div", "track", [row.curve, row.range, row.mark])];
}

function switch_parts(setting, row, hand) {
  row.check = described(make("input"), setting);
  Object.assign(row.check, { type: "checkbox", id: `check-${setting.name}` });
  row.check.setAttribute("role", "switch");
  row.check.onchange = () => hand.release(setting.name, row.check.checked ? "on" : "off");
  return [make("div", "line", [label_of(setting, row.check), row.check])];
}

function choice_parts(setting, row, hand) {
  row.select = described(make("select"), setting);
  row.select.id = `select-${setting.name}`;
  row.select.append(...setting.choices.map((choice) => new Option(choice, choice)));
  row.select.onchange = () => hand.release(setting.name, row.select.value);
  return [make("div", "line", [label_of(setting, row.select), row.select])];
}

function number_parts(setting, row, hand) {
  row.number = described(make("input", "exact"), setting);
  Object.assign(row.number, { type: "text", inputMode: "numeric", id: `number-${setting.name}`, autocomplete: "off" });
  row.number.onchange = () => hand.release(setting.name, row.number.value);
  return [make("div", "line", [label_of(setting, row.number), row.number])];
}

function shares_parts(setting, row) {
  row.shares = make("div", "sources");
  return [make("div", "line", [make("span", "name", setting.label)]), row.shares];
}

/** The slider of one source's share. */
export function share_row(setting, source, hand) {
  const range = described(make("input"), setting);
  Object.assign(range, { type: "range", min: 0, max: 100, step: SHARE_STEP });
  range.setAttribute("aria-label", `${setting.label}: ${source}`);
  const said = make("output", "");
  const say = () => {
    said.textContent = Number(range.value) ? `${range.value}%` : "no share";
    range.setAttribute("aria-valuetext", said.textContent);
  };
  range.value = Math.round(100 * Number(hand.shares()[source] || 0));
  range.oninput = say;
  const by_key = watch_keys(range);
  range.onchange = () => {
    const shares = { ...hand.shares(), [source]: String(Number(range.value) / 100) };
    const named = Object.entries(shares).filter(([, share]) => Number(share) > 0);
    hand.release(setting.name, named.map(([name, share]) => `${name}=${share}`), by_key());
  };
  say();
  const row = make("label", "source", [make("span", "", source), range, said]);
  row.dataset.source = source;
  return row;
}

/** Whether the last thing that moved a slider was a key. */
function watch_keys(range) {
  let by_key = false;
  range.onkeydown = () => void (by_key = true);
  range.onpointerdown = () => void (by_key = false); // returning false would hold the thumb
  return () => by_key;
}

function label_of(setting, input) {
  const label = make("label", "", setting.label);
  label.htmlFor = input.id;
  return label;
}

function described(element, setting) {
  element.setAttribute("aria-describedby", `words-${setting.name} error-${setting.name}`);
  return element;
}
