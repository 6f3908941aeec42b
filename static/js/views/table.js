// The table view: everything the diagram shows, as rows of text.

import { full, own, symbol } from "../core/format.js";
import { parameterNames, revealed, unitOffsets, unitSymbol, updateAt } from "../core/network.js";
import { ranksOf } from "../core/strongest.js";

export const MOST_ROWS = 500;
const NOT_YET = "not yet";

export function viewTable(layout, spec, frame) {
  const at = revealed(layout, frame.phase);
  const names = parameterNames(layout);
  const rows = listed(layout, frame, at).map((index) =>
    parameterRow(names[index], index, spec, frame, at),
  );
  return {
    parameters: rows,
    outputs: outputRows(layout, frame, at),
    hidden: Math.max(0, names.length - MOST_ROWS),
    units: unitRows(layout, frame, at).slice(0, MOST_ROWS),
  };
}

/** Indices of the parameters that are listed: all, or the largest by gradient where it is known. */
function listed(layout, frame, at) {
  const all = Array.from(frame.parameters, (_, index) => index);
  if (all.length <= MOST_ROWS) return all;
  const ranks = ranksOf(layout, frame, at.hasGradient);
  return all
    .sort((a, b) => ranks[b] - ranks[a])
    .slice(0, MOST_ROWS)
    .sort((a, b) => a - b);
}

/** Each output in the target's own unit, with all its digits. */
function outputRows(layout, frame, at) {
  return layout.targets.map((column, k) => {
    const [prediction, target] = [frame.ownPrediction[k], frame.ownTargets[k]];
    const shown = (value, known) =>
      known ? own(value, column.unit, value === prediction - target, "all") : NOT_YET;
    return {
      cells: [
        column.label,
        shown(prediction, at.hasActivation(at.layers)),
        shown(target, true),
        shown(prediction - target, at.error),
      ],
    };
  });
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
      kept ?? (at.update ? full(updateAt(frame, index)) : NOT_YET),
      at.update ? full(frame.newParameters[index]) : NOT_YET,
    ],
  };
}

function unitRows(layout, frame, at) {
  const offsets = unitOffsets(layout.sizes);
  return layout.sizes.flatMap((size, layer) =>
    Array.from({ length: size }, (_, k) => {
      const name = unitSymbol(layout, layer, k + 1);
      const called = `u${layer}.${k + 1}`;
      if (layer === 0)
        return {
          name: called,
          cells: [
            `${name} ${layout.inputs[k].label} ${own(frame.ownInputs[k], layout.inputs[k].unit, false, "all")}`,
            "",
            full(frame.inputs[k]),
            "",
          ],
        };
      const index = offsets[layer - 1] + k;
      const known = at.hasActivation(layer);
      const cells = [
        name,
        known ? full(frame.z[index]) : NOT_YET,
        known ? full(frame.a[index]) : NOT_YET,
      ];
      return {
        name: called,
        cells: [...cells, at.hasDelta(layer) ? full(frame.delta[index]) : NOT_YET],
      };
    }),
  );
}
