// The factors of a derivative: what each is, as a formula, in numbers and in words.

import { fixed, full, symbol as plainSymbol } from "../core/format.js";
import { activationOf, parseName, unitOffsets, unitSymbol as unitName } from "../core/network.js";
import {
  activationSlope,
  deltaSymbol,
  i,
  inside,
  lossSlope,
  lossSymbol,
  math,
  n,
  number,
  o,
  outputDelta,
  parameterSymbol,
  resultSign,
  row,
  slopeOf,
  unitSymbol,
  zSymbol,
} from "./mathml.js";

/** A unit by its place, as 2.1. */
export function placeOf(at) {
  const [layer, unit] = at.split(".").map(Number);
  return { layer, unit };
}

/**
 * One factor of a product, the k-th from 0, in all the ways that it is shown: beside the others in
 * digits that give what is written of the product, `about.into`.
 */
export function viewFactor(about, factor, k) {
  const made = FACTORS[factor.kind](about, factor);
  const value = made.exact
    ? n(full(factor.value))
    : k
      ? number(factor.value, about.into)
      : n(fixed(factor.value, about.into)); // nothing stands before it that needs brackets
  const formula = made.exact ? [] : [o("="), made.formula];
  const shown = [
    made.symbol,
    ...formula,
    ...(made.numbers ? [o("="), made.numbers] : []),
    o(made.numbers ? resultSign(about.layout) : "="),
    n(fixed(factor.value, made.exact ? "all" : about.digits)),
  ];
  return {
    ...made,
    at: factor.at,
    kind: factor.kind,
    number: k + 1,
    value,
    raw: factor.value,
    full: full(factor.value),
    bracketed: made.sum ? inside(made.formula) : made.formula,
    detail: math(...shown),
    accessible: `Factor ${k + 1}, ${made.words}: ${full(factor.value)}`,
  };
}

/** f′(z) of this unit. */
export const slopeSymbol = (layer, unit) => row(i("f"), o("′"), inside(zSymbol(layer, unit)));

export const unitAt = ({ layout }, at) => {
  const { layer, unit } = placeOf(at);
  return {
    layer,
    unit,
    symbol: unitSymbol(layout, layer, unit),
    name: unitName(layout, layer, unit),
  };
};

/** Each kind of factor: its symbol, what it is as a formula, the same in numbers, and in words. */
const FACTORS = {
  error(about, { at }) {
    const { unit, symbol, name } = unitAt(about, at);
    const start = startAt(about, unit);
    return {
      symbol: slopeOf(lossSymbol(about.several), symbol),
      ...start,
      sum: true,
      words: `how the loss changes with the prediction ${name}`,
    };
  },
  delta(about, { at }) {
    const { layer, unit, name } = unitAt(about, at);
    const symbol = deltaSymbol(layer, unit);
    if (layer < about.layout.sizes.length - 1) {
      const own = layer === about.found.layer && unit === about.found.to;
      return {
        symbol,
        formula: row(slopeSymbol(layer, unit), o("·"), o("∑"), i("w"), o("·"), i("δ")),
        words: `δ of ${name}: ${own ? "the sum of the terms below" : "a sum of its own, over the next layer"}`,
      };
    }
    const { layout, frame, digits } = about;
    const { z, a, f } = numbersOf(about, layer, unit);
    const { formula, numbers } = outputDelta(layout, frame, unit, z, a);
    return {
      symbol,
      formula,
      numbers: numbers(digits),
      sum: true,
      words: `δ of the output ${name}: the slopes of the loss and of ${f} in one`,
    };
  },
  slope(about, { at }) {
    const { layer, unit, symbol, name } = unitAt(about, at);
    const { z, a, f } = numbersOf(about, layer, unit);
    const slope = activationSlope(f, symbol, z, a);
    const words =
      f === "identity"
        ? `${name} is its weighted sum, unchanged`
        : f === "relu"
          ? `relu is ${z > 0 ? "on" : "off"} for ${name}, at z = ${fixed(z, about.digits)}`
          : `how steep ${f} is for ${name}, at z = ${fixed(z, about.digits)}`;
    const exact = f === "identity" || f === "relu";
    const numbers = exact ? null : row(...slope.numbers(about.digits));
    return {
      symbol: slopeOf(symbol, zSymbol(layer, unit)),
      formula: row(...slope.formula),
      numbers,
      exact,
      sum: f === "tanh",
      words,
    };
  },
  weight(about, { at }) {
    const weight = parseName(about.layout, at);
    const from = unitSymbol(about.layout, weight.layer - 1, weight.from);
    const symbol = slopeOf(zSymbol(weight.layer, weight.to), from);
    const carried = unitName(about.layout, weight.layer - 1, weight.from);
    return {
      symbol,
      formula: parameterSymbol(weight),
      words: `the weight ${plainSymbol(at)} that carries ${carried} on`,
    };
  },
  input(about, { at }) {
    const { layer, symbol, name, unit } = unitAt(about, at);
    const called = layer === 0 ? `${name}, ${about.layout.inputs[unit - 1].label}` : name;
    return {
      symbol: slopeOf(zSymbol(about.found.layer, about.found.to), parameterSymbol(about.found)),
      formula: symbol,
      words: `what came in through the weight: ${called}`,
    };
  },
  one(about) {
    return {
      symbol: slopeOf(zSymbol(about.found.layer, about.found.to), parameterSymbol(about.found)),
      formula: n("1"),
      exact: true,
      words: "a bias is added as it is",
    };
  },
};

export function numbersOf({ layout, frame }, layer, unit) {
  const index = unitOffsets(layout.sizes)[layer - 1] + unit - 1;
  return { z: frame.z[index], a: frame.a[index], f: layout.activations[layer - 1] };
}

function startAt({ layout, frame, digits }, unit) {
  const start = lossSlope(
    layout,
    frame.targets,
    unit,
    activationOf(frame, layout, layout.sizes.length - 1, unit),
  );
  return { formula: start.formula, numbers: start.numbers(digits) };
}
