// The header: which run this is, which example is shown, presets, theme, table view, phases.

import { count } from "../core/format.js";
import { columnWords, phaseTitle } from "../core/words.js";
import { lossName } from "../views/panel.js";
import { h, set, whenChanged, write } from "./dom.js";

export function mountHeader(root, dispatch, connection, actions) {
  const find = (name) => root.querySelector(`[data-control="${name}"]`);
  const [preset, theme, table, run, example, exampleWords, digits, worksheet] = ["preset", "theme", "table", "run", "example", "example-words", "digits", "worksheet"].map(find);
  digits.addEventListener("change", () => dispatch({ type: "digits", digits: digits.value === "all" ? "all" : Number(digits.value) }));
  // Which run this is, the line below says; so any preset can be chosen again. Not at once: the arrow keys go on from it.
  const forget = () => { preset.selectedIndex = 0; };
  preset.addEventListener("change", async () => (await actions.startPreset(preset.value)) || forget());
  for (const event of ["blur", "pointerdown"]) preset.addEventListener(event, forget);
  window.addEventListener("popstate", forget); // Back to another run, with the focus still here
  theme.addEventListener("change", () => dispatch({ type: "theme", theme: theme.value }));
  table.addEventListener("click", () => dispatch({ type: "table", table: table.getAttribute("aria-pressed") !== "true" }));
  example.addEventListener("change", () => connection.send({ do: "show", example: Number(example.value) }));

  const renderRun = whenChanged(
    (state) => [state.session?.layout, state.presets],
    ({ session, presets }) => {
      if (preset.options.length !== presets.length + 1) {
        preset.replaceChildren(new Option("Start again with …", "", true, true), ...presets.map((p) => new Option(p.title, p.name)));
        preset.options[0].disabled = true;
      }
      if (!session) return;
      write(run, runWords(session, presets));
      example.parentElement.hidden = batchOf(session) === 1; // there is nothing to choose
    },
  );
  const renderExample = whenChanged(
    (state) => [state.frame, state.session?.layout, state.digits],
    ({ frame, session, digits }) => {
      if (!frame || !session) return;
      if (example.options.length !== frame.rows || example.options[0].value !== "0") {
        example.replaceChildren(...Array.from({ length: frame.rows }, (_, k) => new Option(`${k + 1} of ${frame.rows}`, String(k))));
      }
      example.value = String(frame.example);
      set(example, { disabled: frame.rows === 1 });
      write(exampleWords, exampleText(session.layout, frame, digits));
    },
  );
  return (state) => {
    renderRun(state);
    renderExample(state);
    set(table, { "aria-pressed": String(state.table) });
    if (theme.value !== state.theme) theme.value = state.theme;
    if (digits.value !== String(state.digits)) digits.value = String(state.digits);
    const { session, frame } = state;
    if (session && frame) set(worksheet, { href: `/s/${session.id}/worksheet?step=${frame.step}&example=${frame.example}` });
  };
}

/** The preset whose data this is, by its title; other data has no name but that it was given. */
function dataTitle(dataset, presets) {
  const same = (given) => Object.entries(given).every(([key, value]) => JSON.stringify(dataset[key]) === JSON.stringify(value));
  return presets.find(({ spec }) => spec.dataset && same(spec.dataset))?.title ?? "Given numbers";
}

const batchOf = ({ layout, spec }) => Math.min(spec.batch_size, layout.training_rows);

function runWords({ layout, spec }, presets) {
  const hidden = [...new Set(layout.activations.slice(0, -1))].join(", ");
  const name = spec.dataset.name === "ames-houses" ? "Houses of Ames" : dataTitle(spec.dataset, presets);
  const shape = layout.sizes.join("-");
  return `${name} · ${shape}${hidden ? ` ${hidden}` : ""} · ${lossName(layout)} · batch of ${count(batchOf({ layout, spec }))} · ${count(layout.training_rows)} training, ${count(layout.held_out_rows)} held-out rows`;
}

function exampleText(layout, frame, digits) {
  const parts = columnWords(layout.inputs.slice(0, 4), frame.ownInputs, digits);
  return `${layout.row_noun} in row ${count(frame.row)}: ${parts.join(", ")}${layout.inputs.length > 4 ? ", …" : ""}`;
}

/** The phases of a step as a row of buttons; each seeks. */
export function mountPhases(root, connection, getState) {
  let made = null;
  return whenChanged(
    (state) => [state.session?.layout, state.frame?.phase],
    ({ session, frame }) => {
      if (!session || !frame) return;
      if (made?.layout !== session.layout) made = { layout: session.layout, buttons: makePhases(root, session.layout, connection, getState) };
      made.buttons.forEach((button, k) => set(button, { "aria-current": k === frame.phase ? "step" : null, class: k < frame.phase ? "done" : null }));
      const last = frame.phase === session.layout.phases.length - 1;
      write(root.querySelector(".lock .text"), last ? "weights move together" : "weights locked");
      root.querySelector(".lock").classList.toggle("open", last);
    },
  );
}

function makePhases(root, layout, connection, getState) {
  const buttons = layout.phases.map((phase, k) => {
    const button = h("button", { type: "button", "aria-label": `Phase ${k}: ${phaseTitle(phase)}` }, h("span", { class: "phase-number" }, String(k)), h("span", { class: "text" }, phaseTitle(phase)));
    button.addEventListener("click", () => connection.send({ do: "seek", step: getState().frame.step, phase: k }));
    return button;
  });
  root.querySelector("ol").replaceChildren(...buttons.map((button) => h("li", {}, button)));
  return buttons;
}
