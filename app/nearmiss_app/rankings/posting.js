// What was judged and is not yet acknowledged by the server. It belongs to the page and the run, as the deck's does: what
// one of them could not send, the other sends. Kept in localStorage too, so that a closed page loses nothing.

const RESEND = 2000; // milliseconds after which what is not acknowledged is sent again

function post_of(run) {
  globalThis.nearmiss ??= {};
  return (globalThis.nearmiss[run] ??= {
    client: crypto.randomUUID ? crypto.randomUUID() : String(Math.random()).slice(2) + Date.now(),
    seq: 0,
    saved: 0,
    waiting: [], // events that the server has not acknowledged
  });
}

class Posting {
  constructor(run, send) {
    this.post = post_of(run);
    this.place = `nearmiss:${run}:`;
    this.send_events = send;
    this.note = "";
    this.adopt();
  }

  // What a closed or crashed page left behind is sent on its behalf, under its own name.
  adopt() {
    for (const name of Object.keys(localStorage)) {
      if (!name.startsWith(this.place) || name === this.place + this.post.client) continue;
      const left = stored(name);
      if (left && Date.now() - left.beat > 3 * RESEND) {
        this.post.waiting.push(...left.events);
        localStorage.removeItem(name);
      }
    }
    if (this.post.waiting.length) this.keep();
  }

  keep() {
    const name = this.place + this.post.client;
    try {
      if (this.post.waiting.length) localStorage.setItem(name, JSON.stringify({ beat: Date.now(), events: this.post.waiting }));
      else localStorage.removeItem(name);
    } catch {
      this.note = "This browser keeps nothing: do not close the page while judgements wait.";
    }
  }

  add(events) {
    for (const event of events) this.post.waiting.push({ client_id: this.post.client, client_seq: ++this.post.seq, ...event });
    this.keep();
    this.send();
  }

  send() {
    this.sent_at = Date.now();
    this.send_events({ nonce: this.sent_at + Math.random(), events: this.post.waiting });
  }

  resend() {
    this.adopt();
    if (!this.post.waiting.length) return;
    this.keep();
    if (Date.now() - (this.sent_at || 0) > RESEND) this.send();
  }

  acknowledged(ack) {
    const before = this.post.waiting.length;
    this.post.waiting = this.post.waiting.filter((event) => event.client_seq > (ack[event.client_id] || 0));
    this.post.saved += before - this.post.waiting.length;
    if (before) this.keep();
  }

  get words() {
    const waiting = this.post.waiting.length;
    if (waiting) return `${waiting} waiting`;
    return this.post.saved ? `saved #${this.post.saved}` : "";
  }
}

function stored(name) {
  try {
    return JSON.parse(localStorage.getItem(name));
  } catch {
    return null;
  }
}
