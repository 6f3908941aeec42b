// Four things that are easily taken for one another: a partial derivative, the gradient, the update,
// and the new value.

import { fixed, full, signed, symbol } from "../core/format.js";
import { parameterNames, parseName } from "../core/network.js";
import { updateFormulas } from "./formulas.js";
import { i, lines, lossSymbol, n, number, o, parameterSymbol, row, slopeOf } from "./mathml.js";

const MOST_BARS = 8;

/**
 * @param {object} chain  what GET …/chain answers for the selected parameter
 * @param {object | null} largest  the same for the largest component
 */
export function viewGradient(layout, spec, frame, chain, largest, digits) {
  const found = parseName(layout, chain.parameter);
  const { gradient, update } = chain;
  const shown = (value) => ({ text: signed(value, digits), full: full(value) });
  return {
    derivative: partials(found, frame, chain, digits),
    bars: barsOf(layout, spec, frame, chain.parameter, digits),
    length: shown(gradient.length),
    direction: gradient.length ? shown(chain.batch_derivative / gradient.length) : null,
    share: `${fixed(100 * gradient.share, digits === "all" ? "all" : 1)} %`,
    rank: gradient.rank,
    count: layout.count,
    largest: largestOf(gradient, largest, frame, digits),
    trained: update.trained,
    update: update.trained ? updateFormulas(layout, frame, found, digits) : [],
    updateLength: shown(frame.learningRate * gradient.length),
    rate: full(frame.learningRate),
  };
}

function partials(found, frame, chain, digits) {
  const symbolOf = parameterSymbol(found);
  const rows = [[slopeOf(i("E"), symbolOf), n(signed(chain.batch_derivative, digits))]];
  if (frame.rows > 1) rows.unshift([slopeOf(lossSymbol(true), symbolOf), n(signed(chain.derivative, digits))]);
  return lines(frame.rows > 1 ? `Example ${frame.example + 1} alone, and the mean over the batch of ${frame.rows}` : "", ...rows);
}

/** The largest components by size, and the one that is looked at wherever it stands. */
function barsOf(layout, spec, frame, selected, digits) {
  const names = parameterNames(layout);
  const trained = names.map((name, index) => ({ name, index, value: frame.gradient[index] })).filter(({ name }) => spec.train_biases || name[0] === "w");
  const order = trained.sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
  const most = Math.abs(order[0].value) || 1;
  const listed = order.slice(0, MOST_BARS);
  const own = order.find(({ name }) => name === selected);
  if (own && !listed.includes(own)) listed.push(own);
  const bars = listed.map(({ name, value, index }) => ({ name, symbol: symbol(name), value, share: Math.abs(value) / most, own: name === selected, text: signed(value, digits), full: full(value), update: updateOf(frame, index, digits) }));
  return { bars, hidden: order.length - listed.length };
}

function updateOf(frame, index, digits) {
  const moved = frame.newParameters[index] - frame.parameters[index];
  return { text: signed(moved, digits), full: full(moved) };
}

/** Which component is the largest, and by what factors it came to be so. */
function largestOf(gradient, chain, frame, digits) {
  const known = chain && chain.parameter === gradient.largest ? chain : null;
  const path = known?.paths.reduce((best, one) => (Math.abs(one.product) > Math.abs(best.product) ? one : best));
  const tree = path ? ["math", {}, row(...path.factors.flatMap((factor, k) => [...(k ? [o("·")] : []), number(factor.value, digits)])), o("="), n(signed(path.product, digits))] : null;
  const strongest = path?.factors.reduce((best, one) => (Math.abs(one.value) > Math.abs(best.value) ? one : best));
  return {
    name: gradient.largest,
    symbol: symbol(gradient.largest),
    tree,
    paths: known?.paths.length ?? 0,
    strongest: strongest ? `${strongest.symbol} = ${signed(strongest.value, digits)}` : "",
    several: frame.rows > 1,
  };
}
