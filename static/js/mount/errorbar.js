// The error bar: the way from the truth to the prediction, in their own unit. The flow starts here.

import { s, set, write } from "./dom.js";
import { writeFitting } from "./fit.js";

const APART = 19; // units of the picture between two lines of text
const LEAST = 8; // letters below which a text is cut
const HALF = 9; // of a line's height
const AWAY = { wide: 22, narrow: 30 }; // from the bar to where its texts begin, or end

export function makeBar() {
  const parts = {
    tip: s("title"),
    link: s("line", { class: "link" }),
    axis: s("line", { class: "axis" }),
    bar: s("rect", { class: "bar", width: 16, rx: 3 }),
    truth: s("line", { class: "truth" }),
    dot: s("circle", { class: "dot", r: 5.5 }),
    targetText: s("text", { class: "bar-label" }),
    predictionText: s("text", { class: "bar-label strong" }),
    errorText: s("text", { class: "bar-error" }),
  };
  return { ...parts, group: s("g", { class: "error-bar", role: "img" }, ...Object.values(parts)) };
}

export function updateBar(made, view, narrow) {
  const { x } = view;
  const sign = view.sign > 0 ? "plus" : view.sign < 0 ? "minus" : "";
  set(made.group, {
    class: `error-bar${view.lit ? " lit" : ""}${view.dimmed ? " dimmed" : ""}`,
    "aria-label": view.accessible,
  });
  write(made.tip, view.accessible);
  set(made.axis, { x1: x, x2: x, y1: view.top, y2: view.bottom });
  set(made.truth, { x1: x - 15, x2: x + 15, y1: view.targetY, y2: view.targetY });
  const known = view.predictionY !== null;
  const at = known ? view.predictionY : view.targetY;
  set(made.link, {
    x1: view.fromUnit + 4,
    y1: view.middle,
    x2: x - 4,
    y2: at,
    visibility: known ? null : "hidden",
  });
  set(made.dot, { cx: x, cy: at, visibility: known ? null : "hidden" });
  const shown = view.error !== null;
  const top = Math.min(at, view.targetY);
  set(made.bar, {
    x: x - 8,
    y: top,
    height: Math.abs(at - view.targetY),
    class: `bar ${sign}`,
    visibility: shown ? null : "hidden",
  });
  placeTexts(made, view, at, narrow);
  const room = narrow ? x + AWAY.narrow - view.fromUnit : view.rim - x - AWAY.wide - 4;
  const size = narrow ? 12 : 13.5;
  writeFitting(made.targetText, `y  ${view.target}`, room, size, LEAST);
  writeFitting(made.predictionText, known ? `ŷ  ${view.prediction}` : "ŷ  not yet", room, size, LEAST);
  writeFitting(made.errorText, shown ? view.error : "", room, 15, LEAST);
  set(made.errorText, { class: `bar-error ${sign}` });
}

/** Texts stand beside their mark, or above and below the bar where it is narrow. */
function placeTexts(made, view, at, narrow) {
  const upperIsTruth = view.predictionY !== null && view.targetY < at;
  const [upper, lower] = upperIsTruth
    ? [made.targetText, made.predictionText]
    : [made.predictionText, made.targetText];
  const marks = [Math.min(at, view.targetY), Math.max(at, view.targetY)];
  const texts = narrow ? [upper, lower, made.errorText] : [upper, made.errorText, lower];
  const wanted = narrow ? outside(marks, view) : beside(marks, view.predictionY !== null);
  const x = view.x + (narrow ? AWAY.narrow : AWAY.wide);
  keepApart(wanted, view.slot).forEach((y, k) => set(texts[k], { x, y }));
}

const outside = ([low, high], { bottom }) => [low - 12, high + 13, bottom + 28];

/** A prediction that is not known yet is said above the truth. */
function beside([low, high], known) {
  return known ? [low, (low + high) / 2, high] : [low - 2 * APART, low - APART, low];
}

/** Moves lines of text, from top to bottom, so far that none touches another or leaves its slot. */
function keepApart(wanted, [top, bottom]) {
  const last = wanted.length - 1;
  const middle = wanted.reduce((sum, y) => sum + y, 0) / wanted.length;
  const most = (k) => bottom - HALF - (last - k) * APART;
  const least = (k) => top + HALF + k * APART;
  const spread = (y, k) => {
    const near = wanted[last] - wanted[0] < last * APART;
    return near ? middle + (k - last / 2) * APART : y;
  };
  const placed = [];
  wanted.map(spread).forEach((y, k) => {
    const after = k ? placed[k - 1] + APART : -Infinity;
    placed.push(Math.min(most(k), Math.max(least(k), after, y)));
  });
  return placed;
}
