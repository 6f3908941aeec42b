// Writes the panel: words, formulas and figures of the phase.

import { viewPanel } from "../views/panel.js";
import { h, math, whenChanged } from "./dom.js";

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
        h("dl", { class: "figures" }, ...view.figures.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])),
      );
    },
  );
}
