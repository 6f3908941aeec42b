// What a phase does, in words that agree with its numbers: for the panel and for screen readers.

import { count, full, moved, own, signed, superscript, symbol } from "./format.js";
import { nameAt, revealed, unitSymbol } from "./network.js";

/** "Forward through w¹" */
export function phaseTitle(phase) {
  if (phase.kind === "input") return "Input";
  if (phase.kind === "error") return "Error";
  if (phase.kind === "update") return "Update";
  const weights = `w${superscript(phase.layer)}`;
  return phase.kind === "forward" ? `Forward through ${weights}` : `Back through ${weights}`;
}

/** The loss: E of the batch, or Eₖ of one example where there are several. */
export const lossName = (several) => (several ? "Eₖ" : "E");

/** What the server calls ∂E/…, of one example of a batch. */
export const ofExample = (symbol, several) => symbol.replace("∂E/", `∂${lossName(several)}/`);

/** Where the diagram says the derivative of this parameter; a bias that is not trained shows none. */
export function whereItStands({ parameter, update }) {
  if (!update.trained) return "not in the diagram, since this bias is not trained";
  return `the number on the ${parameter[0] === "b" ? "bias" : "edge"}`;
}

/** "too high by $12,300" */
export function missedBy(prediction, target, unit, digits = 2) {
  const error = prediction - target;
  if (error === 0) return "exactly right";
  return `too ${error > 0 ? "high" : "low"} by ${own(Math.abs(error), unit, false, digits)}`;
}

/** The index of the largest partial derivative among a layer's trained parameters. */
export function largestOf(frame, slots) {
  let best = slots[0].offset;
  for (const slot of slots) {
    const size = slot.shape.reduce((product, side) => product * side, 1);
    for (let k = slot.offset; k < slot.offset + size; k++)
      if (Math.abs(frame.gradient[k]) > Math.abs(frame.gradient[best])) best = k;
  }
  return best;
}

/** One or two plain sentences about the phase that is shown; rounded, unless `digits` are "all". */
export function phaseSentence(layout, spec, frame, digits = 2) {
  const at = revealed(layout, frame.phase);
  const writers = { input: inputWords, forward: forwardWords, error: errorWords, backward: backwardWords, update: updateWords };
  return writers[at.kind](layout, spec, frame, at, digits);
}

/** What a screen reader says when a phase appears. */
export function announcement(layout, spec, frame, digits = 2) {
  const title = phaseTitle(layout.phases[frame.phase]);
  return `Step ${count(frame.step)}, ${title}. ${phaseSentence(layout, spec, frame, digits)}`;
}

function inputWords(layout, spec, frame, at, digits) {
  const parts = columnWords(layout.inputs, frame.ownInputs, digits);
  const goal = columnWords(layout.targets, frame.ownTargets, digits);
  const listed = parts.length > 6 ? `${parts.length} numbers` : parts.join(", ");
  return `One ${layout.row_noun} enters: ${listed}. Its true ${few(goal)} is what the network should say.`;
}

/** "living area 1,656 sq ft" for each column. */
export function columnWords(columns, values, digits) {
  return columns.map(({ label, unit }, k) => `${label} ${own(values[k], unit, false, digits)}`);
}

function forwardWords(layout, spec, frame, at, digits) {
  const name = layout.activations[at.layer - 1];
  const shape = name === "identity" ? "passed on as it is" : `put through ${name}`;
  const which = at.layer === at.layers ? "the output" : `hidden layer ${at.layer}`;
  const result = at.layer === at.layers ? ` The prediction is ${predictionWords(layout, frame, digits)}.`.replace(/…\.$/, "…") : "";
  return `Each unit of ${which} adds up what comes in, times its weights, plus its bias; the sum z is ${shape}.${result}`;
}

function predictionWords(layout, frame, digits) {
  return few(layout.targets.map((column, k) => own(frame.ownPrediction[k], column.unit, false, digits)));
}

/** The first four, and a sign that there are more. */
function few(parts) {
  return parts.slice(0, 4).concat(parts.length > 4 ? "…" : []).join(", ");
}

function errorWords(layout, spec, frame, at, digits) {
  const misses = layout.targets.map(({ unit }, k) => missedBy(frame.ownPrediction[k], frame.ownTargets[k], unit, digits));
  const first = misses.length > 1
    ? `Of the outputs ${few(misses.map((miss, k) => `${unitSymbol(layout, layout.sizes.length - 1, k + 1)} is ${miss}`))}.`
    : `The prediction ${own(frame.ownPrediction[0], layout.targets[0].unit, false, digits)} is ${misses[0]}.`;
  return `${first.replace(/…\.$/, "…")} ${flowWords(frame, misses.length)}`;
}

/** What flows back then: the errors of this example, and of the others of its batch. */
function flowWords(frame, outputs) {
  if (frame.rows > 1) return `The errors of all ${count(frame.rows)} examples flow back, each through the network as its own example left it.`;
  if (frame.ownPrediction.every((prediction, k) => prediction === frame.ownTargets[k])) return "Nothing flows back.";
  return outputs > 1 ? "These errors are all that flows back, and what they bring to a unit adds up." : "This error is all that flows back.";
}

function backwardWords(layout, spec, frame, at, digits) {
  const slots = layout.parameters.filter((slot) => slot.layer === at.layer);
  const index = largestOf(frame, spec.train_biases ? slots : slots.slice(0, 1));
  const name = nameAt(layout, index);
  const slope = frame.gradient[index];
  const start = at.layer === at.layers
    ? `Each weight into the output gets its share of the blame: what came through it, times δ.`
    : `The δ of each hidden unit gathers the δ behind it through w${superscript(at.layer + 1)}; each weight into it gets that δ times what came through.`;
  if (slope === 0) return `${start} Here every partial derivative is 0.`;
  const way = slope > 0 ? "fall" : "rise";
  return `${start} The largest is ∂E/∂${symbol(name)} = ${signed(slope, inWords(digits))}: this ${name[0] === "b" ? "bias" : "weight"} will ${way}. No weight moves yet.`;
}

function updateWords(layout, spec, frame, at, digits) {
  const trained = spec.train_biases ? layout.parameters : layout.parameters.filter((s) => s.kind === "weights");
  const index = largestOf(frame, trained);
  const name = nameAt(layout, index);
  const [before, after] = [frame.parameters[index], frame.newParameters[index]];
  const how = `All weights move at once, by −α times their partial derivative (α = ${full(frame.learningRate)}).`;
  if (frame.gradient[index] === 0) return `${how} Every partial derivative is 0: no weight moves.`;
  return `${how} ${mostWords(symbol(name), before, after, digits)} Next, a new network goes forward.`;
}

/** A sentence has three decimals, or all digits. */
const inWords = (digits) => (digits === "all" ? digits : 3);

/** What moves most, in as many decimals as show it. */
function mostWords(name, before, after, asked) {
  if (after === before) return `${name} would move most, but by less than its last digit: it stays.`;
  const [from, to] = moved(before, after, inWords(asked));
  return `${name} moves most: it ${after < before ? "falls" : "rises"} from ${from} to ${to}.`;
}

/** @param {string[]} machines  those that computed steps of the run first, as far as they are known */
export function anewWords(machines) {
  const where = machines?.length ? ` (on ${machines.join("; ")})` : "";
  return `Computed anew on this machine: the last digits of this step may differ from those first recorded${where}.`;
}
