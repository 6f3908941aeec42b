// A formula wider than its place gets a smaller letter; what is still wider then can be scrolled.

import { fitText } from "../core/geometry.js";
import { set, write } from "./dom.js";

const LEAST = 11; // pixels

/**
 * Write into the diagram; a long number, as of a run that diverges, in smaller letters. What would
 * have to be smaller than `least` is cut: a name, which stands whole where it is pointed at.
 */
export function writeFitting(element, given, room, most, least = 0) {
  const { text, size } = fitText(given, room, most, least);
  if (element.textContent === text) return;
  write(element, text);
  element.style.fontSize = size < most ? `${size.toFixed(1)}px` : "";
}

export function shrinkToFit(formula) {
  const room = formula.parentElement.clientWidth;
  const parts = formula.children;
  if (!parts.length) return;
  const wide = parts[parts.length - 1].getBoundingClientRect().right - parts[0].getBoundingClientRect().left;
  if (wide <= room) return;
  const size = parseFloat(getComputedStyle(formula).fontSize);
  formula.style.fontSize = `${Math.max(LEAST, (0.97 * size * room) / wide)}px`;
  letScroll(formula.parentElement);
}

/** Where something is wider than its place, keys can scroll it, too. */
export function letScroll(place) {
  set(place, { tabindex: place.scrollWidth > place.clientWidth ? "0" : null });
}

/**
 * Run `draw`, which makes the parts of `root` anew; while it plays, none becomes lower than the one
 * it takes the place of: what stands below would jump with every step.
 */
export function keepHeights(root, parts, playing, draw) {
  const heightOf = (part) => Math.ceil(part.getBoundingClientRect().height);
  const before = playing ? Array.from(root.querySelectorAll(parts), heightOf) : [];
  draw();
  root.querySelectorAll(parts).forEach((part, k) => {
    if (before[k]) part.style.minHeight = `${before[k]}px`;
  });
}
