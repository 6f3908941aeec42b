// Wiggle one weight by h: the difference quotient becomes the derivative as h goes to 0.

import { full, signed, symbol } from "../core/format.js";
import { gapText } from "../views/proof.js";
import { ends } from "./curve.js";
import { h, set, write } from "./dom.js";

const KINK =
  "At this kink the quotient depends on the side it comes from: " +
  "it need not come to the derivative.";
const NEAR_KINK =
  "A ReLU turns very near: a quotient across that corner mixes two slopes, " +
  "and only a smaller h can come to the derivative.";
const TOO_SMALL =
  "So small an h meets the rounding of the computer's numbers: the gap may grow again.";
const FINE = { 2: 4, 4: 8, all: "all" }; // decimals that tell the quotient from the derivative

/** Draw the quotient of one width as a secant, and beside its slider its number and the derivative. */
export function drawWiggle(parts, view, slice, index, { digits, atKink }) {
  const { h: width } = slice.wiggle[index];
  drawSecant(parts, view.secant);
  parts.wiggle.value = String(index);
  set(parts.wiggle, { "aria-valuetext": `h = ${full(width)}` });
  write(parts.width, full(width));
  const upright = digits === "all";
  set(parts.quotient, { class: upright ? "quotient upright" : "quotient" });
  const columns = columnsOf(slice, slice.wiggle[index], FINE[digits]);
  parts.quotient.replaceChildren(...(upright ? rows(columns) : table(columns)));
  const hints = [slice.kink ? (atKink ? KINK : NEAR_KINK) : null, index > 6 ? TOO_SMALL : null].filter(Boolean);
  write(parts.doubts, hints.join(" "));
}

function drawSecant(parts, secant) {
  set(parts.secant, { visibility: secant ? null : "hidden" });
  set(parts.rise, { visibility: secant && !secant.outside ? null : "hidden" });
  set(parts.secantName, { visibility: secant?.name ? null : "hidden" });
  if (!secant) return;
  ends(parts.secant, secant.ends);
  const [[x1, y1], [x2, y2]] = [secant.from, secant.to];
  set(parts.rise, { d: `M${x1},${y1}H${x2}V${y2}` });
  if (!secant.name) return;
  set(parts.secantName, { x: secant.name.x, y: secant.name.y });
  write(parts.secantName, secant.name.text);
}

/** The quotient, what it comes to, and how far it is from it: [name, text, value, what it is]. */
function columnsOf(slice, { h: width, quotient }, digits) {
  const name = symbol(slice.parameter);
  const gap = quotient === null ? null : quotient - slice.slope;
  const found = quotient === null ? lost(slice, width) : signed(quotient, digits);
  return [
    [`(E(${name} + h) − E(${name})) / h`, found, quotient, "quotient"],
    [`∂E/∂${name}`, signed(slice.slope, digits), slice.slope, "slope"],
    ["gap", gap === null ? "" : gapText(gap, digits === "all" ? digits : 2), gap, "gap"],
  ];
}

const cell = ([, text, value, of]) =>
  h("td", { title: value === null ? null : full(value), "data-of": of }, text);

/** In one line, under their names. */
function table(columns) {
  const heads = columns.map(([head]) => h("th", { scope: "col" }, head));
  const cells = columns.map(cell);
  return [h("thead", {}, h("tr", {}, ...heads)), h("tbody", {}, h("tr", {}, ...cells))];
}

/** One below the other, each beside its name. */
function rows(columns) {
  const lines = columns.map((one) =>
    h("tr", {}, h("th", { scope: "row" }, one[0]), cell(one)),
  );
  return [h("tbody", {}, ...lines)];
}

/** Why there is no quotient: the loss overflows, or so small an h changes nothing. */
function lost({ at }, width) {
  return at + width === at ? "h is lost in rounding" : "overflows";
}
