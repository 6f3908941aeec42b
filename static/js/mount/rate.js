// The learning rate: a logarithmic slider and a number field that agree, and the edits so far.

import { editWords } from "../core/edits.js";
import { asTyped, count, full } from "../core/format.js";
import { h, set, whenChanged, write } from "./dom.js";

const EVERY = 100; // milliseconds between two changes sent while the slider is dragged
const LOW = -5;
const HIGH = 1;
const toSlider = (rate) => Math.min(HIGH, Math.max(LOW, Math.log10(rate)));
const toRate = (place) => Number((10 ** place).toPrecision(2));

export function mountRate(root, connection, getState) {
  const find = (name) => root.querySelector(`[data-control="${name}"]`);
  const [slider, field, error, since, edits, undo] = ["rate-slider", "rate", "rate-error", "rate-since", "edits", "undo"].map(find);
  let held = false;
  let sentAt = 0;
  let timer = 0;

  function send(rate) {
    clearTimeout(timer);
    sentAt = performance.now();
    connection.send({ do: "change", learning_rate: rate });
  }
  slider.addEventListener("input", () => {
    held = true;
    const rate = toRate(Number(slider.value));
    field.value = String(rate);
    set(slider, { "aria-valuetext": String(rate) });
    clearTimeout(timer);
    timer = setTimeout(() => send(rate), Math.max(0, sentAt + EVERY - performance.now()));
  });
  slider.addEventListener("change", () => {
    held = false;
    send(toRate(Number(slider.value)));
  });
  field.addEventListener("change", () => {
    const rate = Number(asTyped(field.value));
    const fine = field.value.trim() !== "" && Number.isFinite(rate) && rate > 0;
    write(error, fine ? "" : `“${field.value}” is not a learning rate: a number above 0`);
    set(field, { "aria-invalid": fine ? null : "true" });
    if (fine && rate !== current(getState())) send(rate);
  });
  field.addEventListener("blur", () => {
    if (!connection.unanswered && !field.hasAttribute("aria-invalid") && getState().frame) field.value = String(current(getState()));
  });
  undo.addEventListener("click", () => undo.ariaDisabled === "true" || connection.send({ do: "undo" }));

  return whenChanged(
    (state) => [state.session?.edits, state.session?.can_undo, state.frame?.learningRate, state.frame?.step, state.refused],
    (state) => {
      if (!state.session || !state.frame) return;
      const rate = current(state);
      if (!held && document.activeElement !== field) field.value = String(rate);
      if (!held) set(slider, { "aria-valuetext": String(rate) });
      if (!held) slider.value = String(toSlider(rate));
      write(since, `α = ${full(state.frame.learningRate)} here, ${sinceWords(state)}`);
      set(undo, { disabled: null, "aria-disabled": state.session.can_undo && state.session.may_write ? null : "true" }); // it keeps the focus
      edits.replaceChildren(...state.session.edits.slice(-6).map((edit) => h("li", {}, editWords(edit))));
      edits.hidden = !state.session.edits.length;
    },
  );
}

/** The rate that holds for what comes next: an edit at the following step counts already. */
function current(state) {
  const { step } = state.frame;
  const later = state.session.edits.filter((edit) => edit.learning_rate !== undefined && edit.step === step + 1);
  return later.length ? later[later.length - 1].learning_rate : state.frame.learningRate;
}

function sinceWords(state) {
  const rates = state.session.edits.filter((edit) => edit.learning_rate !== undefined);
  const before = rates.filter((edit) => edit.step <= state.frame.step);
  const next = rates.find((edit) => edit.step > state.frame.step);
  const from = before.length ? `from step ${count(before[before.length - 1].step)} on` : "from the start";
  return next ? `${from}; ${full(next.learning_rate)} from step ${count(next.step)} on` : from;
}
