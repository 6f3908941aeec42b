// What a chain is a part of: the paths that it is summed over, the terms of a folded δ, the batch.

import { addingUp, count, full, signed, symbol } from "../core/format.js";
import { lossName, whereItStands } from "../core/words.js";
import { button, h, math, standsFor } from "./dom.js";

const FEW = 12;
const ROUNDED = "The run rounds to float32 each δ that these are made of, and their mean.";

const heading = (text) => h("th", { scope: "row" }, text);

/** A number in its cell, with all its digits for whoever points at it. */
const cell = (value, digits, data = {}) =>
  h("td", { title: full(value), ...data }, signed(value, digits));

/**
 * The summands of a δ whose paths are too many to list: of one the factors with their badges, of the
 * others a line; the δ of the next layer in each opens in its turn.
 */
export function terms(view, factors, state, dispatch) {
  const rows = view.terms.map((term) => {
    const open = () => dispatch({ type: "delta", way: [...state.way, term.opens] });
    const names = { "data-key": `delta${term.key}`, "aria-label": `Open δ of ${term.unit}` };
    const opener = term.opens ? button(`open δ of ${term.unit} ›`, open, { class: "plain", ...names }) : null;
    const body = term.open ? openTerm(term, factors, state.digits) : math(term.tree);
    return h("li", { class: term.open ? "open" : null }, through(term, dispatch), opener, body);
  });
  const many = `${count(view.count)} paths lead from here to the error`;
  const folded = `${many}: they are folded, one layer at a time.`;
  return h(
    "section",
    {},
    h("h3", {}, `δ is the sum of these${view.precision === "float32" ? ", rounded to float32" : ""}`),
    h("p", { class: "hint" }, folded),
    h("ul", { class: "terms" }, ...rows, view.rest ? smaller(view.rest, state.digits) : null),
  );
}

function through({ unit, open, key }, dispatch) {
  const show = () => dispatch({ type: "term", term: key });
  return button(`through ${unit}`, show, { class: "plain", "aria-pressed": String(open), "data-key": `term${key}` });
}

function openTerm({ tree, unit, product, zero }, factors, digits) {
  const list = h("div", { class: "chain", role: "list", "aria-label": `Factors of the term through ${unit}` }, ...factors);
  const result = ["math", {}, ["mo", {}, "="], ["mn", {}, signed(product, digits)]];
  const words = zero ? h("span", { class: "hint" }, zero) : null;
  return standsFor(
    h("div", {}, list, h("p", { class: "result share", title: full(product), "data-term": String(product) }, math(result), words)),
    tree,
  );
}

function smaller({ count: number, sum }, digits) {
  const [known, beyond] = number === 1 ? ["term", "term, which overflows"] : ["terms, together", "terms, whose sum overflows"];
  return h(
    "li",
    { class: "hint" },
    `… and ${count(number)} smaller ${sum === null ? beyond : `${known} ${signed(sum, digits)}`}`,
  );
}

/** Every path from the error to the parameter, or the first few of them, and their sum. */
export function paths(view, dispatch, all, showAll) {
  const shown = view.paths.filter(({ open }, k) => all || k < FEW || open);
  const heads = ["through", "product"].map((text) => h("th", { scope: "col" }, text));
  const total = `their sum ∂${lossName(view.several)}/∂${symbol(view.name)}`;
  const sum = cell(view.sum, view.adding, { "data-sum": String(view.sum) });
  const many = view.paths.length;
  return h(
    "section",
    { class: "paths" },
    h("h3", {}, `${many} paths lead from the error to it, the largest first`),
    h(
      "table",
      {},
      h("thead", {}, h("tr", {}, ...heads)),
      h("tbody", {}, ...shown.map((path) => pathRow(path, view.adding, dispatch))),
      h("tfoot", {}, h("tr", {}, heading(total), sum)),
    ),
    many > shown.length
      ? button(`Show all ${many} paths`, showAll, { "data-key": "all-paths" })
      : null,
  );
}

function pathRow({ symbol: name, through, key, product, open }, digits, dispatch) {
  const show = () => dispatch({ type: "path", path: key });
  const names = { "aria-pressed": String(open), "data-key": `path${key}` };
  const opener = button(through, show, { class: "plain", ...names });
  const value = cell(product, digits, { "data-product": String(product) });
  const head = h("th", { scope: "row" }, math(["math", {}, name]), opener);
  return h("tr", { class: open ? "open" : null }, head, value);
}

/** How the batch's derivative comes from the examples: each one's own, and their mean. */
export function batch(data, frame, { digits, session }, connection) {
  const adding = addingUp(digits, data.batch_derivative, data.examples);
  const rows = data.examples.map((value, k) => exampleRow(data, k, frame, adding, connection));
  const mean = heading(`mean of ${frame.rows}: ${whereItStands(data)}`);
  const foot = h("tfoot", {}, h("tr", {}, mean, cell(data.batch_derivative, adding)));
  const region = { tabindex: "0", role: "region", "aria-label": "Derivatives of the batch" };
  const first = `The first ${data.examples.length} of ${frame.rows} examples.`;
  return h(
    "section",
    { class: "paths" },
    h("h3", {}, "The batch: the mean over its examples"),
    h("div", { class: "scroll short", ...region }, h("table", {}, h("tbody", {}, ...rows), foot)),
    frame.rows > data.examples.length ? h("p", { class: "hint" }, first) : null,
    session.layout.precision === "float32" ? h("p", { class: "hint" }, ROUNDED) : null,
  );
}

function exampleRow({ examples, rows }, k, frame, digits, connection) {
  const open = k === frame.example;
  const show = () => connection.send({ do: "show", example: k });
  const names = { "data-key": `example${k}`, "aria-pressed": String(open) };
  const head = heading(button(`example ${k + 1}`, show, { class: "plain", ...names }));
  head.append(` row ${count(rows[k])}`);
  const value = cell(examples[k], digits, { "data-example": String(examples[k]) });
  return h("tr", { class: open ? "open" : null }, head, value);
}
