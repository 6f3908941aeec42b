// Draws the numbered badges of what is open in the panel; pointing at one lights its factor in the panel.

import { badgePlaces } from "../core/badges.js";
import { full, short } from "../core/format.js";
import { ofExample } from "../core/words.js";
import { s, set } from "./dom.js";
import { giveFocus } from "./focus.js";
import { elementOf } from "./walk.js";

const REACH = 17; // how far from its middle a badge can be touched with a finger

export function createBadges(dispatch) {
  let marks = [];
  let home = null; // what the badges belong to

  /** Put the badges of these factors into the drawn diagram. */
  function show(drawn, { factors, several, known, own, selected }) {
    const focused = drawn.badges.contains(document.activeElement) ? document.activeElement.dataset.badge : null;
    drawn.badges.replaceChildren();
    const places = badgePlaces(drawn.plan, factors, known, own);
    marks = places.map((place, k) => place && makeBadge(place, factors[k], k, several, dispatch));
    drawn.badges.append(...marks.filter(Boolean));
    if (focused) giveFocus(marks[Number(focused)] ?? elementOf(drawn.svg, selected ?? home));
    home = selected;
  }
  function light(lit) {
    marks.forEach((mark, k) => mark && set(mark, { class: k === lit ? "badge-mark lit" : "badge-mark" }));
  }
  return { show, light };
}

function makeBadge({ x, y, width, height, valued, among }, factor, k, several, dispatch) {
  const says = `Factor ${k + 1}: ${ofExample(factor.symbol, several)} = ${full(factor.value)}`;
  const where = among ? `, not drawn: it belongs to the ${among} more units` : "";
  const number = s("text", { class: "badge-number", x: x - width / 2 + 9, y: y + 0.5 }, String(k + 1));
  const value = valued ? [s("text", { class: "badge-value", x: x + 8, y: y + 0.5 }, short(factor.value))] : [];
  const group = s("g", { class: "badge-mark", role: "button", tabindex: "0", "data-badge": String(k), "data-at": factor.at, "aria-label": says + where },
    s("title", {}, says + where),
    s("circle", { class: "reach", cx: x - width / 2 + 9, cy: y, r: REACH }),
    s("rect", { class: "badge-chip", x: x - width / 2, y: y - height / 2, width, height, rx: 9 }),
    s("circle", { class: "badge-dot", cx: x - width / 2 + 9, cy: y, r: 9 }), number, ...value);
  // No pointerenter: a page that scrolls under a pointer at rest takes no light from what has the focus.
  for (const on of ["pointermove", "focus", "click"]) group.addEventListener(on, () => dispatch({ type: "light", factor: k }));
  for (const off of ["pointerleave", "blur"]) group.addEventListener(off, () => dispatch({ type: "unlight", factor: k }));
  return group;
}
