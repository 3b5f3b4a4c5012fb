// Why a row was judged so, and comments on the document in focus. What is typed stays with its document.

import { REASONS } from "../deck/actions.js";
import { capital, h } from "../deck/elements.js";
import { key_of_reason } from "./keys.js";
import { key_button } from "./reading_view.js";

export class Remarks {
  constructor(page) {
    this.page = page;
    this.drafts = new Map(); // by document
    this.written = new Map(); // comments of this page, by document, until the server says them too
  }

  build() {
    const before = this.box && this.box === this.page.root.getRootNode().activeElement ? this.box : null;
    /** @type {[number, number] | null} */
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
    const able = this.page.judgements.done.length > 0 && this.page.data.can_judge;
    this.reasons.replaceChildren(h("span", { class: "label" }, "Why?"), ...Object.entries(REASONS).map(([reason, words]) => {
      const button = key_button(this.page, reason, capital(words), key_of_reason(reason), { "data-reason": reason });
      button.disabled = !able;
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

  reason(reason) {
    if (!this.page.judgements.add_reason(reason)) return this.page.say("A reason belongs to a judgement: judge first.");
    this.page.mark();
    this.page.say(`Reason noted: ${REASONS[reason]}.`);
  }

  comment() {
    const text = this.box.value.trim();
    if (!text) return this.leave();
    this.page.judgements.comment(this.page.at, this.page.verdict_of(this.page.at), text);
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
