// What was done on this page, and what of it was taken back; together with what the server tells of earlier deeds.

import { VERDICTS } from "./actions.js";

/**
 * @typedef {Object} Deed something that a reviewer did, as the history shows it
 * @property {[string, number]} event its name for ever: client, and the client's own number
 * @property {string} query_id
 * @property {string} doc_id
 * @property {string} verdict
 * @property {string} reason
 * @property {string} comment
 * @property {string} arm
 * @property {string} title
 * @property {number} propagated copies that got the same verdict
 */

const HISTORY = 50;

/**
 * The name of a card's pair; a card shown again, unannounced, is another card than the one judged before.
 * @param {{query_id: string, doc_id: string, arm?: string}} card
 */
export function pair_of({ query_id, doc_id, arm }) {
  return `${query_id}\n${doc_id}${arm === "repeat" ? "\nagain" : ""}`;
}

/** @param {[string, number]} event */
export function name_of([client, number]) {
  return `${client}\n${number}`;
}

export class Ledger {
  constructor() {
    /** @type {{deed: Deed, parent: string | null}[]} */
    this.done = [];
    /** @type {Set<string>} names of events that were taken back */
    this.undone = new Set();
    /** @type {Deed[]} those that a redo brings back, newest last */
    this.to_redo = [];
    this.begun = 0; // where the view that is open began
  }

  /** Begin another view: its cards are shown although they were judged on this page. */
  begin() {
    this.begun = this.done.length;
  }

  /**
   * Note a deed; what was undone before can no longer be redone.
   * @param {import("./outbox.js").Sent} event
   * @param {string} title
   * @returns {Deed}
   */
  add(event, title) {
    const parent = event.parent_seq === undefined ? null : name_of([event.client_id, event.parent_seq]);
    const { query_id, doc_id, verdict, arm = "", reason = "", comment = "" } = event;
    /** @type {Deed} */
    const deed = { event: [event.client_id, event.client_seq], query_id, doc_id, verdict, reason, comment, arm, title, propagated: 0 };
    const above = parent && this.done.find((one) => name_of(one.deed.event) === parent);
    if (above) above.deed.propagated += 1;
    this.done.push({ deed, parent });
    this.to_redo = [];
    return deed;
  }

  /** @param {Deed} deed */
  undo(deed) {
    this.undone.add(name_of(deed.event));
    this.to_redo.push(deed);
  }

  /** @returns {Deed | undefined} what was brought back */
  redo() {
    const deed = this.to_redo.pop();
    if (deed) this.undone.delete(name_of(deed.event));
    return deed;
  }

  /** Whether a deed stands: neither it nor what it was propagated from was taken back. */
  stands({ deed, parent }) {
    return !this.undone.has(name_of(deed.event)) && !(parent && this.undone.has(parent));
  }

  /** The verdict on each pair judged in this view. @returns {Map<string, string>} */
  verdicts() {
    const judged = this.done.slice(this.begun).filter((one) => VERDICTS.includes(one.deed.verdict) && this.stands(one));
    return new Map(judged.map(({ deed }) => [pair_of(deed), deed.verdict]));
  }

  /**
   * A person's last deeds, newest first: those still on their way, then those that the server knows.
   * @param {Deed[]} told by the server
   * @param {import("./outbox.js").Sent[]} waiting
   * @returns {Deed[]}
   */
  history(told, waiting) {
    const known = new Set(told.map(({ event }) => name_of(event)));
    const coming = new Set(waiting.map(({ client_id, client_seq }) => name_of([client_id, client_seq])));
    const new_ones = this.done.filter(
      (one) => !one.parent && this.stands(one) && coming.has(name_of(one.deed.event)) && !known.has(name_of(one.deed.event)),
    );
    const old_ones = told.filter(({ event }) => !this.undone.has(name_of(event)));
    return [...new_ones.map(({ deed }) => deed).reverse(), ...old_ones].slice(0, HISTORY);
  }

  /**
   * The comments on a card: those the server told and those made here since, without those taken back.
   * @param {{query_id: string, doc_id: string, arm?: string, comments: {event: [string, number]}[]}} card
   * @param {string} reviewer
   */
  comments(card, reviewer) {
    const known = new Set(card.comments.map(({ event }) => name_of(event)));
    const here = this.done.filter(
      ({ deed }) => deed.verdict === "comment" && pair_of(deed) === pair_of(card) && !known.has(name_of(deed.event)),
    );
    const own = here.map(({ deed }) => ({ event: deed.event, reviewer, text: deed.comment, own: true }));
    return [...card.comments, ...own].filter(({ event }) => !this.undone.has(name_of(event)));
  }
}
