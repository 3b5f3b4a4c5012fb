// The review card. The next cards are here before they are needed, so that a key changes the card within a frame; what
// was decided is kept (also in localStorage) and sent again until the server says that it is written.
// Texts are hostile: they become text nodes and nothing else.

const ACTIONS = [
  ["relevant", "1", "Relevant: an answer that nobody labelled"],
  ["partial", "2", "Partly an answer"],
  ["not_relevant", "3", "Not relevant: a true hard negative"],
  ["unsure", "4", "Cannot tell"],
  ["duplicate_of_positive", "d", "Reason for the last one: copy of the positive"],
  ["bad_query", "b", "Reason for the last one: bad query"],
  ["wrong_positive", "w", "Reason for the last one: wrong positive"],
  ["too_easy", "e", "Reason for the last one: too easy"],
  ["later", "l", "Later: put it at the end"],
  ["next", "j", "Skip to the next card"],
  ["previous", "k", "Back to the card before"],
  ["undo", "z", "Undo"],
  ["redo", "y", "Redo"],
  ["comment", "m", "Comment"],
  ["changes", "x", "Show what differs from the positive"],
  ["copies", "p", "Same verdict for the copies of the last one"],
  ["help", "?", "Show the keys"],
];
const VERDICTS = ["relevant", "partial", "not_relevant", "unsure"];
const REASONS = { duplicate_of_positive: "copy of the positive", bad_query: "bad query", wrong_positive: "wrong positive", too_easy: "too easy" };
const TAKEN = { c: "Streamlit clears its cache with it", r: "Streamlit runs the page again with it" };
const RESEND = 2000; // milliseconds after which what is not acknowledged is sent again
const IN_QUERY = 1, IN_POSITIVE = 2, BEST_BEGINS = 4;

const GONE = 300; // milliseconds without a place on the page after which keys mean nothing

// Streamlit may take the component away and put it back between two keys: the deck outlives its place on the page.
export default function (component) {
  const { parentElement, data } = component;
  const post = post_of(data.run);
  post.deck ??= new Deck(data);
  const root = parentElement.querySelector(".deck");
  post.deck.enter(root);
  post.deck.receive(component);
  return () => post.deck.leave(root);
}

class Deck {
  constructor(data) {
    this.id = Math.random();
    this.place = `nearmiss:${data.run}:`;
    this.post = post_of(data.run);
    this.queue = []; // cards, those behind `at` too, so that an undo needs no server
    this.at = 0;
    this.mine = new Map(); // pair -> verdict given on this page
    this.done = []; // events that an undo takes back, newest last
    this.undone = [];
    this.queries = {};
    this.last = null; // the last judgement, for reasons and copies
    this.shown_at = Date.now() / 1000;
    this.showing = { changes: false, help: false, copies: false };
    this.keys = this.stored("nearmiss:keys") || {};
    this.note = "";
    document.addEventListener("keydown", (event) => this.key(event));
    setInterval(() => this.resend(), RESEND / 2);
    this.adopt();
  }

  enter(root) {
    this.root = root;
    this.left_at = null;
  }

  leave(root) {
    if (root === this.root) this.left_at = performance.now();
  }

  get gone() {
    return this.left_at !== null && performance.now() - this.left_at > GONE;
  }

  // What a closed or crashed page left behind is sent on its behalf, under its own name.
  adopt() {
    for (const name of Object.keys(localStorage)) {
      if (!name.startsWith(this.place) || name === this.place + this.post.client) continue;
      const left = this.stored(name);
      if (left && Date.now() - left.beat > 3 * RESEND) {
        this.post.waiting.push(...left.events);
        localStorage.removeItem(name);
      }
    }
    if (this.post.waiting.length) this.keep();
  }

  stored(name) {
    try {
      return JSON.parse(localStorage.getItem(name));
    } catch {
      return null;
    }
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

  receive({ data, setStateValue }) {
    this.data = data;
    this.set = setStateValue;
    const before = this.post.waiting.length;
    this.post.waiting = this.post.waiting.filter((event) => event.client_seq > (data.ack[event.client_id] || 0));
    this.post.saved += before - this.post.waiting.length;
    if (before) this.keep();
    if (data.problems.length) this.note = data.problems.join(" ");
    Object.assign(this.queries, data.queries);
    if (data.view !== this.view) {
      this.view = data.view;
      this.queue = [];
      this.at = 0;
      this.done = [];
      this.undone = [];
      this.mine.clear();
    }
    this.merge(data);
    this.draw();
    // Meant for a deck that held more than this one, as after a broken connection.
    if (data.deck !== null && data.deck !== this.id) this.send();
  }

  merge(data) {
    const known = new Map(this.queue.map((card, place) => [pair_of(card), place]));
    for (const card of data.cards) {
      const place = known.get(pair_of(card));
      if (place !== undefined) this.queue[place] = card;
      else if (!this.mine.has(pair_of(card))) known.set(pair_of(card), this.queue.push(card) - 1);
    }
    const wanted = data.focus && known.get(data.focus.join("\n"));
    if (wanted !== undefined && data.focus_number !== this.focus_number) {
      this.focus_number = data.focus_number;
      this.go(wanted);
    } else if (this.card && this.mine.has(pair_of(this.card))) this.forward();
  }

  get card() {
    return this.queue[this.at];
  }

  go(place) {
    this.at = Math.max(0, Math.min(place, this.queue.length));
    this.shown_at = Date.now() / 1000;
    this.showing.changes = this.showing.copies = false;
  }

  forward() {
    let place = this.at;
    while (place < this.queue.length && this.mine.has(pair_of(this.queue[place]))) place += 1;
    this.go(place);
  }

  emit(card, verdict, more = {}) {
    const event = {
      client_id: this.post.client,
      client_seq: ++this.post.seq,
      query_id: card.query_id,
      doc_id: card.doc_id,
      verdict,
      reviewer: this.data.reviewer,
      arm: card.arm || "",
      inclusion_probability: card.inclusion_probability ?? null,
      scores_visible: Boolean(card.numbers),
      shown_at: this.shown_at,
      decided_at: Date.now() / 1000,
      ...more,
    };
    this.post.waiting.push(event);
    this.keep();
    this.send();
    return event;
  }

  send() {
    this.sent_at = Date.now();
    // What is here already need not be sent again.
    const have = this.queue.slice(this.at).map(({ query_id, doc_id }) => [query_id, doc_id]);
    this.set("events", { nonce: this.sent_at + Math.random(), events: this.post.waiting, have, deck: this.id, view: this.view });
  }

  resend() {
    if (this.gone) return;
    this.adopt();
    if (!this.post.waiting.length) return;
    this.keep();
    if (Date.now() - (this.sent_at || 0) > RESEND) this.send();
    this.draw_state();
  }

  // ---- what a person does

  act(action) {
    if (action === "help") this.showing.help = !this.showing.help;
    else if (action === "changes") this.showing.changes = !this.showing.changes;
    else if (action === "undo") this.undo();
    else if (action === "redo") this.redo();
    else if (action === "next") this.go(Math.min(this.at + 1, this.queue.length - 1));
    else if (action === "previous") this.go(this.at - 1);
    else if (action === "copies") this.showing.copies = Boolean(this.last && this.last.card.copies.length) && !this.showing.copies;
    else if (action in REASONS) this.reason(action);
    else if (!this.card || !this.data.reviewer) return this.draw();
    else if (action === "comment") return this.root.querySelector("textarea").focus();
    else if (action === "later") this.later();
    else this.judge(action);
    this.draw();
  }

  judge(verdict) {
    const card = this.card;
    const event = this.emit(card, verdict);
    const before = this.mine.get(pair_of(card));
    this.mine.set(pair_of(card), verdict);
    this.last = { card, event };
    this.done.push({ card, before });
    this.undone = [];
    this.note = "";
    this.forward_from(card);
  }

  forward_from(card) {
    this.go(this.queue.indexOf(card) + 1);
    this.forward();
  }

  reason(reason) {
    if (!this.last) return void (this.note = "A reason belongs to a judgement: judge first.");
    const { card, event } = this.last;
    this.last.event = this.emit(card, event.verdict, { reason, shown_at: event.shown_at });
    this.done.push({ card, before: event.verdict });
    this.undone = [];
    this.note = `Reason noted: ${REASONS[reason]}.`;
  }

  later() {
    const card = this.card;
    this.emit(card, "later");
    this.done.push({ card, before: undefined });
    this.undone = [];
    this.queue.splice(this.at, 1);
    this.go(this.at);
  }

  undo() {
    const step = this.done.pop();
    this.emit(step ? step.card : this.card || NOBODY, "undo");
    this.last = null;
    if (!step) return void (this.note = "Undone.");
    this.undone.push({ ...step, verdict: this.mine.get(pair_of(step.card)) });
    if (step.before) this.mine.set(pair_of(step.card), step.before);
    else this.mine.delete(pair_of(step.card));
    if (!this.queue.includes(step.card)) this.queue.splice(this.at, 0, step.card);
    this.go(this.queue.indexOf(step.card));
    this.note = "Undone.";
  }

  redo() {
    const step = this.undone.pop();
    this.emit(step ? step.card : this.card || NOBODY, "redo");
    if (!step) return void (this.note = "Done again.");
    this.done.push({ card: step.card, before: step.before });
    if (step.verdict) this.mine.set(pair_of(step.card), step.verdict);
    this.forward_from(step.card);
    this.note = "Done again.";
  }

  propagate(chosen) {
    const { event } = this.last;
    for (const copy of chosen) {
      this.emit(copy, event.verdict, { parent_seq: event.client_seq, reason: event.reason || "" });
      this.mine.set(pair_of(copy), event.verdict);
    }
    this.note = `Same verdict for ${chosen.length} ${chosen.length === 1 ? "copy" : "copies"}.`;
    this.showing.copies = false;
    this.forward();
    this.draw();
  }

  say(text) {
    if (text.trim() && this.card) this.emit(this.card, "comment", { comment: text.trim() });
    this.note = "Comment saved.";
    this.draw();
  }

  open(query_id, doc_id) {
    const place = this.queue.findIndex((card) => card.query_id === query_id && card.doc_id === doc_id);
    if (place >= 0) this.go(place);
    else this.set("open", { nonce: Math.random(), query_id, doc_id });
    this.draw();
  }

  key(event) {
    if (this.gone || event.repeat || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.composedPath()[0];
    if (target && (/^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) || target.isContentEditable)) return;
    if (event.key === "Escape") {
      this.showing = { changes: false, help: false, copies: false };
      return this.draw();
    }
    const action = ACTIONS.find(([name]) => this.key_of(name) === event.key.toLowerCase());
    if (!action) return;
    event.preventDefault();
    event.stopPropagation();
    this.act(action[0]);
  }

  key_of(action) {
    return this.keys[action] || ACTIONS.find(([name]) => name === action)[1];
  }

  change_key(action, key, say) {
    const owner = ACTIONS.find(([name]) => name !== action && this.key_of(name) === key);
    if (!key) return say("Wanted one key.");
    if (TAKEN[key]) return say(`${key} is taken: ${TAKEN[key]}.`);
    if (owner) return say(`${key} is taken: ${owner[2]}.`);
    this.keys[action] = key;
    localStorage.setItem("nearmiss:keys", JSON.stringify(this.keys));
    this.draw();
  }

  // ---- what a person sees

  draw() {
    const typed = this.root.querySelector("textarea");
    const draft = typed && typed.dataset.pair === (this.card ? pair_of(this.card) : "") ? typed.value : "";
    const focused = typed && typed.getRootNode().activeElement === typed;
    this.root.dataset.mode = this.data.dark ? "dark" : "light";
    const parts = [this.header(), this.card ? this.body(draft) : this.nothing(), this.after_judging(), this.last_ones()];
    if (this.showing.help) parts.push(this.help());
    this.root.replaceChildren(...parts.filter(Boolean));
    this.draw_state();
    if (focused) this.root.querySelector("textarea")?.focus();
    const best = this.root.querySelector(".candidate .best");
    if (best) best.parentElement.scrollTop = Math.max(0, best.offsetTop - best.parentElement.offsetTop - 8);
  }

  draw_state() {
    const state = this.root.querySelector(".state");
    if (!state) return;
    const waiting = this.post.waiting.length;
    const saved = this.post.saved ? `saved #${this.post.saved}` : "";
    state.textContent = waiting ? `${waiting} waiting` : saved;
    state.classList.toggle("pending", waiting > 0);
    this.root.dataset.waiting = waiting;
    this.root.dataset.saved = this.post.saved;
  }

  header() {
    const { progress } = this.data;
    const left = Math.max(0, progress.left - [...this.mine.keys()].filter((pair) => this.is_pending(pair)).length);
    const words = [`${number(left)} to go`, `${number(progress.mine)} judged by you`];
    if (progress.per_minute) words.push(`${progress.per_minute.toFixed(1)} a minute`);
    if (progress.per_minute && left) words.push(`about ${duration(left / progress.per_minute)} left`);
    const next = Math.min(left, progress.stretch);
    if (next) words.push(`the next ${next} hold about ${progress.expected_answers < 10 ? progress.expected_answers.toFixed(1) : Math.round(progress.expected_answers)} answers`);
    return h("div", { class: "header" },
      h("span", { class: "progress" }, words.join(" · ")),
      h("span", { class: "state", role: "status", "aria-live": "polite" }),
      this.button("undo", "Undo"), this.button("redo", "Redo"), this.button("help", "Keys"));
  }

  is_pending(pair) {
    return this.post.waiting.some((event) => pair_of(event) === pair && VERDICTS.includes(event.verdict));
  }

  body(draft) {
    const card = this.card;
    const query = this.queries[card.query_id];
    if (!query) return h("p", {}, "Loading …");
    return h("div", { class: "body" },
      h("section", { "aria-label": "Query" }, h("div", { class: "label" }, "Query"), h("h2", { class: "query", dir: "auto" }, query.text), this.beside(card)),
      h("div", { class: "sides" }, this.positives(query), this.candidate(card)),
      this.verdicts(card),
      this.rankings(query, card),
      this.comments(card, draft));
  }

  // Ranks and scores stand there, so not while they are hidden.
  beside(card) {
    if (!card.numbers) return null;
    const address = new URLSearchParams({ query: card.query_id, doc: card.doc_id, reviewer: this.data.reviewer });
    return h("a", { class: "label", href: `query?${address}` }, "See it in all rankings");
  }

  positives(query) {
    const shown = query.positives.map((positive) =>
      h("div", {},
        positive.title ? h("h3", { dir: "auto" }, positive.title) : null,
        positive.score === null ? null : h("div", { class: "numbers" }, `${this.data.sources[query.scored_by]} ${fixed(positive.score)}`),
        h("div", { class: "text", tabindex: 0, dir: "auto" }, ...drawn(positive.pieces))));
    const more = query.more_positives ? h("p", { class: "label" }, `and ${query.more_positives} more`) : null;
    return h("section", { class: "positive", "aria-label": "Labelled answer" },
      h("div", { class: "label" }, this.sign("status", "known_positive"), " Labelled answer"), ...shown, more);
  }

  candidate(card) {
    const text = this.showing.changes
      ? card.changes.map(([kind, piece]) => (kind === "same" ? piece : h(kind === "new" ? "ins" : "del", {}, piece)))
      : drawn(card.pieces);
    const own = this.mine.get(pair_of(card)) || card.verdict;
    return h("section", { class: "candidate", "aria-label": "Candidate" },
      h("div", { class: "label" }, "Candidate", card.status ? h("span", { class: "chips" }, this.sign("status", card.status, true)) : null,
        own ? h("span", { class: "chips" }, "you: ", this.sign("verdict", own, true)) : null,
        card.others.length ? h("span", { class: "chips" }, "others: ", ...card.others.map((verdict) => this.sign("verdict", verdict, true))) : null),
      card.title ? h("h3", { dir: "auto" }, card.title) : null,
      card.numbers ? this.numbers(card.numbers) : h("div", { class: "numbers" }, "Scores and ranks stay hidden until you judge."),
      card.why ? h("div", { class: "numbers" }, h("span", {}, `Shown because: ${card.why}`)) : null,
      h("div", { class: "text", tabindex: 0, dir: "auto" }, ...text));
  }

  numbers(numbers) {
    const word = (source) => this.data.sources[source] || source;
    const parts = Object.entries(numbers.scores).filter(([, score]) => score !== null)
      .map(([source, score]) => h("span", {}, `${word(source)} ${fixed(score)}${numbers.ranks[source] ? ` (#${numbers.ranks[source]})` : ""}`));
    const gap = numbers.margin;
    const beside = gap === null ? "" : gap >= 0 ? `${fixed(gap)} below the answer` : `${fixed(-gap)} above the answer`;
    return h("div", { class: "numbers" }, ...parts, numbers.ranks.fused ? h("span", {}, `Fused #${numbers.ranks.fused}`) : null,
      numbers.p_relevant === null ? null : h("span", {}, `p_relevant ${fixed(numbers.p_relevant)}`), h("span", { class: gap < 0 ? "above" : "" }, beside));
  }

  verdicts(card) {
    const own = this.mine.get(pair_of(card)) || card.verdict;
    const buttons = VERDICTS.map((verdict) => {
      const look = this.data.looks.verdict[verdict];
      const button = this.button(verdict, `${look.sign} ${capital(look.word)}`, look.says);
      button.style.setProperty("--own", this.colour(look));
      button.setAttribute("aria-pressed", own === verdict);
      return button;
    });
    return h("div", { class: "verdicts", role: "group", "aria-label": "Verdict" }, ...buttons,
      h("span", { class: "gap" }), this.button("later", "Later"), this.button("changes", this.showing.changes ? "Plain text" : "Differences"));
  }

  // Drawn once for a query, since a hundred rows take longer than a frame; then only its marks move.
  rankings(query, card) {
    if (!query.rankings.length) return null;
    if (this.ranked !== query) {
      this.ranked = query;
      this.rows = new Map();
      const columns = query.rankings.map((ranking) => this.ranking(query, ranking));
      this.ranked_section = h("section", { class: "rankings", "aria-label": "All candidates of this query" }, ...columns);
    }
    for (const [doc_id, rows] of this.rows) {
      const verdict = this.mine.get(`${query.query_id}\n${doc_id}`) || rows[0].verdict;
      for (const { button, mark } of rows) {
        button.classList.toggle("here", doc_id === card.doc_id);
        if (mark.dataset.verdict !== String(verdict)) mark.replaceChildren(verdict ? this.sign("verdict", verdict) : "");
        mark.dataset.verdict = verdict;
      }
    }
    return this.ranked_section;
  }

  ranking(query, ranking) {
    const words = `By ${this.data.sources[ranking.name] || ranking.name}`;
    const rows = ranking.rows.map((row) => {
      const mark = h("span", { class: "mark" });
      const button = h("button", { type: "button", title: row.title },
        h("span", { class: "rank" }, row.rank), this.sign("status", row.status), h("span", { class: "title", dir: "auto" }, row.title),
        h("span", { class: "score" }, row.score === null ? "" : fixed(row.score)), mark);
      button.onclick = () => this.open(query.query_id, row.doc_id);
      if (!this.rows.has(row.doc_id)) this.rows.set(row.doc_id, []);
      this.rows.get(row.doc_id).push({ button, mark, verdict: VERDICTS_BY_CODE[row.verdict] });
      return h("li", {}, button);
    });
    return h("div", { class: "ranking" }, h("div", { class: "label" }, words), h("ol", { tabindex: 0, "aria-label": words }, ...rows));
  }

  comments(card, draft) {
    const box = h("textarea", { rows: 1, placeholder: `Comment (${this.key_of("comment")}), Enter saves`, "aria-label": "Comment", "data-pair": pair_of(card) });
    box.value = draft;
    box.onkeydown = (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        this.say(box.value);
        this.root.querySelector("textarea").value = "";
      }
      if (event.key === "Escape") box.blur();
    };
    return h("div", { class: "comments" }, ...card.comments.map((one) => h("p", {}, h("b", {}, one.reviewer), " ", one.text)), box);
  }

  after_judging() {
    if (!this.last) return this.note ? h("p", { class: "note", role: "status" }, this.note) : null;
    const { card, event } = this.last;
    const look = this.data.looks.verdict[event.verdict];
    const reasons = Object.entries(REASONS).map(([reason, words]) => this.button(reason, capital(words)));
    const bar = h("div", { class: "after" },
      h("span", { class: "label" }, `Last one: ${look.word}.`, this.note ? ` ${this.note}` : " Why?"), ...reasons,
      card.copies.length ? this.button("copies", `${card.copies.length} ${card.copies.length === 1 ? "copy" : "copies"}: same verdict?`) : null);
    return this.showing.copies ? h("div", {}, bar, this.copies(card)) : bar;
  }

  copies(card) {
    const rows = card.copies.map((copy) => {
      const box = h("input", { type: "checkbox" });
      box.checked = true;
      return { copy, box, row: h("label", {}, box, h("span", { dir: "auto" }, `${copy.title}`), h("span", { class: "label", dir: "auto" }, `for: ${copy.query}`)) };
    });
    const give = h("button", { type: "button" }, "Give them the same verdict");
    give.onclick = () => this.propagate(rows.filter(({ box }) => box.checked).map(({ copy }) => copy));
    return h("div", { class: "panel" }, ...rows.map(({ row }) => row), give);
  }

  last_ones() {
    if (!this.data.strip.length) return null;
    return h("section", { class: "strip", "aria-label": "Your last judgements" }, h("span", { class: "label" }, "Last judgements"),
      ...this.data.strip.map((one) => {
        const look = this.data.looks.verdict[one.verdict];
        const words = [look ? look.word : one.verdict, REASONS[one.reason], one.propagated ? `and ${one.propagated} copies` : ""].filter(Boolean).join(", ");
        const button = h("button", { type: "button", title: `${one.title}: ${words}. Open it to judge again.` },
          look ? this.sign("verdict", one.verdict) : "↷", " ", h("span", { dir: "auto" }, one.title));
        button.onclick = () => this.open(one.query_id, one.doc_id);
        return button;
      }));
  }

  nothing() {
    if (!this.data.reviewer) return h("div", { class: "empty" }, h("h2", {}, "Who are you?"), h("p", {}, "Type your name on the left: judgements are written down under it."));
    if (this.post.waiting.length) return h("div", { class: "empty" }, h("h2", {}, "Saving …"), h("p", {}, "The next cards come when what you judged is written down."));
    return h("div", { class: "empty" }, h("h2", {}, "Nothing left in this view"), h("p", {}, "Choose other candidates above, or go on to the export."));
  }

  help() {
    const problem = h("p", { class: "problem", role: "alert" });
    const rows = ACTIONS.map(([action, , words]) => {
      const input = h("input", { value: this.key_of(action), maxlength: 1, size: 2, "aria-label": words });
      input.onchange = () => this.change_key(action, input.value.toLowerCase(), (text) => {
        problem.textContent = text;
        input.value = this.key_of(action);
      });
      return h("label", {}, input, h("span", {}, words));
    });
    const reset = h("button", { type: "button" }, "As they were");
    reset.onclick = () => {
      this.keys = {};
      localStorage.removeItem("nearmiss:keys");
      this.draw();
    };
    const close = h("button", { type: "button" }, "Close (Esc)");
    close.onclick = () => this.act("help");
    return h("div", { class: "panel help", role: "dialog", "aria-label": "Keys" }, h("h2", {}, "Keys"),
      h("p", { class: "label" }, "Type another key to change one."), h("div", { class: "keys" }, ...rows), problem, reset, close);
  }

  button(action, words, title = "") {
    const button = h("button", { type: "button", "data-action": action, title: title || ACTIONS.find(([name]) => name === action)[2], "aria-keyshortcuts": this.key_of(action) },
      words, h("kbd", { "aria-hidden": "true" }, this.key_of(action)));
    button.onclick = () => {
      this.act(action);
      this.root.querySelector(`[data-action="${action}"]`)?.focus();
    };
    return button;
  }

  sign(kind, name, worded = false) {
    const look = this.data.looks[kind][name];
    const sign = h("span", { class: "sign", title: `${look.word}: ${look.says}` }, worded ? `${look.sign} ${look.word}` : look.sign);
    if (!worded) sign.setAttribute("aria-label", look.word), sign.setAttribute("role", "img");
    sign.style.color = this.colour(look);
    return sign;
  }

  colour(look) {
    return this.data.dark ? look.dark : look.light;
  }
}

// Of this page and run.
function post_of(run) {
  globalThis.nearmiss ??= {};
  return (globalThis.nearmiss[run] ??= {
    client: crypto.randomUUID ? crypto.randomUUID() : String(Math.random()).slice(2) + Date.now(),
    seq: 0,
    saved: 0,
    waiting: [], // events that the server has not acknowledged
  });
}

const NOBODY = { query_id: "-", doc_id: "-", numbers: null };
const VERDICTS_BY_CODE = { 1: "relevant", 2: "partial", 3: "not_relevant", 4: "unsure" };

function pair_of({ query_id, doc_id, arm }) {
  // A card shown again, unannounced, is another card than the one that was judged before.
  return `${query_id}\n${doc_id}${arm === "repeat" ? "\nagain" : ""}`;
}

function drawn(pieces) {
  return pieces.map(([text, marks]) => {
    if (!marks) return document.createTextNode(text);
    const names = [marks & IN_QUERY ? "q" : "", marks & IN_POSITIVE ? "p" : "", marks & BEST_BEGINS ? "best" : ""];
    return h(marks & (IN_QUERY | IN_POSITIVE) ? "mark" : "span", { class: names.join(" ").trim() }, text);
  });
}

function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== "") element.setAttribute(name, value);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

function fixed(value) {
  return Math.abs(value) >= 100 ? value.toFixed(1) : value.toFixed(3);
}

function number(value) {
  return value.toLocaleString("en");
}

function capital(words) {
  return words[0].toUpperCase() + words.slice(1);
}

function duration(minutes) {
  if (minutes < 1) return "a minute";
  return minutes < 90 ? `${Math.round(minutes)} min` : `${Math.round(minutes / 60)} h`;
}
