// What stands above the lists: rankings or picture, lists that scroll together, and what is saved.

import { h } from "../deck/elements.js";

/** The line above the lists. */
export function toolbar(page) {
  const box = h("input", { type: "checkbox" });
  box.checked = page.columns.together;
  box.onchange = () => (page.columns.together = box.checked);
  page.together = h("label", {}, box, "Scroll the lists together");
  return h("div", { class: "toolbar" }, halves(page), page.together, page.state);
}

/** Two buttons: the rankings, or the picture. */
function halves(page) {
  const buttons = [false, true].map((picture) => {
    const words = picture ? "Picture" : "Rankings";
    const button = h("button", { type: "button", "data-half": words.toLowerCase() }, words);
    button.onclick = () => {
      page.shows_picture = picture;
      page.show_half();
      page.draw_picture();
    };
    return button;
  });
  return h("div", { class: "halves", role: "group", "aria-label": "What is shown" }, ...buttons);
}
