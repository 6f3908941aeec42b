// The learning rate: a logarithmic slider and a number field that agree, and the edits so far.

import { editStep, editWords } from "../core/edits.js";
import { count, full, readNumber } from "../core/format.js";
import { h, set, whenChanged, write } from "./dom.js";

const EVERY = 100; // milliseconds between two changes sent while the slider is dragged
const SHOWN = 6; // of the edits, the last
const LOW = -5;
const HIGH = 1;
const toSlider = (rate) => Math.min(HIGH, Math.max(LOW, Math.log10(rate)));
const toRate = (place) => Number((10 ** place).toPrecision(2));

export function mountRate(root, dispatch, connection, getState) {
  const find = (name) => root.querySelector(`[data-control="${name}"]`);
  const [slider, field, error, since, edits, undo] = ["rate-slider", "rate", "rate-error", "rate-since", "edits", "undo"].map(find);
  let held = false;
  let sentAt = 0;
  let timer = 0;

  function send(rate) {
    clearTimeout(timer);
    sentAt = performance.now();
    return connection.send({ do: "change", learning_rate: rate });
  }
  const typing = typed({ field, error }, dispatch, connection, getState, send);
  slider.addEventListener("input", () => {
    held = true;
    typing.forget();
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
  undo.addEventListener("click", () => {
    if (undo.ariaDisabled === "true") return;
    typing.forget();
    connection.send({ do: "undo" });
  });

  const leave = whenChanged((state) => [state.session?.id], typing.forget);
  const draw = whenChanged(
    (state) => [state.session?.edits, state.session?.can_undo, state.frame?.learningRate, state.frame?.step, state.frame?.phase, state.refused],
    (state) => {
      if (!state.session || !state.frame) return;
      const rate = current(state);
      if (!held && !typing.isOurs() && document.activeElement !== field) field.value = String(rate);
      if (!held) set(slider, { "aria-valuetext": String(rate) });
      if (!held) slider.value = String(toSlider(rate));
      write(since, `α = ${full(state.frame.learningRate)} here, ${sinceWords(state)}`);
      set(undo, { disabled: null, "aria-disabled": state.session.can_undo && state.session.may_write ? null : "true" }); // it keeps the focus
      edits.replaceChildren(...lastWords(state.session.edits).map((words) => h("li", {}, words)));
      edits.hidden = !state.session.edits.length;
    },
  );
  return (state) => {
    leave(state);
    draw(state);
  };
}

/** What is typed stands until it is answered; where it is refused it stays, with the reason beside it. */
function typed({ field, error }, dispatch, connection, getState, send) {
  let sent = null; // not answered yet
  const complain = (text) => {
    write(error, text);
    set(field, { "aria-invalid": text ? "true" : null });
  };
  const forget = () => {
    sent = null;
    complain("");
  };
  const isOurs = () => sent !== null || field.hasAttribute("aria-invalid");
  const submit = () => {
    const rate = readNumber(field.value);
    const wrong = wrongWords(rate);
    if (!wrong && rate === sent?.rate) return; // Enter is a change as well
    forget();
    if (wrong) return complain(`“${field.value}” is ${wrong}`);
    if (rate === current(getState()) && !connection.unanswered) return;
    sent = { rate, id: send(rate) };
  };
  field.addEventListener("change", submit);
  field.addEventListener("keydown", (event) => event.key === "Enter" && submit()); // also what was refused, once more
  field.addEventListener("blur", () => {
    if (!isOurs() && !connection.unanswered && getState().frame) field.value = String(current(getState()));
  });
  connection.onAnswer(({ type, id, error }) => {
    const isAnswer = sent?.id === id;
    if (sent && isAnswer && type === "error") {
      complain(`Not set: ${error.message}`);
      dispatch({ type: "beside", id });
    }
    if (isAnswer || !connection.unanswered) sent = null;
  });
  return { forget, isOurs };
}

/** Why a number that was read is no learning rate; nothing where it is one. */
function wrongWords(rate) {
  if (rate === Infinity) return "too large for a learning rate";
  return rate > 0 ? "" : "not a learning rate: a number above 0 with a decimal point, like 0.05";
}

/** The rate of the step from which an edit made now would hold: of the next one there may be an edit already. */
function current({ frame, session }) {
  const from = editStep(frame, session.layout);
  const found = session.edits.findLast((edit) => edit.learning_rate !== undefined && edit.step === from);
  return found?.learning_rate ?? frame.learningRate;
}

/** The last edits in words, and before them how many others there are. */
function lastWords(edits) {
  const earlier = edits.length - Math.min(edits.length, SHOWN);
  const words = edits.slice(earlier).map(editWords);
  return earlier ? [`… and ${count(earlier)} earlier ${earlier === 1 ? "edit" : "edits"}`, ...words] : words;
}

function sinceWords(state) {
  const rates = state.session.edits.filter((edit) => edit.learning_rate !== undefined);
  const before = rates.filter((edit) => edit.step <= state.frame.step);
  const next = rates.find((edit) => edit.step > state.frame.step);
  const from = before.length ? `from step ${count(before[before.length - 1].step)} on` : "from the start";
  return next ? `${from}; ${full(next.learning_rate)} from step ${count(next.step)} on` : from;
}
