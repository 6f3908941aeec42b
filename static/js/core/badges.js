// Where the factors of a chain live in the diagram: a numbered badge for each. Pure arithmetic.

import { overlaps, pointOn } from "./labels.js";

const CHIP = { width: 62, height: 18 };
const DOT = { width: 18, height: 18 };
const ALONG = [0.76, 0.66, 0.84, 0.56, 0.46, 0.36, 0.26, 0.16];
const VALUED = new Set(["error", "slope", "weight"]); // their number stands nowhere else in the diagram

/**
 * @param plan  what planDiagram made
 * @param {{kind: string, at: string, value: number}[]} factors
 * @param {boolean} known  whether the diagram has come as far as their numbers
 * @param {import("./geometry.js").Box | null} own  the label of the selected edge
 * @returns {({x: number, y: number, width: number, height: number, valued: boolean,
 *   among?: number} | null)[]}  `among` so many units that are not drawn; null where there is no place
 */
export function badgePlaces(plan, factors, known, own = null) {
  const roomy = known && !plan.narrow && !plan.large && !plan.compact;
  const labels = plan.edges
    .filter((edge) => edge.label && factors.some(({ at }) => at === edge.name))
    .map(({ label }) => label);
  if (own) labels.push(own);
  const put = (factor, taken, valued) => {
    const size = valued ? CHIP : DOT;
    const place = isEdge(factor)
      ? onEdge(plan, factor.at, size, taken)
      : beside(plan, factor, size);
    return place && { ...place, ...size, valued };
  };
  const fits = (box) => !labels.some((label) => overlaps(box, label));
  const places = factors.map((factor) => {
    if (isEdge(factor)) return null;
    const whole = put(factor, [], roomy && VALUED.has(factor.kind));
    return whole && whole.valued && !fits(whole) ? put(factor, [], false) : whole;
  });
  // Those on edges come last: they alone can give way.
  factors.forEach((factor, k) => {
    if (!isEdge(factor)) return;
    const taken = [...places.filter(Boolean), ...labels];
    const clear = [...taken, ...plan.taken];
    places[k] = (roomy && put(factor, clear, true)) || put(factor, clear, false);
    places[k] ??= put(factor, taken, false) ?? put(factor, [], false);
  });
  return places.map((place, k) => place ?? amongMore(plan, factors, k));
}

const isEdge = ({ kind }) => kind === "weight";

/** The layer of the unit, not drawn itself, at which a factor lives; a weight is at either end. */
function hiddenLayer({ sizes, hidden }, { at }) {
  const [layer, ...units] = at.replace(/^[a-z]/, "").split(".").map(Number);
  const ends = units.length > 1 ? [[layer - 1, units[0]], [layer, units[1]]] : [[layer, units[0]]];
  const [found] = ends.find(([one, unit]) => hidden[one] && unit > sizes[one]) ?? [];
  return found;
}

/** Beside the words that say how many units of the layer are not drawn, one after the other. */
function amongMore(plan, factors, k) {
  const layer = hiddenLayer(plan, factors[k]);
  if (layer === undefined) return null;
  const before = factors.slice(0, k).filter((other) => hiddenLayer(plan, other) === layer).length;
  const { x, y, width, count } = plan.more.find((one) => one.layer === layer);
  return { x: x + width / 2 + (before + 0.5) * (DOT.width + 2), y, ...DOT, valued: false, among: count };
}

function onEdge(plan, name, size, taken) {
  const edge = plan.edges.find((one) => one.name === name);
  if (!edge) return null;
  const free = (point) => !taken.some((other) => overlaps({ ...point, ...size }, other));
  return ALONG.map((t) => pointOn(edge, t)).find(free) ?? null;
}

function beside(plan, { kind, at }, size) {
  if (kind === "one") {
    const bias = plan.biases.find((one) => one.name === at);
    if (bias) return { x: bias.x - bias.width / 2 - size.width / 2 - 1, y: bias.y };
  }
  const unit = plan.units.find((one) => one.name === at.replace("b", ""));
  if (!unit) return null;
  const r = plan.radius;
  if (kind === "error" && plan.large) return { x: unit.x + r + (plan.narrow ? 17 : 26), y: unit.y };
  if (kind === "error") return aboveBar(plan, unit, size);
  if (kind === "slope") return { x: unit.x + 0.72 * r + size.width / 2 - 6, y: unit.y - 0.72 * r };
  if (kind === "delta" && plan.large) return { x: unit.x - r - 10, y: unit.y + r };
  if (kind === "delta") return { x: unit.x - (plan.tag + size.width) / 2 + 6, y: unit.y + r + 15 };
  return { x: unit.x - 0.72 * r - size.width / 2 + 6, y: unit.y - 0.72 * r };
}

/** Above the bar and to the left of its texts; where it is narrow they stand between. */
function aboveBar({ barX, barHeight, narrow }, unit, { width }) {
  if (narrow) return { x: barX, y: unit.y - barHeight / 2 - 28 };
  return { x: barX + Math.min(0, 20 - width / 2), y: unit.y - barHeight / 2 - 14 };
}
