// Where an arrow key leads from a unit, a bias or an edge of the diagram.

const STEPS = { ArrowUp: -1, ArrowDown: 1 };

/**
 * @param plan  what planDiagram made
 * @param {string} name  u1.2, b1.2 or w1.2.3
 * @returns {string | null} the name of what stands there, or null at the border
 */
export function walk(plan, name, key) {
  const edge = plan.edges.find((one) => one.name === name);
  if (edge) return fromEdge(plan, edge, key);
  const [layer, unit] = name.slice(1).split(".").map(Number);
  if (STEPS[key]) return beside(columnOf(plan, layer), name, STEPS[key]);
  if (key === "ArrowRight") {
    const out = plan.edges.filter((one) => one.layer === layer + 1 && one.from === unit);
    return straightest(out) ?? across(plan, name, layer + 1);
  }
  if (key !== "ArrowLeft") return null;
  const into = plan.edges.filter((one) => one.layer === layer && one.to === unit);
  return straightest(into) ?? across(plan, name, layer - 1);
}

/** Where no edge is drawn, as between most units of a large network: the unit beside it. */
function across(plan, name, layer) {
  const { y } = [...plan.units, ...plan.biases].find((one) => called(one) === name);
  const away = (unit) => Math.abs(unit.y - y);
  const column = plan.units.filter((unit) => unit.layer === layer);
  if (!column.length) return null;
  return called(column.reduce((best, unit) => (away(unit) < away(best) ? unit : best)));
}

/** A unit of the plan bears its numbers alone, a bias its whole name. */
const called = ({ name }) => (name[0] === "b" ? name : `u${name}`);

function fromEdge(plan, edge, key) {
  if (key === "ArrowRight") return `u${edge.layer}.${edge.to}`;
  if (key === "ArrowLeft") return `u${edge.layer - 1}.${edge.from}`;
  if (!STEPS[key]) return null;
  const middle = (one) => one.y1 + one.y2;
  const column = plan.edges.filter((one) => one.layer === edge.layer).sort((a, b) => middle(a) - middle(b) || a.y1 - b.y1);
  return beside(column.map((one) => one.name), edge.name, STEPS[key]);
}

/** Units and biases of a layer from top to bottom. */
function columnOf(plan, layer) {
  const marks = [...plan.units, ...plan.biases].filter((one) => one.layer === layer);
  return marks.sort((a, b) => a.y - b.y).map(called);
}

function beside(names, name, by) {
  return names[names.indexOf(name) + by] ?? null;
}

function straightest(edges) {
  if (!edges.length) return null;
  return edges.reduce((best, one) => (Math.abs(one.dy) < Math.abs(best.dy) ? one : best)).name;
}
