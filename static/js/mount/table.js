// Writes the table view, while it is open.

import { lossName } from "../core/words.js";
import { viewTable } from "../views/table.js";
import { h, isInSight, whenChanged } from "./dom.js";

export function mountTable(root, dispatch) {
  const bringIntoSight = whenChanged(
    (state) => [state.table],
    ({ table }) => table && requestAnimationFrame(() => isInSight(root) || root.scrollIntoView({ block: "start" })),
  );
  const fill = whenChanged(
    (state) => [state.session?.layout, state.table && state.frame, state.table],
    (state) => {
      root.hidden = !state.table;
      if (!state.table || !state.session || !state.frame) return root.replaceChildren();
      const { layout, spec } = state.session;
      const view = viewTable(layout, spec, state.frame);
      root.replaceChildren(
        h("h2", {}, "Every number of this step"),
        h("p", { class: "hint" }, "z, a and δ are those of the example that is shown; derivatives are means over the batch."),
        table("Outputs", ["output", "predicted", "true", "error"], view.outputs, dispatch),
        table("Parameters", ["parameter", "value", "∂E/∂ parameter", "update", "new value"], view.parameters, dispatch),
        table("Units", ["unit", "z", "a", `δ = ∂${lossName(state.frame.rows > 1)}/∂z`], view.units, dispatch),
        view.hidden ? h("p", { class: "hint" }, `The largest are listed; ${view.hidden.toLocaleString("en-US")} more parameters are not.`) : "",
      );
    },
  );
  return (state) => {
    fill(state);
    bringIntoSight(state);
  };
}

function table(caption, columns, rows, dispatch) {
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    h("table", {},
      h("caption", {}, caption),
      h("thead", {}, h("tr", {}, ...columns.map((name) => h("th", { scope: "col" }, name)))),
      h("tbody", {}, ...rows.map((row) => tableRow(row, dispatch)))));
}

function tableRow({ name, cells }, dispatch) {
  const [first, ...rest] = cells;
  const head = name ? h("button", { type: "button", class: "plain", "data-select": name }, first) : first;
  if (name) head.addEventListener("click", () => dispatch({ type: "pick", name }));
  return h("tr", {}, h("th", { scope: "row" }, head), ...rest.map((cell) => h("td", { class: /^[a-z]/.test(cell) ? "muted" : null }, cell)));
}
