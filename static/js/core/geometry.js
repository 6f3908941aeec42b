// Where everything in the diagram stands: units, edges, labels that
// overlap nothing. Pure arithmetic.

import { symbol } from "./format.js";
import { obstacles, PILL, placeLabels } from "./labels.js";
import { edgeCount, LARGE, shownUnits } from "./strongest.js";

export { overlaps, PILL } from "./labels.js";

/**
 * How the picture uses its place. `wide`: an input's name stands beside it. `tight`, where that would
 * leave too little for the columns: above it. `narrow`, a phone: the error bar's texts stand above and
 * below it too. One unit of the picture is a pixel wherever the columns fit.
 */
const FORMS = {
  wide: { left: 176, right: 190, tall: 430, apart: 170, input: 14 },
  tight: { left: 58, right: 190, tall: 450, apart: 170, input: 74 },
  narrow: { left: 46, right: 84, tall: 300, apart: 132, input: 44 },
};
const NARROW = 420; // width of a picture on a phone, in its own units
const SPARE = 24;
const SHRUNK = 1.36; // a picture this much wider than its room has letters of 9 pixels
const COLUMN = { roomy: 200, least: 140, labelled: 270, most: 330 };
const MOST_LABELLED = 64;
const TAG = 76; // width of the tag that says a unit's δ

/**
 * @typedef {{ x: number, y: number }} Point
 * @typedef {Point & { width: number, height: number }} Box  the point is its centre
 * @typedef {{ width: number, narrow?: boolean }} Room  pixels for the picture, and whether on a phone
 * @param {Room} room
 * @param {Set<string>} strongest  in a large network, the edges that are drawn one by one
 * @returns the whole plan of a network: {width, height, radius, units, edges, biases, taken, …};
 *   `slot` is the height that belongs to one output and its error bar
 */
export function planDiagram(allSizes, room = { width: 850 }, strongest = new Set()) {
  const labelled = !room.narrow && edgeCount(allSizes) <= MOST_LABELLED;
  const without = ({ edges }) => edges.filter(({ label }) => !label).length;
  let best = null;
  for (const [form, column] of shapes(allSizes.length - 1, room, labelled)) {
    const plan = planColumns(allSizes, form, column, labelled, strongest);
    if (!best || without(plan) < without(best)) best = plan;
    if (without(best) === 0) break;
  }
  return best;
}

const sidesOf = ({ left, right }) => left + right + SPARE;

/** Forms and distances between layers to be tried: what fits, then wider where labels need more. */
function shapes(layers, { width, narrow }, labelled) {
  if (narrow) return [["narrow", (NARROW - sidesOf(FORMS.narrow)) / layers]];
  const fitting = (form) => Math.max(COLUMN.least, (width - sidesOf(FORMS[form])) / layers);
  const first = Math.min(COLUMN.most, fitting("tight"));
  const wide = fitting("wide") >= COLUMN.roomy ? [["wide", Math.min(COLUMN.most, fitting("wide"))]] : [];
  const widest = (SHRUNK * width - sidesOf(FORMS.tight)) / layers;
  const wider = labelled ? range(7).map((k) => first + k * 20) : [];
  const tight = [first, ...wider.filter((column) => column <= Math.min(widest, COLUMN.labelled))];
  return [...wide, ...tight.map((column) => ["tight", column])];
}

function planColumns(allSizes, form, column, labelled, strongest) {
  const large = edgeCount(allSizes) > LARGE;
  const sizes = allSizes.map((size) => shownUnits(size, large));
  const measures = measure(sizes, form, column, large);
  const { radius, spread, compact, narrow, above } = measures;
  const units = placeUnits(sizes, measures);
  const at = new Map(units.map((u) => [u.name, u]));
  const biases = units
    .filter((u) => u.layer > 0 && (!large || spread(u.layer) > 2 * radius + 60))
    .map((u) => biasMark(u, radius, compact || narrow));
  const edges = edgesBetween(sizes, at, radius, large ? strongest : null);
  const taken = obstacles(units, biases, measures);
  if (labelled) placeLabels(edges, taken);
  const hidden = allSizes.map((size, layer) => size - sizes[layer]);
  const more = hidden.flatMap((count, layer) => (count ? [moreWords(at, measures, layer, count)] : []));
  const { width, height, tag, names } = measures;
  const drawn = { sizes, units, biases, edges, taken, hidden, more, ...placeBars(sizes, measures) };
  return { width, height, radius, tag, names, narrow, above, compact, large, ...drawn };
}

/** How large the picture is, and everything in it. */
function measure(sizes, form, column, large) {
  const most = Math.max(...sizes);
  const { tall, apart, input, ...sides } = FORMS[form];
  const narrow = form === "narrow";
  const width = Math.round(sidesOf(sides) + (sizes.length - 1) * column);
  const wide = large ? Math.max(4, Math.min(12, 230 / most)) : radiusFor(most);
  const radius = narrow ? Math.min(large ? wide : 24, 0.42 * column) : wide;
  // Above a unit stands its bias, below it its tag; an input has neither.
  const around = (layer) => (large ? 3 : layer > 0 ? 62 : input);
  const least = (layer) => 2 * radius + around(layer);
  const needed = Math.max(tall, ...sizes.map((size, layer) => size * least(layer)));
  const room = (layer) => Math.min(apart, needed / sizes[layer]);
  const spread = (layer) => Math.max(least(layer), room(layer));
  const compact = radius < 22;
  const height = needed + (large ? 34 : 28);
  const names = form === "wide" ? sides.left - radius - 18 : Math.min(column - 4, narrow ? 108 : 124);
  const tag = narrow ? Math.min(TAG, column - 4) : TAG; // wide enough for δ, and in its column
  return { ...sides, narrow, above: form !== "wide", width, height, needed, radius, spread, compact, tag, names };
}

const radiusFor = (most) => (most <= 4 ? 33 : most <= 6 ? 26 : 18);

function placeUnits(sizes, { left, right, width, height, radius, spread }) {
  const across = (width - left - right - radius) / (sizes.length - 1);
  const unit = (layer, k) => ({
    layer,
    unit: k,
    name: `${layer}.${k}`,
    x: left + layer * across,
    y: height / 2 + (k - (sizes[layer] + 1) / 2) * spread(layer),
  });
  return sizes.flatMap((size, layer) => range(size).map((k) => unit(layer, k)));
}

/** The column of error bars; where it is narrow their texts stand above and below them. */
function placeBars(sizes, { width, right, radius, needed, spread, narrow }) {
  const last = sizes.length - 1;
  const texts = narrow ? 76 : 40;
  const alone = sizes[last] === 1;
  return {
    barX: narrow ? width - 32 : width - right + radius + 40,
    barHeight: alone ? Math.min(needed - 60, 280) : Math.max(20, spread(last) - texts),
    slot: alone ? needed + 28 : spread(last),
  };
}

/** Where it is said how many units of a layer are not drawn: under those that are. */
function moreWords(at, { height, narrow }, layer, count) {
  const text = narrow ? `+ ${count} more` : `+ ${count} more units`;
  return { layer, count, text, x: at.get(`${layer}.1`).x, y: height - 10, width: 6.9 * text.length };
}

function range(size) {
  return Array.from({ length: size }, (_, k) => k + 1);
}

function biasMark(unit, radius, small) {
  const width = small ? 18 : PILL.width;
  const name = `b${unit.name}`;
  return {
    name,
    symbol: symbol(name),
    layer: unit.layer,
    unit: unit.unit,
    x: unit.x,
    y: unit.y - radius - 17,
    width,
    height: 20,
    small,
  };
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
          name,
          symbol: symbol(name),
          layer,
          from,
          to,
          dx,
          dy,
          x1: a.x + dx * radius,
          y1: a.y + dy * radius,
          x2: b.x - dx * radius,
          y2: b.y - dy * radius,
          length: length - 2 * radius,
          label: null,
        });
      }
  return edges;
}

/** How many chevrons an edge of this length carries for a gradient of this share of the largest. */
export function chevronCount(share, length) {
  if (!(share > 0)) return 0;
  return Math.max(1, Math.min(Math.floor(length / 13), Math.round((length / 26) * share)));
}

const THIN_LETTERS = /[ .,]/g;
const EM = { thin: 0.4, other: 0.7 }; // as wide as in the widest of the page's fonts, in bold

/** The size of letters with which a text fits its room, `most` where it is short enough. */
export function letterSize(text, room, most) {
  const thin = text.match(THIN_LETTERS)?.length ?? 0;
  return Math.min(most, room / (EM.thin * thin + EM.other * (text.length - thin)));
}

/**
 * A text in letters with which it fits its room; where those would be smaller than `least`, cut.
 * @returns {{text: string, size: number}}
 */
export function fitText(text, room, most, least) {
  const size = letterSize(text, room, most);
  if (size >= least) return { text, size };
  const count = Math.max(1, Math.floor(room / (EM.other * least)) - 1);
  return { text: `${[...text].slice(0, count).join("").trimEnd()}…`, size: least };
}

/** Width of a line for a size on one scale for the whole picture. */
export function lineWidth(size, largest, most) {
  return largest > 0 ? Math.max(0.75, (most * size) / largest) : 0.75;
}
