// What a person judged on this page, with undo and redo. A verdict counts here until the server says it too. Works
// without a page.

import { RESEND } from "../deck/outbox.js";

/** @typedef {[place: number, verdict: string, before?: string]} Given a document's verdict, and what it had before */

/**
 * @typedef {Object} Now what each event says beside its verdict
 * @property {string} query_id
 * @property {string} reviewer
 * @property {number} shown_at seconds since 1970
 * @property {{doc_id: string}[]} documents by place
 */

export class Judgements {
  /**
   * @param {import("../deck/outbox.js").Outbox} outbox
   * @param {() => Now} now
   * @param {(events: object[]) => void} deliver to the server
   */
  constructor(outbox, now, deliver) {
    this.outbox = outbox;
    this.now = now;
    this.deliver = deliver;
    this.clear();
  }

  /** Another query is shown. */
  clear() {
    /** @type {Map<number, string>} */
    this.own = new Map();
    /** @type {Given[][]} one entry a press, for all its documents */
    this.done = [];
    /** @type {Given[][]} */
    this.undone = [];
  }

  /** The server has written what it acknowledges, and what it shows holds it. @param {Record<string, number>} acknowledged */
  acknowledge(acknowledged) {
    this.outbox.acknowledge(acknowledged);
    if (!this.outbox.waiting.length) this.own.clear();
  }

  /** @param {number[]} places @param {string} verdict */
  judge(places, verdict) {
    this.give(places, verdict);
    this.note(places.map((place) => [place, verdict]));
  }

  /** The last verdict again, with its reason: of two rows of one person the later counts. False where there is none. */
  add_reason(reason) {
    const last = this.done.at(-1);
    if (!last) return false;
    const verdict = last[0][1];
    this.give(last.map(([place]) => place), verdict, { reason });
    this.note(last.map(([place]) => [place, verdict, verdict]));
    return true;
  }

  /** @param {number} place @param {string} verdict that the document has, and keeps */
  comment(place, verdict, text) {
    this.send([place], "comment", { comment: text });
    this.done.push([[place, verdict, verdict]]);
  }

  /**
   * Take back what one press gave; of what was given before this page was opened, the one of the document in focus.
   * @param {number} place in focus
   * @returns {Given[] | undefined} what was taken back of this page
   */
  undo(place) {
    const step = this.done.pop();
    this.send(step ? step.map(([one]) => one) : [place], "undo");
    if (!step) return undefined;
    this.undone.push(step);
    for (const [one, , before] of step) this.own.set(one, before ?? "");
    return step;
  }

  /** Give again what was taken back last. @returns {Given[] | undefined} */
  redo() {
    const step = this.undone.pop();
    if (!step) return undefined;
    this.send(step.map(([place]) => place), "redo");
    this.done.push(step);
    for (const [place, verdict] of step) this.own.set(place, verdict);
    return step;
  }

  /** @param {Given[]} step */
  note(step) {
    this.done.push(step);
    this.undone = [];
  }

  give(places, verdict, more = {}) {
    this.send(places, verdict, more);
    for (const place of places) this.own.set(place, verdict);
  }

  send(places, verdict, more = {}) {
    const { documents, ...said } = this.now();
    const known = { arm: "query", inclusion_probability: null, scores_visible: true, decided_at: Date.now() / 1000 };
    for (const place of places) this.outbox.add({ doc_id: documents[place].doc_id, verdict, ...said, ...known, ...more });
    this.post();
  }

  post() {
    this.posted_at = Date.now();
    this.deliver(this.outbox.waiting);
  }

  /** Send again what the server has not acknowledged, also what a closed page left. */
  resend() {
    this.outbox.adopt();
    if (!this.outbox.waiting.length) return;
    this.outbox.keep();
    if (Date.now() - (this.posted_at || 0) > RESEND) this.post();
  }
}
