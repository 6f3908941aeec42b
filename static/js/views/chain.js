// The derivative of one parameter as the product of its factors: symbols, formulas, numbers.

import { addingUp, enough, signed, written } from "../core/format.js";
import { openOf, pathKey, termKey, termsOf } from "../core/inspect.js";
import { parseName, unitSymbol as unitName } from "../core/network.js";
import { sumOf } from "../core/sum.js";
import { placeOf, slopeSymbol, viewFactor } from "./factors.js";
import {
  deltaSymbol,
  joined,
  lines,
  lossSymbol,
  math,
  multiplying,
  n,
  number,
  o,
  parameterSymbol,
  row,
  slopeOf,
  sub,
  unitSymbol,
} from "./mathml.js";
import { VANISHED, vanishes, zeroOf } from "./zeros.js";

const MOST_SUMMED = 4; // paths in a sum that is written out

/**
 * @param {object} chain  what GET …/chain answers; `frame` is the step it speaks of
 * @returns {{name: string, lhs: object, factors: object[], equation: object, product: number,
 *   paths: object[], total: object | null, terms: object[], several: boolean, sum: number | null,
 *   own: number | null | undefined, adding: import("../core/format.js").Digits}}  `sum` is that of the
 *   products that are shown, `own` the derivative as the run has it; the term that is open has
 *   factors of its own
 */
export function viewChain(layout, frame, chain, digits, openPath, openTerm) {
  const found = parseName(layout, chain.parameter);
  const several = frame.rows > 1;
  const derivative = slopeOf(lossSymbol(several), parameterSymbol(found));
  const path = openOf(chain.paths, pathKey, openPath);
  const about = { layout, frame, found, several, digits };
  const factors = viewFactors(about, path, 0);
  const paths = chain.paths.map((one, k) => viewPath(layout, one, k, one === path));
  const shown = paths.find(({ open }) => open);
  const shared = paths.length > 1;
  const products = paths.map(({ product }) => product);
  const sum = sumOf(products);
  const adding = addingUp(digits, sum, products);
  return {
    name: chain.parameter,
    lhs: shared ? shown.symbol : derivative,
    several,
    factors,
    product: path.product,
    zero: zeroOf(about, factors, path.product),
    vanishes: chain.paths.some(vanishes) && products.every((product) => product === 0) ? VANISHED : "",
    adding,
    equation: lines(
      "",
      ...(shared ? shareLines(derivative, shown) : []),
      ...productLines(shared ? null : derivative, factors, path.product, digits),
    ).tree,
    paths,
    total: shared ? viewTotal(derivative, paths, sum, adding) : null,
    ...viewTerms(about, path, openTerm),
    sum,
    own: several ? chain.examples[chain.example] : chain.derivative,
    precision: layout.precision,
    count: chain.path_count,
  };
}

/** The factors of a product, numbered from `before` on, in digits that give what is written of it. */
function viewFactors(about, { factors, product }, before) {
  const into = multiplying(factors, about.digits, product);
  return factors.map((factor, k) => viewFactor({ ...about, into }, factor, before + k));
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
  const read = (more) => paths.reduce((total, { product }) => total + written(product, more), 0);
  const into = paths.length > MOST_SUMMED ? adding : enough(adding, sum, read);
  const numbers = summed(paths.map(({ product }) => number(product, into)));
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
    key: pathKey(path),
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
  const open = openOf(told, termKey, openTerm);
  const before = path.factors.length;
  return {
    terms: told.map((term) => viewTerm(about, term, term === open ? before : null)),
    rest: rest.count ? rest : null,
  };
}

/**
 * One summand of a δ: f′(z) · w · δ of the next layer, which can be opened in its turn. Where its
 * factors are shown they are numbered from `before` on.
 */
function viewTerm(about, term, before) {
  const key = termKey(term);
  const { layer, unit } = placeOf(key);
  const open = before !== null;
  const factors = open ? viewFactors(about, term, before) : [];
  return {
    key,
    open,
    factors,
    tree: open
      ? lines("", ...productLines(termSymbols(about, term), factors, term.product, about.digits)).tree
      : termLine(about, term),
    product: term.product,
    zero: zeroOf(about, factors, term.product),
    unit: unitName(about.layout, layer, unit),
    opens: layer < about.layout.sizes.length - 1 ? `b${key}` : null,
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
  const into = multiplying(factors, digits, product);
  const numbers = factors.map(({ value }, k) => row(o(k ? "·" : "="), number(value, into)));
  const symbols = termSymbols(about, { factors });
  return math(symbols, ...numbers, row(o("="), n(signed(product, digits))));
}
