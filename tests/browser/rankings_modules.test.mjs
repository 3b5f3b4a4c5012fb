// The plain modules of the page of a query, run by node's own test runner: python -m pytest tests/browser/test_deck_modules.py

import assert from "node:assert/strict";
import { test } from "node:test";

import { Outbox } from "../../app/nearmiss_app/deck/outbox.js";
import { REASONS, VERDICTS } from "../../app/nearmiss_app/deck/actions.js";
import { percent, shortened } from "../../app/nearmiss_app/rankings/drawing.js";
import { Judgements } from "../../app/nearmiss_app/rankings/judgements.js";
import { asked_by_key, key_of_reason } from "../../app/nearmiss_app/rankings/keys.js";
import { box_of_words, room_for_names, spread } from "../../app/nearmiss_app/rankings/picture_layout.js";
import { beside, candidates_between, first_place, further, rank_words, soon_read } from "../../app/nearmiss_app/rankings/places.js";

const item = (doc_id, status, more = {}) => ({ doc_id, title: "", first_words: doc_id, status, side: "between", verdict: "", is_positive: status === "known_positive", ...more });
const ranking = (name, places, more = {}) => ({ name, places, ranks: places.map((_, at) => at + 1), scores: places.map((_, at) => 1 - at / 10), found: 40, ceiling: null, ceiling_after: null, floor: null, floor_after: null, ...more });
// Documents 0 to 4; the answer is 1; document 4 is in the second list alone.
const view = {
  query_id: "q", text: "why", kept: 1, decides: "teacher",
  documents: [item("a", "too_close"), item("b", "known_positive"), item("c", "kept"), item("d", "over_quota"), item("e", "too_easy")],
  rankings: [ranking("bm25", [3, 1, 0, 2]), ranking("teacher", [1, 4, 0, 2])],
};
const nothing_kept = { ...view, documents: view.documents.map((one) => ({ ...one, status: "too_easy" })) };

/** A browser's storage that forgets. */
const storage = { getItem: () => null, setItem: () => undefined, removeItem: () => undefined };

/** Judgements of "ann", and all that they sent, as [document, verdict, reason or comment]. */
function judged_by_ann() {
  const outbox = new Outbox("run", storage, "tab");
  const posts = [];
  const judgements = new Judgements(outbox, () => ({ query_id: "q", reviewer: "ann", shown_at: 5, documents: view.documents }), (events) => posts.push(events.length));
  const sent = () => outbox.waiting.map(({ doc_id, verdict, reason, comment }) => [doc_id, verdict, reason ?? comment ?? ""]);
  return { judgements, outbox, posts, sent };
}

test("a query begins at the document of the address, else at the best kept one of the list that decides", () => {
  assert.equal(first_place(view, "e"), 4);
  assert.equal(first_place(view, "unknown"), 2);
  assert.equal(first_place(nothing_kept), 1);
  assert.equal(first_place({ ...view, decides: "gone" }), 2);
});

test("a key stays in the list, and starts at its head where the list lacks the document", () => {
  assert.deepEqual([1, -1, 9].map((step) => further(view, 1, 0, step)), [0, 3, 2]);
  assert.equal(further(view, 4, 0, 1), 3);
});

test("beside a document stands itself, or what the other list has at its height", () => {
  assert.deepEqual(beside(view, 0, 0, 1), [0, 1]);
  assert.deepEqual(beside(view, 4, 1, -1), [1, 0]);
  assert.deepEqual(beside(view, 3, 0, 1), [1, 1]);
  assert.deepEqual(beside(view, 3, 0, -1), [3, 0]);
});

test("a range of rows has no answers in it, whichever end was pressed last", () => {
  assert.deepEqual(candidates_between(view, 0, 3, 2), [3, 0, 2]);
  assert.deepEqual(candidates_between(view, 0, 2, 3), [3, 0, 2]);
  assert.deepEqual(candidates_between(view, 0, 4, 3), [3]);
});

test("the texts that are asked for are the focus and those that follow in its list", () => {
  assert.deepEqual(soon_read(view, 1, 4), ["e", "a", "c"]);
  assert.deepEqual(soon_read(view, 0, 4), ["e", "d", "b", "a", "c"]);
});

test("a rank is told with its score where the ranking has one", () => {
  const spelled = (value) => value.toFixed(1);
  assert.equal(rank_words(view.rankings[0], 1, spelled), "#2 (0.9)");
  assert.equal(rank_words(ranking("run", [1], { scores: [null] }), 1, spelled), "#1");
  assert.equal(rank_words(view.rankings[0], 4, spelled), "not among the first 4");
});

test("each verdict and reason has a key of its own; arrows mean what the focus makes of them", () => {
  assert.deepEqual(["1", "2", "3", "4"].map((key) => asked_by_key(key, "")), VERDICTS);
  assert.deepEqual(Object.keys(REASONS).map(key_of_reason), ["d", "b", "w", "e"]);
  assert.deepEqual(["row", "point", ""].map((focused) => asked_by_key("arrowdown", focused)), ["next", "farther", undefined]);
  assert.deepEqual(["row", "point", ""].map((focused) => asked_by_key("enter", focused)), [undefined, "read", undefined]);
  assert.equal(asked_by_key("j", "point"), "next");
});

test("an undo takes back all rows of one press, and a redo gives them again", () => {
  const { judgements, sent } = judged_by_ann();
  judgements.judge([0, 2], "relevant");
  judgements.judge([3], "unsure");
  assert.deepEqual([...judgements.own], [[0, "relevant"], [2, "relevant"], [3, "unsure"]]);
  judgements.undo(4);
  assert.deepEqual(judgements.undo(4).map(([place]) => place), [0, 2]);
  assert.deepEqual([...judgements.own.values()], ["", "", ""]);
  judgements.redo();
  assert.equal(judgements.own.get(2), "relevant");
  assert.deepEqual(sent().slice(3), [["d", "undo", ""], ["a", "undo", ""], ["c", "undo", ""], ["a", "redo", ""], ["c", "redo", ""]]);
});

test("with nothing of this page to undo, the last verdict on the document in focus goes", () => {
  const { judgements, sent } = judged_by_ann();
  assert.equal(judgements.undo(4), undefined);
  assert.equal(judgements.redo(), undefined);
  assert.deepEqual(sent(), [["e", "undo", ""]]);
});

test("a reason is the last verdict said again, and its undo leaves the verdict", () => {
  const { judgements, sent } = judged_by_ann();
  assert.equal(judgements.add_reason("too_easy"), false);
  judgements.judge([0], "not_relevant");
  assert.equal(judgements.add_reason("too_easy"), true);
  judgements.comment(3, "", "hm");
  assert.deepEqual(sent(), [["a", "not_relevant", ""], ["a", "not_relevant", "too_easy"], ["d", "comment", "hm"]]);
  judgements.undo(0);
  judgements.undo(0);
  assert.equal(judgements.own.get(0), "not_relevant");
});

test("what is judged after an undo cannot be redone past, and another query begins with nothing", () => {
  const { judgements } = judged_by_ann();
  judgements.judge([0], "relevant");
  judgements.undo(0);
  judgements.judge([2], "partial");
  assert.equal(judgements.redo(), undefined);
  judgements.clear();
  assert.deepEqual([judgements.done, [...judgements.own]], [[], []]);
});

test("a verdict counts here until the server has written everything", () => {
  const { judgements, posts } = judged_by_ann();
  judgements.judge([0, 2], "relevant");
  judgements.acknowledge({ tab: 1 });
  assert.equal(judgements.own.size, 2);
  judgements.acknowledge({ tab: 2 });
  assert.equal(judgements.own.size, 0);
  assert.deepEqual(posts, [2]);
});

test("signs keep their distance from the middle, and are turned until they do not cover each other", () => {
  const spots = spread([0, 1, 2], () => 50, [0, 0, 1]);
  for (const [x, y] of spots.values()) assert.ok(Math.abs(Math.hypot(x, y) - 50) < 1e-9);
  assert.deepEqual(spots.get(0), [50, -0]);
  const [[a, b], [c, d]] = [spots.get(0), spots.get(1)];
  assert.ok(Math.hypot(a - c, b - d) >= 11);
});

test("a name stands beside its sign, and is left out where there is no room", () => {
  const spots = new Map([[0, [0, 40]], [1, [0, 42]]]);
  assert.deepEqual(room_for_names([[0, "salt"]], spots, 300, 200).map(([words, left]) => [words, left]), [["salt", 11]]);
  assert.deepEqual(room_for_names([[0, "a name wider than the picture"]], spots, 60, 200), []);
  // "answer" stands at the right of the sign: the name gives way to it.
  assert.deepEqual(room_for_names([[0, "salt"]], spots, 300, 200, [box_of_words("answer .4", 44)]).map(([words, left]) => [words, left < 11]), [["salt", true]]);
});

test("shares and names are short", () => {
  assert.deepEqual([0, 0.004, 0.5].map(percent), ["0%", "under 1%", "50%"]);
  assert.equal(shortened("sea water is salty", 10), "sea water…");
});
