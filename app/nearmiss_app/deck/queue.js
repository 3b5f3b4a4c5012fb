// The cards that are here already, those behind too, so that a key changes the card within a frame and an undo needs no
// server.

import { pair_of } from "./ledger.js";

const SOON = 20; // cards left at which more are asked for

export class Queue {
  constructor() {
    /** @type {object[]} */
    this.cards = [];
    this.at = 0;
    /** @type {Map<string, object>} every card seen on this page */
    this.seen = new Map();
    this.asked_at = -1;
  }

  get card() {
    return this.cards[this.at];
  }

  clear() {
    this.cards = [];
    this.at = 0;
    this.asked_at = -1;
  }

  /**
   * Take in cards that the server dealt; one that is here already is replaced, one judged on this page is left out.
   * @param {object[]} dealt
   * @param {Map<string, string>} judged
   * @param {string} wanted the pair to be shown at once, judged or not
   */
  merge(dealt, judged, wanted = "") {
    const known = this.places();
    for (const card of dealt) {
      const name = pair_of(card);
      this.seen.set(name, card);
      if (known.has(name)) this.cards[known.get(name)] = card;
      else if (!judged.has(name) || name === wanted) known.set(name, this.cards.push(card) - 1);
    }
  }

  /** What the server shows of cards that were judged, or judged no more; why each was dealt stays as it was. */
  reveal(cards) {
    const known = this.places();
    for (const card of cards) {
      const name = pair_of(card);
      const { arm = "", inclusion_probability = null, why } = this.seen.get(name) || {};
      const merged = { ...card, arm, inclusion_probability, why: why || card.why };
      this.seen.set(name, merged);
      if (known.has(name)) this.cards[known.get(name)] = merged;
    }
  }

  places() {
    return new Map(this.cards.map((card, place) => [pair_of(card), place]));
  }

  go(place) {
    this.at = Math.max(0, Math.min(place, this.cards.length));
  }

  /** Show a pair that was seen on this page; false where it was not. @param {string} name */
  open(name) {
    const place = this.cards.findIndex((card) => pair_of(card) === name);
    if (place >= 0) this.go(place);
    else if (this.seen.has(name)) this.cards.splice(this.at, 0, this.seen.get(name));
    else return false;
    return true;
  }

  /** Go on to the next card that is not judged, from a place on. @param {Map<string, string>} judged */
  forward(judged, from = this.at) {
    let place = from;
    while (place < this.cards.length && judged.has(pair_of(this.cards[place]))) place += 1;
    this.go(place);
  }

  /** Take the card that is shown out of the queue. */
  drop() {
    this.cards.splice(this.at, 1);
    this.go(this.at);
  }

  /** How many cards behind this one were passed over. @param {Map<string, string>} judged */
  passed(judged) {
    return this.cards.slice(0, this.at).filter((card) => !judged.has(pair_of(card))).length;
  }

  /** Whether more cards are needed and were not asked for yet; asking once is enough. */
  needs_more() {
    if (!this.cards.length || this.cards.length - this.at > SOON || this.asked_at === this.cards.length) return false;
    this.asked_at = this.cards.length;
    return true;
  }
}
