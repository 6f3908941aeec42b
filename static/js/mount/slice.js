// What if: the loss along one weight, a handle that drags it, a wiggle that becomes the derivative.

import { count, full, readNumber, symbol } from "../core/format.js";
import { isNear } from "../core/inspect.js";
import { isAtKink } from "../core/network.js";
import { firstWiggle, viewSlice } from "../views/slice.js";
import { drawCurve, makeCurve } from "./curve.js";
import { button, h, set, whenChanged, write } from "./dom.js";
import { dragging, keyTry } from "./dragging.js";
import { letScroll } from "./fit.js";
import { drawTried } from "./tried.js";
import { drawWiggle } from "./wiggle.js";

export function mountSlice(root, dispatch, connection, getState) {
  const parts = make();
  root.classList.add("what-if");
  let view = null;
  let chosen = null; // which h somebody wants; otherwise one that can be seen
  root.append(parts.figure, parts.said, parts.keepRow, parts.caption, parts.doubts, parts.landings);

  const slice = () => getState().answers.slice?.data;
  const restore = () => dispatch({ type: "restore" });
  const setting = settable(parts, dispatch, connection, getState);
  const tryValue = (value) => {
    if (getState().playing) connection.send({ do: "pause" }); // a trial belongs to one step
    const [low, high] = view.range;
    dispatch({ type: "try", value: Math.min(high, Math.max(low, value)) });
  };
  dragging(parts, () => view, tryValue, restore);
  parts.handle.addEventListener("keydown", (event) =>
    keyTry(event, { slice, view, tryValue, keep: setting.keep, getState, dispatch }),
  );
  parts.handle.addEventListener("blur", restore);
  parts.near.addEventListener("click", () => dispatch({ type: "near", near: !isNear(getState()) }));
  parts.wiggle.addEventListener("input", () => {
    chosen = Number(parts.wiggle.value);
    drawAll(getState());
  });

  function drawAll({ digits, session: { spec, layout }, answers }) {
    const wiggle = chosen ?? firstWiggle(slice());
    view = viewSlice(slice(), wiggle);
    const trained = spec.train_biases || slice().parameter[0] !== "b";
    const atKink = isAtKink(layout, answers.slice.frame, slice().parameter);
    drawCurve(parts, view, slice(), { trained, digits, atKink });
    drawWiggle(parts, view, slice(), wiggle, { digits, atKink });
    letScroll(parts.landings);
  }
  const draw = whenChanged((state) => [state.answers.slice, state.digits], drawAll);
  const move = whenChanged(
    ({ tried, trial, lastTried, beyond, answers, digits, frame }) => [
      tried,
      trial,
      lastTried,
      beyond,
      answers.slice,
      digits,
      frame,
    ],
    (state) => drawTried(parts, view, slice(), state),
  );
  return (state) => {
    setting.render(state);
    draw(state);
    move(state);
    const still = slice().landings[1].value === slice().at;
    write(parts.near, isNear(state) && !still ? "Show the wide view" : "Zoom to the update");
    parts.near.hidden = still;
  };
}

/** Making a value an edit of the run: the one that was tried, or one that is typed. */
function settable({ keep, form, field, problem, kept }, dispatch, connection, getState) {
  let sent = null; // the change that was sent last and is not heard of yet
  let told = null; // the edit that it became, as long as it is the last one
  const setTo = ({ parameter, value }) => {
    sent = { parameter, value, id: connection.send({ do: "change", parameter, value }) };
  };
  const keepTried = () => {
    const { tried, lastTried } = getState();
    if (tried ?? lastTried) setTo(tried ?? lastTried);
  };
  const complain = (text) => {
    write(problem, text);
    set(field, { "aria-invalid": text ? "true" : null });
  };
  const forget = () => {
    [sent, told] = [null, null];
    write(kept, "");
  };
  connection.onAnswer(({ type, id, error }) => {
    if (!sent || id !== sent.id || type !== "error") return;
    forget();
    complain(`Not set: ${error.message}`);
    if (field.offsetParent) dispatch({ type: "beside", id }); // else nobody sees it there
  });
  keep.addEventListener("click", () => keep.ariaDisabled === "true" || keepTried());
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const value = readNumber(field.value);
    const fine = Number.isFinite(value);
    complain(fine ? "" : `“${field.value}” is not a value: a number like 0.25`);
    if (fine) setTo({ parameter: getState().selected, value });
    else forget(); // what was set before is not what is talked of now
  });
  const clear = whenChanged(
    (state) => [state.selected],
    () => {
      forget();
      field.value = "";
      complain("");
    },
  );
  const confirm = whenChanged(
    (state) => [state.session.edits],
    ({ session: { edits } }) => {
      const edit = edits[edits.length - 1];
      if (sent && isSame(edit, sent)) {
        [sent, told] = [null, edit];
        complain("");
      } else if (!told || (isSame(edit, told) && edit.step === told.step)) return;
      else told = null; // it was taken back, or another one came after it
      write(kept, told ? keptWords(told) : "");
    },
  );
  const render = (state) => {
    clear(state);
    confirm(state);
  };
  return { keep: keepTried, render };
}

const isSame = (edit, { parameter, value }) => edit?.parameter === parameter && edit.value === value;

/** Nothing may move when it is set: after the update phase the next step is the first with it. */
function keptWords({ parameter, value, step }) {
  return `Set: ${symbol(parameter)} = ${full(value)} from step ${count(step)} on.`;
}

function make() {
  const found = makeCurve();
  found.caption = h("p", { class: "hint" });
  found.doubts = h("p", { class: "hint doubts" });
  found.near = button("Zoom to the update", () => {}, { class: "plain zoom" });
  found.said = h("p", { class: "said", role: "status" });
  found.landings = h("div", { class: "landings wide" });
  const range = { type: "range", min: 0, max: 8, step: 1, value: 0, "aria-label": "Wiggle h" };
  found.wiggle = h("input", range);
  found.width = h("span", { class: "width" });
  const wiggling = h("label", {}, "wiggle h", found.wiggle, found.width);
  // Under the picture, whose secant it moves.
  const moved = h("div", { class: "moved" }, wiggling, found.near);
  found.quotient = h("table", { class: "quotient" });
  found.figure = h("figure", { class: "plot" }, found.svg, moved, found.quotient);
  return { ...found, ...makeKeep() };
}

function makeKeep() {
  const keep = button("Keep", () => {}, { class: "primary", "data-key": "keep" });
  const field = h("input", {
    inputmode: "decimal",
    size: 7,
    autocomplete: "off",
    "aria-label": "Set this parameter to",
    "aria-describedby": "slice-problem",
  });
  const label = h("label", {}, "or ", field);
  const submit = h("button", { type: "submit" }, "Set");
  const form = h("form", { class: "row", novalidate: true }, label, submit);
  const from = h("span", { class: "hint" });
  const problem = h("p", { class: "problem", id: "slice-problem", role: "alert" });
  const kept = h("p", { class: "kept-words", role: "status" });
  const keepRow = h("div", { class: "row" }, keep, form, from, problem, kept);
  return { keep, field, form, from, problem, kept, keepRow };
}
