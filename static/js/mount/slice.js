// What if: the loss along one weight, a handle that drags it, and a wiggle that becomes the derivative.

import { count, fixed, full, short, signed, symbol } from "../core/format.js";
import { BOX, lossAt, viewSlice } from "../views/slice.js";
import { button, h, s, set, whenChanged, write } from "./dom.js";

const KINK = " A ReLU turns just here: the curve has a corner and no one slope; backpropagation takes the side where the ReLU is off.";
const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

export function mountSlice(root, dispatch, connection, getState) {
  const parts = make();
  let view = null;
  let wiggle = 0;
  root.append(parts.figure, parts.said, parts.keepRow, parts.landings, parts.wiggleBox);

  const slice = () => getState().answers.slice?.data;
  const tryValue = (value) => {
    if (getState().playing) connection.send({ do: "pause" }); // a trial belongs to one step
    const [low, high] = view.range;
    dispatch({ type: "try", value: Math.min(high, Math.max(low, value)) });
  };
  const keep = () => {
    const { tried, lastTried } = getState();
    const kept = tried ?? lastTried;
    if (kept) setTo(kept.parameter, kept.value);
  };
  let sent = null; // the change that was sent last and is not heard of yet
  const setTo = (parameter, value) => {
    sent = { parameter, value };
    connection.send({ do: "change", parameter, value });
  };
  dragging(parts, () => view, tryValue, () => dispatch({ type: "restore" }));
  parts.handle.addEventListener("keydown", (event) => keyTry(event, { slice, view, tryValue, keep, getState, dispatch }));
  parts.handle.addEventListener("blur", () => dispatch({ type: "restore" }));
  parts.keep.addEventListener("click", keep);
  parts.near.addEventListener("click", () => dispatch({ type: "near", near: !getState().near }));
  parts.form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = parts.field.value.trim().replace("−", "-");
    const value = Number(text);
    const fine = DECIMAL.test(text) && Number.isFinite(value);
    write(parts.problem, fine ? "" : `“${parts.field.value}” is not a value: a number like 0.25`);
    set(parts.field, { "aria-invalid": fine ? null : "true" });
    if (fine) setTo(getState().selected, value);
  });
  parts.wiggle.addEventListener("input", () => {
    wiggle = Number(parts.wiggle.value);
    drawAll(getState());
  });

  function drawAll(state) {
    view = viewSlice(slice(), wiggle);
    drawCurve(parts, view, slice(), state.digits);
    drawWiggle(parts, slice(), wiggle, state.digits);
  }
  const draw = whenChanged((state) => [state.answers.slice, state.digits], (state) => drawAll(state));
  const confirm = whenChanged((state) => [state.session.edits], ({ session: { edits } }) => {
    const edit = edits[edits.length - 1];
    if (!sent || edit?.parameter !== sent.parameter || edit.value !== sent.value) return;
    sent = null;
    write(parts.kept, keptWords(edit));
  });
  const clear = whenChanged((state) => [state.selected], () => {
    parts.field.value = "";
    write(parts.kept, "");
    write(parts.problem, "");
    set(parts.field, { "aria-invalid": null });
  });
  const move = whenChanged(
    (state) => [state.tried, state.trial, state.lastTried, state.beyond, state.answers.slice, state.digits, state.frame],
    (state) => drawTried(parts, view, slice(), state),
  );
  return (state) => {
    clear(state);
    draw(state);
    confirm(state);
    move(state);
    set(parts.near, { "aria-pressed": String(state.near), disabled: slice().landings[1].value === slice().at });
  };
}

function make() {
  const line = (name) => s("line", { class: name });
  const found = {
    curve: s("path", { class: "curve" }), tangent: line("tangent"), secant: line("secant"), rise: s("path", { class: "rise" }),
    axis: s("line", { class: "axis", x1: 0, x2: BOX.width, y1: BOX.height - BOX.bottom + 4, y2: BOX.height - BOX.bottom + 4 }),
    marks: s("g", { class: "marks" }), now: s("circle", { class: "was", r: 4 }), ends: [s("text", { class: "end" }), s("text", { class: "end right" })], levels: [s("text", { class: "end" }), s("text", { class: "end" })],
    handle: s("circle", { class: "now", r: 9, role: "slider", tabindex: "0" }),
    hit: s("rect", { class: "hit", width: BOX.width, height: BOX.height }),
  };
  found.svg = s("svg", { viewBox: `0 0 ${BOX.width} ${BOX.height}`, class: "slice" },
    s("clipPath", { id: "slice-clip" }, s("rect", { width: BOX.width, height: BOX.height })),
    s("g", { "clip-path": "url(#slice-clip)" }, found.tangent, found.secant, found.rise, found.curve), found.axis, ...found.ends, ...found.levels, found.hit, found.marks, found.now, found.handle);
  found.caption = h("figcaption", { class: "hint" });
  found.near = button("Zoom to the update", () => {}, { "aria-pressed": "false", class: "zoom" });
  found.figure = h("figure", { class: "plot" }, found.svg, found.near, found.caption);
  found.said = h("p", { class: "said", role: "status" });
  found.keep = button("Keep", () => {}, { class: "primary", "data-key": "keep" });
  found.field = h("input", { inputmode: "decimal", size: 7, autocomplete: "off", "aria-label": "Set this parameter to", "aria-describedby": "slice-problem" });
  found.form = h("form", { class: "row", novalidate: true }, h("label", {}, "or ", found.field), h("button", { type: "submit" }, "Set"));
  found.problem = h("p", { class: "problem", id: "slice-problem", role: "alert" });
  found.kept = h("p", { class: "kept-words", role: "status" });
  found.from = h("span", { class: "hint" });
  found.keepRow = h("div", { class: "row" }, found.keep, found.form, found.from, found.problem, found.kept);
  found.landings = h("div", { class: "landings" });
  found.wiggle = h("input", { type: "range", min: 0, max: 8, step: 1, value: 0, "aria-label": "Wiggle h" });
  found.quotient = h("div");
  found.wiggleBox = h("section", {}, h("h3", {}, "Wiggle it: h → 0"), found.wiggle, found.quotient);
  return found;
}

/** The handle follows the pointer sideways; letting go restores, and so does Escape. */
function dragging({ svg, hit, handle }, getView, tryValue, restore) {
  const valueAt = (event) => {
    const box = svg.getBoundingClientRect();
    return getView().x.back(((event.clientX - box.left) / box.width) * BOX.width);
  };
  let held = null; // the element and the pointer that drag
  const end = () => {
    if (!held) return;
    const { element, pointer } = held;
    held = null;
    if (element.hasPointerCapture(pointer)) element.releasePointerCapture(pointer);
    handle.classList.remove("held");
    restore();
  };
  for (const element of [hit, handle]) {
    element.addEventListener("pointerdown", (event) => {
      if (!getView()) return;
      element.setPointerCapture(event.pointerId);
      held = { element, pointer: event.pointerId };
      handle.classList.add("held");
      tryValue(valueAt(event));
    });
    element.addEventListener("pointermove", (event) => held?.pointer === event.pointerId && tryValue(valueAt(event)));
    for (const over of ["pointerup", "pointercancel"]) element.addEventListener(over, end);
  }
  // Wherever the focus is: Escape ends the drag before it closes anything.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !held) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    end();
  }, { capture: true });
}

function keyTry(event, { slice, view, tryValue, keep, getState, dispatch }) {
  if (!view) return;
  const width = view.range[1] - view.range[0];
  const by = { ArrowRight: 0.01, ArrowUp: 0.01, ArrowLeft: -0.01, ArrowDown: -0.01, PageUp: 0.1, PageDown: -0.1 }[event.key];
  const here = getState().tried?.value ?? slice().at;
  if (by) tryValue(here + by * width);
  else if (event.key === "Home") tryValue(view.range[0]);
  else if (event.key === "End") tryValue(view.range[1]);
  else if (event.key === "Enter") keep();
  else if (event.key === "Escape" && getState().tried) dispatch({ type: "restore" });
  else return;
  event.preventDefault();
  event.stopPropagation();
}

function drawCurve(parts, view, slice, digits) {
  set(parts.curve, { d: view.path });
  ends(parts.tangent, view.tangent);
  set(parts.now, { cx: view.now[0], cy: view.now[1] });
  const name = symbol(slice.parameter);
  write(parts.ends[0], `${name} = ${short(view.range[0])}`);
  write(parts.ends[1], short(view.range[1]));
  const [low, high] = view.losses;
  write(parts.levels[0], `E = ${short(high)}`);
  write(parts.levels[1], `E = ${short(low)}`);
  set(parts.levels[0], { x: 2, y: 12 });
  set(parts.levels[1], { x: 2, y: BOX.height - BOX.bottom - 2 });
  set(parts.ends[0], { x: 2, y: BOX.height - 4 });
  set(parts.ends[1], { x: BOX.width - 2, y: BOX.height - 4 });
  parts.marks.replaceChildren(...view.marks.map((mark) => landingMark(mark, view)));
  write(parts.caption, `The loss E as ${name} alone changes: drag the point. Dashed: the tangent, of slope ∂E/∂${name} = ${signed(slice.slope, digits)}.${slice.kink ? KINK : ""}${view.cut ? ` ${view.cut}` : ""}`);
  parts.landings.replaceChildren(landingTable(slice, digits));
}

/** A tick where so many times the learning rate would land, named where there is room. */
function landingMark({ multiple, place: [x, y] }, view) {
  const near = view.marks.some((other) => other.multiple > multiple && Math.abs(other.place[0] - x) < 24);
  const away = Math.abs(x - view.now[0]) > 16;
  return s("g", { class: multiple === 1 ? "mark next" : "mark" }, s("circle", { cx: x, cy: y, r: multiple === 1 ? 6 : 4 }),
    near || !away ? null : s("text", { x, y: y - 11 }, `${multiple}×`));
}

function landingTable(slice, digits) {
  const rows = slice.landings.map(({ multiple, value, loss }) => h("tr", { class: multiple === 1 ? "open" : null },
    h("th", { scope: "row" }, multiple === 1 ? "α, the update" : `${multiple} × α`), h("td", { title: full(value) }, fixed(value, digits)),
    h("td", { title: loss === null ? null : full(loss) }, loss === null ? "overflows" : fixed(loss, digits)), h("td", {}, loss === null ? "" : verdict(loss, slice.loss))));
  return h("table", {}, h("thead", {}, h("tr", {}, ...["this weight alone moves by", "lands at", "E there", "than now"].map((text) => h("th", { scope: "col" }, text)))), h("tbody", {}, ...rows));
}

function verdict(loss, before) {
  return loss < before ? "lower" : loss > before ? "higher" : "the same";
}

function ends(line, [[x1, y1], [x2, y2]]) {
  set(line, { x1, y1, x2, y2 });
}

function drawWiggle(parts, slice, index, digits) {
  const view = viewSlice(slice, index);
  const { h: width, quotient } = slice.wiggle[index];
  const name = symbol(slice.parameter);
  set(parts.secant, { visibility: view.secant ? null : "hidden" });
  set(parts.rise, { visibility: view.secant && !view.secant.outside ? null : "hidden" });
  if (view.secant) {
    ends(parts.secant, view.secant.ends);
    const [[x1, y1], [x2, y2]] = [view.secant.from, view.secant.to];
    set(parts.rise, { d: `M${x1},${y1}H${x2}V${y2}` });
  }
  set(parts.wiggle, { "aria-valuetext": `h = ${width}` });
  const gap = quotient === null ? null : quotient - slice.slope;
  parts.quotient.replaceChildren(h("table", {}, h("tbody", {},
    line("h", String(width)),
    line(`(E(${name} + h) − E(${name})) / h`, quotient === null ? lost(slice, width) : signed(quotient, digits === 2 ? 4 : digits === 4 ? 8 : digits), quotient),
    line(`∂E/∂${name}`, signed(slice.slope, digits === 2 ? 4 : digits === 4 ? 8 : digits), slice.slope),
    line("gap", gap === null ? "" : gap.toExponential(1).replaceAll("-", "−"), gap))),
  slice.kink ? h("p", { class: "hint" }, "At this kink the quotient depends on the side it comes from: it need not come to the derivative.") : "",
  index > 6 ? h("p", { class: "hint" }, "So small an h meets the rounding of the computer's numbers: the gap may grow again.") : "");
}

/** Why there is no quotient: the loss overflows, or so small an h changes nothing. */
function lost({ at }, width) {
  return at + width === at ? "h is lost in rounding" : "overflows";
}

function line(name, text, value = null) {
  return h("tr", {}, h("th", { scope: "row" }, name), h("td", { title: value === null ? null : full(value) }, text));
}

/** The moment it was set nothing may move: at the update phase the next step is the first with it. */
function keptWords({ parameter, value, step }) {
  return `Set: ${symbol(parameter)} = ${full(value)} from step ${count(step)} on.`;
}

function drawTried(parts, view, slice, state) {
  const { tried, trial, lastTried, beyond, digits, frame, session } = state;
  const value = tried?.value ?? slice.at;
  const mine = trial && trial.tried.value === value ? trial : null;
  const loss = mine ? mine.loss : tried ? lossAt(slice, value) : slice.loss;
  set(parts.handle, { cx: view.x.to(value), cy: Math.max(2, Math.min(BOX.height - 2, view.y.to(loss))), "aria-label": `What if ${symbol(slice.parameter)} were`, "aria-valuenow": value, "aria-valuemin": view.range[0], "aria-valuemax": view.range[1], "aria-valuetext": `${fixed(value, 4)}${mine ? `, loss ${fixed(mine.loss, 4)}` : ""}` });
  set(parts.now, { visibility: tried ? null : "hidden" });
  const name = symbol(slice.parameter);
  const shown = mine ?? (tried ? trial : null);
  if (beyond) write(parts.said, "With this value the step’s numbers overflow: there is nothing to show.");
  else write(parts.said, shown
    ? `${name} = ${fixed(shown.tried.value, digits)}: E = ${fixed(shown.loss, digits)}, ${than(shown.loss, frame.loss, digits)}`
    : `${lastTried ? "Restored: " : ""}${name} = ${fixed(slice.at, digits)}: E = ${fixed(slice.loss, digits)}`);
  const last = tried ?? lastTried;
  const from = frame.step + (frame.phase === session.layout.phases.length - 1 ? 1 : 0);
  set(parts.keep, { disabled: !last });
  write(parts.keep, last ? `Keep ${fixed(last.value, digits)}` : "Keep");
  set(parts.keep, { title: `It becomes an edit of the run, from step ${from.toLocaleString("en-US")} on`, "aria-description": `an edit of the run from step ${from.toLocaleString("en-US")} on` });
  write(parts.from, `from step ${from.toLocaleString("en-US")} on`);
}

function than(loss, before, digits) {
  const word = verdict(loss, before);
  return word === "the same" ? word : `${word} than ${fixed(before, digits)}`;
}
