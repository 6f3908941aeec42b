// What every formula is made of: MathML descriptions [tag, attributes, ...children], one symbol a
// thing.

import { addingUp, enough, fixed, written } from "../core/format.js";

export const i = (text) => ["mi", {}, text];
export const o = (text) => ["mo", {}, text];
export const n = (text) => ["mn", {}, text];
export const row = (...parts) => ["mrow", {}, ...parts];
export const sub = (base, below) => ["msub", {}, i(base), n(below)];
export const both = (base, below, above) => ["msubsup", {}, i(base), n(below), n(above)];
/** Parts with a sign between them. */
export const joined = (sign, parts) =>
  row(...parts.flatMap((part, k) => (k ? [o(sign), part] : [part])));
export const ratio = (top, bottom) => ["mfrac", {}, top, bottom];
export const inside = (...parts) => row(o("("), ...parts, o(")"));
/** ŷ², but (h₁)² and (h²₁)²: beside an index a raised 2 would be read as a layer's number. */
export function square(base) {
  const indexed = base[0] === "msub" || base[0] === "msubsup";
  return ["msup", {}, indexed ? inside(base) : base, n("2")];
}
export const sumOver = (index) => ["munder", {}, o("∑"), i(index)];
export const math = (...parts) => ["math", {}, ...parts];

/** A number inside a product or a sum: a negative one stands in parentheses. */
export function number(value, digits) {
  const text = n(fixed(value, digits));
  return value < 0 ? inside(text) : text;
}

/** Lines of an equation, aligned at their signs: [left or null, right, "" to go on, or "≈"]. */
export function lines(label, ...rows) {
  const cells = rows.map(([left, right, sign = "="]) => [
    "mtr",
    {},
    ["mtd", { class: "left" }, left ?? row()],
    ["mtd", {}, sign ? o(sign) : row()],
    ["mtd", { class: "right" }, right],
  ]);
  return { label, tree: ["math", { display: "block" }, ["mtable", {}, ...cells]] };
}

/** The sign before what the run has: in float32 it rounds all that it works out. */
export const resultSign = ({ precision }) => (precision === "float32" ? "≈" : "=");

/** Terms of a sum, so many to a row, each [one, other] factors, with what stands around. */
export function sumRows(terms, digits, before = [], after = [], most = 6) {
  const perRow = digits === "all" ? 1 : 2;
  const shown = terms
    .slice(0, most)
    .map(([one, other], k) => [
      ...(k ? [o("+")] : []),
      number(one, digits),
      o("·"),
      number(other, digits),
    ]);
  if (terms.length > most) shown.push([o("+"), o("…")]);
  const rows = [];
  for (let k = 0; k < shown.length; k += perRow) rows.push(shown.slice(k, k + perRow).flat());
  if (digits === "all" && before.length) rows.unshift(before);
  else rows[0].unshift(...before);
  rows[rows.length - 1].push(...after);
  return rows.map((parts, k) => [null, row(...parts), k > 0 ? "" : "="]);
}

/** Digits for factors, so that as they are written they give what is written of their product. */
export function multiplying(factors, digits, product) {
  return enough(digits, product, (more) =>
    factors.reduce((found, { value }) => found * written(value, more), 1),
  );
}

/** w¹₂₃ or b¹₃ of a parsed name. */
export function parameterSymbol({ kind, layer, from, to }) {
  if (kind === "bias") return both("b", String(to), String(layer));
  return both("w", from > 9 || to > 9 ? `${from},${to}` : `${from}${to}`, String(layer));
}

/** A unit's activation as the diagram calls it: x₂, h₁ (h²₁ in deeper networks), ŷ. */
export function unitSymbol(layout, layer, unit) {
  const layers = layout.sizes.length - 1;
  if (layer === 0) return sub("x", String(unit));
  if (layer === layers) return layout.sizes[layers] > 1 ? sub("ŷ", String(unit)) : i("ŷ");
  return layers > 2 ? both("h", String(unit), String(layer)) : sub("h", String(unit));
}

export const zSymbol = (layer, unit) => both("z", String(unit), String(layer));
export const deltaSymbol = (layer, unit) => both("δ", String(unit), String(layer));
export const targetSymbol = (layout, unit) =>
  layout.targets.length > 1 ? sub("y", String(unit)) : i("y");

/** The loss: of the batch, or E with the index k of one example where there are several. */
export const lossSymbol = (one) => (one ? sub("E", "k") : i("E"));
export const slopeOf = (top, bottom) => ratio(row(i("∂"), top), row(i("∂"), bottom));

/**
 * A part of a formula: as people write it, with its numbers put in, and what comes out of those as
 * they are written.
 * @typedef {import("../core/format.js").Digits} Digits
 * @typedef {{formula: object | object[], numbers: (digits: Digits) => object | object[],
 *   value: (digits: Digits) => number}} Part
 */

/**
 * f′(z) of a unit, by its activation.
 * @returns {Part}
 */
export function activationSlope(name, symbol, z, a) {
  const one = n("1");
  const still = (slope) => ({
    formula: [n(slope)],
    numbers: () => [n(slope)],
    value: () => Number(slope),
  });
  const ofValue = (formula, f, numbers) => {
    // Nearly 1 is not 1.
    const put = (digits) => enough(digits, f(a), (more) => f(written(a, more)));
    return {
      formula,
      numbers: (digits) => numbers(number(a, put(digits))),
      value: (digits) => f(written(a, put(digits))),
    };
  };
  const share = (of) => [of, o("·"), inside(one, o("−"), of)];
  const rest = (of) => [one, o("−"), square(of)];
  const table = {
    identity: () => still("1"),
    sigmoid: () => ofValue(share(symbol), (of) => of * (1 - of), share),
    tanh: () => ofValue(rest(symbol), (of) => 1 - of * of, rest),
    relu: () => still(z > 0 ? "1" : "0"),
  };
  return table[name]();
}

/**
 * δ of one output, ∂E/∂z: the slope of its loss, and of its activation where they are not one already.
 * @returns {Part}
 */
export function outputDelta(layout, frame, unit, z, a) {
  const layer = layout.sizes.length - 1;
  const name = layout.activations[layer - 1];
  const start = lossSlope(layout, frame.targets, unit, a);
  if (!layout.loss.endsWith("squared_error") || name === "identity") return start;
  const slope = activationSlope(name, unitSymbol(layout, layer, unit), z, a);
  const times = (one, other) => row(inside(one), o("·"), inside(...other));
  const product = (digits) => start.value(digits) * slope.value(digits);
  const put = (digits) => enough(digits, product("all"), product);
  return {
    formula: times(start.formula, slope.formula),
    numbers: (digits) => times(start.numbers(put(digits)), slope.numbers(put(digits))),
    value: (digits) => product(put(digits)),
  };
}

/**
 * Where the way back starts at one output: ∂E/∂ŷ, or δ at once where the loss and the activation
 * belong together.
 * @returns {Part}
 */
export function lossSlope(layout, targets, unit, a) {
  const outputs = layout.targets.length;
  const y = targets[unit - 1];
  const total =
    layout.loss === "categorical_cross_entropy"
      ? targets.reduce((sum, value) => sum + value, 0)
      : 1;
  const share = { mean_squared_error: 2, binary_cross_entropy: 1 }[layout.loss];
  const scaled = share && (share !== 1 || outputs > 1);
  const several = Math.abs(total - 1) > 1e-9;
  const symbols = (prediction, target, sum) => {
    const first = several ? [prediction, o("·"), sum] : [prediction];
    const difference = [...first, o("−"), target];
    if (!scaled) return row(...difference);
    const factor = outputs === 1 ? n(String(share)) : ratio(n(String(share)), n(String(outputs)));
    return row(factor, o("·"), inside(...difference));
  };
  const slope = (prediction, target, sum) =>
    (scaled ? share / outputs : 1) * ((several ? prediction * sum : prediction) - target);
  const read = (digits) => slope(...[a, y, total].map((value) => written(value, digits)));
  const put = (digits) =>
    enough(addingUp(digits, slope(a, y, total)), slope(a, y, total), read);
  return {
    formula: symbols(
      unitSymbol(layout, layout.sizes.length - 1, unit),
      targetSymbol(layout, unit),
      row(o("∑"), i("y")),
    ),
    numbers: (digits) => symbols(...[a, y, total].map((value) => number(value, put(digits)))),
    value: (digits) => read(put(digits)),
  };
}
