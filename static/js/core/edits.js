// Edits and changes of a run in words.

import { count, full, symbol } from "./format.js";

/** @typedef {{step: number, learning_rate?: number, parameter?: string, value?: number, optimizer?: {name: string}}} Edit */

/** The step from which an edit made here holds: of one whose update is shown, that is the next. */
export function editStep({ step, phase }, layout) {
  return step + (phase === layout.phases.length - 1 ? 1 : 0);
}

/** w¹₂₃ = 0.4 */
export function editValue(edit) {
  if (edit.parameter) return `${symbol(edit.parameter)} = ${full(edit.value)}`;
  if (edit.optimizer) return `optimizer ${edit.optimizer.name}`;
  return `α = ${full(edit.learning_rate)}`;
}

/** from step 3: w¹₂₃ = 0.4 */
export function editWords(edit) {
  return `from step ${count(edit.step)}: ${editValue(edit)}`;
}

/** What somebody else did: `before` and `now` are all edits then and now. */
export function elsewhereWords(before, { edits, dropped }) {
  const known = new Set(before.map((edit) => JSON.stringify(edit)));
  const fresh = edits.findLast((edit) => !known.has(JSON.stringify(edit)));
  if (!dropped) return "Another viewer changed this run: the last change is taken back.";
  const what = fresh ? ` Now ${editValue(fresh)} from step ${count(fresh.step)} on.` : "";
  return `Another viewer changed this run.${what}${droppedWords(dropped, " That")}`;
}

export function droppedWords(dropped, what = "This change") {
  if (!dropped?.length) return "";
  return `${what} took away ${count(dropped.length)} later ${dropped.length === 1 ? "change" : "changes"}.`;
}
