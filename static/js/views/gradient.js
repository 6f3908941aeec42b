// Four things that are easily taken for one another: a partial derivative, the gradient, the
// update, and the new value.

import { addingUp, enough, fixed, full, signed, symbol, written } from "../core/format.js";
import { nameAt, parseName, updateAt } from "../core/network.js";
import { ofExample } from "../core/words.js";
import { updateFormulas } from "./formulas.js";
import {
  i,
  joined,
  lines,
  lossSymbol,
  math,
  multiplying,
  n,
  number,
  o,
  parameterSymbol,
  ratio,
  resultSign,
  row,
  slopeOf,
} from "./mathml.js";

const MOST_BARS = 9;
const MOST_EXAMPLES = 6; // in a mean that is written out

/**
 * @param {object} chain  what GET …/chain answers for the selected parameter
 * @param {object | null} largest  the same for the largest component and the example that
 *   contributes most to it
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
    share: `${fixed(100 * gradient.share, digits === "all" ? digits : digits - (gradient.share < 0.01 ? 0 : 1))} %`,
    rank: gradient.rank,
    count: bars.count,
    all: layout.count,
    zero: gradient.length === 0,
    largest: largestOf(layout, gradient, largest, frame, digits),
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
 * rows, so that what stands below does not jump. `skipped` are those left out before it.
 */
function barsOf(layout, spec, frame, selected, digits) {
  const own = parseName(layout, selected).index;
  const { indices, count, larger } = largestComponents(layout, spec, frame.gradient, own);
  const trained = spec.train_biases || selected[0] === "w";
  const { listed, skipped } =
    !trained || indices.includes(own)
      ? { listed: indices, skipped: 0 }
      : withOwn(indices, own, larger);
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
  return { bars, skipped, hidden: count - listed.length - skipped, count };
}

/** The one that is looked at after the largest: a row is left for those between, if there are any. */
function withOwn(indices, own, larger) {
  if (larger < indices.length) return { listed: [...indices.slice(0, -1), own], skipped: 0 };
  const first = indices.slice(0, -2);
  return { listed: [...first, own], skipped: larger - first.length };
}

/**
 * Indices of the largest trained components, largest first; how many are trained, and how many of
 * those are larger than `own`.
 */
function largestComponents(layout, spec, gradient, own) {
  const indices = [];
  let count = 0;
  let larger = 0;
  for (const { kind, offset, shape } of layout.parameters) {
    if (kind === "biases" && !spec.train_biases) continue;
    const size = shape.reduce((product, side) => product * side, 1);
    count += size;
    for (let index = offset; index < offset + size; index++) {
      if (Math.abs(gradient[index]) > Math.abs(gradient[own])) larger += 1;
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
  return { indices, count, larger };
}

function updateOf(frame, index, digits) {
  const update = updateAt(frame, index);
  return { text: signed(update, digits), full: full(update) };
}

/** Which component is the largest, and how it came to be so. */
function largestOf(layout, gradient, chain, frame, digits) {
  if (!gradient.largest) return null; // all are 0
  const several = frame.rows > 1;
  const named = { name: gradient.largest, symbol: symbol(gradient.largest), several };
  if (!chain) return { ...named, known: false };
  const path = chain.paths[0]; // the largest
  return {
    ...named,
    known: true,
    paths: chain.paths.length,
    rows: frame.rows,
    mean: several ? meanOf(layout, gradient, chain, digits) : null,
    example: several
      ? { number: chain.example + 1, share: signed(chain.derivative, digits) }
      : null,
    factors: factorsOf(path, digits),
    reason: reasonOf(path, several, digits),
  };
}

/** The batch's derivative as the mean of its examples' own, where they are few. */
function meanOf(layout, gradient, { parameter, examples }, digits) {
  if (examples.length > MOST_EXAMPLES) return null;
  const perRow = digits === "all" ? 1 : Math.ceil(examples.length / Math.ceil(examples.length / 3));
  const adding = addingUp(digits, gradient.largest_value, examples);
  const mean = (more) =>
    examples.reduce((sum, value) => sum + written(value, more), 0) / examples.length;
  const into = enough(adding, gradient.largest_value, mean);
  const rows = [];
  for (let k = 0; k < examples.length; k += perRow)
    rows.push(joined("+", examples.slice(k, k + perRow).map((value) => number(value, into))));
  const symbols = slopeOf(i("E"), parameterSymbol(parseName(layout, parameter)));
  const before = row(ratio(n("1"), n(String(examples.length))), o("·"), o("("));
  return lines(
    "",
    ...rows.map((terms, k) => [
      k ? null : symbols,
      row(k ? o("+") : before, terms, ...(k === rows.length - 1 ? [o(")")] : [])),
      k ? "" : "=",
    ]),
    [null, n(signed(gradient.largest_value, adding)), resultSign(layout)],
  );
}

/** A slope of 1, or what a bias is multiplied by: it hands on what comes and explains no size. */
const handsOn = ({ kind, value }) => kind === "one" || (kind === "slope" && value === 1);

function factorsOf({ factors, product }, digits) {
  const into = multiplying(factors, digits, product);
  const numbers = factors.map((factor, k) => {
    if (handsOn(factor)) return n("1");
    return k ? number(factor.value, into) : n(fixed(factor.value, into));
  });
  return { label: "", tree: math(joined("·", numbers), o("="), n(signed(product, digits))) };
}

/** The factor that says most about the size of the product, or those that say as much. */
function reasonOf({ factors, product }, several, digits) {
  if (!product) return "";
  const telling = factors.filter((factor) => !handsOn(factor));
  const most = Math.max(...telling.map(({ value }) => Math.abs(value)));
  const strongest = telling.filter(({ value }) => Math.abs(value) === most);
  const named = strongest.map(
    ({ symbol: name, value }) => `${ofExample(name, several)} = ${signed(value, digits)}`,
  );
  const said = named.join(" and ");
  return telling.length === 1 ? `All of it comes from ${said}.` : `The largest of them: ${said}.`;
}
