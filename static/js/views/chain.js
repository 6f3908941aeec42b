// The derivative of one parameter as the product of its factors: symbols, formulas, numbers.

import { addingUp, full, fixed, signed, symbol as plainSymbol } from "../core/format.js";
import { activationOf, parseName, unitOffsets, unitSymbol as unitName } from "../core/network.js";
import {
  activationSlope,
  deltaSymbol,
  i,
  inside,
  joined,
  lines,
  lossSlope,
  lossSymbol,
  math,
  n,
  number,
  o,
  parameterSymbol,
  row,
  slopeOf,
  sub,
  unitSymbol,
  zSymbol,
} from "./mathml.js";

const MOST_TERMS = 24;
const MOST_SUMMED = 4; // paths in a sum that is written out

/**
 * @param {object} chain  what GET …/chain answers; `frame` is the step it speaks of
 * @returns {{name: string, lhs: object, factors: object[], equation: object, product: number,
 *   paths: object[], total: object | null, terms: object[], several: boolean,
 *   adding: import("../core/format.js").Digits}}
 */
export function viewChain(layout, frame, chain, digits, openPath) {
  const found = parseName(layout, chain.parameter);
  const several = frame.rows > 1;
  const derivative = slopeOf(lossSymbol(several), parameterSymbol(found));
  const open = Math.min(openPath, chain.paths.length - 1);
  const path = chain.paths[open];
  const about = { layout, frame, found, several, digits };
  const factors = path.factors.map((factor, k) => viewFactor(about, factor, k));
  const paths = chain.paths.map((one, k) => viewPath(layout, one, k, k === open));
  const shared = paths.length > 1;
  const products = paths.map(({ product }) => product);
  const adding = addingUp(digits, chain.derivative, products);
  return {
    name: chain.parameter,
    lhs: shared ? paths[open].symbol : derivative,
    several,
    factors,
    product: path.product,
    zero: zeroOf(about, factors),
    adding,
    equation: lines(
      "",
      ...(shared ? shareLines(derivative, paths[open]) : []),
      ...productLines(shared ? null : derivative, factors, path.product, digits),
    ).tree,
    paths,
    total: shared ? viewTotal(derivative, paths, chain.derivative, adding) : null,
    ...viewTerms(about, path),
    sum: chain.derivative,
    count: chain.path_count,
  };
}

/** The product for copying: lines of symbols, of formulas, of numbers, the result. */
function productLines(left, factors, product, digits) {
  const times = (part) => joined("·", factors.map((factor) => factor[part]));
  return [
    [left, times("symbol")],
    [null, times("bracketed")],
    [null, times("value")],
    [null, n(signed(product, digits))],
  ];
}

/** What the product of one path is, where it is not the whole derivative. */
function shareLines(derivative, { symbol, units }) {
  const room = ["mspace", { width: "0.3em" }];
  const words = (text) => ["mtext", {}, text];
  const through = [words("through"), room, joined("←", units)];
  return [[symbol, row(words("share of"), room, derivative, room, ...through)]];
}

/** The derivative as the sum of its paths: its sides to be shown, with its numbers for copying. */
function viewTotal(derivative, paths, sum, adding) {
  const symbols = summed(paths.map(({ symbol }) => symbol));
  const numbers = summed(paths.map(({ product }) => number(product, adding)));
  const result = n(signed(sum, adding));
  return {
    sides: [math(derivative, o("="), symbols), math(o("="), result)],
    tree: lines("", [derivative, symbols], [null, numbers], [null, result]).tree,
  };
}

/** Summands with their signs; of many the first two and the last. */
function summed(parts) {
  const [first, second] = parts;
  const last = parts[parts.length - 1];
  return joined("+", parts.length > MOST_SUMMED ? [first, second, o("…"), last] : parts);
}

const CIRCLED = 0x2460; // ①; there are twenty of them

/** Why a product is 0: the first of its factors that is, in words. */
function zeroOf(about, factors) {
  const found = factors.find(({ raw }) => raw === 0);
  if (!found) return "";
  const { number: k, kind, at } = found;
  const badge = k > 20 ? `factor ${k}` : String.fromCodePoint(CIRCLED + k - 1);
  return `${badge} is 0: ${ZEROS[kind](about, at)}`;
}

/** What it means that a factor of this kind is 0. */
const ZEROS = {
  error: (about, at) => `${unitAt(about, at).name} is exactly right`,
  delta: (about, at) => `nothing comes back to ${unitAt(about, at).name}`,
  slope(about, at) {
    const { layer, unit, name } = unitAt(about, at);
    const { f } = numbersOf(about, layer, unit);
    return f === "relu" ? `${name} is off for this example` : `${name} is saturated, its ${f} is flat`;
  },
  weight: (about, at) => `nothing goes through ${plainSymbol(at)}`,
  input: (about, at) => `${unitAt(about, at).name} hands on nothing`,
};

function placeOf(at) {
  const [layer, unit] = at.split(".").map(Number);
  return { layer, unit };
}

function viewFactor(about, factor, k) {
  const made = FACTORS[factor.kind](about, factor);
  const value = made.exact
    ? n(full(factor.value))
    : k
      ? number(factor.value, about.digits)
      : n(fixed(factor.value, about.digits)); // nothing stands before it that needs brackets
  const formula = made.exact ? [] : [o("="), made.formula];
  const shown = [
    made.symbol,
    ...formula,
    ...(made.numbers ? [o("="), made.numbers] : []),
    o("="),
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
const slopeSymbol = (layer, unit) => row(i("f"), o("′"), inside(zSymbol(layer, unit)));

const unitAt = ({ layout }, at) => {
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
    if (layer < about.layout.sizes.length - 1)
      return {
        symbol,
        formula: row(slopeSymbol(layer, unit), o("·"), o("∑"), i("w"), o("·"), i("δ")),
        words: `δ of ${name}: the sum of the terms below`,
      };
    const f = about.layout.activations[layer - 1];
    return {
      symbol,
      ...startAt(about, unit),
      sum: true,
      words: `δ of the output ${name}: the loss and ${f} differentiated together`,
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

function numbersOf({ layout, frame }, layer, unit) {
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

/** A path: what its product is called, and the units that it goes through, from the error back. */
function viewPath(layout, path, index, open) {
  const units = path.factors
    .filter(({ kind }) => kind === "slope" || kind === "delta")
    .map(({ at }) => placeOf(at));
  return {
    index,
    symbol: sub("p", String(index + 1)),
    units: units.map(({ layer, unit }) => unitSymbol(layout, layer, unit)),
    through: units.map(({ layer, unit }) => unitName(layout, layer, unit)).join(" ← "),
    product: path.product,
    open,
  };
}

/** The terms that a δ is the sum of: the largest one by one, the rest as one number. */
function viewTerms(about, { terms = [], rest = { count: 0, sum: 0 } }) {
  const order = [...terms].sort((a, b) => Math.abs(b.product) - Math.abs(a.product));
  const small = order.slice(MOST_TERMS);
  const sum = small.reduce((total, { product }) => total + product, rest.sum);
  const count = small.length + rest.count;
  return {
    terms: order.slice(0, MOST_TERMS).map((term) => viewTerm(about, term)),
    rest: count ? { count, sum } : null,
  };
}

/** One summand of a δ: f′(z) · w · δ of the next layer, which can be opened in its turn. */
function viewTerm(about, term) {
  const delta = term.factors[term.factors.length - 1];
  const { layer, unit } = placeOf(delta.at);
  const weight = parseName(about.layout, term.factors.find(({ kind }) => kind === "weight").at);
  const symbols = row(
    slopeSymbol(about.found.layer, about.found.to),
    o("·"),
    parameterSymbol(weight),
    o("·"),
    deltaSymbol(layer, unit),
  );
  const numbers = term.factors.flatMap((factor, k) => [
    ...(k ? [o("·")] : []),
    number(factor.value, about.digits),
  ]);
  return {
    tree: math(symbols, o("="), ...numbers, o("="), n(signed(term.product, about.digits))),
    product: term.product,
    unit: unitName(about.layout, layer, unit),
    opens: layer < about.layout.sizes.length - 1 ? `b${delta.at}` : null,
  };
}
