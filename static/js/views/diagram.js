// What the diagram shows of a frame: for each unit, edge, bias and bar its texts and its measures.

import { chevronCount, lineWidth } from "../core/geometry.js";
import { full, own, short, symbol } from "../core/format.js";
import { biasIndex, revealed, unitOffsets, unitSymbol, weightIndex } from "../core/network.js";

const NOT_YET = "–";
const CORE = 5; // width of the largest weight
const THIN = 56; // width of a tag that has no room for its letter
const HALO = 20; // what the largest gradient adds around its weight: half of it on each side

/**
 * Largest |weight| and largest |gradient| of what is revealed: one scale for the whole picture. New
 * weights may be far larger than the old ones: the scale holds both.
 */
function scales(layout, frame, at, large) {
  let weight = 0;
  let gradient = 0;
  for (const slot of layout.parameters) {
    const size = slot.shape.reduce((product, side) => product * side, 1);
    for (let k = slot.offset; k < slot.offset + size; k++) {
      if (slot.kind === "weights") weight = Math.max(weight, Math.abs(frame.parameters[k]));
      if (slot.kind === "weights" && at.update) weight = Math.max(weight, Math.abs(frame.newParameters[k]));
      gradient = Math.max(gradient, Math.abs(frame.gradient[k]));
    }
  }
  return { weight, gradient, core: large ? 2 : CORE, halo: large ? 6 : HALO };
}

/** @returns {{units: object[], edges: object[], biases: object[], bars: object[], at: object}} */
export function viewDiagram(plan, layout, spec, frame, selected, path, way = []) {
  const at = revealed(layout, frame.phase);
  const scale = scales(layout, frame, at, plan.large);
  const offsets = unitOffsets(layout.sizes);
  const onPath = selected ? (path ? alongPath(selected, path, way) : pathOf(selected)) : null;
  return {
    at,
    units: plan.units.map((unit) => {
      const view = viewUnit(unit, layout, frame, at, offsets, onPath, selected);
      // In a thin column the tag's shape and place alone say that it is a δ.
      return plan.tag < THIN ? { ...view, delta: view.delta?.replace("δ ", "") ?? null } : view;
    }),
    edges: plan.edges.map((edge) => {
      const index = weightIndex(layout, edge.layer, edge.from, edge.to);
      const view = viewParameter(edge, index, frame, at, scale, selected, true);
      const dimmed = onPath !== null && !onPath.edge(edge);
      return {
        ...view,
        dimmed,
        chevrons: dimmed ? 0 : view.chevrons,
        ...labels(edge, layout, view),
      };
    }),
    biases: plan.biases.map((mark) => {
      const index = biasIndex(layout, mark.layer, mark.unit);
      const view = viewParameter(mark, index, frame, at, scale, selected, spec.train_biases);
      const dimmed = onPath !== null && mark.name !== selected;
      return { ...view, dimmed, label: biasLabel(mark, layout, view) };
    }),
    bars: viewBars(plan, layout, frame, at, onPath),
  };
}

/** What a parameter or a unit touches on its way to the error: everything behind it. */
function pathOf(selected) {
  const [layer, ...rest] = selected.slice(1).split(".").map(Number);
  const to = rest[rest.length - 1];
  const from = rest.length > 1 ? rest[0] : null;
  const isUnit = selected[0] === "u";
  return {
    edge: (e) =>
      e.name === selected ||
      (isUnit && e.layer === layer && e.to === to) ||
      (e.layer === layer + 1 && e.from === to) ||
      e.layer > layer + 1,
    unit: (u) =>
      (u.layer === layer - 1 && (isUnit || u.unit === from)) ||
      (u.layer === layer && u.unit === to) ||
      u.layer > layer,
  };
}

/**
 * The same along one path only: where its factors stand, and those of a folded one's terms; and what
 * lies between the selected parameter and the δ opened last.
 */
function alongPath(selected, path, way) {
  const places = new Set([
    selected,
    ...[path, ...(path.terms ?? [])].flatMap(({ factors }) => factors.map(({ at }) => at)),
  ]);
  let before = null;
  for (const name of [selected, ...way]) {
    const [layer, ...rest] = name.slice(1).split(".");
    const unit = rest[rest.length - 1];
    places.add(`${layer}.${unit}`);
    if (before) places.add(`w${layer}.${before}.${unit}`);
    before = unit;
  }
  return { edge: (e) => places.has(e.name), unit: (u) => places.has(u.name) };
}

function viewUnit(unit, layout, frame, at, offsets, onPath, selected) {
  const { layer } = unit;
  const input = layer === 0;
  const index = input ? unit.unit - 1 : offsets[layer - 1] + unit.unit - 1;
  const a = input ? frame.inputs[index] : at.hasActivation(layer) ? frame.a[index] : null;
  const z = input || a === null ? null : frame.z[index];
  const delta = !input && at.hasDelta(layer) ? frame.delta[index] : null;
  const column = input ? layout.inputs[unit.unit - 1] : null;
  const name = unitSymbol(layout, layer, unit.unit);
  const called = input
    ? column.label
    : layer === at.layers
      ? layout.targets[unit.unit - 1].label
      : `hidden unit ${unit.unit}`;
  const given = input ? ` ${own(frame.ownInputs[index], column.unit, false, "all")}` : "";
  const told = [`${name}, ${called}${given}`, a === null ? "not computed yet" : `value ${full(a)}`];
  if (delta !== null) told.push(`δ ${full(delta)}`);
  const lit = (at.kind === "forward" && layer === at.layer) || (at.kind === "input" && input);
  return {
    symbol: name,
    value: a === null ? NOT_YET : short(a),
    delta: delta === null ? null : `δ ${short(delta, true)}`,
    sign: delta === null ? 0 : Math.sign(delta),
    title: input ? column.label : null,
    subtitle: input ? own(frame.ownInputs[index], column.unit) : null,
    accessible: told.join(", "),
    lit,
    selected: selected === `u${unit.name}`,
    dimmed: onPath !== null && !onPath.unit(unit),
    data: { "data-a": text(a), "data-z": text(z), "data-delta": text(delta) },
  };
}

function text(number) {
  return number === null ? null : String(number);
}

function viewParameter(mark, index, frame, at, scale, selected, trained) {
  const weight = frame.parameters[index];
  const known = trained && at.hasGradient(mark.layer);
  const gradient = known ? frame.gradient[index] : null;
  const next = at.update && trained ? frame.newParameters[index] : null;
  const shown = next ?? weight;
  const share = known && scale.gradient > 0 ? Math.abs(gradient) / scale.gradient : 0;
  const forward = at.kind === "forward" && at.layer === mark.layer;
  return {
    name: mark.name,
    weight,
    gradient,
    next,
    core: lineWidth(Math.abs(shown), scale.weight, scale.core),
    negative: shown < 0,
    halo:
      share > 0
        ? lineWidth(Math.abs(shown), scale.weight, scale.core) + Math.max(2, scale.halo * share)
        : 0,
    sign: known ? Math.sign(gradient) : 0,
    share,
    chevrons: forward ? 3 : at.update ? 0 : chevronCount(share, mark.length ?? 0),
    flow: forward ? 1 : known && at.kind === "backward" && at.layer === mark.layer ? -1 : 0,
    enters: at.kind === "backward" && at.layer === mark.layer,
    selected: mark.name === selected,
    kept: !trained,
    tip: () => tipOf(mark.name, weight, gradient, next),
    data: {
      "data-weight": text(weight),
      "data-gradient": text(gradient),
      "data-new-weight": text(next),
    },
  };
}

/** Every digit, for whoever points at it. */
function tipOf(name, weight, gradient, next) {
  const parts = [`${symbol(name)} = ${full(weight)}`];
  if (gradient !== null)
    parts.push(`∂E/∂${symbol(name)} = ${full(gradient)} ${glyph(Math.sign(gradient))}`);
  if (next !== null) parts.push(`new ${symbol(name)} = ${full(next)}`);
  return parts.join("\n");
}

/** Its texts, made only where they are read: of hundreds of edges few have room for a label. */
function labels(edge, layout, view) {
  return { label: () => labelOf(view), named: () => nameOf(edge, layout, view) };
}

function labelOf(view) {
  if (view.next !== null) return moved(view);
  return view.gradient !== null ? slope(view) : short(view.weight);
}

function nameOf(edge, layout, view) {
  const { layer, from, to } = edge;
  const source = layer === 1 ? layout.inputs[from - 1].label : unitSymbol(layout, layer - 1, from);
  return `${edge.symbol}, from ${source} to ${unitSymbol(layout, layer, to)}: ${told(view, "weight")}`;
}

/** ▼ for a weight that will fall (a positive gradient), ▲ for one that will rise. */
function glyph(sign) {
  return sign > 0 ? "▼" : sign < 0 ? "▲" : "=";
}

function slope(view) {
  return view.sign === 0 ? "0" : `${glyph(view.sign)} ${short(view.gradient, true)}`;
}

function moved(view) {
  return `${glyph(Math.sign(view.weight - view.next))} ${short(view.next)}`;
}

/** What is said of a parameter: of a weight by that name, of a bias as its value. */
function told({ weight, gradient, next, sign, kept }, called) {
  const parts = [`${called} ${full(weight)}`];
  if (kept) parts.push("not trained");
  else if (gradient === null) parts.push("gradient not yet");
  else parts.push(`gradient ${full(gradient)}`);
  if (next !== null) parts.push(`new ${called} ${full(next)}`);
  else if (sign !== 0) parts.push(sign > 0 ? "will fall" : "will rise");
  return parts.join(", ");
}

function biasLabel(mark, layout, view) {
  const moves = view.next !== null || view.gradient !== null;
  const value = moves ? labelOf(view) : `b ${short(view.weight)}`;
  const unit = unitSymbol(layout, mark.layer, mark.unit);
  const accessible = `${mark.symbol}, bias of ${unit}: ${told(view, "value")}`;
  return { text: mark.small ? "b" : value, accessible };
}

/**
 * One bar for each output, all on one scale in the outputs' own units. It holds at least what is 1
 * for the network, so that a small error looks small.
 */
function viewBars(plan, layout, frame, at, onPath) {
  const layers = layout.sizes.length - 1;
  const outputs = plan.units.filter((unit) => unit.layer === layers);
  const known = at.hasActivation(layers);
  const values = [...frame.ownTargets, ...frame.ownPrediction];
  const low = Math.min(...values);
  const high = Math.max(...values);
  const room = Math.max(high - low, ...layout.target_scale.map(({ scale }) => scale));
  const half = plan.barHeight / 2;
  const place = (unit, value) => unit.y - ((value - (low + high) / 2) / room) * half * 1.6;
  return outputs.map((unit, k) => {
    const target = frame.ownTargets[k];
    const prediction = frame.ownPrediction[k];
    const column = layout.targets[k];
    const error = prediction - target;
    return {
      x: plan.barX,
      rim: plan.width,
      top: unit.y - half,
      bottom: unit.y + half,
      slot: [unit.y - plan.slot / 2, unit.y + plan.slot / 2],
      middle: unit.y,
      fromUnit: unit.x + plan.radius,
      targetY: place(unit, target),
      predictionY: known ? place(unit, prediction) : null,
      target: own(target, column.unit),
      prediction: known ? own(prediction, column.unit) : null,
      error: at.error ? own(error, column.unit, true) : null,
      sign: Math.sign(error),
      lit: at.kind === "error",
      dimmed: onPath !== null && !onPath.unit(unit),
      accessible: barWords(column, target, known ? prediction : null, at.error ? error : null),
    };
  });
}

/** Every digit: its name, and for whoever points at it. */
function barWords(column, target, prediction, error) {
  const exact = (value, withSign = false) => own(value, column.unit, withSign, "all");
  const parts = [`${column.label}: true ${exact(target)}`];
  parts.push(prediction === null ? "prediction not yet" : `predicted ${exact(prediction)}`);
  if (error !== null) parts.push(`error ${exact(error, true)}`);
  return parts.join(", ");
}
