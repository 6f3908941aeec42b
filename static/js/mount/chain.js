// The chain rule of one parameter: its factors with their badges, the paths, the batch.

import { full, signed, symbol } from "../core/format.js";
import { unitSymbol } from "../core/network.js";
import { viewChain } from "../views/chain.js";
import { whereItStands } from "../core/words.js";
import { button, h, math, replaceKeepingFocus, standsFor, whenChanged } from "./dom.js";

const FEW_PATHS = 12;

export function mountChain(root, dispatch, connection) {
  let all = false; // whether every path is listed
  let drawn = null;
  const draw = whenChanged(
    (state) => [state.answers.chain, state.digits, state.openPath, state.way, state.session.layout],
    (state) => {
      const { data, frame } = state.answers.chain;
      const view = viewChain(state.session.layout, frame, data, state.digits, state.openPath);
      const factors = factorsOf(view, dispatch);
      const detail = h("div", { class: "detail" });
      drawn = { view, factors, detail };
      replaceKeepingFocus(root,
        crumbs(state, dispatch),
        standsFor(h("div", { class: "chain", role: "list", "aria-label": "Factors" }, lhs(view), ...factors), view.equation),
        result(view, data.kink, state.digits),
        detail,
        view.terms.length ? terms(view, state, dispatch) : null,
        view.paths.length > 1 ? paths(view, data, state, dispatch, all, () => { all = true; dispatch({ type: "path", path: state.openPath }); }) : null,
        view.several ? batch(data, frame, state.digits, connection) : null,
      );
    },
  );
  const light = whenChanged(
    (state) => [state.lit, drawn],
    ({ lit }) => {
      drawn.factors.forEach((factor, k) => factor.classList.toggle("lit", k === lit));
      const factor = drawn.view.factors[lit];
      const hint = "Point at a factor, or tab to its number, to see where it lives in the diagram.";
      drawn.detail.replaceChildren(...(factor
        ? [h("span", { class: "badge" }, String(factor.number)), h("div", {}, math(factor.detail), h("p", { class: "hint" }, factor.words))]
        : [h("p", { class: "hint" }, hint)]));
    },
  );
  return (state) => {
    draw(state);
    light(state);
  };
}

/** The way down where there are too many paths: from the parameter to the δ opened last. */
function crumbs({ way, selected, session }, dispatch) {
  if (!way.length) return null;
  const names = way.map((name) => {
    const [layer, unit] = name.slice(1).split(".");
    return `δ of ${unitSymbol(session.layout, Number(layer), Number(unit))}`;
  });
  const parts = [button(symbol(selected), () => dispatch({ type: "delta", way: [] }), { class: "plain", "data-key": "crumb0" })];
  names.forEach((name, k) => parts.push(" › ", k === names.length - 1 ? h("strong", {}, name) : button(name, () => dispatch({ type: "delta", way: way.slice(0, k + 1) }), { class: "plain", "data-key": `crumb${k + 1}` })));
  return h("p", { class: "crumbs" }, ...parts);
}

function lhs(view) {
  return h("div", { class: "factor lhs", role: "listitem" }, h("span"), math(["math", { "data-part": "symbol" }, view.lhs, ["mo", {}, "="]]), math(["math", {}, ["mo", {}, "="]]), math(["math", {}, ["mo", {}, "="]]));
}

function factorsOf(view, dispatch) {
  return view.factors.map((factor, k) => {
    const on = () => dispatch({ type: "light", factor: k });
    const off = () => dispatch({ type: "light", factor: null });
    const badge = h("button", { type: "button", class: "badge", "data-key": `factor${k}`, "data-factor": k, "aria-label": factor.accessible }, String(factor.number));
    const times = k < view.factors.length - 1 ? h("span", { class: "times", "aria-hidden": "true" }, "·") : null;
    const made = h("div", { class: "factor", role: "listitem", "data-at": factor.at, "data-kind": factor.kind, "data-value": String(factor.raw), title: factor.full },
      badge, math(["math", { "data-part": "symbol" }, factor.symbol]), math(["math", {}, factor.bracketed]), math(["math", { class: "value" }, factor.value]), times);
    made.addEventListener("pointerenter", on);
    made.addEventListener("pointerleave", off);
    badge.addEventListener("focus", on);
    badge.addEventListener("blur", off);
    badge.addEventListener("click", on);
    return made;
  });
}

function result(view, kink, digits) {
  const sign = Math.sign(view.product);
  const nothing = view.product === null ? "beyond what a number can hold" : kink ? "at a ReLU's kink the slope is taken as that of the side where it is off" : "to first order nothing changes";
  const way = sign > 0 ? "▼ to lower the loss it must fall" : sign < 0 ? "▲ to lower the loss it must rise" : nothing;
  const label = view.paths.length > 1 ? `this path's share; all ${view.paths.length} sum to ${signed(view.sum, digits)}` : view.several ? "for this example" : way;
  return h("p", { class: `result ${sign > 0 ? "plus" : sign < 0 ? "minus" : ""}`, "data-of": view.name, "data-result": String(view.product) },
    math(["math", {}, ["mo", {}, "="], ["mn", {}, signed(view.product, digits)]]), h("span", { class: "hint" }, label), h("span", { class: "unseen" }, full(view.product)));
}

function terms(view, state, dispatch) {
  const rows = view.terms.map((term, k) => h("li", {}, math(term.tree),
    term.opens ? button(`open δ of ${term.unit} ›`, () => dispatch({ type: "delta", way: [...state.way, term.opens] }), { class: "plain", "data-key": `term${k}`, "aria-label": `Open δ of ${term.unit}` }) : null));
  const rest = view.rest ? h("li", { class: "hint" }, `… and ${view.rest.count} smaller terms, together ${signed(view.rest.sum, state.digits)}`) : null;
  return h("section", {}, h("h3", {}, "δ is the sum of these"),
    h("p", { class: "hint" }, `${view.count.toLocaleString("en-US")} paths lead from here to the error: they are folded, one layer at a time.`), h("ul", { class: "terms" }, ...rows, rest));
}

function paths(view, data, state, dispatch, all, showAll) {
  const shown = all ? view.paths : view.paths.slice(0, FEW_PATHS);
  const rows = shown.map((path) => h("tr", { class: path.open ? "open" : null },
    h("th", { scope: "row" }, button(path.through, () => dispatch({ type: "path", path: path.index }), { class: "plain", "aria-pressed": String(path.open), "data-key": `path${path.index}` })),
    h("td", { title: full(path.product), "data-product": String(path.product) }, signed(path.product, state.digits))));
  const more = view.paths.length > shown.length ? button(`Show all ${view.paths.length} paths`, showAll, { "data-key": "all-paths" }) : null;
  const total = view.several ? "∂Eₖ/∂" : "∂E/∂";
  return h("section", { class: "paths" }, h("h3", {}, `${view.paths.length} paths lead from the error to it`),
    h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "through"), h("th", { scope: "col" }, "product"))),
      h("tbody", {}, ...rows),
      h("tfoot", {}, h("tr", {}, h("th", { scope: "row" }, `their sum ${total}${symbol(view.name)}`), h("td", { title: full(view.sum), "data-sum": String(view.sum) }, signed(view.sum, state.digits))))),
    more);
}

/** How the batch's derivative comes from the examples: each one's own, and their mean. */
function batch(data, frame, digits, connection) {
  const rows = data.examples.map((value, k) => h("tr", { class: k === frame.example ? "open" : null },
    h("th", { scope: "row" }, button(`example ${k + 1}`, () => connection.send({ do: "show", example: k }), { class: "plain", "data-key": `example${k}`, "aria-pressed": String(k === frame.example) }), ` row ${data.rows[k].toLocaleString("en-US")}`),
    h("td", { title: full(value), "data-example": String(value) }, signed(value, digits))));
  const cut = frame.rows > data.examples.length ? h("p", { class: "hint" }, `The first ${data.examples.length} of ${frame.rows} examples.`) : null;
  return h("section", { class: "paths" }, h("h3", {}, "The batch: the mean over its examples"),
    h("div", { class: "scroll short", tabindex: "0", role: "region", "aria-label": "Derivatives of the batch" }, h("table", {}, h("tbody", {}, ...rows),
      h("tfoot", {}, h("tr", {}, h("th", { scope: "row" }, `mean of ${frame.rows}: ${whereItStands(data.parameter)}`), h("td", { title: full(data.batch_derivative) }, signed(data.batch_derivative, digits)))))), cut);
}
