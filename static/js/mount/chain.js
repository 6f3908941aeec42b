// The chain rule of one parameter: its factors with their badges, then the paths and the batch.

import { full, signed, symbol } from "../core/format.js";
import { unitSymbol } from "../core/network.js";
import { viewChain } from "../views/chain.js";
import { button, h, math, replaceKeepingFocus, standsFor, whenChanged } from "./dom.js";
import { batch, paths, terms } from "./paths.js";

const HINT = "Point at a factor, or tab to its number, to see where it lives in the diagram.";
const KINK = "at a ReLU's kink the slope is taken as that of the side where it is off";

export function mountChain(root, dispatch, connection) {
  let all = false; // whether every path is listed
  let drawn = null;
  const draw = whenChanged(
    (state) => [state.answers.chain, state.digits, state.openPath, state.way, state.session.layout],
    (state) => {
      const { data, frame } = state.answers.chain;
      const view = viewChain(state.session.layout, frame, data, state.digits, state.openPath);
      const showAll = () => {
        all = true;
        dispatch({ type: "path", path: state.openPath });
      };
      drawn = { view, factors: factorsOf(view, dispatch), detail: h("div", { class: "detail" }) };
      replaceKeepingFocus(
        root,
        crumbs(state, dispatch),
        standsFor(equation(view, drawn.factors), view.equation),
        result(view, data.kink, state.digits),
        drawn.detail,
        view.terms.length ? terms(view, state, dispatch) : null,
        view.paths.length > 1 ? paths(view, state, dispatch, all, showAll) : null,
        view.several ? batch(data, frame, state.digits, connection) : null,
      );
    },
  );
  const light = whenChanged(
    (state) => [state.lit, drawn],
    ({ lit }) => {
      drawn.factors.forEach((factor, k) => factor.classList.toggle("lit", k === lit));
      drawn.detail.replaceChildren(...detailOf(drawn.view.factors[lit]));
    },
  );
  return (state) => {
    draw(state);
    light(state);
  };
}

/** What the factor that is pointed at is: its formula, its numbers, its words. */
function detailOf(factor) {
  if (!factor) return [h("p", { class: "hint" }, HINT)];
  const words = h("p", { class: "hint" }, factor.words);
  const number = h("span", { class: "badge" }, String(factor.number));
  return [number, h("div", {}, math(factor.detail), words)];
}

/** The way down where there are too many paths: from the parameter to the δ opened last. */
function crumbs({ way, selected, session }, dispatch) {
  if (!way.length) return null;
  const back = (label, k) => {
    const open = () => dispatch({ type: "delta", way: way.slice(0, k) });
    return button(label, open, { class: "plain", "data-key": `crumb${k}` });
  };
  const nameOf = (name) => {
    const [layer, unit] = name.slice(1).split(".").map(Number);
    return `δ of ${unitSymbol(session.layout, layer, unit)}`;
  };
  const opened = way.map((name, k) =>
    k === way.length - 1 ? h("strong", {}, nameOf(name)) : back(nameOf(name), k + 1),
  );
  return h(
    "p",
    { class: "crumbs" },
    back(symbol(selected), 0),
    ...opened.flatMap((one) => [" › ", one]),
  );
}

function equation(view, factors) {
  const attributes = { class: "chain", role: "list", "aria-label": "Factors" };
  return h("div", attributes, leftSide(view), ...factors);
}

function leftSide(view) {
  const equals = ["mo", {}, "="];
  return h(
    "div",
    { class: "factor lhs", role: "listitem" },
    h("span"),
    math(["math", { "data-part": "symbol" }, view.lhs, equals]),
    math(["math", {}, equals]),
    math(["math", {}, equals]),
  );
}

function factorsOf(view, dispatch) {
  const last = view.factors.length - 1;
  return view.factors.map((factor, k) => makeFactor(factor, k, k === last, dispatch));
}

function makeFactor(factor, k, last, dispatch) {
  const on = () => dispatch({ type: "light", factor: k });
  const off = () => dispatch({ type: "light", factor: null });
  const names = { "data-key": `factor${k}`, "data-factor": k, "aria-label": factor.accessible };
  const badge = button(String(factor.number), on, { class: "badge", ...names });
  const data = { "data-at": factor.at, "data-kind": factor.kind, "data-value": String(factor.raw) };
  const made = h(
    "div",
    { class: "factor", role: "listitem", ...data, title: factor.full },
    badge,
    math(["math", { "data-part": "symbol" }, factor.symbol]),
    math(["math", {}, factor.bracketed]),
    math(["math", { class: "value" }, factor.value]),
    last ? null : h("span", { class: "times", "aria-hidden": "true" }, "·"),
  );
  made.addEventListener("pointerenter", on);
  made.addEventListener("pointerleave", off);
  badge.addEventListener("focus", on);
  badge.addEventListener("blur", off);
  return made;
}

function result(view, kink, digits) {
  const sign = Math.sign(view.product);
  const data = { "data-of": view.name, "data-result": String(view.product) };
  return h(
    "p",
    { class: `result ${sign > 0 ? "plus" : sign < 0 ? "minus" : ""}`, ...data },
    math(["math", {}, ["mo", {}, "="], ["mn", {}, signed(view.product, digits)]]),
    h("span", { class: "hint" }, resultWords(view, kink, digits)),
    h("span", { class: "unseen" }, full(view.product)),
  );
}

/** Whose derivative it is; or, where it is the whole one, what the parameter must do. */
function resultWords({ paths: { length }, sum, several, product }, kink, digits) {
  if (length > 1) return `this path's share; all ${length} sum to ${signed(sum, digits)}`;
  if (several) return "for this example";
  if (product === null) return "beyond what a number can hold";
  if (product > 0) return "▼ to lower the loss it must fall";
  if (product < 0) return "▲ to lower the loss it must rise";
  return kink ? KINK : "to first order nothing changes";
}
