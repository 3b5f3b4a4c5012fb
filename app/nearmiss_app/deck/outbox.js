// Events on their way to the server. Each is kept, also in localStorage, and sent again until the server says that it is
// written; so neither a killed server nor a closed page loses one.

export const RESEND = 2000; // milliseconds after which what is not acknowledged is sent again
const LATE = 5; // seconds after which a person is told that nothing is lost

/**
 * @typedef {Object} Sent
 * @property {string} client_id
 * @property {number} client_seq rises by one with each event of a client
 * @property {string} query_id
 * @property {string} doc_id
 * @property {string} verdict
 * @property {number} decided_at seconds since 1970
 * @property {number} [parent_seq] the event whose verdict was given to this copy too
 * @property {string} [arm]
 * @property {string} [reason]
 * @property {string} [comment]
 */

export class Outbox {
  /**
   * @param {string} run
   * @param {Storage} storage the browser's localStorage
   * @param {string} client a name that no other page has
   */
  constructor(run, storage, client) {
    this.place = `nearmiss:${run}:`;
    this.storage = storage;
    this.client = client;
    this.seq = 0;
    this.saved = 0;
    /** @type {Sent[]} */
    this.waiting = [];
    this.keeps = true; // whether this browser keeps anything
  }

  /** Name an event, and keep it until it is acknowledged. @returns {Sent} */
  add(event) {
    const named = { client_id: this.client, client_seq: ++this.seq, ...event };
    this.waiting.push(named);
    this.keep();
    return named;
  }

  /** Forget what the server has written. @param {Record<string, number>} acknowledged last number by client */
  acknowledge(acknowledged) {
    const before = this.waiting.length;
    this.waiting = this.waiting.filter((event) => event.client_seq > (acknowledged[event.client_id] || 0));
    this.saved += before - this.waiting.length;
    if (before) this.keep();
  }

  /** Take over what a closed or crashed page left behind; it is sent under its own name. @param {number} now */
  adopt(now = Date.now()) {
    for (const name of Object.keys(this.storage)) {
      if (!name.startsWith(this.place) || name === this.place + this.client) continue;
      const left = stored(this.storage, name);
      if (left && now - left.beat > 3 * RESEND) {
        this.waiting.push(...left.events);
        this.storage.removeItem(name);
      }
    }
    if (this.waiting.length) this.keep();
  }

  keep() {
    const name = this.place + this.client;
    try {
      if (this.waiting.length) this.storage.setItem(name, JSON.stringify({ beat: Date.now(), events: this.waiting }));
      else this.storage.removeItem(name);
      this.keeps = true;
    } catch {
      this.keeps = false;
    }
  }

  /** Whether the server has been silent for long. @param {number} now seconds since 1970 */
  is_late(now = Date.now() / 1000) {
    return this.waiting.length > 0 && now - this.waiting[0].decided_at > LATE;
  }

  /** What a person reads about what is saved. @param {number} now seconds since 1970 */
  words(now = Date.now() / 1000) {
    const count = this.waiting.length;
    if (!count) return this.saved ? `saved #${this.saved}` : "";
    if (!this.is_late(now)) return `${count} waiting`;
    const one = count === 1;
    const kept = this.keeps
      ? `${one ? "It is" : "None is lost: they are"} kept in this browser and sent when the server answers.`
      : "This browser keeps nothing: do not close the page.";
    return `The server does not answer. ${count} ${one ? "entry waits" : "entries wait"}. ${kept}`;
  }
}

/**
 * The outbox of a run on this page. It outlives the components: what one of them could not send, the next one sends.
 * @param {string} run
 * @returns {Outbox}
 */
export function outbox_of(run) {
  const page = /** @type {{nearmiss_outboxes?: Record<string, Outbox>}} */ (globalThis);
  const client = crypto.randomUUID ? crypto.randomUUID() : String(Math.random()).slice(2) + Date.now();
  page.nearmiss_outboxes ??= {};
  return (page.nearmiss_outboxes[run] ??= new Outbox(run, localStorage, client));
}

/** What the storage holds under a name; null where it holds nothing that can be read. */
export function stored(storage, name) {
  try {
    return JSON.parse(storage.getItem(name));
  } catch {
    return null;
  }
}
