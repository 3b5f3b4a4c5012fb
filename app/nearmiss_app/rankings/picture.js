// The picture of one query: the query in the middle, each candidate as far from it as 1 - cosine says. The nearest are
// named. A sign and a colour say the status, the size how much of the gradient a candidate takes.

import { fixed, h } from "../deck/elements.js";
import { named, percent, shortened, svg } from "./drawing.js";
import { box_of_words, room_for_names, spread } from "./picture_layout.js";
import { weight_of } from "./places.js";

const NAMED = 9; // nearest documents with a name
const LONGEST = 26; // characters of a name
const BASELINE = 12; // pixels below the upper edge of a name
const SMALL = 13, ANSWER = 22, LARGE = 34; // font sizes of signs
const MARGIN = 26;

export class Picture {
  constructor(page) {
    this.page = page;
  }

  build(view, picture) {
    if (this.picture?.temperatures.length !== picture.temperatures.length) this.warmth = picture.usual;
    this.view = view;
    this.picture = picture;
    this.order = picture.distances.map((_, place) => place).sort((a, b) => picture.distances[a] - picture.distances[b]);
    this.drawing = svg("svg", { class: "near", role: "group", "aria-label": "Candidates by their distance to the query; arrow keys go from near to far" });
    this.said = h("p", { class: "label", role: "status" });
    const slider = h("input", { type: "range", min: 0, max: picture.temperatures.length - 1, value: this.warmth, "aria-label": "Temperature of the training loss" });
    this.shown = h("output", {});
    slider.oninput = () => {
      this.warmth = Number(slider.value);
      this.draw();
    };
    this.observer?.disconnect();
    this.observer = new ResizeObserver(() => this.draw());
    this.observer.observe(this.drawing);
    return h("div", { class: "picture" }, this.drawing,
      h("div", { class: "temperature" }, h("label", {}, "Temperature ", slider), this.shown), this.said, this.legend());
  }

  legend() {
    const statuses = [...new Set(this.view.documents.map((item) => item.status))];
    return h("p", { class: "legend" }, ...statuses.map((status) => this.page.sign("status", status, true)),
      this.picture.angled ? "" : h("span", {}, "This round keeps no vectors: the angle says nothing."));
  }

  get side() {
    return Math.min(this.drawing.clientWidth, this.drawing.clientHeight);
  }

  // Pixels of a distance; the farthest candidate lies at the edge.
  radius(distance) {
    return (Math.max(0, distance) * (this.side / 2 - MARGIN)) / Math.max(...this.picture.distances, 0.01);
  }

  draw() {
    if (!this.drawing.clientWidth || !this.drawing.clientHeight) return;
    const inside = this.drawing.contains(this.page.root.getRootNode().activeElement);
    const [width, height] = [this.drawing.clientWidth, this.drawing.clientHeight];
    this.places = spread(this.order, (place) => this.radius(this.picture.distances[place]), this.picture.angles);
    this.points = new Map();
    // Answers are drawn last, over everything.
    const order = [...this.order].reverse().sort((a, b) => this.weight(a) - this.weight(b));
    const middle = svg("g", { class: "anchor", "aria-hidden": "true" }, svg("path", { d: "M-7,0H7M0,-7V7" }));
    const scene = svg("g", { transform: `translate(${width / 2},${height / 2})` }, ...this.rings(), middle, ...order.map((place) => this.point(place)), ...this.ring_words, ...this.names(width, height));
    this.drawing.replaceChildren(scene);
    this.light(null);
    this.tell();
    if (inside) this.points.get(this.page.at)?.focus({ preventScroll: true });
  }

  weight(place) {
    return weight_of(this.page.status_of(place));
  }

  rings() {
    this.ring_words = []; // over the points
    this.ring_boxes = [];
    const farthest = Math.max(...this.picture.distances, 0.01);
    const scale = [0.25, 0.5, 0.75, 1].filter((distance) => distance < farthest).map((distance) => this.ring(distance, "scale", distance.toFixed(2)));
    const answers = this.order.filter((place) => this.view.documents[place].is_positive).map((place, number) => this.ring(this.picture.distances[place], "answer", number ? "" : `answer ${fixed(this.picture.distances[place])}`));
    const limits = ["ceiling", "floor"].filter((limit) => this.picture[limit] !== null).map((limit) => this.ring(this.picture[limit], limit, `${limit} ${fixed(this.picture[limit])}`));
    return [...scale, ...answers, ...limits];
  }

  ring(distance, name, words) {
    const radius = this.radius(distance);
    const down = name === "scale" ? radius + 13 : -radius - 4;
    if (words) this.ring_boxes.push(box_of_words(words, down));
    if (words) this.ring_words.push(svg("g", { class: `ring ${name}` }, svg("text", { y: down.toFixed(1), "text-anchor": "middle" }, words)));
    return svg("g", { class: `ring ${name}` }, svg("circle", { r: radius.toFixed(1) }));
  }

  share(place) {
    return this.picture.shares[this.warmth][place];
  }

  point(place) {
    const item = this.view.documents[place];
    const look = this.page.data.looks.status[this.page.status_of(place)];
    const [x, y] = this.places.get(place);
    const kept = this.page.status_of(place) === "kept";
    const size = kept ? SMALL + (LARGE - SMALL) * Math.sqrt(this.share(place)) : item.is_positive ? ANSWER : SMALL;
    const words = `${named(item)}, ${look.word}, distance ${fixed(this.picture.distances[place])}${kept ? `, ${percent(this.share(place))} of the gradient` : ""}`;
    const sign = svg("text", { "font-size": size.toFixed(1), "text-anchor": "middle", dy: ".36em" }, look.sign);
    sign.style.fill = this.page.dark ? look.dark : look.light;
    const glow = kept ? svg("circle", { class: "glow", r: (size * 0.75).toFixed(1) }) : null;
    if (glow) glow.style.fill = sign.style.fill;
    const point = svg("g", { class: "point", role: "button", tabindex: place === this.page.at ? 0 : -1, "aria-label": words, "data-doc": item.doc_id, transform: `translate(${x.toFixed(1)},${y.toFixed(1)})` },
      glow, sign, svg("title", {}, words));
    point.onmouseenter = () => this.page.light(place);
    point.onmouseleave = () => this.page.light(null);
    point.onclick = () => this.page.focus(place);
    point.onfocus = () => this.page.focus(place);
    this.points.set(place, point);
    return point;
  }

  // Names of the answers, then of the nearest others and of the kept, where there is room for them.
  names(width, height) {
    const of = (weight) => this.order.filter((place) => this.weight(place) === weight);
    const places = [...new Set([...of(2), ...this.order.slice(0, NAMED), ...of(1)])];
    /** @type {[number, string][]} */
    const names = places.map((place) => [place, shortened(named(this.view.documents[place]), LONGEST)]);
    return room_for_names(names, this.places, width, height, this.ring_boxes).map(([words, left, top]) =>
      svg("text", { class: "name", x: left.toFixed(1), y: (top + BASELINE).toFixed(1) }, words));
  }

  light(place) {
    for (const [one, point] of this.points ?? []) {
      point.classList.toggle("lit", one === place);
      point.classList.toggle("here", one === this.page.at);
      point.tabIndex = one === this.page.at ? 0 : -1;
    }
  }

  step(by) {
    const at = this.order.indexOf(this.page.at);
    const to = this.order[Math.max(0, Math.min(this.order.length - 1, at + by))];
    this.page.focus(to);
    this.points.get(to)?.focus({ preventScroll: true });
  }

  tell() {
    const kept = this.view.documents.map((_, place) => place).filter((place) => this.page.status_of(place) === "kept");
    this.shown.textContent = this.picture.temperatures[this.warmth];
    const pull = this.picture.pulls[this.warmth];
    if (!kept.length) return void (this.said.textContent = "Nothing is kept of this query: it teaches nothing.");
    const first = kept.reduce((a, b) => (this.share(b) > this.share(a) ? b : a));
    const strength = `At this temperature the gradient has ${percent(pull)} of its full strength`;
    this.said.textContent = `${strength}; ${percent(this.share(first))} of it pushes away "${shortened(named(this.view.documents[first]), 40)}". Distance from the middle is 1 - cosine.`;
  }
}
