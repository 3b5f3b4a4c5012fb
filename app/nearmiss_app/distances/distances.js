// The picture of one query on a page of its own words: a press on a candidate, or Enter, opens it there.

import { sign } from "../deck/elements.js";
import { Picture } from "../rankings/picture.js";

const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".distances");
  const shown = (root.shown ??= new Distances(root));
  shown.receive(data, (doc_id) => setTriggerValue("pressed", doc_id));
}

class Distances {
  constructor(root) {
    this.root = root;
    this.picture = new Picture(this);
    root.addEventListener("click", (event) => this.open(event.target));
    root.addEventListener("keydown", (event) => this.key(event));
  }

  receive(data, press) {
    this.data = data;
    this.press = press;
    this.documents = data.view.documents;
    this.at = Math.max(0, this.documents.findIndex(({ doc_id }) => doc_id === data.focus));
    this.root.dataset.open = String(this.documents[this.at]?.doc_id === data.focus);
    this.root.dataset.mode = data.dark ? "dark" : "light";
    // What is pressed moves the mark alone, so that the focus stays where it is.
    const built = JSON.stringify([data.picture, data.dark, this.documents.map(({ doc_id, status }) => [doc_id, status])]);
    if (built === this.built) return this.light(null);
    this.built = built;
    this.root.replaceChildren(this.picture.build(data.view, data.picture));
  }

  get dark() {
    return this.data.dark;
  }

  status_of(place) {
    return this.documents[place].status;
  }

  sign(kind, name, worded = false) {
    return sign(this.data.looks, this.data.dark, kind, name, worded);
  }

  light(place) {
    this.picture.light(place);
  }

  // Where the arrow keys are; nothing is opened yet.
  focus(place) {
    this.at = place;
    this.light(null);
  }

  open(target) {
    const point = target.closest?.(".point");
    if (point) this.press(point.dataset.doc);
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !event.target.closest?.(".point")) return;
    if (STEPS[event.key]) this.picture.step(STEPS[event.key]);
    else if (event.key === "Enter" || event.key === " ") this.open(event.target);
    else return;
    event.preventDefault();
  }
}
