// Where the name of the secant stands on the picture of the curve: near its line, on nothing else.

const LETTER = 6.6; // pixels of the picture that a letter takes
const HEIGHT = 13;
const GRID = 8; // pixels between two places that are tried
const AIR = 4;

/**
 * @param {number[][]} ends  both ends of its line
 * @param {number[][]} points  what may not be covered, [x, y]
 * @param {{width: number, height: number, bottom: number}} box
 * @returns {{x: number, y: number, text: string} | null}  the middle of its base line
 */
export function placeName(ends, text, points, box) {
  const half = (LETTER * text.length) / 2;
  const line = along(ends).filter(([, y]) => y > 0 && y < box.height - box.bottom);
  const covers = (x, y, [a, b]) =>
    Math.abs(a - x) < half + AIR && b > y - HEIGHT - AIR && b < y + 2 * AIR;
  const free = placesIn(box, half).filter(([x, y]) =>
    [...points, ...line].every((point) => !covers(x, y, point)),
  );
  const distance = ([x, y]) =>
    Math.min(...line.map(([a, b]) => Math.max(0, Math.abs(a - x) - half) + Math.abs(b - y)));
  const [x, y] = free.toSorted((one, other) => distance(one) - distance(other))[0] ?? [];
  return x === undefined ? null : { x, y, text };
}

/** Points of a line, so close to each other that no name fits between them. */
export function along([[x1, y1], [x2, y2]]) {
  const parts = Math.ceil(Math.max(Math.abs(x2 - x1), Math.min(2000, Math.abs(y2 - y1))) / GRID);
  return Array.from({ length: parts + 1 }, (_, k) => [
    x1 + (k / parts) * (x2 - x1),
    y1 + (k / parts) * (y2 - y1),
  ]);
}

function placesIn({ width, height, bottom }, half) {
  const places = [];
  for (let y = HEIGHT; y < height - bottom - AIR; y += GRID)
    for (let x = width - half; x > half; x -= GRID) places.push([x, y]);
  return places;
}
