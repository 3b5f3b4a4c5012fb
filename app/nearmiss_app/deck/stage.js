// How the deck lies on its page: what was scrolled, how much room there is, and what stands where there is no card.

import { h } from "./elements.js";

/** How far each part of the deck is scrolled, by its name. @param {HTMLElement} root @returns {Map<string, number>} */
export function scrolled_places(root) {
  return new Map(scrollable(root).map((element) => [element.dataset.scroll || "", element.scrollTop]));
}

/**
 * Leave what a person scrolled as it is; open the rest at what matters in it.
 * @param {HTMLElement} root
 * @param {Map<string, number>} before
 */
export function scroll_back(root, before) {
  for (const element of scrollable(root)) {
    const mark = /** @type {HTMLElement | null} */ (element.querySelector(".best, .here"));
    const name = element.dataset.scroll || "";
    if (before.has(name)) element.scrollTop = before.get(name) || 0;
    else if (mark && name === "candidate") element.scrollTop = Math.max(0, mark.offsetTop - 8);
    else if (mark) element.scrollTop = mark.offsetTop - (element.clientHeight - mark.offsetHeight) / 2;
  }
}

/** @param {HTMLElement} root @returns {HTMLElement[]} */
function scrollable(root) {
  return [...root.querySelectorAll("[data-scroll]")].map((element) => /** @type {HTMLElement} */ (element));
}

/**
 * Tell the styles where the deck begins and how wide it is: the card ends where the window does, whatever stands above
 * or beside it.
 * @param {HTMLElement} root
 */
export function fit_to_window(root) {
  const scroller = document.querySelector('[data-testid="stMain"]');
  const top = root.getBoundingClientRect().top + (scroller ? scroller.scrollTop : scrollY);
  root.style.setProperty("--top", `${Math.max(0, Math.round(top))}px`);
  root.dataset.width = width_name(root.clientWidth);
}

/** @param {number} width in pixels */
export function width_name(width) {
  return width < 440 ? "narrow" : width < 780 ? "middle" : "wide";
}

/** Whether the page has its server at the other end. */
export function is_connected() {
  const app = /** @type {HTMLElement | null} */ (document.querySelector('[data-testid="stApp"]'));
  return app?.dataset.testConnectionState === "CONNECTED";
}

/**
 * What stands in the place of a card.
 * @param {string} reviewer
 * @param {number} waiting judgements that the server has not yet written down
 * @param {string} done what to say where all is judged
 * @param {number} held pairs that wait, but lie with other reviewers
 */
export function nothing_left(reviewer, waiting, done, held) {
  if (!reviewer) return empty("Who are you?", "Type your name on the left: judgements are written down under it.");
  if (waiting) return empty("Saving …", "The next cards come when what you judged is written down.");
  if (held) return empty("All that is left lies with other reviewers", `${held === 1 ? "One candidate waits" : `${held} candidates wait`}. What another reviewer leaves comes here, at the latest ten minutes after their last key.`);
  const address = new URLSearchParams({ reviewer });
  return empty("Nothing left in this view", done || "All that was to see here is judged.",
    h("a", { href: `review?${address}` }, "Judge other candidates"), " · ", h("a", { href: `./?${address}` }, "What to do next"));
}

function empty(title, words, ...ways) {
  return h("div", { class: "empty" }, h("h2", {}, title), h("p", {}, words), ways.length ? h("p", { class: "ways" }, ...ways) : null);
}
