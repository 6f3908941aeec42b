// The moving chevrons: direction and density only. One loop, which runs only while something moves.

import { renew } from "./dom.js";

const SPEED = 46; // units of the picture a second
const ENTRANCE = 650; // milliseconds in which the flow of a phase reaches the other end
const MOST = 600; // chevrons in the whole picture
// A chevron about its middle, pointing right: where its outline starts, and its sides from there.
const POINT = [-4.2, -4.6];
const SIDES = [[8.8, 4.6], [-8.8, 4.6], [2.2, -4.6]];

export function createFlow() {
  const still = window.matchMedia("(prefers-reduced-motion: reduce)");
  let running = 0;
  let edges = [];
  let thin = 1; // the share of them that there is room for
  let started = 0;
  let last = "";

  function frame(now) {
    const share = Math.min(1, (now - started) / ENTRANCE);
    place(edges, ((now - started) * SPEED) / 1000, 1 - (1 - share) ** 3, thin);
    running = document.hidden ? 0 : requestAnimationFrame(frame);
  }
  function start() {
    if (running || !edges.length) return;
    running = requestAnimationFrame(frame);
  }
  function stop() {
    cancelAnimationFrame(running);
    running = 0;
  }
  document.addEventListener("visibilitychange", () => (document.hidden ? stop() : moves() && start()));
  const moves = () => edges.some(({ view }) => view.flow !== 0) && !still.matches;

  return {
    /** Show the chevrons of a view; the phase's own edges move, the others stand. */
    show(drawn, view, state) {
      stop();
      const total = view.edges.reduce((sum, edge) => sum + edge.chevrons, 0);
      thin = Math.min(1, MOST / Math.max(total, 1));
      const all = drawn.edges.map((made, k) => ({ made, view: view.edges[k] }));
      // While numbers change many times a second, chevrons stand: the numbers are what is followed.
      const fast = (state.playing && state.playing.unit !== "phase") || Boolean(state.trial);
      const key = `${state.frame.step}:${state.frame.phase}`;
      const enters = key !== last && !still.matches && !fast;
      // The same phase shown again, as when a weight is dragged, goes on flowing where it was.
      if (key !== last) started = performance.now() - (enters ? 0 : ENTRANCE);
      last = key;
      place(all, still.matches || fast ? 0 : ((performance.now() - started) * SPEED) / 1000, 1, thin);
      edges = fast ? [] : all.filter(({ view: edge }) => edge.flow !== 0);
      if (moves()) start();
    },
  };
}

/** Put every edge's chevrons `moved` along, and its halo `reach` of the way from where it starts. */
function place(edges, moved, reach, thin) {
  for (const { made, view } of edges) {
    const { edge } = made;
    const grown = view.enters ? reach : 1;
    renew(made.halo, { x1: edge.x2 + (edge.x1 - edge.x2) * grown, y1: edge.y2 + (edge.y1 - edge.y2) * grown });
    const count = view.chevrons ? Math.max(1, Math.round(view.chevrons * thin)) : 0;
    renew(made.chevrons, { d: count ? chevrons(edge, view, count, moved, edge.length * grown) : null });
  }
}

/**
 * The outlines of an edge's chevrons, those less than `reach` along, in one path: as elements of their
 * own, each turned and moved, they would take the browser longer to lay in order than to paint.
 */
function chevrons({ x1, y1, dx, dy, length }, view, count, moved, reach) {
  const back = view.flow < 0 || (view.flow === 0 && view.share > 0);
  const way = back ? -1 : 1;
  const turn = ([x, y]) => [way * (x * dx - y * dy), way * (x * dy + y * dx)];
  const [startX, startY] = turn(POINT);
  const sides = `${SIDES.map((side) => `l${turn(side).map((at) => at.toFixed(2)).join(" ")}`).join("")}z`;
  let outlines = "";
  for (let k = 0; k < count; k++) {
    const along = (((k + 0.5) * length) / count + moved) % length;
    if (view.enters && along > reach) continue;
    const from = back ? length - along : along;
    outlines += `M${(x1 + dx * from + startX).toFixed(1)} ${(y1 + dy * from + startY).toFixed(1)}${sides}`;
  }
  return outlines;
}
