// Why a row was judged so, and comments on the document in focus. What is typed stays with its document.

const WHY = { d: ["duplicate_of_positive", "copy of the positive"], b: ["bad_query", "bad query"], w: ["wrong_positive", "wrong positive"], e: ["too_easy", "too easy"] };

class Remarks {
  constructor(page) {
    this.page = page;
    this.drafts = new Map(); // by document
    this.written = new Map(); // comments of this page, by document, until the server says them too
  }

  build() {
    const before = this.box && this.box === this.page.root.getRootNode().activeElement ? this.box : null;
    this.caret = before && [before.selectionStart, before.selectionEnd];
    this.reasons = h("div", { class: "reasons", role: "group", "aria-label": "Why" });
    this.comments = h("div", { class: "comments" });
    this.box = h("textarea", { rows: 1, placeholder: "Comment (m), Enter saves", "aria-label": "Comment on the document in focus" });
    this.box.oninput = () => this.drafts.set(this.doc_id, this.box.value);
    this.box.onkeydown = (event) => {
      if (event.isComposing) return;
      if (event.key === "Escape") this.leave();
      if (event.key !== "Enter" || event.shiftKey) return;
      event.preventDefault();
      this.comment();
    };
    this.drawn = null;
    return h("div", { class: "remarks" }, this.reasons, this.comments, this.box);
  }

  // Whoever was typing types on, where they were: the page was only built anew.
  type_on() {
    if (!this.caret) return;
    this.box.focus({ preventScroll: true });
    this.box.setSelectionRange(...this.caret);
    this.caret = null;
  }

  get doc_id() {
    return this.page.view.documents[this.page.at].doc_id;
  }

  draw() {
    const last = this.page.done.at(-1);
    const able = Boolean(last && this.page.data.can_judge);
    this.reasons.replaceChildren(h("span", { class: "label" }, "Why?"), ...Object.entries(WHY).map(([key, [reason, words]]) => {
      const button = h("button", { type: "button", "data-reason": reason, "aria-keyshortcuts": key }, capital(words), h("kbd", { "aria-hidden": "true" }, key));
      button.disabled = !able;
      button.onclick = () => this.reason(reason, words);
      return button;
    }));
    const known = this.page.texts.get(this.doc_id)?.comments ?? [];
    const own = (this.written.get(this.doc_id) ?? []).filter((text) => !known.some((one) => one.text === text));
    const lines = [...known, ...own.map((text) => ({ reviewer: this.page.data.reviewer, text }))];
    this.comments.replaceChildren(...lines.map(({ reviewer, text }) => h("p", {}, h("b", {}, reviewer), " ", h("span", { dir: "auto" }, text))));
    if (this.drawn !== this.doc_id) this.box.value = this.drafts.get(this.doc_id) ?? "";
    this.drawn = this.doc_id;
    this.box.disabled = !this.page.data.can_judge || !this.page.data.reviewer;
  }

  action(key) {
    if (key === "m") return () => this.box.focus();
    return WHY[key] ? () => this.reason(...WHY[key]) : undefined;
  }

  // The last verdict again, with its reason: of two rows of one person the later counts.
  reason(reason, words) {
    const last = this.page.done.at(-1);
    if (!last) return this.page.say("A reason belongs to a judgement: judge first.");
    const verdict = last[0][1];
    this.page.give(last.map(([place]) => place), verdict, { reason });
    this.page.done.push(last.map(([place]) => [place, verdict, verdict]));
    this.page.undone = [];
    this.page.say(`Reason noted: ${words}.`);
  }

  comment() {
    const text = this.box.value.trim();
    if (!text) return this.leave();
    this.page.send([this.page.at], "comment", { comment: text });
    this.page.done.push([[this.page.at, this.page.verdict_of(this.page.at), this.page.verdict_of(this.page.at)]]);
    this.written.set(this.doc_id, [...(this.written.get(this.doc_id) ?? []), text]);
    this.drafts.delete(this.doc_id);
    this.box.value = "";
    this.leave();
    this.page.say("Comment noted.");
  }

  // Back to the row, so that the keys work again.
  leave() {
    this.box.blur();
    this.page.columns.enter(this.page.at, this.page.column);
  }
}
