// Wiggle one weight by h: the difference quotient becomes the derivative as h goes to 0.

import { full, signed, symbol } from "../core/format.js";
import { gapText } from "../views/proof.js";
import { viewSlice } from "../views/slice.js";
import { ends } from "./curve.js";
import { h, set, write } from "./dom.js";

const KINK =
  "At this kink the quotient depends on the side it comes from: " +
  "it need not come to the derivative.";
const TOO_SMALL =
  "So small an h meets the rounding of the computer's numbers: the gap may grow again.";
const FINE = { 2: 4, 4: 8, all: "all" }; // decimals that tell the quotient from the derivative

/** Draw the quotient of one width as a secant, and its numbers beside the derivative's. */
export function drawWiggle(parts, slice, index, digits) {
  const { h: width } = slice.wiggle[index];
  drawSecant(parts, viewSlice(slice, index).secant);
  set(parts.wiggle, { "aria-valuetext": `h = ${full(width)}` });
  write(parts.width, full(width));
  const hints = [slice.kink ? KINK : null, index > 6 ? TOO_SMALL : null].filter(Boolean);
  parts.quotient.replaceChildren(
    h("table", {}, h("tbody", {}, ...rows(slice, slice.wiggle[index], FINE[digits]))),
    ...hints.map((hint) => h("p", { class: "hint" }, hint)),
  );
}

function drawSecant(parts, secant) {
  set(parts.secant, { visibility: secant ? null : "hidden" });
  set(parts.rise, { visibility: secant && !secant.outside ? null : "hidden" });
  if (!secant) return;
  ends(parts.secant, secant.ends);
  const [[x1, y1], [x2, y2]] = [secant.from, secant.to];
  set(parts.rise, { d: `M${x1},${y1}H${x2}V${y2}` });
}

function rows(slice, { h: width, quotient }, digits) {
  const name = symbol(slice.parameter);
  const gap = quotient === null ? null : quotient - slice.slope;
  const found = quotient === null ? lost(slice, width) : signed(quotient, digits);
  return [
    line("h", full(width)),
    line(`(E(${name} + h) − E(${name})) / h`, found, quotient),
    line(`∂E/∂${name}`, signed(slice.slope, digits), slice.slope),
    line("gap", gap === null ? "" : gapText(gap), gap),
  ];
}

/** Why there is no quotient: the loss overflows, or so small an h changes nothing. */
function lost({ at }, width) {
  return at + width === at ? "h is lost in rounding" : "overflows";
}

function line(name, text, value = null) {
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, name),
    h("td", { title: value === null ? null : full(value) }, text),
  );
}
