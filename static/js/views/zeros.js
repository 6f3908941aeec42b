// Why a product is 0, in words: the factor that makes it so, or that it is too small for a number.

import { symbol as plainSymbol } from "../core/format.js";
import { unitOffsets, weightIndex } from "../core/network.js";
import { numbersOf, unitAt } from "./factors.js";

const CIRCLED = 0x2460; // ①; there are twenty of them
export const LEAST = { float32: 2 ** -126, float64: 2 ** -1022 }; // below, digits are lost, and then all of it
export const VANISHED = "too small for a number: it is kept as 0";

/** Whether a product is 0 although none of its factors is. */
export const vanishes = ({ factors, product }) =>
  product === 0 && factors.every(({ value }) => value !== 0);

/** Why `product` is 0; nothing where it is not, or where its factors are not shown. */
export function zeroOf(about, factors, product) {
  if (product !== 0 || !factors.length) return "";
  const found = factors.find(({ raw }) => raw === 0);
  if (!found) return VANISHED;
  const { number: k, kind, at } = found;
  const badge = k > 20 ? `factor ${k}` : String.fromCodePoint(CIRCLED + k - 1);
  return `${badge} is 0: ${ZEROS[kind](about, at)}`;
}

/** What it means that a factor of this kind is 0. */
const ZEROS = {
  error: (about, at) => `${unitAt(about, at).name} is exactly right`,
  delta(about, at) {
    const { layer, unit, name } = unitAt(about, at);
    const slope = slopeAt(about, layer, unit);
    if (layer === about.layout.sizes.length - 1) return ofOutput(about, at, slope);
    if (slope === 0) return ZEROS.slope(about, at);
    const back = `what comes back to ${name}`;
    return isTiny(about, layer, unit, slope) ? `${back} times its slope is ${VANISHED}` : `${back} adds up to 0`;
  },
  slope(about, at) {
    const { layer, unit, name } = unitAt(about, at);
    const { f } = numbersOf(about, layer, unit);
    return f === "relu" ? `${name} is off for this example` : `${name} is saturated, its ${f} is flat`;
  },
  weight: (about, at) => `nothing goes through ${plainSymbol(at)}`,
  input: (about, at) => `${unitAt(about, at).name} hands on nothing`,
};

/** A cross entropy's δ holds no f′ of its own; that of classes asks for the share ŷ of all y. */
function ofOutput(about, at, slope) {
  const { layer, unit, name } = unitAt(about, at);
  const { layout: { loss }, frame } = about;
  if (loss.endsWith("squared_error") && slope === 0) return ZEROS.slope(about, at);
  if (numbersOf(about, layer, unit).a === frame.targets[unit - 1]) return `${name} is exactly right`;
  if (loss !== "categorical_cross_entropy") return `its error times its slope is ${VANISHED}`;
  return `${name} · Σy − ${name.replace("ŷ", "y")} is 0`;
}

/** f′(z): 0 where a relu is off, and where a curve is so flat that no number tells. */
function slopeAt(about, layer, unit) {
  const { z, a, f } = numbersOf(about, layer, unit);
  return { relu: z > 0 ? 1 : 0, tanh: 1 - a * a, sigmoid: a * (1 - a) }[f] ?? 1;
}

/** Whether something comes back to a hidden unit, but so little that its δ is no number any more. */
function isTiny({ layout, frame }, layer, unit, slope) {
  const deltas = unitOffsets(layout.sizes)[layer];
  const weights = weightIndex(layout, layer + 1, unit, 1);
  const terms = Array.from(
    { length: layout.sizes[layer + 1] },
    (_, k) => [frame.parameters[weights + k], frame.delta[deltas + k]],
  ).filter(([weight, delta]) => weight !== 0 && delta !== 0);
  const size = terms.reduce((sum, [weight, delta]) => sum + Math.abs(slope * weight * delta), 0);
  return terms.length > 0 && size < LEAST[layout.precision];
}
