// The page's whole state, and how each thing that happened changes it. Nothing else changes it.

import { INSPECT_REDUCERS, INSPECTING } from "./inspect.js";
import { divergedText, lasting, LINK_REDUCERS } from "./link.js";

/**
 * @typedef {import("./inspect.js").Inspecting & Running} State
 * @typedef {object} Running
 * @property {object | null} session  as GET /api/sessions/{id} gives it
 * @property {import("./protocol.js").Frame | null} frame  the newest
 * @property {{unit: string, per_second: number} | null} playing
 * @property {"connecting" | "open" | "lost" | "closed"} connection
 * @property {{kind: string, text: string, final: boolean, asked?: boolean} | null} closing  why it is lost or
 *   closed; `asked` is true of what a plain request was told
 * @property {number} refused  how many commands were: what a field promised is then taken back
 * @property {{kind: "info" | "error", text: string, undo?: boolean, passing?: boolean, of?: string} | null} notice
 *   `of` is the id of the command that was refused; `passing` is true of what holds only until the run moves on
 * @property {{step: number, target: number} | null} progress
 * @property {object | null} history
 * @property {number} lastStep  the last one that a run may have here
 * @property {boolean} table
 * @property {string} theme  "system", "light" or "dark"
 * @property {{unit: string, per_second: number}} speed
 * @property {2 | 4 | "all"} digits  decimals in the panel
 */
export const INITIAL = Object.freeze({
  ...INSPECTING,
  session: null, frame: null, playing: null, connection: "connecting", closing: null, refused: 0, notice: null, progress: null,
  history: null, lastStep: Infinity, table: false, theme: "system", presets: [], preset: null,
  speed: { unit: "phase", per_second: 1 }, digits: 4,
});

const REDUCERS = {
  ...INSPECT_REDUCERS,
  ...LINK_REDUCERS,
  frame: takeFrame,
  playing: (state, { playing, reason }) => ({ ...state, playing, notice: whyPaused(reason) ?? lasting(state.notice) }),
  progress: (state, { step, target, done }) => ({
    ...state,
    closing: null, // also before the greeting, a connection that tells something is there
    progress: done ? null : { step, target },
    notice: done && step < target ? cutShort(step, target) : state.notice,
  }),
  history: (state, { history }) => ({ ...state, history }),
  notice: (state, { notice }) => ({ ...state, notice }),
  digits: (state, { digits }) => ({ ...state, digits }),
  table: (state, { table }) => ({ ...state, table }),
  theme: (state, { theme }) => ({ ...state, theme }),
  speed: (state, { speed }) => ({ ...state, speed }),
  presets: (state, { presets }) => ({ ...state, presets }),
  leave: (state) => ({ ...INITIAL, lastStep: state.lastStep, presets: state.presets, theme: state.theme, table: state.table, speed: state.speed, digits: state.digits, tab: state.tab }),
};

/** @returns {State} */
export function reduce(state, action) {
  const reducer = REDUCERS[action.type];
  if (!reducer) throw new Error(`unknown action ${action.type}`);
  return reducer(state, action);
}

/** A frame of an older revision than the one we know of is stale; a trial belongs to its own frame. */
function takeFrame(state, { frame }) {
  if (!state.session || frame.revision < state.session.revision) return state;
  const same = frame.revision === state.frame?.revision && frame.step === state.frame?.step;
  const lastTried = same ? state.lastTried : null;
  return { ...state, frame, tried: null, trial: null, lastTried };
}

function cutShort(step, target) {
  const [from, to] = [step, target].map((number) => number.toLocaleString("en-US"));
  return { kind: "info", text: `Stopped: step ${from} of ${to} is reached. The same jump goes on from there.` };
}

function whyPaused(reason) {
  if (reason === "diverged") return { kind: "error", text: divergedText() };
  if (reason === "not stored") return { kind: "error", text: "Playing stopped: the server cannot store the run just now. What is there can still be read." };
  if (reason === "failed") return { kind: "error", text: "Playing stopped: something went wrong on the server. Your run is kept." };
  if (reason === "end") return { kind: "info", text: "This is the last step that a run may have here." };
  return null;
}
