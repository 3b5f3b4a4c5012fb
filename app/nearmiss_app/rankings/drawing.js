// Elements of pictures, and words about documents. Texts are hostile: they become text nodes and nothing else.

const SVG = "http://www.w3.org/2000/svg";

/**
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | number>} attributes an empty one is left out
 * @param {...(Node | string | number | null)} children
 * @returns {SVGElementTagNameMap[Tag]}
 */
export function svg(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== "") element.setAttribute(name, String(value));
  element.append(...children.filter((child) => child !== null).map((child) => (child instanceof Node ? child : String(child))));
  return element;
}

/** What a document is called. @param {import("./places.js").Item} item */
export function named(item) {
  return item.title || item.first_words || item.doc_id;
}

/** @param {string} words @param {number} most characters */
export function shortened(words, most) {
  return words.length <= most ? words : `${words.slice(0, most - 1).trimEnd()}…`;
}

/** @param {number} share */
export function percent(share) {
  return share > 0 && share < 0.01 ? "under 1%" : `${Math.round(100 * share)}%`;
}
