// Formulas of a phase as MathML descriptions [tag, attributes, ...children]: symbols, then numbers.

import { fixed, signed } from "../core/format.js";
import { activationOf, biasIndex, parseName, unitOffsets, weightIndex } from "../core/network.js";

const DIGITS = 4;
const MOST_TERMS = 6;

const i = (text) => ["mi", {}, text];
const o = (text) => ["mo", {}, text];
const n = (text) => ["mn", {}, text];
const row = (...parts) => ["mrow", {}, ...parts];
const sub = (base, below) => ["msub", {}, i(base), n(below)];
const both = (base, below, above) => ["msubsup", {}, i(base), n(below), n(above)];
const ratio = (top, bottom) => ["mfrac", {}, top, bottom];
const square = (inside) => ["msup", {}, row(o("("), inside, o(")")), n("2")];

/** A number inside a product or a sum: a negative one stands in parentheses. */
function number(value) {
  const text = fixed(value, DIGITS);
  return value < 0 ? row(o("("), n(text), o(")")) : n(text);
}

/** Lines of an equation, aligned at their equals signs. */
function lines(label, ...rows) {
  const cells = rows.map(([left, right, goesOn]) => [
    "mtr", {},
    ["mtd", { class: "left" }, left ?? row()],
    ["mtd", {}, goesOn ? row() : o("=")],
    ["mtd", { class: "right" }, right],
  ]);
  return { label, tree: ["math", { display: "block" }, ["mtable", {}, ...cells]] };
}

const weightSymbol = (layer, from, to) => both("w", from > 9 || to > 9 ? `${from},${to}` : `${from}${to}`, String(layer));
const aSymbol = (layout, layer, unit) => layer === 0 ? sub("x", String(unit)) : layer === layout.sizes.length - 1 ? sub("ŷ", String(unit)) : both("a", String(unit), String(layer));
const partial = (layer, from, to) => ratio(row(i("∂"), i("E")), row(i("∂"), weightSymbol(layer, from, to)));

/** Rows of a sum of products, two to a row: [weight, value] pairs, between what stands around it. */
function sumRows(pairs, before, after) {
  const shown = pairs.slice(0, MOST_TERMS).map(([one, other], k) => [...(k ? [o("+")] : []), number(one), o("·"), number(other)]);
  if (pairs.length > MOST_TERMS) shown.push([o("+"), o("…")]);
  const rows = [];
  for (let k = 0; k < shown.length; k += 2) rows.push(shown.slice(k, k + 2).flat());
  rows[0].unshift(...before);
  rows[rows.length - 1].push(...after);
  return rows.map((parts, k) => [null, row(...parts), k > 0]);
}

/** The weight that the formulas speak of: the selected one if it is of this layer, else `fallback`. */
function chosen(layout, selected, layer, fallback) {
  const found = selected ? parseName(layout, selected) : null;
  return found && found.kind === "weight" && found.layer === layer ? found : fallback;
}

/** How a value in its own unit becomes what the network sees; nothing where it is used as given. */
export function inputFormulas(layout, frame) {
  const columns = [
    ...layout.inputs.map((_, k) => [aSymbol(layout, 0, k + 1), frame.ownInputs[k], layout.input_scale[k], frame.inputs[k]]),
    ...layout.targets.map((_, k) => [layout.targets.length > 1 ? sub("y", String(k + 1)) : i("y"), frame.ownTargets[k], layout.target_scale[k], frame.targets[k]]),
  ];
  const scaled = columns.filter(([, , { mean, scale }]) => mean !== 0 || scale !== 1);
  if (!scaled.length) return [];
  const centred = scaled.some(([, , { mean }]) => mean !== 0);
  const label = centred ? "What the network sees: less the training rows' mean, over their standard deviation" : "What the network sees: the value in its unit";
  return [lines(label, ...scaled.slice(0, MOST_TERMS).map(([symbol, own, { mean, scale }, seen]) => {
    const top = mean === 0 ? n(plain(own)) : row(n(plain(own)), o("−"), mean < 0 ? row(o("("), n(plain(mean)), o(")")) : n(plain(mean)));
    return [symbol, row(ratio(top, n(plain(scale))), o("="), n(fixed(seen, DIGITS)))];
  }))];
}

/** Digits enough that a person with paper gets the four decimals of the result. */
function plain(value) {
  return value.toLocaleString("en-US", { maximumSignificantDigits: 7, useGrouping: value >= 10000 }).replace("-", "−");
}

/** z and a of one unit, term by term. */
export function forwardFormulas(layout, frame, at, selected) {
  const { layer } = at;
  const unit = chosen(layout, selected, layer, { to: 1 }).to;
  const index = unitOffsets(layout.sizes)[layer - 1] + unit - 1;
  const sources = Array.from({ length: layout.sizes[layer - 1] }, (_, k) => k + 1);
  const terms = sources.map((from) => [frame.parameters[weightIndex(layout, layer, from, unit)], activationOf(frame, layout, layer - 1, from)]);
  const bias = frame.parameters[biasIndex(layout, layer, unit)];
  const z = both("z", String(unit), String(layer));
  const sum = row(["munder", {}, o("∑"), i("i")], both("w", `i${unit}`, String(layer)), o("·"), layer === 1 ? sub("x", "i") : both("a", "i", String(layer - 1)), o("+"), both("b", String(unit), String(layer)));
  const name = layout.activations[layer - 1];
  const f = name === "identity" ? z : row(["mtext", {}, name], o("("), z, o(")"));
  return [
    lines("The weighted sum", [z, sum], ...sumRows(terms, [], [o("+"), number(bias)]), [null, n(fixed(frame.z[index], DIGITS))]),
    lines(name === "identity" ? "passed on unchanged (identity)" : `then ${name}`, [aSymbol(layout, layer, unit), f], [null, n(fixed(frame.a[index], DIGITS))]),
  ];
}

/** The loss of the example and of the batch. */
export function errorFormulas(layout, frame) {
  const outputs = layout.sizes.length - 1;
  const offset = unitOffsets(layout.sizes)[outputs - 1];
  const [prediction, target] = [frame.a[offset], frame.targets[0]];
  const many = layout.sizes[outputs] > 1;
  const differences = Array.from(frame.targets).slice(0, MOST_TERMS).flatMap((y, k) => {
    const symbols = many ? [sub("ŷ", String(k + 1)), o("−"), sub("y", String(k + 1))] : [i("ŷ"), o("−"), i("y")];
    const numbers = row(number(frame.a[offset + k]), o("−"), number(y));
    const result = n(signed(frame.a[offset + k] - y, DIGITS));
    return many ? [[row(...symbols), row(numbers, o("="), result)]] : [[row(...symbols), numbers], [null, result]];
  });
  const found = [lines("The error, as the network sees it", ...differences)];
  const one = layout.sizes[outputs] === 1 && frame.rows === 1;
  const e = signed(prediction - target, DIGITS);
  const half = layout.loss === "half_squared_error";
  if (one && (half || layout.loss === "mean_squared_error")) {
    const factor = half ? [ratio(n("1"), n("2"))] : [];
    found.push(lines(half ? "The loss: half the squared error" : "The loss: the squared error", [i("E"), row(...factor, square(row(i("ŷ"), o("−"), i("y"))))], [null, row(...factor, square(n(e)))], [null, n(fixed(frame.loss, DIGITS))]));
  } else {
    found.push(lines(LOSS_WORDS[layout.loss](frame.rows), [i("E"), n(fixed(frame.loss, DIGITS))]));
  }
  return found;
}

const over = (rows) => (rows > 1 ? `, mean over the ${rows} examples of the batch` : "");
const LOSS_WORDS = {
  half_squared_error: (rows) => `The loss: half the squared errors, summed over the outputs${over(rows)}`,
  mean_squared_error: (rows) => `The loss: squared errors, mean over the outputs${over(rows)}`,
  binary_cross_entropy: (rows) => `The loss: binary cross entropy, natural logarithm, mean over the outputs${over(rows)}`,
  categorical_cross_entropy: (rows) => `The loss: −Σ y ln ŷ, natural logarithm${over(rows)}`,
};

/** δ of the unit that a weight leads to, then the weight's partial derivative. */
export function backwardFormulas(layout, frame, at, selected, strongest) {
  const { layer } = at;
  const { from, to } = chosen(layout, selected, layer, strongest);
  const offsets = unitOffsets(layout.sizes);
  const delta = frame.delta[offsets[layer - 1] + to - 1];
  const a = activationOf(frame, layout, layer - 1, from);
  const deltaSymbol = both("δ", String(to), String(layer));
  const delta_ = layer === at.layers ? outputDelta(layout, frame, to, deltaSymbol, delta) : hiddenDelta(layout, frame, layer, to, deltaSymbol, delta);
  const mean = frame.gradient[weightIndex(layout, layer, from, to)];
  const product = [row(aSymbol(layout, layer - 1, from), o("·"), deltaSymbol), row(number(a), o("·"), number(delta)), n(signed(a * delta, DIGITS))];
  const local = lines(
    frame.rows > 1 ? "For this example: what came through, times δ" : "The partial derivative: what came through, times δ",
    [frame.rows > 1 ? ratio(row(i("∂"), sub("E", "k")), row(i("∂"), weightSymbol(layer, from, to))) : partial(layer, from, to), product[0]], [null, product[1]], [null, product[2]],
  );
  if (frame.rows === 1) return [delta_, local];
  return [delta_, local, lines(`Mean over the ${frame.rows} examples: the number on the edge`, [partial(layer, from, to), n(signed(mean, DIGITS))])];
}

function slopeOf(name, z, a) {
  const table = {
    identity: [[n("1")], n("1")],
    sigmoid: [[i("a"), o("("), n("1"), o("−"), i("a"), o(")")], n(fixed(a * (1 - a), DIGITS))],
    tanh: [[o("("), n("1"), o("−"), ["msup", {}, i("a"), n("2")], o(")")], n(fixed(1 - a * a, DIGITS))],
    relu: [[n(z > 0 ? "1" : "0")], n(z > 0 ? "1" : "0")],
  };
  return table[name];
}

function outputDelta(layout, frame, to, deltaSymbol, delta) {
  const layer = layout.sizes.length - 1;
  const index = unitOffsets(layout.sizes)[layer - 1] + to - 1;
  const [a, z, y] = [frame.a[index], frame.z[index], frame.targets[to - 1]];
  const name = layout.activations[layer - 1];
  const count = layout.sizes[layer];
  const many = count > 1;
  const [yHat, ySymbol] = many ? [sub("ŷ", String(to)), sub("y", String(to))] : [i("ŷ"), i("y")];
  const symbols = [o("("), yHat, o("−"), ySymbol, o(")")];
  const numbers = [o("("), number(a), o("−"), number(y), o(")")];
  if (layout.loss === "mean_squared_error") { symbols.unshift(ratio(n("2"), n(String(count))), o("·")); numbers.unshift(ratio(n("2"), n(String(count))), o("·")); }
  if (layout.loss === "binary_cross_entropy" && many) { symbols.unshift(ratio(n("1"), n(String(count))), o("·")); numbers.unshift(ratio(n("1"), n(String(count))), o("·")); }
  if (layout.loss.startsWith("categorical")) {
    const total = frame.targets.reduce((sum, value) => sum + value, 0);
    if (total !== 1) return lines("δ of the output: ∂E/∂z", [deltaSymbol, n(signed(delta, DIGITS))]);
  }
  if (layout.loss.endsWith("squared_error") && name !== "identity") {
    const [slope, value] = slopeOf(name, z, a);
    symbols.push(o("·"), ...slope);
    numbers.push(o("·"), value);
  }
  return lines("δ of the output: the error's slope, ∂E/∂z", [deltaSymbol, row(...symbols)], [null, row(...numbers)], [null, n(signed(delta, DIGITS))]);
}

function hiddenDelta(layout, frame, layer, unit, deltaSymbol, delta) {
  const offsets = unitOffsets(layout.sizes);
  const index = offsets[layer - 1] + unit - 1;
  const [slope, value] = slopeOf(layout.activations[layer - 1], frame.z[index], frame.a[index]);
  const terms = Array.from({ length: layout.sizes[layer + 1] }, (_, k) => [frame.parameters[weightIndex(layout, layer + 1, unit, k + 1)], frame.delta[offsets[layer] + k]]);
  const sum = row(["munder", {}, o("∑"), i("j")], both("w", `${unit}j`, String(layer + 1)), o("·"), both("δ", "j", String(layer + 1)));
  return lines("δ of the hidden unit: its slope, times what comes back", [deltaSymbol, row(...slope, o("·"), sum)], ...sumRows(terms, [value, o("·"), o("(")], [o(")")]), [null, n(signed(delta, DIGITS))]);
}

/** The update of one weight, in both conventions. */
export function updateFormulas(layout, frame, selected, strongest) {
  const found = (selected && parseName(layout, selected)) || strongest;
  const symbol = found.kind === "bias" ? both("b", String(found.to), String(found.layer)) : weightSymbol(found.layer, found.from, found.to);
  const [before, after, slope] = [frame.parameters[found.index], frame.newParameters[found.index], frame.gradient[found.index]];
  const rate = frame.learningRate;
  const derivative = ratio(row(i("∂"), i("E")), row(i("∂"), symbol));
  return [
    lines("The update: −α times the partial derivative", [row(o("−"), i("α"), o("·"), derivative), row(o("−"), number(rate), o("·"), number(slope))], [null, n(signed(after - before, DIGITS))]),
    lines("Add the update, or subtract α times the derivative: the same", [row(i("new"), ["mspace", { width: "0.3em" }], symbol), row(number(before), o("+"), o("("), n(signed(after - before, DIGITS)), o(")"))], [null, row(number(before), o("−"), number(rate), o("·"), number(slope))], [null, n(fixed(after, DIGITS))]),
  ];
}
