// Writes what a unit does: the bill of its weighted sum, its activation, and its δ.

import { addingUp, count, fixed, full } from "../core/format.js";
import { lossName } from "../core/words.js";
import { viewUnit } from "../views/unit.js";
import { bar, button, formula, h, replaceKeepingFocus, s, whenChanged } from "./dom.js";
import { letScroll, shrinkToFit } from "./fit.js";

const KINK = "; z = 0 is the kink: the slope is taken as 0, that of the left";

export function mountUnit(root, dispatch) {
  return whenChanged(
    (state) => [state.selected, state.frame, state.session.layout, state.digits],
    ({ selected, frame, session: { layout }, digits }) => {
      const [layer, unit] = selected.slice(1).split(".").map(Number);
      const slope = `∂${lossName(frame.rows > 1)}/∂z`;
      const view = viewUnit(layout, frame, layer, unit, digits);
      replaceKeepingFocus(root,
        view.bill && bill(view.bill, digits, dispatch),
        view.activation && h("section", {}, h("h3", {}, `Its activation, ${view.function}`), formula(view.activation), view.curve && curve(view.curve, digits), view.shares && shares(view.shares, digits)),
        h("section", {}, h("h3", {}, layer === 0 ? "What the network sees" : `What its δ = ${slope} is made of`), ...view.formulas.map(formula),
          view.formulas.length ? null : h("p", { class: "hint" }, "The value is used exactly as given.")),
        view.ahead && ahead(view.ahead, digits, dispatch),
      );
      for (const element of root.querySelectorAll("math")) shrinkToFit(element);
      for (const element of root.querySelectorAll(".wide")) letScroll(element);
    },
  );
}

function bill({ items, rest, bias, z }, digits, dispatch) {
  const adding = addingUp(digits, z, [...items.map(({ product }) => product), bias.value]);
  const rows = items.map((item) => row(item, digits, adding, dispatch));
  return h("section", {}, h("h3", {}, "Its weighted sum, like a bill"),
    table(["what comes in", "amount", "× weight", "="],
      [...rows, restRow(rest, adding), h("tr", {}, h("th", { scope: "row" }, pick("bias", bias.parameter, dispatch)), h("td"), h("td"), cell(bias.value, adding))],
      h("tr", {}, h("th", { scope: "row" }, "total z"), h("td"), h("td"), cell(z, adding))));
}

function ahead({ items, rest, total }, digits, dispatch) {
  const adding = addingUp(digits, total, items.map(({ product }) => product));
  return h("section", {}, h("h3", {}, "What comes back to it"),
    table(["by way of", "δ", "× weight", "="], [...items.map((item) => row(item, digits, adding, dispatch)), restRow(rest, adding)],
      h("tr", {}, h("th", { scope: "row" }, "sum, before its own slope"), h("td"), h("td"), cell(total, adding))));
}

function row(item, digits, adding, dispatch) {
  const name = item.label ? `${item.name} ${item.label}` : item.name;
  return h("tr", {}, h("th", { scope: "row" }, pick(name, item.parameter, dispatch)), cell(item.amount, digits), cell(item.weight, digits), cell(item.product, adding));
}

function restRow(rest, digits) {
  return rest ? h("tr", {}, h("th", { scope: "row" }, `${count(rest.count)} smaller ${rest.count === 1 ? "one" : "ones together"}`), h("td"), h("td"), cell(rest.sum, digits)) : null;
}

const pick = (name, parameter, dispatch) => button(name, () => dispatch({ type: "pick", name: parameter }), { class: "plain", "data-key": parameter, "aria-label": `${name}: explain its weight` });
const cell = (value, digits) => h("td", { title: full(value), "data-value": String(value) }, fixed(value, digits));

function table(columns, rows, total) {
  return h("div", { class: "wide" }, h("table", {}, h("thead", {}, h("tr", {}, ...columns.map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, ...rows), h("tfoot", {}, total)));
}

function curve(view, digits) {
  const { width, height } = view;
  const label = `${view.name}: at z = ${fixed(view.z, digits)} the value is ${fixed(view.a, digits)}, and the slope ${fixed(view.slope, digits)}`;
  const [x1, y1, x2, y2] = view.tangent;
  return h("figure", { class: "plot" },
    s("svg", { viewBox: `-6 -6 ${width + 12} ${height + 12}`, role: "img", "aria-label": label },
      s("line", { class: "axis", x1: 0, x2: width, y1: view.zero[1], y2: view.zero[1] }),
      s("line", { class: "axis", x1: view.zero[0], x2: view.zero[0], y1: 0, y2: height }),
      s("path", { class: "curve", d: view.path }),
      s("line", { class: "tangent", x1, y1, x2, y2 }),
      s("circle", { class: "now", cx: view.point[0], cy: view.point[1], r: 6 })),
    h("figcaption", {}, `z from ${fixed(-view.reach, 1)} to ${fixed(view.reach, 1)}; the dashed line's slope is f′(z) = `, h("span", { title: full(view.slope) }, fixed(view.slope, digits)), view.name === "relu" && view.z === 0 ? KINK : ""));
}

function shares(list, digits) {
  return h("ul", { class: "bars" }, ...list.map(({ name, value, own }) => h("li", { class: own ? "own" : null }, h("span", {}, name), bar(value), h("span", { title: full(value) }, fixed(value, digits)))));
}
