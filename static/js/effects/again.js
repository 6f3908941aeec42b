// Asks the server for the history and the presets, and again where they could not be had.

import { waitBefore } from "../core/patience.js";
import { getHistory, getPresets } from "./api.js";

const EVERY = 250; // milliseconds between two questions for the history
const AGAIN = 2000; // and after a failure
const pause = (time) => new Promise((done) => setTimeout(done, time));

/** The history is asked for when there is more of it, at most four times a second. */
export function followHistory({ get, dispatch, subscribe }) {
  let known = "";
  let timer = 0;

  async function ask(id, now) {
    const found = await getHistory(id).catch(() => null);
    if (found) known = now;
    else await pause(AGAIN);
    timer = 0;
    if (found && get().session?.id === id) dispatch({ type: "history", history: found });
    follow(get());
  }

  function follow({ session, frame, connection }) {
    if (!session || !frame || connection !== "open") return;
    const now = `${session.id}:${frame.revision}:${frame.furthest}`;
    if (now === known || timer) return;
    timer = setTimeout(() => ask(session.id, now), known ? EVERY : 0);
  }
  subscribe(follow);
}

/** The presets are asked for until they come, less and less often. */
export async function loadPresets({ dispatch }, failures = 0) {
  const presets = await getPresets().catch(() => null);
  if (presets) return dispatch({ type: "presets", presets });
  await pause(waitBefore(failures, Math.random()));
  return loadPresets({ dispatch }, failures + 1);
}
