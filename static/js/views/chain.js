// The derivative of one parameter as the product of its factors: symbols, formulas, numbers.

import { addingUp, signed } from "../core/format.js";
import { termsOf } from "../core/inspect.js";
import { parseName, unitSymbol as unitName } from "../core/network.js";
import { placeOf, slopeSymbol, viewFactor, zeroOf } from "./factors.js";
import {
  deltaSymbol,
  joined,
  lines,
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
} from "./mathml.js";

const MOST_SUMMED = 4; // paths in a sum that is written out

/**
 * @param {object} chain  what GET …/chain answers; `frame` is the step it speaks of
 * @returns {{name: string, lhs: object, factors: object[], equation: object, product: number,
 *   paths: object[], total: object | null, terms: object[], several: boolean,
 *   adding: import("../core/format.js").Digits}}  the term that is open has factors of its own
 */
export function viewChain(layout, frame, chain, digits, openPath, openTerm) {
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
    ...viewTerms(about, path, openTerm),
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
function viewTerms(about, path, openTerm) {
  const { told, rest } = termsOf(path);
  const open = Math.min(openTerm, told.length - 1);
  const before = path.factors.length;
  return {
    terms: told.map((term, k) => viewTerm(about, term, k === open ? before : null)),
    rest: rest.count ? rest : null,
  };
}

/**
 * One summand of a δ: f′(z) · w · δ of the next layer, which can be opened in its turn. Where its
 * factors are shown they are numbered from `before` on.
 */
function viewTerm(about, term, before) {
  const delta = term.factors[term.factors.length - 1];
  const { layer, unit } = placeOf(delta.at);
  const open = before !== null;
  const factors = open ? term.factors.map((factor, k) => viewFactor(about, factor, before + k)) : [];
  return {
    open,
    factors,
    tree: open
      ? lines("", ...productLines(termSymbols(about, term), factors, term.product, about.digits)).tree
      : termLine(about, term),
    product: term.product,
    zero: zeroOf(about, factors),
    unit: unitName(about.layout, layer, unit),
    opens: layer < about.layout.sizes.length - 1 ? `b${delta.at}` : null,
  };
}

/** What a summand is the product of, as it is written beside others. */
function termSymbols({ layout, found }, { factors: [, weight, delta] }) {
  const { layer, unit } = placeOf(delta.at);
  const carried = parameterSymbol(parseName(layout, weight.at));
  return joined("·", [slopeSymbol(found.layer, found.to), carried, deltaSymbol(layer, unit)]);
}

/** A summand in one line: its symbols, its numbers, its product. */
function termLine(about, { factors, product }) {
  const { digits } = about;
  const numbers = factors.map(({ value }, k) => row(o(k ? "·" : "="), number(value, digits)));
  const symbols = termSymbols(about, { factors });
  return math(symbols, ...numbers, row(o("="), n(signed(product, digits))));
}
