// Asks the server about what is selected, as the state wants it: the newest question only.

import { checkKey, wanted } from "../core/inspect.js";
import { getExplanation, getTrial } from "./api.js";

const SLOW = 40; // milliseconds for two frames
const LONGEST = 250;
const WHILE_PLAYING = 200; // milliseconds between two questions

/** Keeps `answers` of the store's state at what is shown. */
export function followExplanations({ get, dispatch, subscribe }) {
  const asking = {};

  async function ask(what, { key, path, query }) {
    const { session, frame, playing } = get();
    asking[what]?.stop.abort();
    const mine = (asking[what] = { key, stop: new AbortController() });
    const pause = playing ? new Promise((done) => setTimeout(done, WHILE_PLAYING)) : null;
    let answer;
    try {
      answer = { key, frame, data: await getExplanation(session.id, frame.step, path, query, mine.stop.signal) };
    } catch (error) {
      if (mine.stop.signal.aborted) return;
      answer = { key, frame, error: error.message };
    }
    if (get().session === session || get().session?.id === session.id) dispatch({ type: "answer", what, answer });
    await pause;
    if (asking[what] === mine) asking[what] = null;
    follow();
  }

  function follow() {
    const state = get();
    for (const [what, question] of Object.entries(wanted(state))) {
      if (state.answers[what]?.key === question.key || asking[what]?.key === question.key) continue;
      if (state.playing && asking[what]) continue;
      ask(what, question);
    }
  }
  subscribe(follow);
}

/**
 * What came is painted before more is asked for; where painting takes long, as in a network of many
 * edges, most frames are left to the handle, which must not wait.
 */
async function breathe() {
  const started = performance.now();
  for (let frames = 0; frames < 2; frames++) await new Promise(requestAnimationFrame);
  const spent = performance.now() - started;
  if (spent > SLOW) await new Promise((done) => setTimeout(done, Math.min(LONGEST, 3 * spent)));
}

const belongs = (trial, frame) => ["revision", "step", "example"].every((key) => trial[key] === frame?.[key]);

/** While a weight is tried, fetches the step as it would be: one question at a time, newest last. */
export function followTrial({ get, dispatch, subscribe }) {
  let asking = false;
  let asked = null;

  async function follow() {
    const { tried, session, frame } = get();
    if (asking || !tried || tried === asked) return;
    asking = true;
    asked = tried;
    const query = { ...tried, example: frame.example, phase: frame.phase };
    try {
      const trial = await getTrial(session.id, frame.step, query, session.layout);
      if (get().session?.id === session.id && belongs(trial, get().frame)) dispatch({ type: "trial", frame: trial, tried });
    } catch (error) {
      if (get().session?.id === session.id) dispatch({ type: "notice", notice: { kind: "error", text: error.message } });
    }
    await breathe();
    asking = false;
    follow();
  }
  subscribe(follow);
}

/** Checks every parameter of the step part by part; `stop()` ends it, `drop()` without a word. */
export function startCheck({ get, dispatch }, key, count) {
  const { session, frame } = get();
  const stop = new AbortController();
  const found = { key, step: frame.step, checked: 0, of: count, agree: 0, different: [], kinks: [], overflows: [], rounding: [], worst: null };
  let dropped = false;
  const tell = (state) => dropped || dispatch({ type: "check", check: { ...found, state } });
  (async () => {
    for (let first = 0; first !== null; ) {
      const part = await getExplanation(session.id, frame.step, "check", { first }, stop.signal);
      if (checkKey(get()) !== key) return void tell("cancelled"); // nobody looks at this step any more
      found.checked += part.checked;
      found.agree += part.agree;
      for (const kind of ["different", "kinks", "overflows", "rounding"]) found[kind] = [...found[kind], ...(part[kind] ?? [])];
      if (part.worst.parameter && !(found.worst?.relative_gap >= part.worst.relative_gap)) found.worst = part.worst;
      first = part.next;
      tell(first === null ? "done" : "running");
    }
  })().catch((error) => {
    found.error = stop.signal.aborted ? null : error.message;
    tell(stop.signal.aborted ? "cancelled" : "failed");
  });
  tell("running");
  const drop = () => { dropped = true; stop.abort(); };
  return { stop: () => stop.abort(), drop };
}
