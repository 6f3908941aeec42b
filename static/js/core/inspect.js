// What is looked at closely: the selected weight, bias or unit, and what the server said about it.

import { sumOf } from "./sum.js";

/**
 * @typedef {object} Inspecting
 * @property {string | null} selected  a parameter (w1.2.3, b1.3) or a unit (u1.2; layer 0: an input)
 * @property {string} tab  which of TABS is open for a parameter
 * @property {string | null} openPath  the path whose factors are shown, by its key; null for the largest
 * @property {string | null} openTerm  of the terms of a folded δ, the one whose factors are shown too
 * @property {string[]} way  deltas opened one after another where there are too many paths, as the
 *   bias that has this derivative
 * @property {number | null} lit  the factor that is pointed at, from 0
 * @property {Record<string, {key: string, frame: object, data?: object, error?: string}>} answers
 * @property {{parameter: string, value: number} | null} tried  what if this weight were so
 * @property {import("./protocol.js").Frame | null} trial  the step as it then is
 * @property {{parameter: string, value: number} | null} lastTried
 * @property {boolean} beyond  whether the step's numbers overflow with the value tried last
 * @property {boolean | null} near  whether the curve shows only where the update may land; null as
 *   long as nobody said so: where it would hide under the point
 * @property {object | null} check  the check of every parameter, as far as it has come
 * @property {string} other  the second of two weights
 */
export const INSPECTING = Object.freeze({
  selected: null, tab: "chain", openPath: null, openTerm: null, way: [], lit: null, answers: {},
  tried: null, trial: null, lastTried: null, beyond: false, near: null, check: null, other: "",
});

export const TABS = [["chain", "Chain rule"], ["slice", "What if"], ["proof", "Proof"], ["gradient", "Gradient"], ["surface", "Two weights"]];

const WIDE = 2; // the range of a curve that is not looked at closely
const LOST = 0.1; // ten updates that are less than this share of it are hard to see

const untried = { tried: null, trial: null, beyond: false };
const fresh = { openPath: null, openTerm: null, way: [], lit: null, ...untried, lastTried: null };
const isTried = (state, tried) => state.tried?.parameter === tried.parameter;

export const INSPECT_REDUCERS = {
  deselect: (state) => (state.selected ? { ...state, ...fresh, selected: null } : state),
  pick: (state, { name }) => (state.selected === name ? state : { ...state, ...fresh, selected: name }),
  tab: (state, { tab }) => ({ ...state, ...fresh, tab }),
  path: (state, { path }) => ({ ...state, openPath: path, lit: null }),
  // Back from a δ the term that ends at it is open.
  delta: (state, { way }) => ({ ...state, way, openPath: null, openTerm: state.way[way.length]?.slice(1) ?? null, lit: null }),
  term: (state, { term }) => ({ ...state, openTerm: term, lit: null }),
  light: (state, { factor }) => (state.lit === factor ? state : { ...state, lit: factor }),
  // Another may have the focus while the page scrolls this one away from the pointer.
  unlight: (state, { factor }) => (state.lit === factor ? { ...state, lit: null } : state),
  retry: (state) => ({ ...state, answers: {} }),
  answer: (state, { what, answer }) => ({ ...state, answers: { ...state.answers, [what]: answer } }),
  try: (state, { value }) => ({ ...state, tried: { parameter: state.selected, value } }),
  restore: (state) => (state.tried ? { ...state, ...untried, lastTried: state.tried } : state),
  trial: (state, { frame, tried }) =>
    isTried(state, tried) ? { ...state, trial: { ...frame, tried }, beyond: false } : state,
  beyond: (state, { tried }) =>
    isTried(state, tried) ? { ...state, trial: null, beyond: true } : state,
  near: (state, { near }) => ({ ...state, near, ...untried }),
  check: (state, { check }) => ({ ...state, check }),
  other: (state, { other }) => ({ ...state, other }),
};

export const isParameter = (name) => Boolean(name) && name[0] !== "u";

/** The parameter whose chain is shown: the selected one, or the delta opened last. */
export function shownParameter({ selected, way }) {
  return way.length ? way[way.length - 1] : selected;
}

/** Tells answers apart: of which session, edits and step, and what was asked. */
function keyOf({ session, frame }, ...asked) {
  return [session?.id, frame?.revision, frame?.step, ...asked].join(":");
}

/** What the state needs to know of the server, by name: {key, path, query}. */
export function wanted(state) {
  const { session, frame, selected, tab } = state;
  if (!session || !frame || !isParameter(selected)) return {};
  const ask = (path, query) => ({ key: keyOf(state, path, ...Object.values(query)), path, query });
  const found = { chain: ask("chain", { parameter: shownParameter(state), example: frame.example }) };
  // How far it reaches depends on the update, which comes with the chain.
  const { data, error } = state.answers.chain ?? {};
  if (tab === "slice" && (data?.parameter === selected || error))
    found.slice = ask("slice", { parameter: selected, ...reachOf(state) });
  const gradient = state.answers.chain?.data?.gradient;
  if (tab === "gradient" && gradient?.largest)
    found.largest = ask("chain", { parameter: gradient.largest, example: gradient.largest_example });
  return found;
}

/** Just beyond ten updates to either side, where only those are looked at; a wide one is so anyway. */
function reachOf(state) {
  const reach = 11.5 * updateOf(state);
  return reach > 0 && reach < WIDE / 2 && isNear(state) ? { reach } : {};
}

/** The size of the selected parameter's update, or 0 where it is not known. */
function updateOf({ selected, answers: { chain } }) {
  return chain?.data?.parameter === selected ? Math.abs(chain.data.update.delta) : 0;
}

/** Whether the curve shows only where the update may land: as was said, or where it would be lost. */
export function isNear(state) {
  return state.near ?? 10 * updateOf(state) < LOST * WIDE;
}

/** Whether an answer is about what is shown now, or still about the step before. */
export function isCurrent(state, what) {
  return state.answers[what]?.key === wanted(state)[what]?.key;
}

/** The key of a check of this step. */
export const checkKey = (state) => keyOf(state, "check");

/** The open path of the chain of the selected parameter, for the diagram; null where none is known. */
export function openPathOf(state) {
  const data = state.answers.chain?.data;
  if (!data || data.parameter !== shownParameter(state) || state.tab !== "chain") return null;
  return openOf(data.paths, pathKey, state.openPath);
}

/** A path by what it goes through: its rank by size is another one in the next example. */
export const pathKey = ({ factors }) => factors.map(({ at }) => at).join(",");

/** A term by the δ that it ends at. */
export const termKey = ({ factors }) => factors[factors.length - 1].at;

/** Of paths or terms the one that is open: the largest, where none was chosen or it is gone. */
export function openOf(list, keyOf, key) {
  return list.find((one) => keyOf(one) === key) ?? list[0];
}

const MOST_TERMS = 24;
/** What overflows, null, comes first. */
const sizeOf = ({ product }) => (product === null ? Number.MAX_VALUE : Math.abs(product));
const largestFirst = (one, other) => sizeOf(other) - sizeOf(one);

/** The terms that are told one by one where a path is folded: the largest, and how many others. */
export function termsOf({ terms = [], rest = { count: 0, sum: 0 } }) {
  const order = [...terms].sort(largestFirst);
  const small = order.slice(MOST_TERMS);
  const sum = sumOf([rest.sum, ...small.map(({ product }) => product)]);
  return { told: order.slice(0, MOST_TERMS), rest: { count: small.length + rest.count, sum } };
}

/** The factors that carry badges: those of a path, then those of the term that is open below it. */
export function badgedFactors(path, openTerm) {
  const { told } = termsOf(path);
  return [...path.factors, ...(openOf(told, termKey, openTerm)?.factors ?? [])];
}
