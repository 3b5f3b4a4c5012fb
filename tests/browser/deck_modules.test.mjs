// The deck's plain modules, run by node's own test runner: python -m pytest tests/browser/test_deck_modules.py

import assert from "node:assert/strict";
import { test } from "node:test";

import { action_of, refusal } from "../../app/nearmiss_app/deck/actions.js";
import { Ledger, pair_of } from "../../app/nearmiss_app/deck/ledger.js";
import { Outbox, outbox_of } from "../../app/nearmiss_app/deck/outbox.js";
import { Queue } from "../../app/nearmiss_app/deck/queue.js";
import { scroll_back, scrolled_places, width_name } from "../../app/nearmiss_app/deck/stage.js";

const card = (doc_id, more = {}) => ({ query_id: "q", doc_id, arm: "", why: "", comments: [], ...more });
const event = (client_seq, doc_id, verdict, more = {}) => ({ client_id: "tab", client_seq, query_id: "q", doc_id, verdict, ...more });

/** A browser's storage in a map. */
function storage(kept = {}) {
  const made = { getItem: (name) => made[name] ?? null, setItem: (name, value) => void (made[name] = value), removeItem: (name) => void delete made[name] };
  for (const name of ["getItem", "setItem", "removeItem"]) Object.defineProperty(made, name, { enumerable: false });
  return Object.assign(made, kept);
}

test("an undo takes back one deed with its copies, and a redo brings them back", () => {
  const ledger = new Ledger();
  const first = ledger.add(event(1, "a", "relevant"), "A");
  ledger.add(event(2, "copy", "relevant", { parent_seq: 1 }), "copy of A");
  ledger.add(event(3, "b", "unsure"), "B");
  ledger.undo(first);
  assert.deepEqual([...ledger.verdicts()], [["q\nb", "unsure"]]);
  assert.equal(ledger.redo(), first);
  assert.deepEqual([...ledger.verdicts()], [["q\na", "relevant"], ["q\ncopy", "relevant"], ["q\nb", "unsure"]]);
  assert.equal(first.propagated, 1);
});

test("what is done after an undo cannot be redone past", () => {
  const ledger = new Ledger();
  ledger.undo(ledger.add(event(1, "a", "relevant"), "A"));
  ledger.add(event(3, "b", "unsure"), "B");
  assert.equal(ledger.redo(), undefined);
});

test("the history is what is still on its way, then what the server knows, without what was undone", () => {
  const ledger = new Ledger();
  const [a, b, c] = ["a", "b", "c"].map((doc_id, place) => ledger.add(event(place + 1, doc_id, "relevant"), doc_id));
  ledger.add(event(4, "copy", "relevant", { parent_seq: 3 }), "copy");
  const told = [b, a, { ...a, event: ["yesterday", 7], doc_id: "z" }];
  const waiting = [event(3, "c", "relevant"), event(4, "copy", "relevant")];
  assert.deepEqual(ledger.history(told, waiting).map(({ doc_id }) => doc_id), ["c", "b", "a", "z"]);
  ledger.undo(b);
  assert.deepEqual(ledger.history(told, waiting).map(({ doc_id }) => doc_id), ["c", "a", "z"]);
});

test("comments stay with their card, and one that was changed is shown once", () => {
  const ledger = new Ledger();
  const told = card("a", { comments: [{ event: ["tab", 1], reviewer: "ann", text: "old", own: true }] });
  ledger.undo({ event: ["tab", 1] });
  ledger.add(event(3, "a", "comment", { comment: "new" }), "A");
  assert.deepEqual(ledger.comments(told, "ann").map(({ text }) => text), ["new"]);
  assert.deepEqual(ledger.comments(card("b"), "ann"), []);
});

test("a card shown again, unannounced, is another card", () => {
  assert.notEqual(pair_of(card("a")), pair_of(card("a", { arm: "repeat" })));
});

test("the queue goes on to the next card that is not judged, and asks for more once", () => {
  const queue = new Queue();
  queue.merge(["a", "b", "c"].map((doc_id) => card(doc_id)), new Map());
  queue.forward(new Map([["q\nb", "relevant"]]), 1);
  assert.equal(queue.card.doc_id, "c");
  assert.equal(queue.passed(new Map([["q\nb", "relevant"]])), 1);
  assert.deepEqual([queue.needs_more(), queue.needs_more()], [true, false]);
});

test("a card that was put off or left the queue is found again", () => {
  const queue = new Queue();
  queue.merge(["a", "b"].map((doc_id) => card(doc_id)), new Map());
  queue.drop();
  assert.deepEqual([queue.card.doc_id, queue.open("q\na"), queue.card.doc_id], ["b", true, "a"]);
  assert.equal(queue.open("q\nnobody's"), false);
});

test("what is revealed of a judged card leaves its arm and reason as they were", () => {
  const queue = new Queue();
  queue.merge([card("a", { arm: "audit", inclusion_probability: 0.1, why: "drawn" })], new Map());
  queue.reveal([card("a", { others: ["bob"], why: "" })]);
  assert.deepEqual([queue.card.arm, queue.card.inclusion_probability, queue.card.why, queue.card.others], ["audit", 0.1, "drawn", ["bob"]]);
});

test("a judged card is not dealt again, unless it is asked for", () => {
  const queue = new Queue();
  queue.merge([card("a")], new Map([["q\na", "relevant"]]));
  assert.equal(queue.card, undefined);
  queue.merge([card("a")], new Map([["q\na", "relevant"]]), "q\na");
  assert.equal(queue.card.doc_id, "a");
});

test("events are kept until they are acknowledged, and a closed page's are taken over", () => {
  const kept = storage();
  const closed = new Outbox("run", kept, "closed");
  closed.add({ verdict: "relevant", decided_at: 1 });
  closed.add({ verdict: "unsure", decided_at: 2 });
  closed.acknowledge({ closed: 1 });
  const open = new Outbox("run", kept, "open");
  open.adopt(Date.now());
  assert.deepEqual(open.waiting, []); // its page may still be alive
  open.adopt(Date.now() + 60_000);
  assert.deepEqual(open.waiting.map(({ client_id, client_seq }) => [client_id, client_seq]), [["closed", 2]]);
  open.acknowledge({ closed: 2 });
  assert.deepEqual([Object.keys(kept), open.saved], [[], 1]);
});

test("a person is told how many wait, and that none is lost", () => {
  const outbox = new Outbox("run", storage(), "tab");
  assert.equal(outbox.words(), "");
  outbox.add({ verdict: "relevant", decided_at: 100 });
  assert.equal(outbox.words(101), "1 waiting");
  outbox.add({ verdict: "relevant", decided_at: 108 });
  assert.equal(outbox.words(110), "The server does not answer. 2 entries wait. None is lost: they are kept in this browser and sent when the server answers.");
  outbox.acknowledge({ tab: 2 });
  assert.equal(outbox.words(120), "saved #2");
});

test("a browser that keeps nothing says so", () => {
  const full = storage();
  Object.defineProperty(full, "setItem", { value: () => { throw new Error("full"); } });
  const outbox = new Outbox("run", full, "tab");
  outbox.add({ verdict: "relevant", decided_at: 100 });
  assert.match(outbox.words(200), /keeps nothing: do not close the page/);
});

test("keys are found by the person's own choice, and a taken one is refused", () => {
  assert.deepEqual([action_of({}, "1"), action_of({ relevant: "q" }, "Q"), action_of({ relevant: "q" }, "1")], ["relevant", "relevant", undefined]);
  assert.match(refusal({}, "relevant", "z"), /z is taken: Undo/);
  assert.match(refusal({}, "relevant", "c"), /Streamlit/);
  assert.equal(refusal({}, "relevant", "q"), "");
});

/** A part of the deck that scrolls, with a mark at a height or none. */
function part(name, scrollTop, mark = null) {
  return { dataset: { scroll: name }, scrollTop, clientHeight: 100, querySelector: () => mark && { offsetTop: mark, offsetHeight: 20 } };
}

test("what was scrolled stays where it was, and the rest opens at what matters in it", () => {
  const page = (...parts) => ({ querySelectorAll: () => parts });
  const before = scrolled_places(page(part("query", 7), part("comments", 0)));
  const parts = [part("query", 0, 300), part("comments", 5), part("candidate", 0, 300), part("positive", 0, 300), part("ranking bm25", 3)];
  scroll_back(page(...parts), before);
  assert.deepEqual(parts.map(({ scrollTop }) => scrollTop), [7, 0, 292, 260, 3]);
});

test("the deck has three widths", () => {
  assert.deepEqual([439, 440, 779, 780].map(width_name), ["narrow", "middle", "middle", "wide"]);
});

test("Review and Query of one page share the outbox of a run: what one could not send, the other sends", () => {
  globalThis.localStorage = storage();
  const outbox = outbox_of("runs/a");
  outbox.add({ query_id: "q", doc_id: "a", verdict: "relevant", decided_at: 1 });
  assert.equal(outbox_of("runs/a").waiting.length, 1);
  assert.equal(outbox_of("runs/b").waiting.length, 0);
  assert.notEqual(outbox_of("runs/b").client, outbox.client);
});
