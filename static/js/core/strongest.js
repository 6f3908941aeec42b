// The strongest edges of a network that is too large to draw them all, among the units shown.

export const LARGE = 300; // edges beyond which not every edge is an element
export const SHOWN_UNITS = 48; // units of a layer that are drawn in a large network
export const HEAT = 10_000; // edges beyond which a matrix is a heat map
const MOST = 120;
const BEHIND = 1e-200; // puts any weight behind any gradient, in its own order

export function edgeCount(sizes) {
  return sizes.slice(1).reduce((sum, size, k) => sum + size * sizes[k], 0);
}

/** Units of a layer that are drawn. */
export function shownUnits(size, large) {
  return large ? Math.min(size, SHOWN_UNITS) : size;
}

/** How large each parameter counts: by its gradient where that is known, and behind those by value. */
export function ranksOf(layout, frame, hasGradient) {
  const ranks = new Float64Array(frame.parameters.length);
  for (const slot of layout.parameters) {
    const known = hasGradient(slot.layer);
    const end = slot.offset + slot.shape.reduce((product, side) => product * side, 1);
    for (let k = slot.offset; k < end; k++) ranks[k] = known ? Math.abs(frame.gradient[k]) : Math.abs(frame.parameters[k]) * BEHIND;
  }
  return ranks;
}

/**
 * Names of the edges with the largest gradient, where one is known, else with the largest weight.
 * @returns {Set<string>}
 */
export function strongestEdges(layout, frame, hasGradient) {
  const ranks = ranksOf(layout, frame, hasGradient);
  const found = [];
  for (const slot of layout.parameters) {
    if (slot.kind !== "weights") continue;
    const [from, to] = slot.shape;
    for (let i = 0; i < shownUnits(from, true); i++)
      for (let j = 0; j < shownUnits(to, true); j++) found.push([ranks[slot.offset + i * to + j], `w${slot.layer}.${i + 1}.${j + 1}`]);
  }
  found.sort((a, b) => b[0] - a[0]);
  return new Set(found.slice(0, MOST).map(([, name]) => name));
}
