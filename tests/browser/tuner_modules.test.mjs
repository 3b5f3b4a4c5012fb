// The tuner's plain modules, run by node's own test runner: python -m pytest tests/browser/test_deck_modules.py

import assert from "node:assert/strict";
import { test } from "node:test";

import { counts_at } from "../../app/nearmiss_app/tuner/counts_view.js";
import { bins_of } from "../../app/nearmiss_app/tuner/histogram.js";
import { percent } from "../../app/nearmiss_app/tuner/plain_elements.js";
import { is_set, nearest } from "../../app/nearmiss_app/tuner/values.js";

const base = { status: { kept: 7, too_close: 3, too_easy: 2 }, short: 1, empty: 0, harm: { estimated: 0.1, others: 0, measured: null } };
const along = { status: { kept: [0, 7, 9], too_close: [10, 3, 1] }, short: [4, 1, 0], empty: [2, 0, 0] };
const harm = { estimated: [null, 0.1, 0.4], others: [0, 0, 5] };
const ceiling = { name: "max", counts: true, along, harm, measured: [null, [0.1, 0.05, 0.2], [0.3, 0.2, 0.5]] };
const data = { now: base, exact: true, values: { max: "0.2", skip: "0" } };
const settings = { max: ceiling, skip: { name: "skip", counts: true, along: null, harm: null, measured: null } };

test("under the hand a stop's own counts and harm are laid over the decision's", () => {
  const found = counts_at(data, { name: "max", stop: 2 }, data.values, settings);
  assert.deepEqual(found.status, { kept: 9, too_close: 1, too_easy: 2 });
  assert.deepEqual(found.harm, { estimated: 0.4, others: 5, measured: [0.3, 0.2, 0.5] });
  assert.deepEqual([found.short, found.empty, found.exact], [0, 0, true]);
});

test("with nothing held the decision's own counts stand", () => {
  assert.deepEqual(counts_at(data, null, data.values, settings), { ...base, exact: true });
});

test("what was not counted beforehand waits, and never shows another slider's numbers", () => {
  assert.equal(counts_at(data, { name: "skip", stop: 1 }, data.values, settings).waiting, true);
  assert.equal(counts_at(data, { name: "max", stop: 2 }, { max: "0.2", skip: "3" }, settings).waiting, true);
  const unknown = { ...settings, max: { ...ceiling, harm: null } };
  assert.equal(counts_at(data, { name: "max", stop: 2 }, data.values, unknown).harm, null);
});

test("a histogram counts what each step moves, and no candidate twice", () => {
  assert.deepEqual(bins_of({ rule: "too_close", along }), { moved: [7, 2], kept: [7, 2], each: 1 });
  assert.equal(bins_of({ rule: "too_close", along: null }), null);
  const many = Array.from({ length: 201 }, (_, stop) => stop * stop);
  const { moved, each } = bins_of({ rule: "", along: { status: { kept: many } } });
  assert.equal(each, 4);
  assert.equal(moved.reduce((sum, count) => sum + count, 0), 200 * 200);
});

test("values are read as the server spells them", () => {
  assert.equal(nearest(["0.1", "0.2", "none"], "0.17"), 1);
  assert.equal(nearest(["0.1", "0.2", "none"], "none"), 2);
  assert.equal(is_set({ kind: "slider", choices: [] }, "none"), false);
  assert.deepEqual([percent(0.0814), percent(null)], ["8.1%", "–"]);
});
