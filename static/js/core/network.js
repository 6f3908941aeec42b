// Names and places of a network's numbers in a frame's flat vectors, and what a phase reveals.

import { subscript, superscript } from "./format.js";

/** Start of each layer's units in z, a and delta; layer 1 is at index 0. */
export function unitOffsets(sizes) {
  const offsets = [0];
  for (const size of sizes.slice(1, -1)) offsets.push(offsets[offsets.length - 1] + size);
  return offsets;
}

/** Index in the flat vector of the weight from unit `from` to unit `to` (both from 1). */
export function weightIndex(layout, layer, from, to) {
  const slot = layout.parameters[2 * layer - 2];
  return slot.offset + (from - 1) * slot.shape[1] + (to - 1);
}

/** Index in the flat vector of the bias of unit `to` (from 1). */
export function biasIndex(layout, layer, to) {
  return layout.parameters[2 * layer - 1].offset + (to - 1);
}

/** {kind, layer, from, to, index} of a name like w1.2.3 or b1.3, or null. */
export function parseName(layout, name) {
  const numbers = name.slice(1).split(".").map(Number);
  const [layer, from, to] = numbers.length === 3 ? numbers : [numbers[0], 0, numbers[1]];
  const sizes = layout.sizes;
  if (!(layer >= 1 && layer < sizes.length && to >= 1 && to <= sizes[layer])) return null;
  if (name[0] === "b") return { kind: "bias", layer, from: 0, to, index: biasIndex(layout, layer, to) };
  if (!(from >= 1 && from <= sizes[layer - 1])) return null;
  return { kind: "weight", layer, from, to, index: weightIndex(layout, layer, from, to) };
}

/** The name of the parameter at an index of the flat vector. */
export function nameAt(layout, index) {
  const slot = layout.parameters.findLast(({ offset }) => offset <= index);
  const at = index - slot.offset;
  if (slot.kind === "biases") return `${slot.name}.${at + 1}`;
  return `${slot.name}.${Math.floor(at / slot.shape[1]) + 1}.${(at % slot.shape[1]) + 1}`;
}

/** −α times the gradient. What a parameter moves by may be less: it is rounded to its last digit. */
export const updateAt = (frame, index) => 0 - frame.learningRate * frame.gradient[index];

/** Every parameter's name, in the order of the flat vector. */
export function parameterNames(layout) {
  const names = [];
  for (const slot of layout.parameters) {
    if (slot.kind === "biases") {
      for (let to = 1; to <= slot.shape[0]; to++) names.push(`${slot.name}.${to}`);
      continue;
    }
    for (let from = 1; from <= slot.shape[0]; from++)
      for (let to = 1; to <= slot.shape[1]; to++) names.push(`${slot.name}.${from}.${to}`);
  }
  return names;
}

/** The activation of unit `unit` in `layer`; layer 0 are the inputs. */
export function activationOf(frame, layout, layer, unit) {
  if (layer === 0) return frame.inputs[unit - 1];
  return frame.a[unitOffsets(layout.sizes)[layer - 1] + unit - 1];
}

/** Whether a ReLU behind a parameter stands at its kink, z = 0, for this example. */
export function isAtKink(layout, frame, name) {
  const { layer, to } = parseName(layout, name);
  const offsets = unitOffsets(layout.sizes);
  const own = offsets[layer - 1] + to - 1; // in its own layer a parameter acts on one unit only
  return layout.activations.some((activation, k) => {
    if (activation !== "relu" || k + 1 < layer) return false;
    const zs = frame.z.slice(offsets[k], offsets[k] + layout.sizes[k + 1]);
    return k + 1 === layer ? frame.z[own] === 0 : zs.includes(0);
  });
}

/** What stands revealed at a phase: how many layers forward, the error, which layers backward. */
export function revealed(layout, phase) {
  const layers = layout.sizes.length - 1;
  const { kind, layer } = layout.phases[phase];
  return {
    kind,
    layer,
    layers,
    forward: Math.min(phase, layers),
    error: phase > layers,
    /** The lowest layer whose gradient is known; layers + 1 where none is. */
    backward: phase <= layers + 1 ? layers + 1 : Math.max(1, 2 * layers + 2 - phase),
    update: kind === "update",
    hasActivation: (/** @type {number} */ of) => of <= Math.min(phase, layers),
    hasGradient: (/** @type {number} */ of) => phase > layers + 1 && of >= Math.max(1, 2 * layers + 2 - phase),
    // The delta of the output is what the error starts with; a hidden one comes with its layer.
    hasDelta: (/** @type {number} */ of) => phase > layers + 1 && of >= Math.max(1, 2 * layers + 2 - phase),
  };
}

/** The name people know a unit by: x₂, h₁, h²₁ in deeper networks, ŷ. */
export function unitSymbol(layout, layer, unit) {
  const layers = layout.sizes.length - 1;
  const sub = subscript(unit);
  if (layer === 0) return `x${sub}`;
  if (layer === layers) return layout.sizes[layers] > 1 ? `ŷ${sub}` : "ŷ";
  return layers > 2 ? `h${superscript(layer)}${sub}` : `h${sub}`;
}
