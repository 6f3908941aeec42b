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
  if (key === "ArrowRight") return straightest(plan.edges.filter((one) => one.layer === layer + 1 && one.from === unit));
  if (key === "ArrowLeft") return straightest(plan.edges.filter((one) => one.layer === layer && one.to === unit));
  return null;
}

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
  const units = plan.units.filter((unit) => unit.layer === layer).map((unit) => ({ name: `u${unit.name}`, y: unit.y }));
  const biases = plan.biases.filter((bias) => bias.layer === layer).map((bias) => ({ name: bias.name, y: bias.y }));
  return [...units, ...biases].sort((a, b) => a.y - b.y).map(({ name }) => name);
}

function beside(names, name, by) {
  return names[names.indexOf(name) + by] ?? null;
}

function straightest(edges) {
  if (!edges.length) return null;
  return edges.reduce((best, one) => (Math.abs(one.dy) < Math.abs(best.dy) ? one : best)).name;
}
