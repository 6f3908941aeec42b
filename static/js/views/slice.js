// The loss along one weight as a picture: curve, tangent, secant, the points on it. Pure
// arithmetic.

import { fixed, full } from "../core/format.js";
import { placeName } from "./secant.js";

export const BOX = { width: 440, height: 168, left: 8, right: 8, top: 14, bottom: 22 };
const MOST_DECIMALS = 12; // in the labels of a range
const MOST = Number.MAX_VALUE;

/**
 * @param {object} slice  what GET …/slice answers
 * @param {number} wiggle  which of its difference quotients is drawn
 */
export function viewSlice(slice, wiggle) {
  const { values, losses, at, loss, slope } = slice;
  const landings = slice.landings.filter(({ loss }) => loss !== null);
  const low = Math.min(...losses);
  const landed = landings.filter(inside(values)).map((one) => one.loss);
  const shown = Math.max(loss, ...(landed.length ? landed : losses));
  const high = Math.min(Math.max(shown + 0.35 * (shown - low), low + 1e-12), MOST);
  const x = scale(values[0], values[values.length - 1], BOX.left, BOX.width - BOX.right);
  const y = scale(low, high, BOX.height - BOX.bottom, BOX.top);
  const tall = Math.min(1e3 * (high - low), MOST - Math.abs(loss)); // beyond, a line is out of the picture
  const line = (slopeHere) => lineThrough({ x: at, y: loss }, slopeHere, values, tall);
  const point = (value, loss) => `${x.to(value).toFixed(2)},${clip(y.to(loss)).toFixed(2)}`;
  const now = [x.to(at), y.to(loss)];
  const marks = landings
    .filter(inside(values))
    .map((one) => ({ ...one, place: [x.to(one.value), clip(y.to(one.loss))] }));
  const levels = levelsOf(values, losses, y, [low, high]);
  const curve = values.map((value, k) => [x.to(value), y.to(losses[k])]);
  const taken = [now, ...curve, ...marks.flatMap(covered), ...levels.flatMap(coveredBy)];
  return {
    x,
    y,
    range: [values[0], values[values.length - 1]],
    losses: [low, high],
    levels,
    path: `M${values.map((value, k) => point(value, losses[k])).join("L")}`,
    tangent: line(slope).map(([a, b]) => [x.to(a), y.to(b)]),
    secant: secantOf(slice, slice.wiggle[wiggle], { x, y, line, now, taken }),
    now,
    marks,
    cut: cutWords(slice.cut),
  };
}

/** The line through now and h further on, its slope the difference quotient; its name beside it. */
function secantOf({ at, loss, values }, { h, quotient }, { x, y, line, now, taken }) {
  if (quotient === null) return null;
  const ends = line(quotient).map(([a, b]) => [x.to(a), y.to(b)]);
  return {
    ends,
    from: now,
    to: [x.to(at + h), clip(y.to(loss + quotient * h))],
    outside: at + h > values[values.length - 1],
    name: placeName(ends, `secant, h = ${full(h)}`, taken, BOX),
  };
}

/** What a landing covers with its ring and its name, and a level with its number, as points. */
const covered = ({ place: [x, y] }) => [-12, 0, 12].flatMap((by) => [[x + by, y], [x + by, y - 16]]);
const coveredBy = ({ y, left }) => [10, 40, 70].map((x) => [left ? x : BOX.width - x, y - 4]);

/** The largest h with which the secant ends within what is shown. */
export function firstWiggle({ at, values, wiggle }) {
  const found = wiggle.findIndex(({ h }) => at + h <= values[values.length - 1]);
  return Math.max(0, found);
}

/**
 * The labels of the largest and smallest loss that are shown, each at that end of the curve which
 * it leaves free.
 */
function levelsOf(values, losses, y, [low, high]) {
  const texts = told([low, high]);
  const near = Math.ceil(values.length / 6);
  const distance = (part, place) => Math.min(...part.map((loss) => Math.abs(y.to(loss) - place)));
  const free = (place) =>
    distance(losses.slice(0, near), place) >= distance(losses.slice(-near), place);
  const at = (text, place) => ({ text, y: place, left: free(place) });
  return [at(texts[1], BOX.top - 2), at(texts[0], BOX.height - BOX.bottom - 2)];
}

/** Two numbers in as many decimals as tell them apart, and at least so many. */
export function told([first, last], least = 2) {
  if (first === last) return [fixed(first, least), fixed(last, least)];
  for (let decimals = least; decimals < MOST_DECIMALS; decimals++) {
    const texts = [fixed(first, decimals), fixed(last, decimals)];
    if (texts[0] !== texts[1]) return texts;
  }
  return [fixed(first, least), fixed(last, least)]; // digits that nobody could compare
}

const inside =
  (values) =>
  ({ value }) =>
    value >= values[0] && value <= values[values.length - 1];
const clip = (y) => Math.max(-20, Math.min(BOX.height + 20, y));

function scale(from, to, start, end) {
  return {
    to: (value) => start + ((value - from) / (to - from || 1)) * (end - start),
    back: (place) => from + ((place - start) / (end - start)) * (to - from),
  };
}

/** The ends of a line of this slope through a point, over the width of the curve unless too `tall`. */
function lineThrough({ x, y }, slope, values, tall) {
  const reach = tall / Math.abs(slope);
  const from = Math.max(values[0], x - reach);
  const to = Math.min(values[values.length - 1], x + reach);
  return [
    [from, y + slope * (from - x)],
    [to, y + slope * (to - x)],
  ];
}

/**
 * The curve's loss between two samples: where the handle is drawn, never shown as a number. The
 * samples lie evenly on each side of the value, but not as wide on both where one is cut.
 */
export function lossAt({ values, losses }, value) {
  const found = values.findIndex((end, k) => k > 0 && end >= value);
  const k = found < 0 ? values.length - 1 : found;
  const step = values[k] - values[k - 1];
  if (!(step > 0)) return losses[k];
  const share = (value - values[k - 1]) / step;
  return losses[k - 1] + (losses[k] - losses[k - 1]) * share;
}

function cutWords(cut) {
  if (!cut.length) return "";
  const sides = { below: "to the left", above: "to the right" };
  return `The curve ends ${cut.map((side) => sides[side]).join(" and ")} where the loss overflows.`;
}
