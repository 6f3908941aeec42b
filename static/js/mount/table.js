// Writes the table view, while it is open.

import { lossName } from "../core/words.js";
import { viewTable } from "../views/table.js";
import { h, isInSight, replaceKeepingFocus, whenChanged } from "./dom.js";
import { keepFocus } from "./focus.js";

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
      replaceKeepingPlaces(
        root,
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
    keepFocus(root, () => fill(state), () => root); // what had it may not be listed any more
    bringIntoSight(state);
  };
}

/** Each part stays scrolled to where it was, and the focus where it was. */
function replaceKeepingPlaces(root, ...children) {
  const parts = () => [...root.querySelectorAll(".scroll")];
  const places = parts().map(({ scrollLeft, scrollTop }) => ({ scrollLeft, scrollTop }));
  replaceKeepingFocus(root, ...children);
  parts().forEach((part, k) => Object.assign(part, places[k]));
}

function table(caption, columns, rows, dispatch) {
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption, "data-key": caption },
    h("table", {},
      h("caption", {}, caption),
      h("thead", {}, h("tr", {}, ...columns.map((name) => h("th", { scope: "col" }, name)))),
      h("tbody", {}, ...rows.map((row) => tableRow(row, dispatch)))));
}

function tableRow({ name, cells }, dispatch) {
  const [first, ...rest] = cells;
  const head = name ? h("button", { type: "button", class: "plain", "data-select": name, "data-key": name }, first) : first;
  if (name) head.addEventListener("click", () => dispatch({ type: "pick", name }));
  return h("tr", {}, h("th", { scope: "row" }, head), ...rest.map((cell) => h("td", { class: /^[a-z]/.test(cell) ? "muted" : null }, cell)));
}
