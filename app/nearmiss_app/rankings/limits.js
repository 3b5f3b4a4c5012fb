// One setting of the policy on a slider: every stop's statuses are here before it is moved, so that a drag repaints the
// page at once; the server hears where it was let go.

import { h } from "../deck/elements.js";

const ASK_AGAIN = 6000; // milliseconds

export class Limits {
  constructor(page) {
    this.page = page;
    this.name = null;
  }

  build(data) {
    const tried = Object.keys(data.tried)[0];
    this.name ??= tried ?? data.settings[0];
    // The server sends it once; what it sent holds as long as nothing else than verdicts changed.
    const kept = this.policy === JSON.stringify(data.tried) ? this.along : null;
    this.policy = JSON.stringify(data.tried);
    this.along = [data.along, kept].find((one) => one?.query_id === data.view.query_id && one.name === this.name) ?? null;
    this.stop = this.along ? this.along.at : null;
    const choice = h("select", { "aria-label": "Setting to move" }, ...data.settings.map((name) => h("option", { value: name }, name.replaceAll("_", " "))));
    choice.value = this.name;
    choice.onchange = () => {
      this.name = choice.value;
      this.page.draw();
    };
    this.slider = h("input", { type: "range", min: 0, max: this.along ? this.along.stops.length - 1 : 1, value: this.stop ?? 0, "aria-label": this.name.replaceAll("_", " ") });
    this.slider.disabled = !this.along;
    this.slider.oninput = () => this.slide(Number(this.slider.value));
    this.slider.onchange = () => this.page.set("tries", { nonce: Math.random(), name: this.name, stop: this.along.stops[Number(this.slider.value)] });
    this.value = h("output", {});
    this.counts = h("span", { class: "counts", role: "status" });
    const back = h("button", { type: "button" }, "As saved");
    back.onclick = () => this.page.set("tries", { nonce: Math.random(), name: "" });
    back.hidden = !Object.keys(data.tried).length;
    this.tell();
    // Asked for once the page stands, since it need not wait for it.
    clearTimeout(this.asking);
    if (!this.along) this.asking = setTimeout(() => this.ask(), 150);
    return h("div", { class: "limits" }, choice, this.slider, this.value, back, this.counts);
  }

  ask() {
    if (this.page.gone) return;
    this.page.set("slides", { nonce: Math.random(), name: this.name });
    this.asking = setTimeout(() => this.along || this.ask(), ASK_AGAIN);
  }

  slide(stop) {
    this.stop = stop;
    this.tell();
    this.page.repaint();
  }

  // The status of a document at the stop where the slider stands; undefined where it stands on the policy's own.
  status_of(place) {
    if (!this.along || this.stop === this.along.at || this.page.view.documents[place].verdict) return undefined;
    return this.page.data.statuses[this.along.statuses[this.stop][place]];
  }

  tell() {
    const { view } = this.page.data;
    this.value.textContent = this.along ? this.along.stops[this.stop] : "…";
    const here = this.along ? this.along.kept[this.stop] : view.kept;
    const most = this.along?.exact === false ? "at most " : "";
    const all = this.along ? ` · ${most}${this.along.kept_in_all[this.stop].toLocaleString("en")} in all queries` : "";
    this.counts.replaceChildren(h("b", {}, `${here} kept`), ` of ${view.documents.length} candidates`, h("span", { class: "all" }, all));
  }
}
