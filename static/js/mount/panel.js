// Writes the panel while nothing is selected: words, formulas and figures of the phase.

import { viewPanel } from "../views/panel.js";
import { formula, h, whenChanged } from "./dom.js";
import { shrinkToFit } from "./fit.js";

export function mountPanel(root) {
  const render = whenChanged(
    (state) => [state.session.layout, state.frame, state.digits, state.selected],
    ({ session: { layout, spec }, frame, digits }) => {
      const view = viewPanel(layout, spec, frame, digits);
      root.replaceChildren(
        h("h2", {}, h("span", { class: "phase-number" }, String(view.number)), ` ${view.title}`),
        h("p", { class: "sentence" }, view.sentence),
        ...view.formulas.map(formula),
        h("dl", { class: "figures" }, ...view.figures.flatMap(([name, value, digits]) => [h("dt", {}, name), h("dd", { title: digits }, value)])),
      );
      for (const element of root.querySelectorAll("math")) shrinkToFit(element);
    },
  );
  return (state) => {
    root.hidden = Boolean(state.selected) || !state.frame;
    if (!root.hidden) render(state);
  };
}
