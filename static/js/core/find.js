// Reads what a person types for a parameter or a unit, and says what there is nearby.

import { parseName } from "./network.js";

const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const LOWERED = "₀₁₂₃₄₅₆₇₈₉";
const OF_UNITS = /^([xhyŷ])([\d.]*)$/u; // the letters of inputs, hidden units and outputs

/** w1.2.3, W1.2.3, w¹₂₃, w¹₁₀,₂, b1.3, u1.2, x2, h²₁, ŷ -> the name as the page uses it, or null. */
export function findName(layout, text) {
  const name = unitNamed(layout, plain(text));
  if (/^[wb]\d+(\.\d+){1,2}$/.test(name)) {
    const parts = name.split(".").length;
    return parts === (name[0] === "w" ? 3 : 2) && parseName(layout, name) ? name : null;
  }
  const unit = name.match(/^u(\d+)\.(\d+)$/)?.slice(1).map(Number);
  return unit && unit[0] < layout.sizes.length && unit[1] >= 1 && unit[1] <= layout.sizes[unit[0]] ? name : null;
}

/**
 * As it is typed, or as the page writes it: raised digits are the layer, lowered ones the indices,
 * of one digit each, or with a comma between them where one has more.
 */
function plain(text) {
  const typed = text.normalize("NFC").trim().toLowerCase().replaceAll(/\s/g, "");
  const written = typed.match(new RegExp(`^([wbuh])([${RAISED}]+)([${LOWERED},]+)$`, "u"));
  if (!written) return typed.replace(new RegExp(`[${LOWERED}]`, "gu"), (digit) => LOWERED.indexOf(digit));
  const digits = (raised, letters) => Array.from(letters, (letter) => raised.indexOf(letter)).join("");
  const [, kind, layer, lowered] = written;
  const single = kind === "w" && !lowered.includes(",");
  const indices = single ? Array.from(lowered) : lowered.split(",");
  return [kind + digits(RAISED, layer), ...indices.map((index) => digits(LOWERED, index))].join(".");
}

/** A unit by its letter, as the diagram calls it, as u1.2: x2, h1 or h2.1, y1 or y; or what came. */
function unitNamed({ sizes }, name) {
  const [, letter, number] = name.match(OF_UNITS) ?? [];
  const last = sizes.length - 1;
  if (!letter) return name;
  if (letter === "x") return `u0.${number}`;
  if (letter === "h") {
    const place = last === 2 && !number.includes(".") ? `1.${number}` : number;
    const layer = Number(place.split(".")[0]);
    return layer > 0 && layer < last ? `u${place}` : name;
  }
  return `u${last}.${number || (sizes[last] === 1 ? 1 : "")}`;
}

/**
 * The names of the same kind in the layer that was meant, or of all layers; where no kind was, some
 * of each.
 * @param {boolean} units  whether units may be named, too
 */
export function nearbyNames(layout, text, units = true) {
  const typed = plain(text);
  const letter = units && typed.match(OF_UNITS)?.[1];
  if (letter) return `there are ${unitsCalled(layout, letter).join(", ") || `no ${letter} here`}`;
  const [, kind, layer] = typed.match(units ? /^([wbu])(\d+|$)/ : /^([wb])(\d+|$)/) ?? [];
  return `there are ${kind ? namesOf(layout, kind, layer) : someOfEach(layout, units)}`;
}

function namesOf({ sizes }, kind, meant) {
  const own = sizes.map((_, layer) => layer).filter((layer) => kind === "u" || layer > 0);
  const layers = meant && own.includes(Number(meant)) ? [Number(meant)] : own;
  const shown = layers.map((layer) => rangeOf(sizes, kind, layer));
  return shortened(shown, 4, 2).join(", ");
}

/** Of a deep network only the ends. */
function someOfEach(layout, units) {
  const parameters = ["w", "b"].map((kind) =>
    layout.sizes.slice(1).map((_, k) => rangeOf(layout.sizes, kind, k + 1)),
  );
  const called = ["x", "h", "ŷ"].flatMap((letter) => shortened(unitsCalled(layout, letter), 2, 1));
  const kinds = parameters.map((names) => shortened(names, 2, 1));
  return [...kinds, ...(units ? [called] : [])].map((names) => names.join(", ")).join("; ");
}

/** Of more than `most` the first few and the last. */
function shortened(names, most, few) {
  return names.length > most ? [...names.slice(0, few), "…", names[names.length - 1]] : names;
}

/** The units that bear this letter, a range for each layer. */
function unitsCalled({ sizes }, letter) {
  const last = sizes.length - 1;
  const range = (name, size) => (size > 1 ? `${name}1 to ${name}${size}` : `${name}1`);
  if (letter === "x") return [range("x", sizes[0])];
  if (letter !== "h") return sizes[last] === 1 ? [letter] : [range(letter, sizes[last])];
  if (last === 2) return [range("h", sizes[1])];
  return sizes.slice(1, -1).map((size, k) => range(`h${k + 1}.`, size));
}

function rangeOf(sizes, kind, layer) {
  const from = kind === "w" ? ".1" : "";
  const to = kind === "w" ? `.${sizes[layer - 1]}` : "";
  const [first, last] = [`${kind}${layer}${from}.1`, `${kind}${layer}${to}.${sizes[layer]}`];
  return first === last ? first : `${first} to ${last}`;
}
