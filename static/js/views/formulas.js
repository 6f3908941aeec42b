// Formulas of a phase: symbols, then the same with its numbers, then the result.

import { ACTIVATIONS } from "../core/activations.js";
import { addingUp, enough, fixed, full, MOST_FIGURES, readNumber, signed, written } from "../core/format.js";
import { activationOf, biasIndex, unitOffsets, updateAt, weightIndex } from "../core/network.js";
import { lossName } from "../core/words.js";
import { lossFormulas } from "./losses.js";
import {
  activationSlope,
  both,
  deltaSymbol,
  i,
  inside,
  lines,
  lossSymbol,
  n,
  number,
  o,
  outputDelta,
  parameterSymbol,
  ratio,
  resultSign,
  row,
  slopeOf,
  sub,
  sumOver,
  sumRows,
  targetSymbol,
  unitSymbol,
  zSymbol,
} from "./mathml.js";

const MOST_TERMS = 6;

const indexOf = (layout, layer, unit) => unitOffsets(layout.sizes)[layer - 1] + unit - 1;
const units = (layout, layer) => Array.from({ length: layout.sizes[layer] }, (_, k) => k + 1);

/** How a value in its own unit becomes what the network sees; nothing where it is used as given. */
export function inputFormulas(layout, frame, digits, first = 1) {
  const columns = [
    ...layout.inputs.map((_, k) => [
      unitSymbol(layout, 0, k + first),
      frame.ownInputs[k],
      layout.input_scale[k],
      frame.inputs[k],
    ]),
    ...layout.targets.map((_, k) => [
      targetSymbol(layout, k + 1),
      frame.ownTargets[k],
      layout.target_scale[k],
      frame.targets[k],
    ]),
  ];
  const scaled = columns.filter(([, , { mean, scale }]) => mean !== 0 || scale !== 1);
  if (!scaled.length) return [];
  const centred = scaled.some(([, , { mean }]) => mean !== 0);
  const label = centred
    ? "What the network sees: less the training rows' mean, over their standard deviation"
    : "What the network sees: the value in its unit";
  return [
    lines(
      label,
      ...scaled
        .slice(0, MOST_TERMS)
        .map(([symbol, ...column]) => [symbol, scaling(layout, column, digits)]),
    ),
  ];
}

const FIGURES = 7; // of a value in its own unit, at least

function scaling(layout, [own, { mean, scale }, seen], digits) {
  const figures = (more) => Math.min(FIGURES + more - digits, MOST_FIGURES);
  const into = enough(digits, seen, (more) => {
    const [top, less, bottom] = [own, mean, scale].map((value) => read(value, figures(more)));
    return (top - less) / bottom;
  });
  const put = (value) => n(into === "all" ? full(value) : plain(value, figures(into)));
  const less = mean < 0 ? inside(put(mean)) : put(mean);
  const top = mean === 0 ? put(own) : row(put(own), o("−"), less);
  return row(ratio(top, put(scale)), o(resultSign(layout)), n(fixed(seen, digits)));
}

/** With so many figures, and no power: a person with paper gets the decimals of the result. */
function plain(value, figures) {
  return value
    .toLocaleString("en-US", { maximumSignificantDigits: figures, useGrouping: value >= 10000 })
    .replace("-", "−");
}

const read = (value, figures) => readNumber(plain(value, figures).replaceAll(",", ""));

/** z and a of one unit, term by term. */
export function forwardFormulas(layout, frame, layer, unit, digits) {
  return [
    weightedSum(layout, frame, layer, unit, digits),
    activationFormula(layout, frame, layer, unit, digits),
  ];
}

function weightedSum(layout, frame, layer, unit, digits) {
  const terms = units(layout, layer - 1).map((from) => [
    frame.parameters[weightIndex(layout, layer, from, unit)],
    activationOf(frame, layout, layer - 1, from),
  ]);
  const bias = frame.parameters[biasIndex(layout, layer, unit)];
  const z = frame.z[indexOf(layout, layer, unit)];
  const adding = addingTerms(terms, digits, z, (sum, more) => sum + written(bias, more));
  const source =
    layer === 1
      ? sub("x", "i")
      : layout.sizes.length > 3
        ? both("h", "i", String(layer - 1))
        : sub("h", "i");
  const sum = row(
    sumOver("i"),
    both("w", `i${unit}`, String(layer)),
    o("·"),
    source,
    o("+"),
    both("b", String(unit), String(layer)),
  );
  return lines(
    "The weighted sum",
    [zSymbol(layer, unit), sum],
    ...sumRows(terms, adding, [], [o("+"), number(bias, adding)], MOST_TERMS),
    [null, n(fixed(z, digits)), resultSign(layout)],
  );
}

/** Digits for the terms of a sum, so that `around` it they give what is written of the result. */
function addingTerms(terms, digits, result, around) {
  if (terms.length > MOST_TERMS) return digits; // not all of them are written
  return enough(digits, result, (more) =>
    around(
      terms.reduce((sum, [one, other]) => sum + written(one, more) * written(other, more), 0),
      more,
    ),
  );
}

export function activationFormula(layout, frame, layer, unit, digits) {
  const index = indexOf(layout, layer, unit);
  const name = layout.activations[layer - 1];
  const [symbol, z, a] = [
    unitSymbol(layout, layer, unit),
    zSymbol(layer, unit),
    n(fixed(frame.a[index], digits)),
  ];
  if (name === "identity") return lines("passed on unchanged (identity)", [symbol, z], [null, a]);
  if (name === "softmax")
    return lines(
      "then softmax: its share of all eᶻ",
      [symbol, softmaxShare(layout, z)],
      ...softmaxNumbers(layout, frame, index, digits),
      [null, a, resultSign(layout)],
    );
  const f = ACTIVATIONS[name];
  const into = enough(digits, frame.a[index], (more) => f(written(frame.z[index], more)));
  const zero = name === "relu" ? [n("0"), o(",")] : [];
  const put = row(
    ["mtext", {}, name === "relu" ? "max" : name],
    inside(...zero, n(fixed(frame.z[index], into))),
  );
  return lines(
    `then its activation, ${name}`,
    [symbol, row(["mtext", {}, name], inside(z))],
    [null, put],
    [null, a, name === "relu" ? "=" : resultSign(layout)],
  );
}

const power = (of) => ["msup", {}, i("e"), of];

/** The same with its numbers, where they are few enough for a line. */
function softmaxNumbers(layout, frame, index, digits) {
  const all = Array.from(frame.z.subarray(frame.z.length - layout.targets.length));
  if (all.length > MOST_TERMS || digits === "all") return [];
  const own = frame.z[index];
  const share = (more) =>
    Math.exp(written(own, more)) / all.reduce((sum, z) => sum + Math.exp(written(z, more)), 0);
  const into = enough(digits, frame.a[index], share);
  const term = (z) => power(n(fixed(z, into)));
  return [
    [
      null,
      ratio(term(own), row(...all.flatMap((z, k) => [...(k ? [o("+")] : []), term(z)]))),
    ],
  ];
}

function softmaxShare(layout, z) {
  return ratio(power(z), row(sumOver("j"), power(both("z", "j", String(layout.sizes.length - 1)))));
}

/** The loss of the example and of the batch. */
export function errorFormulas(layout, frame, digits) {
  const outputs = layout.sizes.length - 1;
  const offset = unitOffsets(layout.sizes)[outputs - 1];
  const many = layout.sizes[outputs] > 1;
  const differences = Array.from(frame.targets)
    .slice(0, MOST_TERMS)
    .flatMap((y, k) => {
      const symbols = row(unitSymbol(layout, outputs, k + 1), o("−"), targetSymbol(layout, k + 1));
      const a = frame.a[offset + k];
      const adding = addingUp(digits, a - y);
      const into = enough(adding, a - y, (more) => written(a, more) - written(y, more));
      const numbers = row(number(a, into), o("−"), number(y, into));
      const result = n(signed(a - y, adding));
      return many
        ? [[symbols, row(numbers, o("="), result)]]
        : [
            [symbols, numbers],
            [null, result],
          ];
    });
  return [
    lines("The error, as the network sees it", ...differences),
    ...lossFormulas(layout, frame, digits),
  ];
}

/** δ of the unit that a weight leads to, then the weight's partial derivative. */
export function backwardFormulas(layout, frame, weight, digits) {
  const { layer, from, to } = weight;
  const delta = frame.delta[indexOf(layout, layer, to)];
  const a = activationOf(frame, layout, layer - 1, from);
  const symbol = parameterSymbol(weight);
  const several = frame.rows > 1;
  const into = enough(digits, a * delta, (more) => written(a, more) * written(delta, more));
  const local = lines(
    several
      ? "For this example: what came through, times δ"
      : "The partial derivative: what came through, times δ",
    [
      slopeOf(lossSymbol(several), symbol),
      row(unitSymbol(layout, layer - 1, from), o("·"), deltaSymbol(layer, to)),
    ],
    [null, row(number(a, into), o("·"), number(delta, into))],
    [null, n(signed(a * delta, digits))],
  );
  const found = [deltaFormula(layout, frame, layer, to, digits), local];
  if (several)
    found.push(
      lines(`Mean over the ${frame.rows} examples: the number on the edge`, [
        slopeOf(i("E"), symbol),
        n(signed(frame.gradient[weight.index], digits)),
      ]),
    );
  return found;
}

/** Where δ of a unit comes from: the error at an output, the layer behind it at a hidden unit. */
export function deltaFormula(layout, frame, layer, unit, digits) {
  return (layer === layout.sizes.length - 1 ? deltaOfOutput : hiddenDelta)(
    layout,
    frame,
    layer,
    unit,
    digits,
  );
}

function slopeAt(layout, frame, layer, unit) {
  const index = indexOf(layout, layer, unit);
  return activationSlope(
    layout.activations[layer - 1],
    unitSymbol(layout, layer, unit),
    frame.z[index],
    frame.a[index],
  );
}

function deltaOfOutput(layout, frame, layer, unit, digits) {
  const index = indexOf(layout, layer, unit);
  const { formula, numbers } = outputDelta(layout, frame, unit, frame.z[index], frame.a[index]);
  return lines(
    `δ of the output: the error's slope, ∂${lossName(frame.rows > 1)}/∂z`,
    [deltaSymbol(layer, unit), formula],
    [null, numbers(digits)],
    [null, n(signed(frame.delta[index], digits)), resultSign(layout)],
  );
}

function hiddenDelta(layout, frame, layer, unit, digits) {
  const slope = slopeAt(layout, frame, layer, unit);
  const terms = units(layout, layer + 1).map((to) => [
    frame.parameters[weightIndex(layout, layer + 1, unit, to)],
    frame.delta[indexOf(layout, layer + 1, to)],
  ]);
  const sum = row(
    sumOver("j"),
    both("w", `${unit}j`, String(layer + 1)),
    o("·"),
    both("δ", "j", String(layer + 1)),
  );
  const delta = frame.delta[indexOf(layout, layer, unit)];
  const adding = addingTerms(terms, digits, delta, (back, more) => slope.value(more) * back);
  const before = [inside(...slope.numbers(adding)), o("·"), o("(")];
  return lines(
    "δ of the hidden unit: its slope, times what comes back",
    [deltaSymbol(layer, unit), row(inside(...slope.formula), o("·"), sum)],
    ...sumRows(terms, adding, before, [o(")")], MOST_TERMS),
    [null, n(signed(delta, digits)), resultSign(layout)],
  );
}

const LOST = "; here less than the last digit, so that nothing moves";

/** The update of one parameter, in both conventions. */
export function updateFormulas(layout, frame, found, digits) {
  const symbol = parameterSymbol(found);
  const [before, after, slope] = [
    frame.parameters[found.index],
    frame.newParameters[found.index],
    frame.gradient[found.index],
  ];
  const update = updateAt(frame, found.index);
  const rate = frame.learningRate;
  const adding = addingUp(digits, update);
  const plus = enough(adding, after, (more) => written(before, more) + written(update, more));
  const minus = enough(adding, after, (more) => written(before, more) - rate * written(slope, more));
  const into = enough(digits, update, (more) => -rate * written(slope, more));
  const lost = after === before && update !== 0;
  const rounded = resultSign(layout);
  const product = (more) => row(n(full(rate)), o("·"), number(slope, more));
  return [
    lines(
      "The update: −α times the partial derivative",
      [row(o("−"), i("α"), o("·"), slopeOf(i("E"), symbol)), row(o("−"), product(into))],
      [null, n(signed(update, digits)), rounded],
    ),
    lines(
      `Add the update, or subtract α times the derivative: the same${lost ? LOST : ""}`,
      [
        row(i("new"), ["mspace", { width: "0.3em" }], symbol),
        row(number(before, plus), o("+"), inside(n(signed(update, plus)))),
      ],
      [null, row(number(before, minus), o("−"), product(minus))],
      [null, n(fixed(after, adding)), rounded],
    ),
  ];
}
