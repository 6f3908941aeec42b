// Four things that are easily taken for one another: a partial derivative, the gradient, the
// update, and the new value.

import { fixed, full, signed, symbol } from "../core/format.js";
import { nameAt, parseName } from "../core/network.js";
import { updateFormulas } from "./formulas.js";
import { i, lines, lossSymbol, n, number, o, parameterSymbol, row, slopeOf } from "./mathml.js";

const MOST_BARS = 9;

/**
 * @param {object} chain  what GET …/chain answers for the selected parameter
 * @param {object | null} largest  the same for the largest component
 */
export function viewGradient(layout, spec, frame, chain, largest, digits) {
  const found = parseName(layout, chain.parameter);
  const { gradient, update } = chain;
  const bars = barsOf(layout, spec, frame, chain.parameter, digits);
  const shown = (value) => ({ text: signed(value, digits), full: full(value) });
  return {
    derivative: partials(found, frame, chain, digits),
    bars,
    length: shown(gradient.length),
    direction:
      gradient.length && update.trained
        ? shown(frame.gradient[found.index] / gradient.length)
        : null,
    share: `${fixed(100 * gradient.share, digits === "all" ? "all" : 1)} %`,
    rank: gradient.rank,
    count: bars.count,
    zero: gradient.length === 0,
    largest: largestOf(gradient, largest, frame, digits),
    trained: update.trained,
    update: update.trained ? updateFormulas(layout, frame, found, digits) : [],
    updateLength: shown(gradient.length === null ? null : frame.learningRate * gradient.length),
    rate: full(frame.learningRate),
  };
}

function partials(found, frame, chain, digits) {
  const symbolOf = parameterSymbol(found);
  const rows = [[slopeOf(i("E"), symbolOf), n(signed(chain.batch_derivative, digits))]];
  if (frame.rows > 1)
    rows.unshift([slopeOf(lossSymbol(true), symbolOf), n(signed(chain.derivative, digits))]);
  return lines(
    frame.rows > 1
      ? `Example ${frame.example + 1} alone, and the mean over the batch of ${frame.rows}`
      : "",
    ...rows,
  );
}

/**
 * The largest components by size, and the one that is looked at wherever it stands: always as many
 * rows, so that what stands below does not jump.
 */
function barsOf(layout, spec, frame, selected, digits) {
  const own = parseName(layout, selected).index;
  const { indices, count } = largestComponents(layout, spec, frame.gradient);
  const trained = spec.train_biases || selected[0] === "w";
  const listed = !trained || indices.includes(own) ? indices : [...indices.slice(0, -1), own];
  const most = Math.abs(frame.gradient[indices[0]]) || 1;
  const bars = listed.map((index) => {
    const [name, value] = [nameAt(layout, index), frame.gradient[index]];
    return {
      name,
      symbol: symbol(name),
      value,
      share: Math.abs(value) / most,
      own: index === own,
      text: signed(value, digits),
      full: full(value),
      update: updateOf(frame, index, digits),
    };
  });
  return { bars, hidden: count - listed.length, count };
}

/** Indices of the largest trained components, largest first, and how many are trained. */
function largestComponents(layout, spec, gradient) {
  const indices = [];
  let count = 0;
  for (const { kind, offset, shape } of layout.parameters) {
    if (kind === "biases" && !spec.train_biases) continue;
    const size = shape.reduce((product, side) => product * side, 1);
    count += size;
    for (let index = offset; index < offset + size; index++) {
      if (
        indices.length === MOST_BARS &&
        Math.abs(gradient[index]) <= Math.abs(gradient[indices[MOST_BARS - 1]])
      )
        continue;
      indices.push(index);
      indices.sort((a, b) => Math.abs(gradient[b]) - Math.abs(gradient[a]));
      indices.length = Math.min(indices.length, MOST_BARS);
    }
  }
  return { indices, count };
}

function updateOf(frame, index, digits) {
  const moved = frame.newParameters[index] - frame.parameters[index];
  return { text: signed(moved, digits), full: full(moved) };
}

/** Which component is the largest, and by what factors it came to be so. */
function largestOf(gradient, chain, frame, digits) {
  const known = chain;
  const path = known?.paths.reduce((best, one) =>
    Math.abs(one.product) > Math.abs(best.product) ? one : best,
  );
  const tree = path
    ? [
        "math",
        {},
        row(
          ...path.factors.flatMap((factor, k) => [
            ...(k ? [o("·")] : []),
            number(factor.value, digits),
          ]),
        ),
        o("="),
        n(signed(path.product, digits)),
      ]
    : null;
  const strongest = path?.factors.reduce((best, one) =>
    Math.abs(one.value) > Math.abs(best.value) ? one : best,
  );
  return {
    name: gradient.largest,
    symbol: symbol(gradient.largest),
    tree,
    paths: known?.paths.length ?? 0,
    strongest: strongest ? `${strongest.symbol} = ${signed(strongest.value, digits)}` : "",
    several: frame.rows > 1,
  };
}
