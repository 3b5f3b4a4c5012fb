// Elements and texts. Names and texts become text nodes and nothing else.

export const NUMBER = new Intl.NumberFormat("en-US");
const SVG = "http://www.w3.org/2000/svg";

/**
 * An element with a class and what is inside it.
 * @param {string} tag
 * @param {string} [name] its class
 * @param {string | Node | (string | Node)[]} [inside]
 * @returns {any}
 */
export function make(tag, name = "", inside = "") {
  const element = document.createElement(tag);
  if (name) element.className = name;
  element.append(...(Array.isArray(inside) ? inside : [inside]));
  return element;
}

/**
 * A part of a picture, out of a screen reader's way.
 * @param {string} tag
 * @param {Record<string, string>} said its attributes
 * @returns {any}
 */
export function drawn(tag, said = {}) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(said)) element.setAttribute(name, value);
  return element;
}

/** Set a text, unless it is there already: writing it anew would be read out anew. */
export function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** How much more or less than before, empty where it is the same. */
export function change(count, saved) {
  if (count === saved) return "";
  return `${count > saved ? "+" : "−"}${NUMBER.format(Math.abs(count - saved))}`;
}

/** A share from 0 to 1 as percent with one decimal; a dash where there is none. */
export function percent(share) {
  return share === null || share === undefined ? "–" : `${(100 * share).toFixed(1)}%`;
}
