// Elements from texts, and numbers as a person reads them. Texts are hostile: they become text nodes and nothing else.

const IN_QUERY = 1, IN_POSITIVE = 2, BEST_BEGINS = 4, FOUND = 8, QUOTED = 16;

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, unknown>} attributes; an empty one is left out
 * @param {...(Node | string | number | null | undefined)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== "") element.setAttribute(name, String(value));
  element.append(...children.filter((child) => child !== null && child !== undefined).map((child) => (child instanceof Node ? child : String(child))));
  return element;
}

/** A text in pieces with their marks, as elements. @param {[string, number][]} pieces */
export function drawn(pieces) {
  return pieces.map(([text, marks]) => {
    if (!marks) return document.createTextNode(text);
    const names = [marks & IN_QUERY ? "q" : "", marks & IN_POSITIVE ? "p" : "", marks & BEST_BEGINS ? "best" : "", marks & FOUND ? "found" : "", marks & QUOTED ? "quoted" : ""];
    return h(marks & (IN_QUERY | IN_POSITIVE | FOUND | QUOTED) ? "mark" : "span", { class: names.filter(Boolean).join(" ") }, text);
  });
}

/** The pieces as if nobody had quoted them. @param {[string, number][]} pieces @returns {[string, number][]} */
export function unquoted(pieces) {
  return pieces.map(([text, marks]) => [text, marks & ~QUOTED]);
}

/** What differs between two texts, as elements. @param {[kind: "same" | "new" | "gone", piece: string][]} changes */
export function compared(changes) {
  return changes.map(([kind, piece]) => (kind === "same" ? document.createTextNode(piece) : h(kind === "new" ? "ins" : "del", {}, piece)));
}

/** @param {number} value */
export function fixed(value) {
  return Math.abs(value) >= 100 ? value.toFixed(1) : value.toFixed(3);
}

/** @param {number} value */
export function number(value) {
  return value.toLocaleString("en");
}

/** @param {string} words */
export function capital(words) {
  return words[0].toUpperCase() + words.slice(1);
}

/** @param {number} minutes */
export function duration(minutes) {
  if (minutes < 1) return "a minute";
  return minutes < 90 ? `${Math.round(minutes)} min` : `${Math.round(minutes / 60)} h`;
}

/** One of two words by a count. */
export function plural(count, one, many) {
  return `${number(count)} ${count === 1 ? one : many}`;
}

/** The sign of a status or verdict, in its colour and with its word. */
export function sign(looks, dark, kind, name, worded = false) {
  const look = looks[kind][name];
  const element = h("span", { class: "sign", title: `${look.word}: ${look.says}` }, worded ? `${look.sign} ${look.word}` : look.sign);
  if (!worded) element.setAttribute("aria-label", look.word), element.setAttribute("role", "img");
  element.style.color = dark ? look.dark : look.light;
  return element;
}
