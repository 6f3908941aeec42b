// Writes the panel: words, formulas and figures of the phase.

import { viewPanel } from "../views/panel.js";
import { h, math, whenChanged } from "./dom.js";

const LEAST = 11; // pixels; what is still wider then can be scrolled

/** A formula wider than the panel gets a smaller letter. */
function shrinkToFit(formula) {
  const room = formula.parentElement.clientWidth;
  const wide = formula.firstElementChild.getBoundingClientRect().width;
  if (wide <= room) return;
  const size = parseFloat(getComputedStyle(formula).fontSize);
  formula.style.fontSize = `${Math.max(LEAST, (size * room) / wide)}px`;
}

export function mountPanel(root) {
  return whenChanged(
    (state) => [state.session?.layout, state.frame, state.selected],
    (state) => {
      if (!state.session || !state.frame) return;
      const { layout, spec } = state.session;
      const view = viewPanel(layout, spec, state.frame, state.selected);
      root.replaceChildren(
        h("h2", {}, h("span", { class: "phase-number" }, String(view.number)), ` ${view.title}`),
        h("p", { class: "sentence" }, view.sentence),
        ...view.formulas.map(({ label, tree }) => h("figure", { class: "formula" }, h("figcaption", {}, label), math(tree))),
        view.hint ? h("p", { class: "hint" }, view.hint) : "",
        h("dl", { class: "figures" }, ...view.figures.flatMap(([name, value, digits]) => [h("dt", {}, name), h("dd", { title: digits }, value)])),
      );
      for (const formula of root.querySelectorAll("math")) shrinkToFit(formula);
    },
  );
}
