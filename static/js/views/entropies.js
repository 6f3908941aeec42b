// The cross entropies with their numbers: logarithms of ŷ, or in z where ŷ has lost its digits.

import { enough, fixed, written } from "../core/format.js";
import { both, i, inside, joined, n, number, o, row, sumOver } from "./mathml.js";
import { letters, meanOver, negative, NOTHING } from "./outputs.js";
import { LEAST } from "./zeros.js";

// How near to 1 a number can be and keep four digits of what is missing to 1.
const BLUR = { float32: 1e4 * 2 ** -23, float64: 1e4 * 2 ** -52 };

const ln = (...of) => row(["mtext", {}, "ln"], inside(...of));
const power = (of) => ["msup", {}, i("e"), of];
const one = n("1");

// A part of a term is {tree, read}: as it is written, and what comes out of that.

/** A share of a part: nothing where the share is 0, the part alone where it is 1. */
function weighed(weight, part, digits) {
  if (weight === 0) return [];
  if (weight === 1) return [part];
  const tree = row(number(weight, digits), o("·"), part.tree);
  return [{ tree, read: written(weight, digits) * part.read }];
}

const added = (parts) => ({
  tree: joined("+", parts.map(({ tree }) => tree)),
  read: parts.reduce((sum, { read }) => sum + read, 0),
});

/** The logarithm of a number, which next to 0 and to 1 needs more digits than were asked for. */
function logarithm(of, digits) {
  const isNearAnEnd = of < 0.1 || of > 0.9;
  const log = (more) => Math.log(written(of, more));
  const into = isNearAnEnd ? enough(digits, Math.log(of), log) : digits;
  return { tree: ln(n(fixed(of, into))), read: log(into) };
}

const surprise = (weight, of) => (weight === 0 ? 0 : weight * Math.log(of));

export function binaryCrossEntropy(layout, outputs) {
  const { yHat, y, z, sum } = letters(layout);
  const before = negative(meanOver(layout));
  const rest = row(inside(one, o("−"), y), o("·"), ln(one, o("−"), yHat));
  const whole = inside(y, o("·"), ln(yHat), o("+"), rest);
  const found = {
    words: "The loss: binary cross entropy, natural logarithm, mean over the outputs",
    symbols: [row(...before.parts, ...sum, whole)],
  };
  if (!outputs.some((output) => isLost(layout, output)))
    return { ...found, before, term: sum.length ? yesOrNo : bracketed };
  const mean = meanOver(layout);
  const inZ = row(ln(one, o("+"), power(z)), o("−"), y, o("·"), z);
  const again = row(...mean.parts, ...sum, sum.length ? inside(inZ) : inZ);
  return { ...found, symbols: [...found.symbols, again], before: mean, term: yesOrNoInZ };
}

function yesOrNo({ prediction: a, target }, digits) {
  const parts = [
    ...weighed(target, logarithm(a, digits), digits),
    ...weighed(1 - target, logarithm(1 - a, digits), digits),
  ];
  const value = surprise(target, a) + surprise(1 - target, 1 - a);
  return { ...added(parts), value, isSum: parts.length > 1 };
}

/** The term of a single output, which a minus stands before. */
function bracketed(output, digits) {
  const { tree, isSum, ...term } = yesOrNo(output, digits);
  return { tree: isSum ? inside(tree) : tree, ...term };
}

/** ln(1 + e^z) − y z, without a power that grows: of z above 0 it is ln(1 + e^−z) + (1 − y) z. */
function yesOrNoInZ({ z, target }, digits) {
  const size = Math.abs(z);
  const weight = z > 0 ? 1 - target : target;
  const small = (of) => Math.log1p(Math.exp(of));
  const log = (more) => small(written(-size, more));
  const into = enough(digits, small(-size), log);
  const own = { tree: ln(one, o("+"), power(n(fixed(-size, into)))), read: log(into) };
  const line = { tree: number(size, digits), read: written(size, digits) };
  const parts = [own, ...weighed(weight, line, digits)];
  return { ...added(parts), value: small(-size) + weight * size };
}

/** Whether the logarithms of an output's ŷ and 1 − ŷ are not those that the run has, from z. */
function isLost({ loss, precision }, { prediction: a, target }) {
  if (target !== 0 && a < LEAST[precision]) return true;
  if (loss !== "binary_cross_entropy") return false;
  return 1 - a < BLUR[precision] || (target !== 1 && a < BLUR.float64); // 1 − a is of float64
}

export function categoricalCrossEntropy(layout, outputs) {
  const { yHat, y, z, sum } = letters(layout);
  const before = negative(NOTHING);
  const found = {
    words: "The loss: −Σ y ln ŷ, natural logarithm",
    symbols: [row(...before.parts, ...sum, y, o("·"), ln(yHat))],
  };
  if (!outputs.some((output) => isLost(layout, output))) return { ...found, before, term: ofClass };
  const zOf = (index) => both("z", index, String(layout.sizes.length - 1));
  const largest = zOf("max");
  const total = row(sumOver("k"), power(row(zOf("k"), o("−"), largest)));
  const again = row(...sum, y, o("·"), inside(ln(total), o("+"), largest, o("−"), z));
  const symbols = [...found.symbols, again];
  return { ...found, symbols, before: NOTHING, term: classInZ(outputs.map((output) => output.z)) };
}

function ofClass({ prediction, target }, digits) {
  if (target === 0) return null;
  const [part] = weighed(target, logarithm(prediction, digits), digits);
  return { ...part, value: surprise(target, prediction) };
}

/** −ln ŷ of a class as ln ∑ e^z − z, less the largest z in every power. */
function classInZ(zs) {
  const largest = Math.max(...zs);
  const total = zs.reduce((sum, z) => sum + Math.exp(z - largest), 0);
  return ({ z, target }, digits) => {
    if (target === 0) return null;
    const sum = row(ln(n(fixed(total, digits))), o("+"), n(fixed(largest - z, digits)));
    const read = Math.log(written(total, digits)) + written(largest - z, digits);
    const part = { tree: target === 1 ? sum : inside(sum), read };
    const value = target * (Math.log(total) + largest - z);
    return { ...weighed(target, part, digits)[0], value };
  };
}
