// The loss with its numbers: a term for each output, so that it can be redone with paper.

import { addingUp, fixed, signed } from "../core/format.js";
import { activationOf } from "../core/network.js";
import {
  i,
  inside,
  joined,
  lines,
  lossSymbol,
  n,
  number,
  o,
  ratio,
  resultSign,
  row,
  square,
  sub,
  sumOver,
  targetSymbol,
  unitSymbol,
} from "./mathml.js";

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
  const { words, before, symbols, term } = LOSSES[layout.loss](layout);
  const terms = outputs.map((output) => term(output, digits)).filter(Boolean);
  const sum = terms.reduce((total, { value }) => total + value, 0);
  const left = lossSymbol(frame.rows > 1);
  // What saturates has no logarithm; the engine has the loss from z.
  if (!Number.isFinite(sum))
    return frame.rows > 1 ? null : lines(words, [left, n(fixed(frame.loss, digits))]);
  const loss = frame.rows > 1 ? before.factor * sum : frame.loss;
  return lines(
    words,
    [left, symbols],
    ...termRows(before.parts, terms, digits),
    ...addingRow(before.parts, terms, sum, digits),
    [null, n(fixed(loss, digits)), frame.rows > 1 ? "=" : resultSign(layout)],
  );
}

function outputsOf(layout, frame) {
  const last = layout.sizes.length - 1;
  return layout.targets.map((_, k) => ({
    prediction: activationOf(frame, layout, last, k + 1),
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
function addingRow(before, terms, sum, digits) {
  if (terms.length < 2 || terms.length > MOST_TERMS || digits === "all") return [];
  const values = terms.map(({ value }) => value);
  const adding = addingUp(digits, sum, values);
  return [[null, row(...before, inside(joined("+", values.map((value) => number(value, adding)))))]];
}

const NOTHING = { factor: 1, parts: [] };
const HALF = { factor: 1 / 2, parts: [ratio(n("1"), n("2")), o("·")] };
const share = (count) => ({
  factor: 1 / count,
  parts: [ratio(n("1"), n(String(count))), o("·")],
});
const negative = ({ factor, parts }) => ({ factor: -factor, parts: [o("−"), ...parts] });
const meanOver = ({ targets: { length } }) => (length > 1 ? share(length) : NOTHING);

/** The outputs' symbols, with an index to sum over where there are several. */
function letters(layout) {
  if (layout.targets.length > 1)
    return { yHat: sub("ŷ", "j"), y: sub("y", "j"), sum: [sumOver("j")] };
  const last = layout.sizes.length - 1;
  return { yHat: unitSymbol(layout, last, 1), y: targetSymbol(layout, 1), sum: [] };
}

function squares(layout, before, words) {
  const { yHat, y, sum } = letters(layout);
  const error = square(inside(yHat, o("−"), y));
  return {
    words,
    before: sum.length ? before : { ...before, parts: before.parts.slice(0, 1) },
    symbols: row(...(sum.length ? before.parts : before.parts.slice(0, 1)), ...sum, error),
    term: ({ prediction, target }, digits) => ({
      tree: square(inside(n(signed(prediction - target, digits)))),
      value: (prediction - target) ** 2,
    }),
  };
}

const ln = (...of) => row(["mtext", {}, "ln"], inside(...of));
const one = n("1");
/** A share of a logarithm: nothing where the share is 0, the logarithm alone where it is 1. */
const weighed = (weight, of, digits) => {
  if (weight === 0) return [];
  const logarithm = ln(n(fixed(of, digits)));
  return [weight === 1 ? logarithm : row(number(weight, digits), o("·"), logarithm)];
};
const surprise = (weight, of) => (weight === 0 ? 0 : weight * Math.log(of));

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
  binary_cross_entropy(layout) {
    const { yHat, y, sum } = letters(layout);
    const before = negative(meanOver(layout));
    const rest = row(inside(one, o("−"), y), o("·"), ln(one, o("−"), yHat));
    const whole = inside(y, o("·"), ln(yHat), o("+"), rest);
    return {
      words: "The loss: binary cross entropy, natural logarithm, mean over the outputs",
      before,
      symbols: row(...before.parts, ...sum, whole),
      term({ prediction: a, target }, digits) {
        const parts = [...weighed(target, a, digits), ...weighed(1 - target, 1 - a, digits)];
        return { tree: joined("+", parts), value: surprise(target, a) + surprise(1 - target, 1 - a) };
      },
    };
  },
  categorical_cross_entropy(layout) {
    const { yHat, y, sum } = letters(layout);
    const before = negative(NOTHING);
    return {
      words: "The loss: −Σ y ln ŷ, natural logarithm",
      before,
      symbols: row(...before.parts, ...sum, y, o("·"), ln(yHat)),
      term: ({ prediction, target }, digits) =>
        target === 0
          ? null
          : { tree: weighed(target, prediction, digits)[0], value: surprise(target, prediction) },
    };
  },
};
