// Where the factors of a chain live in the diagram: a numbered badge for each. Pure arithmetic.

import { overlaps, pointOn } from "./geometry.js";

const CHIP = { width: 62, height: 18 };
const DOT = { width: 18, height: 18 };
const ALONG = [0.76, 0.66, 0.84, 0.56, 0.46, 0.36, 0.26, 0.16];
const VALUED = new Set(["error", "slope", "weight"]); // their number stands nowhere else in the diagram

/**
 * @param plan  what planDiagram made
 * @param {{kind: string, at: string, value: number}[]} factors
 * @returns {({x: number, y: number, width: number, height: number, valued: boolean} | null)[]}
 *   null where the diagram does not draw the place
 */
export function badgePlaces(plan, factors) {
  const taken = [];
  return factors.map((factor) => {
    const valued = VALUED.has(factor.kind) && !plan.narrow && !plan.large && !plan.compact;
    const size = valued ? CHIP : DOT;
    const place = factor.at[0] === "w" && factor.kind === "weight" ? onEdge(plan, factor.at, size, taken) : beside(plan, factor, size);
    if (!place) return null;
    const box = { ...place, ...size, valued };
    taken.push(box);
    return box;
  });
}

function onEdge(plan, name, size, taken) {
  const edge = plan.edges.find((one) => one.name === name);
  if (!edge) return null;
  const label = edge.label ? [{ ...edge.label }] : [];
  const free = (point) => ![...label, ...taken].some((other) => overlaps({ ...point, ...size }, other));
  const points = ALONG.map((t) => pointOn(edge, t));
  return points.find(free) ?? points[0];
}

function beside(plan, { kind, at }, size) {
  if (kind === "one") {
    const bias = plan.biases.find((one) => one.name === at);
    return bias ? { x: bias.x - bias.width / 2 - size.width / 2 - 1, y: bias.y } : null;
  }
  const unit = plan.units.find((one) => one.name === at);
  if (!unit) return null;
  const r = plan.radius;
  if (kind === "error") return { x: plan.barX, y: unit.y - plan.barHeight / 2 - (plan.narrow ? 20 : 14) };
  if (kind === "slope") return { x: unit.x + 0.72 * r + size.width / 2 - 6, y: unit.y - 0.72 * r };
  if (kind === "delta") return { x: unit.x - 38 - size.width / 2 + 6, y: unit.y + r + 15 };
  return { x: unit.x - 0.72 * r - size.width / 2 + 6, y: unit.y - 0.72 * r };
}
