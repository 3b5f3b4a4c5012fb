// Makes elements of a tree that the page sends. Texts are set as text: nothing in them is read as markup.

const scrolled = new WeakMap();

function made(node, press) {
  if (typeof node === "string") return document.createTextNode(node);
  const element = document.createElement(node.tag);
  element.className = node.look;
  for (const [name, value] of Object.entries(node.said)) element.setAttribute(name, value);
  for (const [name, value] of Object.entries(node.style)) element.style.setProperty(name, value);
  if (node.tag === "button") element.type = "button";
  if (node.press) {
    element.onclick = (event) => {
      // A link opened in another tab is the browser's business.
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      press(node.press);
    };
  }
  element.append(...node.children.map((child) => made(child, press)));
  return element;
}

const pressable = "button, a";

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".picture");
  // Drawing again must not throw a keyboard user back to the top of the page.
  const focused = root.getRootNode().activeElement;
  const place = [...root.querySelectorAll(pressable)].indexOf(focused);
  root.replaceChildren(made(data.root, (value) => setTriggerValue("pressed", value)));
  if (place >= 0) root.querySelectorAll(pressable)[place]?.focus({ preventScroll: true });

  if (data.scroll > (scrolled.get(parentElement) ?? data.scroll)) {
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    root.scrollIntoView({ behavior: still ? "auto" : "smooth", block: "start" });
  }
  scrolled.set(parentElement, data.scroll);
}
