// Where an edge says its number: on its own line, on no unit, no tag and no other label. Pure
// arithmetic.

export const PILL = { width: 66, height: 22 };
const GRID = 6; // units of the picture between two places beside an edge
const ALONG = [0.5, 0.35, 0.65, 0.2, 0.8]; // where a leader may touch its edge
const STEPS = 24; // points of a leader that are looked at
const LONGEST = 120; // a leader longer than this leads nowhere a reader would follow

/** The point a share t of the way along an edge. */
export function pointOn(edge, t) {
  return { x: edge.x1 + (edge.x2 - edge.x1) * t, y: edge.y1 + (edge.y2 - edge.y1) * t };
}

export function overlaps(a, b) {
  return (
    Math.abs(a.x - b.x) * 2 < a.width + b.width && Math.abs(a.y - b.y) * 2 < a.height + b.height
  );
}

/** What a label must not cover: units with their badges, δ tags, biases, names of inputs. */
export function obstacles(units, biases, { radius, tag, above, names: room }) {
  const side = 2 * radius + 8;
  const names = above ? units.filter((u) => u.layer === 0) : [];
  return [
    ...units.map((u) => ({ x: u.x, y: u.y, width: side, height: side })),
    ...units
      .filter((u) => u.layer > 0)
      .map((u) => ({ x: u.x, y: u.y + radius + 15, width: tag + 8, height: 26 })),
    ...biases.map((b) => ({ ...b, width: b.width + 6, height: b.height + 4 })),
    ...names.map((u) => ({ x: u.x - radius - 10 + room / 2, y: u.y - radius - 17, width: room, height: 30 })),
  ];
}

/** Gives each edge a label on its own line where no label, unit or tag is, or none. */
export function placeLabels(edges, taken) {
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

/**
 * Where an edge without a label of its own says its number while it is selected: on its line where
 * that is free, else beside it with a leader to it; null where there is no room.
 * @param plan  what planDiagram made
 * @returns {{x: number, y: number, width: number, height: number,
 *   leader: {x: number, y: number} | null} | null}
 */
export function labelPlace(plan, edge) {
  if (edge.label) return { ...edge.label, leader: null };
  const taken = [
    ...plan.taken,
    ...plan.edges.filter(({ label }) => label).map(({ label }) => label),
  ];
  const free = (box) => !taken.some((other) => overlaps(box, other));
  const onLine = places(edge).filter(free);
  if (!onLine.length) return besideLine(plan, edge, free);
  const middle = onLine.reduce((best, box) =>
    Math.abs(box.t - 0.5) < Math.abs(best.t - 0.5) ? box : best,
  );
  return { ...middle, leader: null };
}

function besideLine(plan, edge, free) {
  const ends = ALONG.map((t) => pointOn(edge, t));
  const found = nearby(plan, pointOn(edge, 0.5))
    .filter(free)
    .flatMap((box) =>
      ends.map((end) => ({
        ...box,
        leader: end,
        length: Math.hypot(end.x - box.x, end.y - box.y),
      })),
    )
    .sort((a, b) => a.length - b.length);
  return found.find((box) => isClear(box, plan)) ?? null;
}

/** Boxes for a label around a point, between the first and the last units. */
function nearby(plan, { x, y }) {
  const left = Math.min(...plan.units.map((unit) => unit.x));
  const right = Math.max(...plan.units.map((unit) => unit.x)) + plan.radius;
  const boxes = [];
  for (let dx = -LONGEST; dx <= LONGEST; dx += GRID)
    for (let dy = -LONGEST; dy <= LONGEST; dy += GRID) {
      const box = { x: x + dx, y: y + dy, ...PILL };
      const inside =
        box.x - PILL.width / 2 >= left - plan.radius && box.x + PILL.width / 2 <= right;
      const within =
        box.y - PILL.height / 2 >= 2 &&
        box.y + PILL.height / 2 <= plan.height - (plan.large ? 18 : 2);
      if (inside && within) boxes.push(box);
    }
  return boxes;
}

/** Whether the leader crosses no unit, no tag and no bias. */
function isClear({ x, y, leader }, { units, biases, radius, tag }) {
  const points = Array.from({ length: STEPS + 1 }, (_, k) => ({
    x: x + ((leader.x - x) * k) / STEPS,
    y: y + ((leader.y - y) * k) / STEPS,
  }));
  const onUnit = (unit) =>
    points.some((point) => Math.hypot(point.x - unit.x, point.y - unit.y) < radius + 3);
  const under = points.map((point) => ({ ...point, width: 0, height: 0 }));
  const tags = units
    .filter(({ layer }) => layer > 0)
    .map((unit) => ({ x: unit.x, y: unit.y + radius + 15, width: tag + 4, height: 24 }));
  const crossed = [...tags, ...biases].some((box) => under.some((point) => overlaps(point, box)));
  return !crossed && !units.some(onUnit);
}

/** Places for a label along an edge, from near its start to near its end. */
function places(edge) {
  return Array.from({ length: 41 }, (_, k) => {
    const t = 0.12 + (k * 0.76) / 40;
    return { ...pointOn(edge, t), t, ...PILL };
  });
}

function crossings(box, edges) {
  const reach = (edge) => (Math.abs(edge.dy) * box.width + Math.abs(edge.dx) * box.height) / 2 + 2;
  return edges.filter((edge) => {
    const away = Math.abs((box.x - edge.x1) * edge.dy - (box.y - edge.y1) * edge.dx);
    return away < reach(edge);
  }).length;
}
