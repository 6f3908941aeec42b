// The page's whole state, and how each thing that happened changes it. Nothing else changes it.

import { INSPECT_REDUCERS, INSPECTING } from "./inspect.js";

/**
 * @typedef {import("./inspect.js").Inspecting & Running} State
 * @typedef {object} Running
 * @property {object | null} session  as GET /api/sessions/{id} gives it
 * @property {import("./protocol.js").Frame | null} frame  the newest
 * @property {{unit: string, per_second: number} | null} playing
 * @property {"connecting" | "open" | "lost"} connection
 * @property {number | null} closed  the code with which the connection was closed
 * @property {{kind: "info" | "error", text: string, undo?: boolean} | null} notice
 * @property {{step: number, target: number} | null} progress
 * @property {object | null} history
 * @property {boolean} table
 * @property {string} theme  "system", "light" or "dark"
 * @property {{unit: string, per_second: number}} speed
 * @property {2 | 4 | "all"} digits  decimals in the panel
 */
export const INITIAL = Object.freeze({
  ...INSPECTING,
  session: null, frame: null, playing: null, connection: "connecting", closed: null, notice: null, progress: null,
  history: null, table: false, theme: "system", presets: [], preset: null,
  speed: { unit: "phase", per_second: 1 }, digits: 4,
});

const STOPPED = { kind: "info", text: "Playing stopped while the connection was cut. Play goes on from here." };
const SAID = ["revision", "offset", "edits", "can_undo", "furthest"]; // of a change, what belongs to the session

const REDUCERS = {
  ...INSPECT_REDUCERS,
  hello: (state, { session, playing }) => ({
    ...state,
    session,
    playing,
    connection: "open",
    progress: null,
    answers: {},
    notice: state.playing && !playing ? STOPPED : state.notice,
  }),
  frame: takeFrame,
  resumed: (state, { playing }) => ({
    ...state,
    playing,
    connection: "open",
    progress: null,
    notice: state.playing && !playing ? STOPPED : state.notice,
  }),
  change: takeChange,
  playing: (state, { playing, reason }) => ({ ...state, playing, notice: whyPaused(reason) ?? state.notice }),
  progress: (state, { step, target, done }) => ({
    ...state,
    progress: done ? null : { step, target },
    notice: done && step < target ? cutShort(step, target) : state.notice,
  }),
  history: (state, { history }) => ({ ...state, history }),
  // While it is lost, the first reason counts: what follows are tries that found nobody yet.
  connection: (state, { connection, code }) => ({ ...state, connection, closed: state.connection === "lost" ? state.closed : code }),
  notice: (state, { notice }) => ({ ...state, notice }),
  digits: (state, { digits }) => ({ ...state, digits }),
  table: (state, { table }) => ({ ...state, table }),
  theme: (state, { theme }) => ({ ...state, theme }),
  speed: (state, { speed }) => ({ ...state, speed }),
  presets: (state, { presets }) => ({ ...state, presets }),
  leave: (state) => ({ ...INITIAL, presets: state.presets, theme: state.theme, table: state.table, speed: state.speed, digits: state.digits, tab: state.tab }),
};

/** @returns {State} */
export function reduce(state, action) {
  const reducer = REDUCERS[action.type];
  if (!reducer) throw new Error(`unknown action ${action.type}`);
  return reducer(state, action);
}

/** A frame of an older revision than the one we know of is stale; a trial belongs to its own frame. */
function takeFrame(state, { frame }) {
  if (frame.revision < (state.session?.revision ?? 0)) return state;
  const same = frame.revision === state.frame?.revision && frame.step === state.frame?.step;
  const lastTried = same ? state.lastTried : null;
  return { ...state, frame, tried: null, trial: null, lastTried };
}

/** Take what a command changed, whoever gave it; a change by another viewer is said. */
function takeChange(state, { change, own }) {
  const news = Object.fromEntries(SAID.filter((name) => name in change).map((name) => [name, change[name]]));
  const said = !own && change.edits ? { kind: "info", text: "Another viewer changed this run." } : state.notice;
  return { ...state, session: { ...state.session, ...news }, notice: said };
}

function cutShort(step, target) {
  const [from, to] = [step, target].map((number) => number.toLocaleString("en-US"));
  return { kind: "info", text: `Stopped: step ${from} of ${to} is reached. The same jump goes on from there.` };
}

function whyPaused(reason) {
  if (reason === "diverged") return { kind: "error", text: divergedText() };
  if (reason === "not stored") return { kind: "error", text: "Playing stopped: the server cannot store where the run stands. Reading goes on." };
  if (reason === "end") return { kind: "info", text: "This is the last step: 1,000,000." };
  return null;
}

export function divergedText(step) {
  const where = step === undefined ? "here" : `at step ${step.toLocaleString("en-US")}`;
  return `The run diverges: ${where} is the last step whose numbers are all finite. Step back and choose a smaller learning rate, or undo the change.`;
}
