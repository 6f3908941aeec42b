// The moving chevrons: direction and density only. One loop, which runs only while something moves.

import { s, set } from "./dom.js";

const SPEED = 46; // units of the picture a second
const ENTRANCE = 650; // milliseconds in which the flow of a phase reaches the other end
const MOST = 600; // chevrons in the whole picture
const SHAPE = "M-4.2,-4.6 L4.6,0 L-4.2,4.6 L-2,0 Z";

export function createFlow() {
  const still = window.matchMedia("(prefers-reduced-motion: reduce)");
  let running = 0;
  let edges = [];
  let started = 0;
  let last = "";

  function frame(now) {
    const share = Math.min(1, (now - started) / ENTRANCE);
    place(edges, ((now - started) * SPEED) / 1000, 1 - (1 - share) ** 3);
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
      const thin = Math.min(1, MOST / Math.max(total, 1));
      const all = drawn.edges.map((made, k) => ({ made, view: view.edges[k] }));
      for (const { made, view: edge } of all) fillChevrons(made, edge, thin);
      // While numbers change many times a second, chevrons stand: the numbers are what is followed.
      const fast = (state.playing && state.playing.unit !== "phase") || Boolean(state.trial);
      const key = `${state.frame.step}:${state.frame.phase}`;
      const enters = key !== last && !still.matches && !fast;
      // The same phase shown again, as when a weight is dragged, goes on flowing where it was.
      if (key !== last) started = performance.now() - (enters ? 0 : ENTRANCE);
      last = key;
      place(all, still.matches || fast ? 0 : ((performance.now() - started) * SPEED) / 1000, 1);
      edges = fast ? [] : all.filter(({ view: edge }) => edge.flow !== 0);
      if (moves()) start();
    },
  };
}

function fillChevrons(made, view, thin) {
  const wanted = view.chevrons ? Math.max(1, Math.round(view.chevrons * thin)) : 0;
  while (made.chevrons.childElementCount > wanted) made.chevrons.lastChild.remove();
  while (made.chevrons.childElementCount < wanted) made.chevrons.append(s("path", { d: SHAPE }));
}

/** Put every edge's chevrons `moved` along, and its halo `reach` of the way from where it starts. */
function place(edges, moved, reach) {
  for (const { made, view } of edges) {
    const { edge } = made;
    const back = view.flow < 0 || (view.flow === 0 && view.share > 0);
    const grown = view.enters ? reach : 1;
    set(made.halo, { x1: edge.x2 + (edge.x1 - edge.x2) * grown, y1: edge.y2 + (edge.y1 - edge.y2) * grown });
    const chevrons = made.chevrons.children;
    const gap = edge.length / chevrons.length;
    const turn = (Math.atan2(edge.dy, edge.dx) * 180) / Math.PI + (back ? 180 : 0);
    for (let k = 0; k < chevrons.length; k++) {
      const along = ((k + 0.5) * gap + moved) % edge.length;
      const from = back ? edge.length - along : along;
      const hidden = view.enters && along > edge.length * grown;
      const x = (edge.x1 + edge.dx * from).toFixed(1);
      const y = (edge.y1 + edge.dy * from).toFixed(1);
      chevrons[k].setAttribute("transform", `translate(${x} ${y}) rotate(${turn.toFixed(1)})`);
      set(chevrons[k], { visibility: hidden ? "hidden" : null });
    }
  }
}
