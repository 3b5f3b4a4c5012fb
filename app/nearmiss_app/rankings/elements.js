// Plain elements. Texts are hostile: they become text nodes and nothing else.

const IN_QUERY = 1, IN_POSITIVE = 2, BEST_BEGINS = 4;
const SVG = "http://www.w3.org/2000/svg";

function h(tag, attributes, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

function svg(tag, attributes, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== "" && value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

function marked(pieces) {
  return pieces.map(([text, marks]) => {
    if (!marks) return document.createTextNode(text);
    const names = [marks & IN_QUERY ? "q" : "", marks & IN_POSITIVE ? "p" : "", marks & BEST_BEGINS ? "best" : ""];
    return h(marks & (IN_QUERY | IN_POSITIVE) ? "mark" : "span", { class: names.join(" ").trim() }, text);
  });
}

function compared(changes) {
  return changes.map(([kind, piece]) => (kind === "same" ? document.createTextNode(piece) : h(kind === "new" ? "ins" : "del", {}, piece)));
}

function fixed(value) {
  return Math.abs(value) >= 100 ? value.toFixed(1) : value.toFixed(3);
}

function capital(words) {
  return words[0].toUpperCase() + words.slice(1);
}

function named(item) {
  return item.title || item.first_words || item.doc_id;
}
