// What every formula is made of: MathML descriptions [tag, attributes, ...children], one symbol a
// thing.

import { addingUp, fixed, readNumber } from "../core/format.js";

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
 * f′(z) of a unit, by its activation: as people write it, and with its numbers put in.
 * @returns {{formula: object[], numbers: (digits: number | "all") => object[]}}
 */
export function activationSlope(name, symbol, z, a) {
  const one = n("1");
  const table = {
    identity: { formula: [one], numbers: () => [one] },
    sigmoid: {
      formula: [symbol, o("·"), inside(one, o("−"), symbol)],
      numbers(digits) {
        const put = number(a, enough(a, (share) => share * (1 - share), digits));
        return [put, o("·"), inside(one, o("−"), put)];
      },
    },
    tanh: {
      formula: [one, o("−"), square(symbol)],
      numbers: (digits) => [one, o("−"), square(number(a, enough(a, (of) => 1 - of * of, digits)))],
    },
    relu: { formula: [n(z > 0 ? "1" : "0")], numbers: () => [n(z > 0 ? "1" : "0")] },
  };
  return table[name];
}

const MOST_DIGITS = 17; // with them any two numbers are told apart

/** Digits with which `a`, as it is written, gives what is written of `f(a)`: nearly 1 is not 1. */
export function enough(a, f, digits) {
  if (digits === "all") return digits;
  const told = fixed(f(a), digits);
  const gives = (more) => fixed(f(readNumber(fixed(a, more))), digits) === told;
  let more = digits;
  while (more < MOST_DIGITS && !gives(more)) more++;
  return more;
}

/**
 * δ of one output, ∂E/∂z: the slope of its loss, and of its activation where they are not one already.
 * @returns {{formula: object, numbers: (digits: number | "all") => object}}
 */
export function outputDelta(layout, frame, unit, z, a) {
  const layer = layout.sizes.length - 1;
  const name = layout.activations[layer - 1];
  const start = lossSlope(layout, frame.targets, unit, a);
  if (!layout.loss.endsWith("squared_error") || name === "identity") return start;
  const slope = activationSlope(name, unitSymbol(layout, layer, unit), z, a);
  const times = (one, other) => row(inside(one), o("·"), inside(...other));
  return {
    formula: times(start.formula, slope.formula),
    numbers: (digits) => times(start.numbers(digits), slope.numbers(digits)),
  };
}

/**
 * Where the way back starts at one output: ∂E/∂ŷ, or δ at once where the loss and the activation
 * belong together.
 * @returns {{formula: object, numbers: (digits: number | "all") => object}}
 */
export function lossSlope(layout, targets, unit, a) {
  const outputs = layout.targets.length;
  const [yHat, y] = [unitSymbol(layout, layout.sizes.length - 1, unit), targetSymbol(layout, unit)];
  const total =
    layout.loss === "categorical_cross_entropy"
      ? targets.reduce((sum, value) => sum + value, 0)
      : 1;
  const share = { mean_squared_error: "2", binary_cross_entropy: "1" }[layout.loss];
  const scaled = share && (share !== "1" || outputs > 1);
  const put = (prediction, target, sum) => {
    const first = sum === null ? [prediction] : [prediction, o("·"), sum];
    const difference = [...first, o("−"), target];
    if (!scaled) return row(...difference);
    const factor = outputs === 1 ? n(share) : ratio(n(share), n(String(outputs)));
    return row(factor, o("·"), inside(...difference));
  };
  const several = Math.abs(total - 1) > 1e-9;
  return {
    formula: put(yHat, y, several ? row(o("∑"), i("y")) : null),
    numbers: (digits) => {
      const adding = addingUp(digits, (several ? a * total : a) - targets[unit - 1]);
      return put(
        number(a, adding),
        number(targets[unit - 1], adding),
        several ? number(total, digits) : null,
      );
    },
  };
}
