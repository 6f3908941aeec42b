// What the connection brings, as the page's state takes it: greetings, replies, changes of others.
//
// A change has a number, its offset. One that the state has already is not applied again.

import { droppedWords, elsewhereWords } from "./edits.js";

const FINAL = new Set([4404, 4410]);
const CLOSED = {
  1008: ["error", "This page sent more than the server takes. Trying again; the run stands where it stood."],
  1012: ["info", "The server restarts; your run is kept. Trying again …"],
  4404: ["error", "This session is no longer on the server. Start again with a preset."],
  4410: [
    "error",
    "This run is damaged: what is stored of it cannot be read; a backup may bring it back. Reload the page to look again, or start with a preset.",
  ],
  4408: ["info", "This page fell behind and was cut off. It comes back where the run stands."],
  4429: ["error", "Too many pages show this run. Trying again until there is room …"],
};
/** Nothing was said; so it is where a handshake is refused, since no browser tells a page of that. */
export const UNTOLD = 1006;
const LOST = ["error", "Connection lost. Trying again; the run stands where it stood."];

/** Why a socket was closed, as a notice; `final` where trying again is of no use. */
export function closing(code) {
  const [kind, text] = CLOSED[code] ?? LOST;
  return { kind, text, final: FINAL.has(code) };
}

/** Refusals of a plain request that the server tells a socket by a close code. */
const AS_CLOSED = { unknown_session: 4404, damaged: 4410, stopping: 1012 };
const HOPELESS = new Set([400, 403, 404]);
const NO_SOCKET =
  "The server answers, but opens no live connection (WebSocket) to this page. Trying again … Too many pages may be " +
  "open from your address: closing some helps then. Otherwise whoever runs the server can check " +
  "RETRACE_ALLOWED_ORIGINS, RETRACE_SOCKETS_PER_ADDRESS, and whether its proxy passes WebSockets on.";

/**
 * Why no socket is opened, as a notice, from what a plain request for the session is told instead.
 * @param {{code?: string, status?: number, message: string} | null} error  null where it is answered; without a
 *   code it did not come from the server
 */
export function turnedAway(error) {
  if (!error) return { kind: "error", text: NO_SOCKET, final: false };
  const { code, status, message } = error;
  if (!code || code in AS_CLOSED) return closing(AS_CLOSED[code] ?? UNTOLD);
  const final = HOPELESS.has(status);
  const text = `The server does not let this page in${final ? `: ${message}.` : ` just now: ${message}. Trying again …`}`;
  return { kind: "error", text, final };
}

/** The one thing that a reader's page may ask for: another example to look at. */
export const READING = new Set(["show"]);
export const WATCHING = "You are watching: this link cannot change the run.";
export const UNSURE = "What you asked of the run that you left was not answered yet: it may not have been done.";

export const LINK_REDUCERS = {
  hello: (state, { session, playing }) => opened({ ...state, session: sameLayout(state, session), answers: {} }, playing, state),
  resumed: (state, { changes, cursor, machine, recorded_on, playing }) => {
    const caught = changes.reduce(caughtUp, state);
    return opened({ ...caught, answers: answered(caught.answers), session: { ...caught.session, cursor, machine, recorded_on } }, playing, state);
  },
  reply: (state, reply) => {
    if (isKnown(state, reply)) return state;
    const notice = "offset" in reply ? replyNotice(reply) : lasting(state.notice); // else nothing was changed
    return { ...applied(state, reply), notice };
  },
  change: (state, change) => caughtUp(state, change),
  error: (state, { id, error }) => {
    if (error.code === "cancelled") return state; // whoever asked for something else knows
    return { ...state, refused: state.refused + 1, notice: { ...errorNotice(error), of: id } };
  },
  /** The field that asked shows why it was refused: to say it once is enough. */
  beside: (state, { id }) => (id && state.notice?.of === id ? { ...state, notice: null } : state),
  connection: (state, { code }) => {
    if (state.closing && !(code in CLOSED)) return state; // the first reason stands
    return shut(state, closing(code));
  },
  turned_away: (state, { error }) => {
    const found = turnedAway(error);
    const isKnown = state.closing?.text === found.text || (error && !error.code && !state.closing?.asked);
    return state.connection !== "lost" || isKnown ? state : shut(state, { ...found, asked: true });
  },
};

/** A run's layout stays: greeted anew, the page keeps what it has drawn of it, and what has the focus there. */
const sameLayout = ({ session: known }, session) => (known ? { ...session, layout: known.layout } : session);

/** Questions that failed, as while the connection was cut, are asked anew. */
const answered = (answers) => Object.fromEntries(Object.entries(answers).filter(([, { error }]) => !error));

function shut(state, closing) {
  return { ...state, connection: closing.final ? "closed" : "lost", closing, progress: null };
}

/** What is told of missed changes has the say: that playing stopped shows in its button as well. */
function opened(state, playing, before) {
  const isTold = state.notice && state.notice !== before.notice;
  const stopped = before.playing && !playing && before.connection !== "connecting" && !isTold;
  const text = "Playing stopped while the connection was cut. Play goes on from here.";
  const notice = stopped ? { kind: "info", text, passing: true } : state.notice;
  return { ...state, playing, notice, connection: "open", closing: null, progress: null };
}

/** Apply a change that was missed or made elsewhere, and say so where it is more than a move. */
function caughtUp(state, change) {
  if (isKnown(state, change)) return state;
  const told = change.mine ? replyNotice(change) : elsewhereNotice(state, change);
  return { ...applied(state, change), notice: told ?? lasting(state.notice) };
}

function elsewhereNotice({ session }, change) {
  return change.edits ? { kind: "info", text: elsewhereWords(session.edits, change) } : null;
}

/** What is still true of a notice once the run has moved on: all of it, or nothing. */
export function lasting(notice) {
  return notice?.passing ? null : notice;
}

const isKnown = ({ session }, { offset }) => !session || offset <= session.offset;

const SHARED = ["cursor", "revision", "offset", "edits", "can_undo", "furthest"];

function applied(state, change) {
  const fresh = Object.fromEntries(SHARED.filter((key) => key in change).map((key) => [key, change[key]]));
  return { ...state, session: { ...state.session, ...fresh } };
}

function replyNotice({ diverged, dropped }) {
  if (diverged) return { kind: "error", text: divergedText(diverged.step) };
  return dropped?.length ? { kind: "info", text: droppedWords(dropped), undo: true } : null;
}

/** A refusal in the server's own words. */
function errorNotice({ code, message }) {
  if (code === "read_only") return { kind: "info", text: WATCHING };
  return { kind: "error", text: message };
}

export function divergedText(step) {
  const which = step === undefined ? "this step" : `step ${step.toLocaleString("en-US")}`;
  return `The run diverges: ${which} is the last whose numbers are all finite. Step back and choose a smaller learning rate, or undo the change.`;
}
