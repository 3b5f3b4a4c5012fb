// The rankings as lists, one beside the other. A row is an option of its list; the same document has a row in each list
// that holds it. Built once for a view; then only marks move.

import { capital, fixed, h } from "../deck/elements.js";

export class Columns {
  constructor(page) {
    this.page = page;
    this.together = false;
  }

  /** @param {import("./places.js").QueryView} view */
  build(view) {
    this.view = view;
    /** @type {Map<number, HTMLElement>[]} by document: list -> row */
    this.rows = view.documents.map(() => new Map());
    /** @type {HTMLElement[]} */
    this.lists = [];
    /** @type {HTMLElement[]} */
    this.heads = [];
    /** @type {HTMLElement[]} the row of each list that Tab leads to */
    this.reached = [];
    const columns = view.rankings.map((ranking, number) => this.column(ranking, number));
    return h("div", { class: "columns", style: `--n: ${columns.length}` }, ...columns);
  }

  column(ranking, number) {
    const words = this.page.word(ranking.name);
    const list = h("ol", { role: "listbox", "aria-label": `${words}: best ${ranking.places.length}`, "aria-multiselectable": "true" });
    ranking.places.forEach((place, at) => list.append(...this.limits_after(at, ranking), this.row(place, ranking, number, at)));
    list.append(...this.limits_after(ranking.places.length, ranking));
    list.onscroll = () => this.scrolled(number);
    const place_of_focus = h("span", { class: "where" });
    this.lists.push(list);
    this.heads.push(place_of_focus);
    return h("section", { class: "column", "data-ranking": ranking.name },
      h("header", {}, h("h3", {}, words), place_of_focus), list);
  }

  // The lines of the limits that lie below so many rows.
  limits_after(rows, ranking) {
    return ["ceiling", "floor"].filter((limit) => ranking[`${limit}_after`] === rows).map((limit) => this.line(limit, ranking));
  }

  line(limit, ranking) {
    const value = ranking[limit];
    return h("li", { class: `limit ${limit}`, role: "presentation" }, value === null ? capital(limit) : `${capital(limit)} ${fixed(value)}`);
  }

  row(place, ranking, number, at) {
    const item = this.view.documents[place];
    const score = ranking.scores[at];
    const row = h("li", { class: `row ${item.side}`, role: "option", tabindex: -1, "aria-selected": "false", "data-doc": item.doc_id },
      h("div", { class: "facts" }, h("span", { class: "rank" }, ranking.ranks[at]), h("span", { class: "status" }),
        h("span", { class: "verdict" }), h("span", { class: "score" }, score === null ? "" : fixed(score))),
      h("div", { class: "title", dir: "auto" }, item.title || item.first_words),
      item.title ? h("div", { class: "words", dir: "auto" }, item.first_words) : null);
    row.onmouseenter = () => this.page.light(place);
    row.onmouseleave = () => this.page.light(null);
    row.onclick = (event) => this.page.press(place, number, event);
    row.onfocus = () => this.page.focus(place, number);
    this.rows[place].set(number, row);
    return row;
  }

  // Statuses and verdicts as they are now, on every row.
  mark(status_of, verdict_of) {
    this.rows.forEach((rows, place) => {
      const status = status_of(place), verdict = verdict_of(place);
      for (const row of rows.values()) {
        if (row.dataset.status !== status) row.querySelector(".status").replaceChildren(this.page.sign("status", status));
        if (row.dataset.verdict !== verdict) row.querySelector(".verdict").replaceChildren(verdict ? this.page.sign("verdict", verdict) : "");
        row.dataset.status = status;
        row.dataset.verdict = verdict;
      }
    });
  }

  show_focus(place, number) {
    this.view.rankings.forEach((ranking, column) => {
      const at = ranking.places.indexOf(place);
      this.heads[column].textContent = at < 0 ? `not among the first ${ranking.places.length}` : `#${ranking.ranks[at]} of ${ranking.found}`;
      this.heads[column].classList.toggle("absent", at < 0);
    });
    for (const row of this.reached) row.classList.remove("here"), (row.tabIndex = -1);
    for (const [column, row] of this.rows[place]) {
      row.classList.add("here");
      if (column !== number && !this.together) this.bring(column, row);
    }
    // One row of each list can be reached by Tab.
    this.reached = this.lists.map((list, column) => this.rows[place].get(column) ?? list.querySelector(".row"));
    for (const row of this.reached) row.tabIndex = 0;
  }

  light(place) {
    for (const rows of this.rows) for (const row of rows.values()) row.classList.remove("lit");
    if (place !== null) for (const row of this.rows[place].values()) row.classList.add("lit");
  }

  choose(chosen) {
    this.rows.forEach((rows, place) => {
      const selected = chosen.has(place) ? "true" : "false";
      for (const row of rows.values()) if (row.ariaSelected !== selected) row.ariaSelected = selected;
    });
  }

  // Into the middle of its list, without moving the page.
  bring(column, row) {
    const list = this.lists[column];
    list.scrollTop = row.offsetTop - (list.clientHeight - row.offsetHeight) / 2;
  }

  scrolled(number) {
    if (!this.together || this.page.gone) return;
    const top = this.lists[number].scrollTop;
    for (const list of this.lists) if (Math.abs(list.scrollTop - top) > 1) list.scrollTop = top;
  }

  enter(place, number) {
    const row = this.rows[place].get(number);
    if (!row) return;
    row.focus({ preventScroll: true });
    const list = this.lists[number];
    if (row.offsetTop < list.scrollTop || row.offsetTop + row.offsetHeight > list.scrollTop + list.clientHeight) this.bring(number, row);
  }
}
