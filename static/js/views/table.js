// The table view: everything the diagram shows, as rows of text.

import { full, symbol } from "../core/format.js";
import { parameterNames, revealed, unitOffsets, unitSymbol } from "../core/network.js";

export const MOST_ROWS = 500;
const NOT_YET = "not yet";

export function viewTable(layout, spec, frame) {
  const at = revealed(layout, frame.phase);
  const names = parameterNames(layout);
  const rows = names.slice(0, MOST_ROWS).map((name, index) => parameterRow(name, index, spec, frame, at));
  return { parameters: rows, hidden: Math.max(0, names.length - MOST_ROWS), units: unitRows(layout, frame, at).slice(0, MOST_ROWS) };
}

function parameterRow(name, index, spec, frame, at) {
  const layer = Number(name.slice(1).split(".")[0]);
  const trained = spec.train_biases || name[0] === "w";
  const known = at.hasGradient(layer);
  const kept = trained ? null : "not trained";
  return {
    name,
    cells: [
      symbol(name),
      full(frame.parameters[index]),
      kept ?? (known ? full(frame.gradient[index]) : NOT_YET),
      kept ?? (at.update ? full(frame.newParameters[index] - frame.parameters[index]) : NOT_YET),
      at.update ? full(frame.newParameters[index]) : NOT_YET,
    ],
  };
}

function unitRows(layout, frame, at) {
  const offsets = unitOffsets(layout.sizes);
  return layout.sizes.flatMap((size, layer) =>
    Array.from({ length: size }, (_, k) => {
      const name = unitSymbol(layout, layer, k + 1);
      if (layer === 0) return { cells: [`${name} ${layout.inputs[k].label}`, "", full(frame.inputs[k]), ""] };
      const index = offsets[layer - 1] + k;
      const known = at.hasActivation(layer);
      const cells = [name, known ? full(frame.z[index]) : NOT_YET, known ? full(frame.a[index]) : NOT_YET];
      return { cells: [...cells, at.hasDelta(layer) ? full(frame.delta[index]) : NOT_YET] };
    }),
  );
}
