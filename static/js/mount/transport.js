// The transport: stepping, playing, jumping. Every control has a key, and the keys do what they do.

import { count } from "../core/format.js";
import { set, whenChanged, write } from "./dom.js";

const SPEEDS = [
  ["1 phase/s", "phase", 1], ["2 phases/s", "phase", 2], ["4 phases/s", "phase", 4], ["1 step/s", "step", 1],
  ["5 steps/s", "step", 5], ["20 steps/s", "step", 20], ["60 steps/s", "step", 60], ["as fast as it computes", "step", 0],
];
const KEYS = {
  ArrowRight: (event) => (event.shiftKey ? { unit: "step", by: 1 } : { unit: "phase", by: 1 }),
  ArrowLeft: (event) => (event.shiftKey ? { unit: "step", by: -1 } : { unit: "phase", by: -1 }),
  PageDown: () => ({ unit: "epoch", by: 1 }),
  PageUp: () => ({ unit: "epoch", by: -1 }),
};
const WHOLE = /^(\d+|\d{1,3}(,\d{3})+)$/; // with groups of thousands, as it is written here
const OWN_KEYS = "input, select, textarea, summary, .scroll"; // the handle of the curve stops those it takes

export function mountTransport(root, dispatch, connection, getState) {
  const find = (name) => root.querySelector(`[data-control="${name}"]`);
  const controls = Object.fromEntries(["play", "speed", "jump", "jump-form", "jump-error", "position"].map((name) => [name, find(name)]));
  const move = (by) => connection.send({ do: "step", ...by });
  for (const button of root.querySelectorAll("[data-unit-of-move]"))
    button.addEventListener("click", () => move({ unit: button.dataset.unitOfMove, by: Number(button.dataset.by) }));
  const seek = (step, phase = 0) => connection.send({ do: "seek", step, phase });
  const toggle = () => {
    const { playing, speed } = getState();
    connection.send(playing ? { do: "pause" } : { do: "play", ...speed });
  };
  const latest = () => seek(getState().frame?.furthest ?? 0, (getState().session?.layout.phases.length ?? 1) - 1);
  find("restart").addEventListener("click", () => seek(0));
  find("latest").addEventListener("click", latest);
  controls.play.addEventListener("click", toggle);
  fillSpeeds(controls.speed, dispatch, connection, getState);
  controls["jump-form"].addEventListener("submit", (event) => {
    event.preventDefault();
    const text = controls.jump.value;
    const { lastStep } = getState();
    const step = WHOLE.test(text.trim()) ? Number(text.replaceAll(",", "")) : NaN;
    const fine = step <= lastStep;
    write(controls["jump-error"], fine ? "" : `“${text}” is not a step: a whole number from 0 to ${count(lastStep)}`);
    set(controls.jump, { "aria-invalid": fine ? null : "true" });
    if (fine) seek(step);
  });
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.target.closest(OWN_KEYS)) return;
    if (event.target.matches(".scrolls") && /^(Page|Home|End)/.test(event.key)) return; // they scroll it
    if (event.key === " " && !event.target.closest("button, [role=button], a")) toggle();
    else if (event.key === "Home") seek(0);
    else if (event.key === "End") latest();
    else if (KEYS[event.key]) move(KEYS[event.key](event));
    else return;
    event.preventDefault();
  });
  return whenChanged(
    (state) => [state.frame, state.playing, state.session],
    (state) => {
      const playing = Boolean(state.playing);
      write(controls.play.querySelector(".text"), playing ? "Pause" : "Play");
      controls.play.classList.toggle("playing", playing);
      if (!state.frame) return;
      const { step, phase, epoch } = state.frame;
      write(controls.position, `step ${count(step)} · phase ${phase} of ${state.session.layout.phases.length - 1} · epoch ${count(epoch)}`);
      const first = step === 0 && phase === 0;
      for (const button of root.querySelectorAll("[data-by^='-']")) set(button, { "aria-disabled": first ? "true" : null });
    },
  );
}

function fillSpeeds(select, dispatch, connection, getState) {
  for (const [name, unit, per_second] of SPEEDS) select.append(new Option(name, `${unit}:${per_second}`));
  select.addEventListener("change", () => {
    const [unit, rate] = select.value.split(":");
    const speed = { unit, per_second: Number(rate) };
    dispatch({ type: "speed", speed });
    if (getState().playing) connection.send({ do: "play", ...speed });
  });
}
