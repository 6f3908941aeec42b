// What the panel says: the phase's name, its sentence, its formulas, and the run's figures.

import { fixed, full } from "../core/format.js";
import { nameAt, parseName, revealed } from "../core/network.js";
import { largestOf, phaseSentence, phaseTitle } from "../core/words.js";
import {
  backwardFormulas,
  errorFormulas,
  forwardFormulas,
  inputFormulas,
  updateFormulas,
} from "./formulas.js";

const LOSSES = {
  half_squared_error: "half squared error",
  mean_squared_error: "mean squared error",
  binary_cross_entropy: "binary cross entropy",
  categorical_cross_entropy: "categorical cross entropy",
};

export function lossName(layout) {
  return LOSSES[layout.loss];
}

export function viewPanel(layout, spec, frame, digits) {
  const at = revealed(layout, frame.phase);
  return {
    number: frame.phase,
    title: phaseTitle(layout.phases[frame.phase]),
    sentence: phaseSentence(layout, spec, frame, digits),
    locked: !at.update,
    formulas: formulas(layout, frame, at, digits),
    figures: figures(frame, at, digits),
  };
}

function formulas(layout, frame, at, digits) {
  if (at.kind === "input") return inputFormulas(layout, frame, digits);
  if (at.kind === "forward") return forwardFormulas(layout, frame, at.layer, 1, digits);
  if (at.kind === "error") return errorFormulas(layout, frame, digits);
  if (at.kind === "backward")
    return backwardFormulas(layout, frame, strongest(layout, frame, at.layer), digits);
  return updateFormulas(layout, frame, strongest(layout, frame, null), digits);
}

function strongest(layout, frame, layer) {
  const slots = layout.parameters.filter(
    (slot) => slot.kind === "weights" && (layer === null || slot.layer === layer),
  );
  return parseName(layout, nameAt(layout, largestOf(frame, slots)));
}

function figures(frame, at, digits) {
  const figure = (name, value) => [name, fixed(value, digits === 4 ? 6 : digits), full(value)];
  const rows = [
    at.error ? figure("Loss E of this batch", frame.loss) : ["Loss E of this batch", "not yet"],
    ["Learning rate α", full(frame.learningRate)],
  ];
  if (frame.testLoss !== null)
    rows.push(figure("Held-out loss before this update", frame.testLoss));
  if (at.hasGradient(1)) rows.push(figure("Length of the gradient |∇E|", lengthOf(frame.gradient)));
  return rows;
}

/** The squares of large parts would overflow: all are halved as often as the largest needs, which loses no digit. */
export function lengthOf(vector) {
  const largest = vector.reduce((most, part) => Math.max(most, Math.abs(part)), 0);
  const unit = largest > 0 ? 2 ** Math.floor(Math.log2(largest)) : 1;
  return unit * Math.sqrt(vector.reduce((sum, part) => sum + (part / unit) ** 2, 0));
}
