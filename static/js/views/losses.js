// The loss with its numbers: a term for each output, so that it can be redone with paper.

import { addingUp, enough, fixed, signed, written } from "../core/format.js";
import { unitOffsets } from "../core/network.js";
import { binaryCrossEntropy, categoricalCrossEntropy } from "./entropies.js";
import { i, inside, joined, lines, lossSymbol, n, number, o, resultSign, row, square } from "./mathml.js";
import { HALF, letters, meanOver } from "./outputs.js";

const MOST_TERMS = 6;

/** The loss of the example that is shown, and in a batch the mean. */
export function lossFormulas(layout, frame, digits) {
  const own = ownLoss(layout, frame, digits);
  if (frame.rows === 1) return [own];
  const mean = `Its mean over the ${frame.rows} examples of the batch`;
  return [own, lines(mean, [i("E"), n(fixed(frame.loss, digits))])].filter(Boolean);
}

function ownLoss(layout, frame, digits) {
  const outputs = outputsOf(layout, frame);
  const { words, before, symbols, term } = LOSSES[layout.loss](layout, outputs);
  const termsIn = (more) => outputs.map((output) => term(output, more)).filter(Boolean);
  const sum = totalOf(termsIn(digits), "value");
  const left = lossSymbol(frame.rows > 1);
  // What overflows is not made of numbers that could be shown.
  if (!Number.isFinite(sum))
    return frame.rows > 1 ? null : lines(words, [left, n(fixed(frame.loss, digits))]);
  const loss = frame.rows > 1 ? before.factor * sum : frame.loss;
  const read = (more) => before.factor * totalOf(termsIn(more), "read");
  const areAll = termsIn(digits).length <= MOST_TERMS; // that are written, or none of their sum
  const terms = termsIn(areAll ? enough(digits, loss, read) : digits);
  return lines(
    words,
    ...symbols.map((tree, k) => [k ? null : left, tree]),
    ...(terms.length ? termRows(before.parts, terms, digits) : []),
    ...addingRow(before, terms, loss, digits),
    [null, n(fixed(loss, digits)), frame.rows > 1 ? "=" : resultSign(layout)],
  );
}

function outputsOf(layout, frame) {
  const start = unitOffsets(layout.sizes)[layout.sizes.length - 2];
  return layout.targets.map((_, k) => ({
    z: frame.z[start + k],
    prediction: frame.a[start + k],
    target: frame.targets[k],
  }));
}

/** All terms in one bracket, so many to a line; of a single one only what stands before it. */
function termRows(before, terms, digits) {
  const shown = terms.slice(0, MOST_TERMS).map(({ tree }) => tree);
  if (terms.length > MOST_TERMS) shown.push(o("…"));
  if (shown.length < 2) return [[null, row(...before, ...shown)]];
  const perLine = digits === "all" ? 1 : 2;
  const rows = [];
  for (let k = 0; k < shown.length; k += perLine)
    rows.push(joined("+", shown.slice(k, k + perLine)));
  return rows.map((part, k) => [
    null,
    row(
      ...(k ? [o("+")] : [...before, o("(")]),
      part,
      ...(k === rows.length - 1 ? [o(")")] : []),
    ),
    k ? "" : "=",
  ]);
}

/** The same with each term worked out. */
function addingRow({ factor, parts }, terms, loss, digits) {
  if (terms.length < 2 || terms.length > MOST_TERMS || digits === "all") return [];
  const values = terms.map(({ value }) => value);
  const adding = (more) => addingUp(more, loss / factor, values);
  const read = (more) =>
    factor * values.reduce((sum, value) => sum + written(value, adding(more)), 0);
  const into = adding(enough(digits, loss, read));
  return [[null, row(...parts, inside(joined("+", values.map((value) => number(value, into)))))]];
}

/** The sum of what terms are, or of what comes out of them as they are written. */
const totalOf = (terms, what) => terms.reduce((sum, term) => sum + term[what], 0);

function squares(layout, before, words) {
  const { yHat, y, sum } = letters(layout);
  const error = square(inside(yHat, o("−"), y));
  return {
    words,
    before: sum.length ? before : { ...before, parts: before.parts.slice(0, 1) },
    symbols: [row(...(sum.length ? before.parts : before.parts.slice(0, 1)), ...sum, error)],
    term: ({ prediction, target }, digits) => ({
      tree: square(inside(n(signed(prediction - target, digits)))),
      value: (prediction - target) ** 2,
      read: written(prediction - target, digits) ** 2,
    }),
  };
}

const LOSSES = {
  half_squared_error: (layout) =>
    squares(
      layout,
      HALF,
      layout.targets.length > 1
        ? "The loss: half the squared errors, summed over the outputs"
        : "The loss: half the squared error",
    ),
  mean_squared_error: (layout) =>
    squares(
      layout,
      meanOver(layout),
      layout.targets.length > 1
        ? "The loss: squared errors, mean over the outputs"
        : "The loss: the squared error",
    ),
  binary_cross_entropy: binaryCrossEntropy,
  categorical_cross_entropy: categoricalCrossEntropy,
};
