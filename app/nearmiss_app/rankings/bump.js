// Who moved: one line a document, through its rank in each ranking; those that a ranking does not list lie below it.

import { svg } from "./drawing.js";
import { weight_of } from "./places.js";

export class Bump {
  constructor(page) {
    this.page = page;
    this.height = 170;
  }

  /** @param {import("./places.js").QueryView} view */
  build(view) {
    this.view = view;
    this.ranks = view.documents.map(() => view.rankings.map(() => null));
    view.rankings.forEach((ranking, column) => ranking.places.forEach((place, at) => (this.ranks[place][column] = ranking.ranks[at])));
    this.deepest = Math.max(...view.rankings.map((ranking) => ranking.places.length), 1);
    this.drawing = svg("svg", { class: "bump", role: "img", "aria-label": "How each document's rank differs between the rankings", height: this.height });
    this.observer?.disconnect();
    this.observer = new ResizeObserver(() => this.drawing.clientWidth !== this.width && this.draw());
    this.observer.observe(this.drawing);
    return this.drawing;
  }

  x(column) {
    return ((column + 0.5) * this.width) / this.view.rankings.length;
  }

  y(rank) {
    return rank === null ? this.height - 12 : 12 + ((rank - 1) / Math.max(1, this.deepest - 1)) * (this.height - 46);
  }

  draw() {
    this.width = this.drawing.clientWidth;
    if (!this.width) return;
    const below = svg("line", { class: "below", x1: 0, x2: this.width, y1: this.height - 24, y2: this.height - 24 });
    const middle = Math.floor(this.view.rankings.length / 2);
    const between = middle ? (this.x(middle - 1) + this.x(middle)) / 2 : this.x(0);
    const said = svg("text", { x: between, y: this.height - 8, "text-anchor": "middle" }, `not among the first ${this.deepest}`);
    const order = this.ranks.map((_, place) => place).sort((a, b) => this.weight(a) - this.weight(b));
    this.lines = new Map(order.map((place) => [place, this.line(place)]));
    this.top = svg("g", { class: "top" });
    this.drawing.replaceChildren(below, said, ...this.lines.values(), this.top);
    this.light(this.lit ?? null);
  }

  weight(place) {
    return weight_of(this.page.status_of(place));
  }

  // Of documents that are only there to compare with, no way to and from the lists that lack them.
  path(place, whole = true) {
    let pen = "M";
    return this.ranks[place].map((rank, column) => {
      if (rank === null && !whole) return (pen = "M"), "";
      const point = `${pen}${this.x(column).toFixed(1)},${this.y(rank).toFixed(1)}`;
      pen = "L";
      return point;
    }).join("");
  }

  line(place) {
    const status = this.page.status_of(place);
    const line = svg("path", { d: this.path(place, this.weight(place) > 0), class: this.weight(place) ? "marked" : "" });
    if (this.weight(place)) line.style.stroke = this.page.colour_of("status", status);
    line.onmouseenter = () => this.page.light(place);
    line.onmouseleave = () => this.page.light(null);
    line.onclick = () => this.page.focus(place);
    return line;
  }

  // The lit document above all others, with its rank at each ranking; without one, the document in focus.
  light(place) {
    this.lit = place;
    if (!this.top) return;
    const shown = place ?? this.page.at;
    if (shown === null || shown === undefined) return void this.top.replaceChildren();
    const colour = this.page.colour_of("status", this.page.status_of(shown));
    const line = svg("path", { d: this.path(shown), class: "lit" });
    line.style.stroke = colour;
    const dots = this.ranks[shown].flatMap((rank, column) => {
      const dot = svg("circle", { cx: this.x(column), cy: this.y(rank), r: 4 });
      dot.style.fill = colour;
      if (rank === null) return [dot];
      const last = column === this.view.rankings.length - 1;
      const beside = { x: this.x(column) + (last ? -8 : 8), y: this.y(rank) + (rank < 8 ? 12 : -6), "text-anchor": last ? "end" : "start" };
      return [dot, svg("text", beside, `#${rank}`)];
    });
    this.top.replaceChildren(line, ...dots);
  }
}
