// The only helpers that make and change elements. Text goes in as text, never as markup.

const SPACES = {
  svg: "http://www.w3.org/2000/svg",
  math: "http://www.w3.org/1998/Math/MathML",
};

/** Make an HTML element: h("p", { class: "x" }, "text", child). */
export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** Make an SVG element. */
export function s(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SPACES.svg, tag), attributes, children);
}

/** Make MathML of a description [tag, attributes, ...children]; a string stays text. */
export function math(tree) {
  if (typeof tree === "string") return document.createTextNode(tree);
  const [tag, attributes, ...children] = tree;
  return fill(document.createElementNS(SPACES.math, tag), attributes, children.map(math));
}

const formulas = new WeakMap();

/** Let `element` stand for a whole formula, so that it can be copied. */
export function standsFor(element, tree) {
  formulas.set(element, tree);
  return element;
}

/** A formula as a figure with its caption. */
export function formula({ label, tree }) {
  return standsFor(h("figure", { class: "formula" }, label ? h("figcaption", {}, label) : null, math(tree)), tree);
}

/** The formulas in `root`, as the descriptions they were made of. */
export function formulasIn(root) {
  return [...root.querySelectorAll("*")].map((element) => formulas.get(element)).filter(Boolean);
}

/** Set or, with null, undefined and false, take away attributes; only those that differ. */
export function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) {
      if (element.hasAttribute(name)) element.removeAttribute(name);
    } else if (element.getAttribute(name) !== String(value)) {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
  return element;
}

const written = new WeakMap();

/**
 * As `set`, for attributes that nothing else changes: what was written last is known here, and the
 * document, slow to ask thousands of times in a frame, is asked for nothing.
 */
export function renew(element, attributes) {
  let last = written.get(element);
  if (!last) written.set(element, (last = {}));
  for (const name in attributes) {
    const value = attributes[name];
    if (last[name] === value) continue;
    last[name] = value;
    if (value === null) element.removeAttribute(name);
    else element.setAttribute(name, value);
  }
}

/** Change an element's text, if it is another one. */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function fill(element, attributes, children) {
  set(element, attributes);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Run `render` only where what `key` returns is not what it was: the views compare by identity. */
export function whenChanged(key, render) {
  let last = [];
  return (state) => {
    const now = key(state);
    if (now.length === last.length && now.every((value, k) => Object.is(value, last[k]))) return;
    last = now;
    render(state);
  };
}

/** Whether enough of it is in sight to be noticed. */
export function isInSight(element) {
  const { top, bottom } = element.getBoundingClientRect();
  return top >= 0 && top < innerHeight - 200 && bottom > 200;
}

/** Replace what is in `root` and give the focus back to the element that bears the same data-key. */
export function replaceKeepingFocus(root, ...children) {
  const key = root.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  const top = root.scrollTop;
  root.replaceChildren(...children.filter((child) => child !== null && child !== undefined));
  root.scrollTop = top;
  if (key) root.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
}

/** A button that does something. */
export function button(label, act, attributes = {}) {
  const made = h("button", { type: "button", ...attributes }, ...(Array.isArray(label) ? label : [label]));
  made.addEventListener("click", act);
  return made;
}

/** A bar as long as a share from 0 to 1 of its track. */
export function bar(share) {
  const fill = h("span", { class: "fill" });
  fill.style.width = `${(100 * share).toFixed(1)}%`;
  return h("span", { class: "track" }, fill);
}
