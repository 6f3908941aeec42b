// Reads what a person types for a parameter or a unit, and says what there is nearby.

import { parseName } from "./network.js";

const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const LOWERED = "₀₁₂₃₄₅₆₇₈₉";

/** w1.2.3, W1.2.3, w¹₂₃, w¹₁₀,₂, b1.3, u1.2 -> the name as the page uses it, or null. */
export function findName(layout, text) {
  const name = plain(text);
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
  const typed = text.trim().toLowerCase().replaceAll(/\s/g, "");
  const written = typed.match(new RegExp(`^([wbu])([${RAISED}]+)([${LOWERED},]+)$`, "u"));
  if (!written) return typed;
  const digits = (raised, letters) => Array.from(letters, (letter) => raised.indexOf(letter)).join("");
  const [, kind, layer, lowered] = written;
  const single = kind === "w" && !lowered.includes(",");
  const indices = single ? Array.from(lowered) : lowered.split(",");
  return [kind + digits(RAISED, layer), ...indices.map((index) => digits(LOWERED, index))].join(".");
}

/** The names of the same kind in the layer that was meant, or of all layers. */
export function nearbyNames(layout, text) {
  const asked = plain(text).match(/^([wbu])(\d+)/);
  const kind = asked?.[1] ?? "w";
  const layers = layout.sizes.map((_, layer) => layer).filter((layer) => kind === "u" || layer > 0);
  const meant = layers.filter((layer) => asked && layer === Number(asked[2]));
  const shown = (meant.length ? meant : layers).map((layer) => rangeOf(layout.sizes, kind, layer));
  return `there are ${shown.length > 4 ? [...shown.slice(0, 2), "…", shown[shown.length - 1]].join(", ") : shown.join(", ")}`;
}

function rangeOf(sizes, kind, layer) {
  const from = kind === "w" ? ".1" : "";
  const to = kind === "w" ? `.${sizes[layer - 1]}` : "";
  return `${kind}${layer}${from}.1 to ${kind}${layer}${to}.${sizes[layer]}`;
}
