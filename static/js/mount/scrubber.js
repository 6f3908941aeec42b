// The scrubber: a slider over all steps so far whose track is the loss.

import { count } from "../core/format.js";
import { viewScrubber } from "../views/scrubber.js";
import { s, set, whenChanged } from "./dom.js";

const WIDTH = 1000;
const HEIGHT = 44;

export function mountScrubber(root, connection, getState) {
  const slider = root.querySelector("input");
  const band = s("path", { class: "band" });
  const marks = s("g", { class: "marks" });
  const here = s("line", { class: "here", y1: 0, y2: HEIGHT });
  root.querySelector(".track").replaceChildren(s("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" }, band, marks, here));
  let wanted = null;
  connection.onAnswer(() => {
    if (!connection.unanswered) wanted = null;
  });
  slider.addEventListener("input", () => {
    wanted = Number(slider.value);
    connection.send({ do: "seek", step: wanted, phase: getState().frame?.phase ?? 0 });
  });
  const drawTrack = whenChanged(
    (state) => [state.history, state.session?.edits],
    (state) => {
      if (!state.history || !state.session) return;
      const furthest = Math.max(state.frame?.furthest ?? 0, state.session.furthest);
      const view = viewScrubber(state.history, state.session.edits, furthest, WIDTH, HEIGHT);
      set(band, { d: view.band });
      marks.replaceChildren(...view.marks.map((x) => s("line", { x1: x, x2: x, y1: 0, y2: HEIGHT })));
    },
  );
  return (state) => {
    drawTrack(state);
    if (!state.frame) return;
    const last = Math.max(state.frame.furthest, 1);
    set(slider, { max: last, "aria-valuetext": `step ${count(state.frame.step)} of ${count(state.frame.furthest)}` });
    if (wanted === null && Number(slider.value) !== state.frame.step) slider.value = String(state.frame.step);
    const x = (Math.min(state.frame.step, last) / last) * WIDTH;
    set(here, { x1: x, x2: x });
  };
}
