// What is selected, closely: its name and value, and for a parameter one of several ways to see it.

import { isCurrent, isParameter, shownParameter, TABS } from "../core/inspect.js";
import { count, fixed, full, moved } from "../core/format.js";
import { anewWords } from "../core/words.js";
import { activationOf, parseName, revealed, unitSymbol as unitName } from "../core/network.js";
import { math as m, parameterSymbol, unitSymbol } from "../views/mathml.js";
import { makeCopying } from "./copying.js";
import { button, h, isInSight, math, set, whenChanged, write } from "./dom.js";
import { keepFocus } from "./focus.js";
import { elementOf } from "./walk.js";

/** @param {Record<string, (state: object) => void>} views  by tab, and `unit` */
export function mountExplanation(root, bodies, views, dispatch, connection, copyText) {
  const name = h("h2", { class: "chosen" });
  const close = button("×", () => dispatch({ type: "deselect" }), { "aria-label": "Close: back to the phase", "aria-keyshortcuts": "Escape" });
  const tabs = TABS.map(([key, label]) => button(label, () => dispatch({ type: "tab", tab: key }), { role: "tab", id: `tab-${key}`, "data-tab": key, "aria-controls": "tab-body" }));
  const list = h("div", { role: "tablist", "aria-label": "Ways to see it", class: "tabs" }, ...tabs);
  const note = h("p", { class: "note" });
  const said = h("span");
  const problem = h("p", { class: "problem", role: "alert" }, said, button("Try again", () => dispatch({ type: "retry" })));
  const waiting = h("p", { class: "hint waiting" }, "Waiting for the server …");
  const body = h("div", { id: "tab-body", role: "tabpanel", class: "scrolls", tabindex: "0" }, waiting, ...Object.values(bodies));
  for (const view of Object.values(bodies)) view.hidden = true; // until it has something to show
  const copying = makeCopying(() => Object.values(bodies).find((element) => !element.hidden), copyText);
  body.append(copying.row);
  root.append(h("div", { class: "head" }, name, close), list, note, problem, body);
  list.addEventListener("keydown", (event) => moveTab(event, tabs, dispatch));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.target.closest("input:not([type=range]), select")) dispatch({ type: "deselect" });
  });

  const renderHead = whenChanged(
    (state) => [state.selected, state.frame, state.session?.layout, state.digits, state.answers.chain],
    (state) => state.selected && name.replaceChildren(...headOf(state)),
  );
  const forgetCopied = whenChanged((state) => [state.selected, state.tab, state.digits], copying.forget);
  const stage = root.closest(".stage");
  // What was chosen in the table, or on a phone, is explained where it can be seen.
  const bringIntoSight = whenChanged(
    (state) => [state.selected],
    ({ selected }) => selected && requestAnimationFrame(() => isInSight(root) || stage.scrollIntoView({ block: "start" })),
  );
  /** After closing, the focus is back on what was explained, where the keyboard had brought it. */
  const home = (name) => (byKeyboard && elementOf(stage, name)) || root.parentElement;
  let byKeyboard = false;
  let last = null;
  return (state) => {
    const active = document.activeElement;
    byKeyboard = active.matches(":focus-visible") || active === name;
    keepFocus(root, () => render(state), () => (root.hidden ? home(last) : name));
    last = state.selected ?? last;
  };

  function render(state) {
    const { selected, session, frame } = state;
    root.hidden = !selected || !frame;
    stage.classList.toggle("explaining", !root.hidden);
    bringIntoSight(state);
    forgetCopied(state);
    if (root.hidden) return;
    renderHead(state);
    root.classList.toggle("all-digits", state.digits === "all");
    const parameter = isParameter(selected);
    list.hidden = !parameter;
    for (const tab of tabs) set(tab, { "aria-selected": String(tab.dataset.tab === state.tab), tabindex: tab.dataset.tab === state.tab ? "0" : "-1" });
    const shown = parameter ? state.tab : "unit";
    set(body, { "aria-labelledby": parameter ? `tab-${state.tab}` : null, "aria-label": parameter ? null : "The unit" });
    const what = state.tab === "slice" ? "slice" : "chain";
    const answer = parameter ? state.answers[what] : null;
    write(said, answer?.error ? `No answer: ${answer.error}. ` : "");
    problem.hidden = !answer?.error;
    const asked = what === "slice" ? selected : shownParameter(state);
    const ready = !parameter || answer?.data?.parameter === asked;
    for (const [key, element] of Object.entries(bodies)) element.hidden = key !== shown || !ready;
    waiting.hidden = ready || Boolean(answer?.error);
    copying.row.hidden = !ready || shown === "slice" || shown === "surface";
    set(body, { "aria-busy": parameter && !state.playing && !isCurrent(state, what) ? "true" : null });
    renderNote(note, state, session.layout, connection);
    if (ready) views[shown](state);
  }
}

function moveTab(event, tabs, dispatch) {
  const at = tabs.findIndex((tab) => tab.getAttribute("aria-selected") === "true");
  const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  const next = tabs[(to + tabs.length) % tabs.length];
  dispatch({ type: "tab", tab: next.dataset.tab });
  next.focus();
}

function headOf({ selected, frame: newest, answers: { chain }, session: { layout }, digits }) {
  // What is explained may be of an earlier step than the newest frame, while it plays.
  const frame = chain?.data?.parameter === selected ? chain.frame : newest;
  if (!isParameter(selected)) {
    const [layer, unit] = selected.slice(1).split(".").map(Number);
    return [math(m(unitSymbol(layout, layer, unit))), h("span", {}, unitWords(layout, layer, unit)), h("span", { class: "hint", title: full(activationOf(frame, layout, layer, unit)) }, `value ${fixed(activationOf(frame, layout, layer, unit), digits)}`)];
  }
  const found = parseName(layout, selected);
  const to = unitName(layout, found.layer, found.to);
  const words = found.kind === "bias" ? `bias of ${to}` : `weight, ${sourceWords(layout, found)} to ${to}`;
  const [value, after] = [frame.parameters[found.index], frame.newParameters[found.index]];
  const shown = revealed(layout, newest.phase).update ? moved(value, after, digits).join(", after the update ") : fixed(value, digits);
  return [math(m(parameterSymbol(found))), h("span", {}, words), h("span", { class: "hint", title: full(value) }, `value ${shown}`)];
}

function sourceWords(layout, { layer, from }) {
  return layer === 1 ? layout.inputs[from - 1].label : unitName(layout, layer - 1, from);
}

function unitWords(layout, layer, unit) {
  const layers = layout.sizes.length - 1;
  if (layer === 0) return `input: ${layout.inputs[unit - 1].label}`;
  return layer === layers ? `output: ${layout.targets[unit - 1].label}` : `hidden unit ${unit}${layers > 2 ? ` of layer ${layer}` : ""}`;
}

/** Says which step the numbers belong to, and whether the diagram has come as far. */
function renderNote(note, state, layout, connection) {
  const { frame, selected, answers } = state;
  const layer = Number(selected.slice(1).split(".")[0]);
  const behind = layer > 0 && !revealed(layout, frame.phase).hasGradient(layer);
  const asks = isParameter(selected) && state.tab !== "surface"; // else it speaks of the frame alone
  const answer = !asks ? null : state.tab === "slice" ? answers.slice : answers.chain;
  const { step, anew: isAnew } = answer?.frame ?? frame;
  const where = behind ? "computed ahead of the diagram" : "with the weights before the update";
  const anew = answer?.data ? !answer.data.exact : isAnew;
  const text = `Step ${count(step)}, ${where}.${anew ? ` ${anewWords(state.session.recorded_on)}` : ""}`;
  const phase = 2 * (layout.sizes.length - 1) + 2 - layer;
  if (note.dataset.text === text + phase) return;
  note.dataset.text = text + phase;
  note.replaceChildren(text, behind ? " " : "", behind ? button(`Show it there: phase ${phase}`, () => connection.send({ do: "seek", step: state.frame.step, phase }), { class: "plain" }) : "");
}
