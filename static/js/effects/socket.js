// The live connection: sends commands, hands on what comes back, and comes back itself when cut.
//
// A command that was not answered is sent again with the same id after a reconnect, and the server
// does a known id only once: no double steps. It tells by its offset which changes this page has
// seen, and is told those that it missed.

import { waitBefore } from "../core/backoff.js";
import { decodeFrame } from "../core/protocol.js";

const NO_SUCH_SESSION = 4404;
const QUIET = 20_000; // milliseconds without a word after which the server is asked whether it is there
const PATIENCE = 10_000; // and then, after which the connection counts as dead
const REPEATED = new Set(["step", "seek", "change", "undo"]);

/** An id for a command; crypto.randomUUID exists only where the page came securely. */
function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * @param {string} id  a key to the session
 * @param {(message: object) => void} onMessage  gets {type: "hello" | "resumed" | "change" | "frame" | ...};
 *   a change or reply whose `repeated` is true was seen before
 */
export function openSocket(id, onMessage) {
  const address = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/sessions/${id}/live`;
  const waiting = new Map();
  let socket = null;
  let layout = null;
  let offset = null;
  let example = 0;
  let tries = 0;
  let timer = 0;
  let watch = 0;

  function connect() {
    const opened = new WebSocket(offset === null ? address : `${address}?since=${offset}`);
    socket = opened;
    opened.binaryType = "arraybuffer";
    opened.onmessage = ({ data }) => {
      if (opened !== socket) return;
      listen(QUIET, ask);
      if (typeof data === "string") onText(JSON.parse(data));
      else onFrame(data);
    };
    opened.onclose = ({ code }) => lose(opened, code);
    listen(PATIENCE, () => lose(opened, 1006));
  }
  function lose(lost, code) {
    if (lost !== socket) return;
    socket = null;
    clearTimeout(watch);
    lost.close();
    onMessage({ type: "connection", connection: "lost", code });
    if (code === NO_SUCH_SESSION) return onMessage({ type: "gone" });
    timer = setTimeout(connect, waitBefore(tries++, Math.random()));
  }
  function listen(patience, act) {
    clearTimeout(watch);
    watch = setTimeout(act, patience);
  }
  /** A connection can be dead without a word: whoever is there answers this. */
  function ask() {
    const asked = socket;
    transmit({ id: newId(), do: "show", example });
    listen(PATIENCE, () => lose(asked, 1006));
  }
  function transmit(command) {
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(command));
  }

  function onText(message) {
    if (message.type === "hello") greeted(message.session.offset, message.session.layout, [], message);
    else if (message.type === "resumed") greeted(message.offset, layout, message.changes, message);
    else if (message.type === "error" && message.error.code === "too_many_commands") sendLater(message);
    else hand(message);
  }
  /** What was missed first; then what was not answered is sent again, in its order. */
  function greeted(newest, layoutNow, missed, message) {
    tries = 0;
    layout = layoutNow;
    for (const change of missed) hand({ type: waiting.has(change.id) ? "reply" : "change", ...change });
    offset = newest;
    onMessage(message);
    if (example) transmit({ id: newId(), do: "show", example });
    for (const command of waiting.values()) transmit(command);
  }
  function hand(message) {
    if (message.type === "reply" || message.type === "error") waiting.delete(message.id);
    const repeated = message.offset !== undefined && message.offset <= offset;
    if (message.offset > offset) offset = message.offset;
    onMessage({ ...message, repeated });
  }
  function sendLater({ id: refused, error }) {
    const command = waiting.get(refused);
    if (command) setTimeout(() => waiting.has(refused) && transmit(command), error.retry_after * 1000);
  }
  function onFrame(data) {
    if (!layout) return;
    const frame = decodeFrame(data, layout);
    example = frame.example;
    onMessage({ type: "frame", frame });
  }
  function online() {
    if (!socket) { clearTimeout(timer); connect(); }
  }
  connect();
  addEventListener("online", online);

  return {
    /** Send a command; what only matters now (play, show) is not kept for later. */
    send(command) {
      const withId = { id: newId(), ...command };
      if (REPEATED.has(command.do)) waiting.set(withId.id, withId);
      transmit(withId);
      return withId.id;
    },
    /** How many moves are not answered yet: a held key waits for the one before. */
    get unanswered() { return waiting.size; },
    close() {
      const open = socket;
      socket = null;
      clearTimeout(timer);
      clearTimeout(watch);
      removeEventListener("online", online);
      open?.close();
    },
  };
}
