// The error bar: the way from the truth to the prediction, in their own unit. The flow starts here.

import { s, set, write } from "./dom.js";

const APART = 17;

export function makeBar() {
  const parts = {
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
  set(made.group, { class: `error-bar${view.lit ? " lit" : ""}${view.dimmed ? " dimmed" : ""}`, "aria-label": view.accessible });
  set(made.axis, { x1: x, x2: x, y1: view.top, y2: view.bottom });
  set(made.truth, { x1: x - 15, x2: x + 15, y1: view.targetY, y2: view.targetY });
  const known = view.predictionY !== null;
  const at = known ? view.predictionY : view.targetY;
  set(made.link, { x1: view.fromUnit + 4, y1: view.middle, x2: x - 4, y2: at, visibility: known ? null : "hidden" });
  set(made.dot, { cx: x, cy: at, visibility: known ? null : "hidden" });
  const shown = view.error !== null;
  const top = Math.min(at, view.targetY);
  set(made.bar, { x: x - 8, y: top, height: Math.abs(at - view.targetY), class: `bar ${sign}`, visibility: shown ? null : "hidden" });
  placeTexts(made, view, at, narrow);
  write(made.targetText, `y  ${view.target}`);
  write(made.predictionText, known ? `ŷ  ${view.prediction}` : "ŷ  not yet");
  write(made.errorText, shown ? view.error : "");
  set(made.errorText, { class: `bar-error ${sign}` });
}

/** Texts stand beside their mark, pushed apart where they would touch. */
function placeTexts(made, view, at, narrow) {
  const known = view.predictionY !== null;
  const above = known ? at <= view.targetY : true;
  const middle = (at + view.targetY) / 2;
  const apart = Math.max(APART * 2, Math.abs(at - view.targetY)) / 2;
  const near = known && Math.abs(at - view.targetY) < APART * 2;
  const predictionY = known ? (near ? middle + (above ? -apart : apart) : at) : view.targetY - APART * 2;
  const targetY = near ? middle + (above ? apart : -apart) : view.targetY;
  const x = view.x + 22;
  const texts = [[made.predictionText, predictionY], [made.targetText, targetY], [made.errorText, middle]];
  for (const [text, y] of texts) {
    if (narrow) set(text, { x: view.x + 26, y: text === made.errorText ? view.bottom + 34 : y < middle || (y === middle && text === made.targetText) ? y - 14 : y + 16 });
    else set(text, { x, y });
  }
}
