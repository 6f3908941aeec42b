// Asks the server about what is selected, as the state wants it: the newest question only.

import { checkKey, isParameter, wanted } from "../core/inspect.js";
import { getExplanation, getTrial } from "./api.js";

const SLOW = 40; // milliseconds for two frames: one more was left out
const LONGEST = 250;
const WHILE_PLAYING = 200; // milliseconds between two questions

/** Keeps `answers` of the store's state at what is shown. */
export function followExplanations({ get, dispatch, subscribe }) {
  const asking = {};

  async function ask(what, { key, path, query }) {
    const { session, frame, playing } = get();
    asking[what]?.stop.abort();
    const mine = (asking[what] = { key, session: session.id, stop: new AbortController() });
    const { signal } = mine.stop;
    const pause = playing ? new Promise((done) => setTimeout(done, WHILE_PLAYING)) : null;
    let answer;
    try {
      const data = await getExplanation(session.id, frame.step, path, query, signal);
      answer = { key, frame, data };
    } catch (error) {
      answer = { key, frame, error: error.message };
    }
    if (signal.aborted) return;
    dispatch({ type: "answer", what, answer });
    await pause;
    if (asking[what] === mine) asking[what] = null;
    follow();
  }

  /** What nobody waits for any more, since selection or session are others, is not awaited. */
  function dropUnwanted({ session }, questions) {
    for (const [what, mine] of Object.entries(asking)) {
      if (!mine || (questions[what] && mine.session === session.id)) continue;
      mine.stop.abort();
      asking[what] = null;
    }
  }

  function follow() {
    const state = get();
    const questions = wanted(state);
    dropUnwanted(state, questions);
    for (const [what, question] of Object.entries(questions)) {
      if (state.answers[what]?.key === question.key || asking[what]?.key === question.key) continue;
      if (state.playing && asking[what]) continue;
      ask(what, question);
    }
  }
  subscribe(follow);
}

/** The time at which the next frame is drawn. */
const aFrame = () => new Promise(requestAnimationFrame);

/**
 * What came is painted before more is asked for; where painting takes long, as in a network of many
 * edges, most frames are left to the handle, which must not wait.
 */
async function breathe() {
  const drawn = await aFrame();
  await aFrame();
  const spent = (await aFrame()) - drawn;
  if (spent > SLOW) await new Promise((done) => setTimeout(done, Math.min(LONGEST, 3 * spent)));
}

const belongs = (trial, frame) =>
  ["revision", "step", "example"].every((key) => trial[key] === frame?.[key]);

/** While a weight is tried, fetches the step as it would be: one question a time, newest last. */
export function followTrial({ get, dispatch, subscribe }) {
  let asking = null;
  let asked = null;

  async function ask({ tried, session, frame }, { signal }) {
    const query = { ...tried, example: frame.example, phase: frame.phase };
    try {
      const trial = await getTrial(session.id, frame.step, query, session.layout, signal);
      if (belongs(trial, get().frame)) dispatch({ type: "trial", frame: trial, tried });
    } catch (error) {
      if (signal.aborted) return;
      if (error.code === "not_finite") dispatch({ type: "beyond", tried });
      else dispatch({ type: "notice", notice: { kind: "error", text: error.message } });
    }
  }

  async function follow() {
    const state = get();
    if (!state.tried) asking?.abort();
    if (asking || !state.tried || state.tried === asked) return;
    asking = new AbortController();
    asked = state.tried;
    await ask(state, asking);
    await breathe();
    asking = null;
    follow();
  }
  subscribe(follow);
}

const LISTS = ["different", "kinks", "overflows", "rounding"];

/** What a check has found when nothing is checked yet. */
function nothingFound(key, step, count) {
  const lists = Object.fromEntries(LISTS.map((kind) => [kind, []]));
  return { key, step, checked: 0, of: count, agree: 0, ...lists, worst: null };
}

function addPart(found, part) {
  found.checked += part.checked;
  found.agree += part.agree;
  for (const kind of LISTS) found[kind] = [...found[kind], ...(part[kind] ?? [])];
  const worse = !(found.worst?.relative_gap >= part.worst.relative_gap);
  if (part.worst.parameter && worse) found.worst = part.worst;
}

/** Checks every parameter of the step part by part; `stop()` ends it, `drop()` without a word. */
export function startCheck({ get, dispatch, subscribe }, key, count) {
  const { session, frame } = get();
  const stop = new AbortController();
  const found = nothingFound(key, frame.step, count);
  let dropped = false;
  const tell = (state) => dropped || dispatch({ type: "check", check: { ...found, state } });
  const isWatched = (state) => checkKey(state) === key && isParameter(state.selected);
  const leave = subscribe((state) => isWatched(state) || stop.abort());
  async function run() {
    for (let first = 0; first !== null;) {
      const part = await getExplanation(session.id, frame.step, "check", { first }, stop.signal);
      addPart(found, part);
      first = part.next;
      tell(first === null ? "done" : "running");
    }
  }
  run()
    .catch((error) => {
      found.error = stop.signal.aborted ? null : error.message;
      tell(stop.signal.aborted ? "cancelled" : "failed");
    })
    .finally(leave);
  tell("running");
  const drop = () => {
    dropped = true;
    stop.abort();
  };
  return { stop: () => stop.abort(), drop };
}
