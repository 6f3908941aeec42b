// One unit closely: its dot product as a bill, its activation on its curve, its δ.

import { ACTIVATIONS } from "../core/activations.js";
import { activationOf, biasIndex, unitOffsets, unitSymbol, weightIndex } from "../core/network.js";
import { activationFormula, deltaFormula, inputFormulas } from "./formulas.js";

const MOST_ROWS = 30;
const CURVE = { width: 400, height: 150, points: 121 };

/**
 * @returns {{bill: object | null, curve: object | null, shares: object[] | null,
 *   formulas: object[], ahead: object | null}}
 */
export function viewUnit(layout, frame, layer, unit, digits) {
  if (layer === 0)
    return {
      bill: null,
      curve: null,
      shares: null,
      formulas: scaleOf(layout, frame, unit, digits),
      ahead: null,
    };
  const layers = layout.sizes.length - 1;
  const softmax = layout.activations[layer - 1] === "softmax";
  return {
    bill: billOf(layout, frame, layer, unit),
    curve: softmax ? null : viewActivation(layout, frame, layer, unit),
    shares: softmax
      ? Array.from(frame.a.subarray(frame.a.length - layout.sizes[layers]), (value, k) => ({
          name: unitSymbol(layout, layers, k + 1),
          value,
          own: k + 1 === unit,
        }))
      : null,
    function: layout.activations[layer - 1],
    activation: valueOf(layout, frame, layer, unit, digits),
    formulas: [deltaFormula(layout, frame, layer, unit, digits)],
    ahead: layer < layers ? aheadOf(layout, frame, layer, unit) : null,
  };
}

/** The heading names the function already: what else there is to say of it. */
const ABOUT = { identity: "passed on unchanged", softmax: "its share of all eᶻ" };

function valueOf(layout, frame, layer, unit, digits) {
  const { tree } = activationFormula(layout, frame, layer, unit, digits);
  return { label: ABOUT[layout.activations[layer - 1]] ?? "", tree };
}

/** How this one input was scaled, as the input phase shows it for all. */
function scaleOf(layout, frame, unit, digits) {
  const at = unit - 1;
  const one = {
    ...layout,
    inputs: [layout.inputs[at]],
    input_scale: [layout.input_scale[at]],
    targets: [],
  };
  const alone = { ...frame, ownInputs: [frame.ownInputs[at]], inputs: [frame.inputs[at]] };
  const formulas = inputFormulas(one, alone, digits, unit);
  return formulas.map(({ label, tree }) => ({ label: label.replace(/^.*: /, ""), tree }));
}

/** Amount times price for each thing that comes in; the largest where there are many. */
function billOf(layout, frame, layer, unit) {
  const items = Array.from({ length: layout.sizes[layer - 1] }, (_, k) => {
    const weight = frame.parameters[weightIndex(layout, layer, k + 1, unit)];
    const amount = activationOf(frame, layout, layer - 1, k + 1);
    const name = unitSymbol(layout, layer - 1, k + 1);
    return {
      name,
      label: layer === 1 ? layout.inputs[k].label : "",
      amount,
      weight,
      product: amount * weight,
      parameter: `w${layer}.${k + 1}.${unit}`,
    };
  });
  const order =
    items.length > MOST_ROWS
      ? [...items].sort((a, b) => Math.abs(b.product) - Math.abs(a.product))
      : items;
  const bias = {
    value: frame.parameters[biasIndex(layout, layer, unit)],
    parameter: `b${layer}.${unit}`,
  };
  return {
    items: order.slice(0, MOST_ROWS),
    rest: restOf(order),
    bias,
    z: frame.z[unitOffsets(layout.sizes)[layer - 1] + unit - 1],
  };
}

function restOf(order) {
  const rest = order.slice(MOST_ROWS);
  return rest.length
    ? { count: rest.length, sum: rest.reduce((total, { product }) => total + product, 0) }
    : null;
}

/** What comes back to a hidden unit: each weight behind it times the δ there. */
function aheadOf(layout, frame, layer, unit) {
  const offset = unitOffsets(layout.sizes)[layer];
  const items = Array.from({ length: layout.sizes[layer + 1] }, (_, k) => {
    const weight = frame.parameters[weightIndex(layout, layer + 1, unit, k + 1)];
    const amount = frame.delta[offset + k];
    return {
      name: `δ of ${unitSymbol(layout, layer + 1, k + 1)}`,
      label: "",
      amount,
      weight,
      product: amount * weight,
      parameter: `w${layer + 1}.${unit}.${k + 1}`,
    };
  });
  const order =
    items.length > MOST_ROWS
      ? [...items].sort((a, b) => Math.abs(b.product) - Math.abs(a.product))
      : items;
  return {
    items: order.slice(0, MOST_ROWS),
    rest: restOf(order),
    total: items.reduce((sum, { product }) => sum + product, 0),
  };
}

/** The activation as a curve, the unit's own point on it, and the tangent there. */
function viewActivation(layout, frame, layer, unit) {
  const index = unitOffsets(layout.sizes)[layer - 1] + unit - 1;
  const [name, z, a] = [layout.activations[layer - 1], frame.z[index], frame.a[index]];
  const f = ACTIVATIONS[name];
  const reach = Math.max(4, 1.25 * Math.abs(z));
  const [low, high] = {
    sigmoid: [-0.15, 1.15],
    tanh: [-1.2, 1.2],
    identity: [-reach, reach],
    relu: [-0.15 * reach, reach],
  }[name];
  const x = (value) => ((value + reach) / (2 * reach)) * CURVE.width;
  const y = (value) => CURVE.height - ((value - low) / (high - low)) * CURVE.height;
  const slope = { sigmoid: a * (1 - a), tanh: 1 - a * a, identity: 1, relu: z > 0 ? 1 : 0 }[name];
  const half = reach / 4;
  const points = Array.from(
    { length: CURVE.points },
    (_, k) => -reach + (2 * reach * k) / (CURVE.points - 1),
  );
  return {
    name,
    z,
    a,
    slope,
    reach,
    ...CURVE,
    path: `M${points.map((value) => `${x(value).toFixed(1)},${y(f(value)).toFixed(1)}`).join("L")}`,
    tangent: [x(z - half), y(a - slope * half), x(z + half), y(a + slope * half)],
    point: [x(z), y(a)],
    zero: [x(0), y(0)],
  };
}
