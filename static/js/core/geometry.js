// Where everything in the diagram stands: units, edges, labels that overlap nothing. Pure arithmetic.

import { symbol } from "./format.js";
import { edgeCount, LARGE, shownUnits } from "./strongest.js";

export const PILL = { width: 66, height: 22 };
const ERROR_COLUMN = 190;
const MOST_LABELLED = 40;

/**
 * @typedef {{ x: number, y: number }} Point
 * @typedef {Point & { width: number, height: number }} Box  the point is its centre
 * @param {Set<string>} strongest  in a large network, the edges that are drawn one by one
 * @returns the whole plan of a network: {width, height, radius, units, edges, biases, bars}
 */
export function planDiagram(allSizes, narrow = false, strongest = new Set()) {
  const large = edgeCount(allSizes) > LARGE;
  const sizes = allSizes.map((size) => shownUnits(size, large));
  const most = Math.max(...sizes);
  const layers = sizes.length - 1;
  const width = narrow ? 420 : Math.max(960, 340 + layers * 240 + ERROR_COLUMN);
  const left = narrow ? 46 : 176;
  const right = narrow ? 74 : ERROR_COLUMN;
  const radius = narrow ? 24 : large ? Math.max(4, Math.min(12, 230 / most)) : most <= 4 ? 33 : most <= 6 ? 26 : 18;
  // Above a unit stands its bias, below it its tag; an input has neither.
  const least = (layer) => (large ? 2 * radius + 3 : 2 * radius + (layer > 0 ? 62 : narrow ? 44 : 14));
  const needed = Math.max(narrow ? 300 : 400, ...sizes.map((size, layer) => size * least(layer)));
  const spread = (layer) => Math.max(least(layer), Math.min(narrow ? 132 : 150, needed / sizes[layer]));
  const height = needed + 28;
  const unit = (layer, k) => ({
    layer,
    unit: k,
    name: `${layer}.${k}`,
    x: left + (layer * (width - left - right - radius)) / layers,
    y: height / 2 + (k - (sizes[layer] + 1) / 2) * spread(layer),
  });
  const units = sizes.flatMap((size, layer) => range(size).map((k) => unit(layer, k)));
  const at = new Map(units.map((u) => [u.name, u]));
  const compact = radius < 22;
  const biases = units.filter((u) => u.layer > 0 && (!large || spread(u.layer) > 2 * radius + 60)).map((u) => biasMark(u, radius, compact || narrow));
  const edges = edgesBetween(sizes, at, radius, large ? strongest : null);
  const taken = obstacles(units, biases, radius);
  for (const edge of edges) edge.spot = clearest(edge, taken);
  placeLabels(edges, taken, edges.length <= MOST_LABELLED && !narrow && !large);
  const hidden = allSizes.map((size, layer) => size - sizes[layer]);
  return {
    width, height, radius, narrow, compact, large, hidden, units, biases, edges,
    barX: width - right + radius + (narrow ? 18 : 40),
    barHeight: sizes[layers] === 1 ? Math.min(needed - 60, 280) : Math.max(20, spread(layers) - 40),
  };
}

function range(size) {
  return Array.from({ length: size }, (_, k) => k + 1);
}

function biasMark(unit, radius, small) {
  const width = small ? 18 : PILL.width;
  const name = `b${unit.name}`;
  return { name, symbol: symbol(name), layer: unit.layer, unit: unit.unit, x: unit.x, y: unit.y - radius - 17, width, height: 20, small };
}

function edgesBetween(sizes, at, radius, only) {
  const edges = [];
  for (let layer = 1; layer < sizes.length; layer++)
    for (const from of range(sizes[layer - 1]))
      for (const to of range(sizes[layer])) {
        if (only && !only.has(`w${layer}.${from}.${to}`)) continue;
        const a = at.get(`${layer - 1}.${from}`);
        const b = at.get(`${layer}.${to}`);
        const length = Math.hypot(b.x - a.x, b.y - a.y);
        const dx = (b.x - a.x) / length;
        const dy = (b.y - a.y) / length;
        const name = `w${layer}.${from}.${to}`;
        edges.push({
          name, symbol: symbol(name), layer, from, to, dx, dy,
          x1: a.x + dx * radius, y1: a.y + dy * radius, x2: b.x - dx * radius, y2: b.y - dy * radius,
          length: length - 2 * radius, label: null,
        });
      }
  return edges;
}

function obstacles(units, biases, radius) {
  const side = 2 * radius + 8;
  return [
    ...units.map((u) => ({ x: u.x, y: u.y, width: side, height: side })),
    ...units.filter((u) => u.layer > 0).map((u) => ({ x: u.x, y: u.y + radius + 15, width: 84, height: 26 })),
    ...biases.map((b) => ({ ...b, width: b.width + 6, height: b.height + 4 })),
  ];
}

/** Where an edge's label covers least while it is selected, if it has no place of its own. */
function clearest(edge, taken) {
  const covered = (box) => taken.filter((other) => overlaps(box, other)).length + Math.abs(box.t - 0.5);
  return places(edge).reduce((best, box) => (covered(box) < covered(best) ? box : best));
}

/** Gives each edge a label on its own line where no label, unit or tag is, or none. */
function placeLabels(edges, taken, wanted) {
  if (!wanted) return;
  const boxes = [...taken];
  // The edges with the fewest free places choose first: the steep ones in the middle.
  const order = [...edges].sort((a, b) => Math.abs(a.dy) - Math.abs(b.dy));
  for (const edge of order) {
    const others = edges.filter((other) => other.layer === edge.layer && other !== edge);
    const free = places(edge).filter((box) => !boxes.some((other) => overlaps(box, other)));
    if (!free.length) continue;
    const cost = (box) => crossings(box, others) * 10 + Math.abs(box.t - 0.3) * 4;
    edge.label = free.reduce((best, box) => (cost(box) < cost(best) ? box : best));
    boxes.push({ ...edge.label, width: PILL.width + 4, height: PILL.height + 4 });
  }
}

/** Places for a label along an edge, from near its start to near its end. */
function places(edge) {
  return Array.from({ length: 41 }, (_, k) => {
    const t = 0.12 + (k * 0.76) / 40;
    return { ...pointOn(edge, t), t, width: PILL.width, height: PILL.height };
  });
}

function crossings(box, edges) {
  const reach = (edge) => (Math.abs(edge.dy) * box.width + Math.abs(edge.dx) * box.height) / 2 + 2;
  return edges.filter((edge) => {
    const away = Math.abs((box.x - edge.x1) * edge.dy - (box.y - edge.y1) * edge.dx);
    return away < reach(edge);
  }).length;
}

/** The point a share t of the way along an edge. */
export function pointOn(edge, t) {
  return { x: edge.x1 + (edge.x2 - edge.x1) * t, y: edge.y1 + (edge.y2 - edge.y1) * t };
}

export function overlaps(a, b) {
  return Math.abs(a.x - b.x) * 2 < a.width + b.width && Math.abs(a.y - b.y) * 2 < a.height + b.height;
}

/** How many chevrons an edge of this length carries, for a gradient of this share of the largest. */
export function chevronCount(share, length) {
  if (!(share > 0)) return 0;
  return Math.max(1, Math.min(Math.floor(length / 13), Math.round((length / 26) * share)));
}

/** Width of a line for a size on one scale for the whole picture. */
export function lineWidth(size, largest, most) {
  return largest > 0 ? Math.max(0.75, (most * size) / largest) : 0.75;
}
