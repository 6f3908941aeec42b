// The value that is tried: where the handle stands, the loss there, and what keeping it means.

import { editStep } from "../core/edits.js";
import { count, fixed, symbol } from "../core/format.js";
import { BOX, lossAt, told } from "../views/slice.js";
import { verdict } from "./curve.js";
import { set, write } from "./dom.js";

const BEYOND = "With this value the step’s numbers overflow: there is nothing to show.";

export function drawTried(parts, view, slice, state) {
  const { tried, trial } = state;
  const value = tried?.value ?? slice.at;
  const mine = trial && trial.tried.value === value ? trial : null;
  drawHandle(parts.handle, view, slice, { value, mine, tried, digits: state.digits });
  set(parts.now, { visibility: tried ? null : "hidden" });
  write(
    parts.said,
    state.beyond ? BEYOND : lossWords(slice, mine ?? (tried ? trial : null), state),
  );
  drawKeep(parts, state);
}

/** Between two samples the curve says where the handle is; a number is shown only once computed. */
function drawHandle(handle, view, slice, { value, mine, tried, digits }) {
  const loss = mine ? mine.loss : tried ? lossAt(slice, value) : slice.loss;
  set(handle, {
    cx: view.x.to(value),
    cy: Math.max(2, Math.min(BOX.height - 2, view.y.to(loss))),
    "aria-label": `What if ${symbol(slice.parameter)} were`,
    "aria-valuenow": value,
    "aria-valuemin": view.range[0],
    "aria-valuemax": view.range[1],
    "aria-valuetext": `${fixed(value, digits)}${mine ? `, loss ${fixed(mine.loss, digits)}` : ""}`,
  });
}

function lossWords(slice, shown, { lastTried, digits, frame }) {
  const words = (value, loss) => `${symbol(slice.parameter)} = ${fixed(value, digits)}: E = ${loss}`;
  if (!shown) return `${lastTried ? "Restored: " : ""}${words(slice.at, fixed(slice.loss, digits))}`;
  const [now, before] = apart([shown.loss, frame.loss], digits);
  return `${words(shown.tried.value, now)}, ${than(shown.loss, frame.loss, before)}`;
}

function drawKeep(parts, { tried, lastTried, digits, frame, session, lastStep }) {
  const last = tried ?? lastTried;
  const from = editStep(frame, session.layout);
  const ended = from > lastStep;
  const since = sinceWords(frame, from, ended);
  write(parts.keep, last ? `Keep ${fixed(last.value, digits)}` : "Keep");
  set(parts.keep, {
    "aria-disabled": last && !ended && session.may_write !== false ? null : "true", // it keeps the focus
    title: ended ? since : `It becomes an edit of the run, ${since}`,
    "aria-description": ended ? since : `an edit of the run ${since}`,
  });
  write(parts.from, since);
}

/** From when on an edit would hold; of a run that has ended, what must be done before. */
function sinceWords({ step, lastFinite }, from, ended) {
  if (ended) return "the last step that a run may have is done: step back first";
  const since = `from step ${count(from)} on`;
  return from > step && lastFinite ? `${since}, if its numbers are then all finite; or step back first` : since;
}

/** What is called higher or lower has to look so too. */
const apart = (losses, digits) =>
  digits === "all" ? losses.map((loss) => fixed(loss, digits)) : told(losses, digits);

function than(loss, before, shown) {
  const word = verdict(loss, before);
  return word === "the same" ? word : `${word} than ${shown}`;
}
