// What the formulas of all losses have in common: the outputs' letters, and what stands before
// their sum.

import {
  both,
  n,
  o,
  ratio,
  sub,
  sumOver,
  targetSymbol,
  unitSymbol,
  zSymbol,
} from "./mathml.js";

export const NOTHING = { factor: 1, parts: [] };
export const HALF = { factor: 1 / 2, parts: [ratio(n("1"), n("2")), o("·")] };
const share = (count) => ({
  factor: 1 / count,
  parts: [ratio(n("1"), n(String(count))), o("·")],
});
export const negative = ({ factor, parts }) => ({ factor: -factor, parts: [o("−"), ...parts] });
export const meanOver = ({ targets: { length } }) => (length > 1 ? share(length) : NOTHING);

/** The outputs' symbols, with an index to sum over where there are several. */
export function letters(layout) {
  const last = layout.sizes.length - 1;
  const [z, sum] = [both("z", "j", String(last)), [sumOver("j")]];
  if (layout.targets.length > 1) return { yHat: sub("ŷ", "j"), y: sub("y", "j"), z, sum };
  const yHat = unitSymbol(layout, last, 1);
  return { yHat, y: targetSymbol(layout, 1), z: zSymbol(last, 1), sum: [] };
}
