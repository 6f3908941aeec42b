// The chain rule of one parameter: its factors with their badges, then the paths and the batch.

import { full, signed, symbol } from "../core/format.js";
import { isAtKink, unitSymbol } from "../core/network.js";
import { lossName } from "../core/words.js";
import { viewChain } from "../views/chain.js";
import { button, h, math, replaceKeepingFocus, standsFor, whenChanged } from "./dom.js";
import { batch, paths, terms } from "./paths.js";

const HINT = "Point at a factor, tap it or tab to it, to see where it lives in the diagram.";
const KINK = "at a ReLU's kink the slope is taken as that of the side where it is off";

export function mountChain(root, dispatch, connection) {
  let all = false; // whether every path is listed
  let drawn = null;
  let came = { selected: null, way: [] }; // what was drawn last
  const draw = whenChanged(
    (state) => [state.answers.chain, state.digits, state.openPath, state.openTerm, state.way, state.session.layout, all],
    (state) => {
      const { data, frame } = state.answers.chain;
      const view = viewChain(state.session.layout, frame, data, state.digits, state.openPath, state.openTerm);
      const left = came.selected === state.selected ? came.way[state.way.length] : null;
      came = state;
      const open = view.terms.find((term) => term.open)?.factors ?? [];
      const showAll = () => {
        all = true;
        dispatch({ type: "path", path: state.openPath });
      };
      const delta = state.way.length ? deltaName(state.session.layout, data.parameter) : "";
      const atKink = data.kink && isAtKink(state.session.layout, frame, data.parameter);
      const said = delta ? `${delta} (= ∂${lossName(view.several)}/∂${symbol(data.parameter)})` : derivativeWords(view, atKink);
      const words = said + runWords(view);
      const shown = [...view.factors, ...open];
      drawn = { shown, factors: factorsOf(shown, view.factors.length, dispatch), detail: h("div", { class: "detail" }) };
      const [ofPath, ofTerm] = [drawn.factors.slice(0, view.factors.length), drawn.factors.slice(view.factors.length)];
      replaceKeepingFocus(
        root,
        crumbs(state, dispatch),
        standsFor(equation(view, ofPath), view.equation),
        result(view, words, state.digits),
        view.total && total(view, words),
        drawn.detail,
        view.terms.length ? terms(view, ofTerm, state, dispatch) : null,
        view.paths.length > 1 ? paths(view, dispatch, all, showAll) : null,
        view.several ? batch(data, frame, state, connection) : null,
      );
      if (left) showWhereItWas(root, left);
    },
  );
  const light = whenChanged(
    (state) => [state.lit, drawn],
    ({ lit }) => {
      drawn.factors.forEach((factor, k) => factor.classList.toggle("lit", k === lit));
      drawn.detail.replaceChildren(...detailOf(drawn.shown[lit]));
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
  const nameOf = (name) => deltaName(session.layout, name);
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

/** Back from a δ: the focus, which had to leave, goes to where that δ can be opened again. */
function showWhereItWas(root, bias) {
  if (document.activeElement.classList.contains("chosen")) root.querySelector(`[data-key="delta${bias.slice(1)}"]`)?.focus();
}

/** A δ by the bias that has the same derivative, as the way to it tells them. */
function deltaName(layout, bias) {
  const [layer, unit] = bias.slice(1).split(".").map(Number);
  return `δ of ${unitSymbol(layout, layer, unit)}`;
}

function equation(view, factors) {
  const attributes = { class: "chain", role: "list", "aria-label": "Factors" };
  return h("div", attributes, leftSide(view), ...factors);
}

function leftSide(view) {
  const equals = ["mo", {}, "="];
  const hidden = { "aria-hidden": "true" }; // of three rows one is enough to be heard
  return h(
    "div",
    { class: "factor lhs", role: "listitem" },
    math(["math", { "data-part": "symbol" }, view.lhs, equals]),
    math(["math", hidden, equals]),
    math(["math", hidden, equals]),
  );
}

/** The factors of a path, and from the `first` of a term on those of that term. */
function factorsOf(shown, first, dispatch) {
  return shown.map((factor, k) => makeFactor(factor, k, k === 0 || k === first, dispatch));
}

function makeFactor(factor, k, isFirst, dispatch) {
  const on = () => dispatch({ type: "light", factor: k });
  const off = () => dispatch({ type: "unlight", factor: k });
  const names = { "data-key": `factor${k}`, "data-factor": k, "aria-label": factor.accessible };
  const badge = button(String(factor.number), on, { class: "badge", ...names });
  const data = { "data-at": factor.at, "data-kind": factor.kind, "data-value": String(factor.raw) };
  const made = h(
    "div",
    { class: "factor", role: "listitem", ...data, title: factor.full },
    badge,
    ...(isFirst ? [] : times()),
    math(["math", { "data-part": "symbol" }, factor.symbol]),
    math(["math", {}, factor.bracketed]),
    math(["math", { class: "value" }, factor.value]),
  );
  made.addEventListener("pointermove", on); // as in badges.js
  made.addEventListener("pointerleave", off);
  badge.addEventListener("focus", on);
  badge.addEventListener("blur", off);
  return made;
}

/** The signs before a factor, one for each of its rows. */
const times = () =>
  ["symbol", "formula", "number"].map((of) => h("span", { class: `times ${of}`, "aria-hidden": "true" }, "·"));

/** The product of the factors: the derivative, or only the share of the path that is open. */
function result(view, said, digits) {
  const { name, product, paths, total } = view;
  const data = { "data-of": name, "data-result": String(product) };
  const share = () => `through ${paths.find(({ open }) => open).through}${view.zero && `; ${view.zero}`}`;
  const words = total ? share() : said;
  return h(
    "p",
    { class: total ? "result share" : `result ${signOf(product)}`, ...data },
    math(["math", {}, ["mo", {}, "="], ["mn", {}, signed(product, digits)]]),
    h("span", { class: "hint" }, words),
    h("span", { class: "unseen" }, full(product)),
  );
}

/** The derivative as the sum of its paths. */
function total(view, said) {
  return standsFor(
    h(
      "p",
      { class: `result ${signOf(view.sum)}`, title: full(view.sum), "data-total": String(view.sum) },
      h("span", { class: "sides" }, ...view.total.sides.map(math)),
      h("span", { class: "hint" }, said),
    ),
    view.total.tree,
  );
}

const signOf = (value) => (value > 0 ? "plus" : value < 0 ? "minus" : "");

/**
 * What the run has where that is another number than the one shown: each of its results is rounded,
 * and comes in another order.
 */
function runWords({ several, sum, own, precision }) {
  const isSame = sum !== null && Math.abs(own - sum) <= 1e-12 * Math.abs(sum);
  if (isSame || !Number.isFinite(own)) return "";
  if (sum === null) return `; in its own order the run has ${full(own)}`;
  if (several) return `; with δ rounded to ${precision}, as the run has it, ${full(own)}`;
  return `; rounded to ${precision} the run has ${full(own)}`;
}

/** Of one example only; or, where it is that of the loss, what the parameter must do. */
function derivativeWords({ several, sum, own, zero, total, vanishes }, atKink) {
  if (sum === null) return "beyond what a number can hold";
  const why = atKink ? KINK : total ? vanishes : zero;
  if (several) return sum === 0 && why ? `for this example; ${why}` : "for this example";
  if (own > 0) return "▼ to lower the loss it must fall";
  if (own < 0) return "▲ to lower the loss it must rise";
  return sum === 0 ? why || "to first order nothing changes" : "it does not move";
}
