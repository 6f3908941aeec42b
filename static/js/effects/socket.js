// The live connection: sends commands, hands on what comes back, and comes back itself when cut.
//
// A command that was not answered is sent again with the same id after a reconnect, and the server
// does a known id only once: no double steps.

import { decodeFrame } from "../core/protocol.js";

const FIRST_WAIT = 250;
const LONGEST_WAIT = 10_000;
const NO_SUCH_SESSION = 4404;
const REPEATED = new Set(["step", "seek", "change", "undo"]);

/** An id for a command; crypto.randomUUID exists only where the page came securely. */
function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * @param {string} id  the session's
 * @param {(message: object) => void} onMessage  gets {type: "hello" | "frame" | "reply" | ...}
 */
export function openSocket(id, onMessage) {
  const address = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/sessions/${id}/live`;
  const waiting = new Map();
  let socket = null;
  let layout = null;
  let tries = 0;
  let timer = 0;
  let closed = false;

  function connect() {
    socket = new WebSocket(address);
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => (typeof data === "string" ? onText(JSON.parse(data)) : onFrame(data));
    socket.onclose = ({ code }) => {
      if (closed) return;
      onMessage({ type: "connection", connection: "lost" });
      if (code === NO_SUCH_SESSION) return onMessage({ type: "gone" });
      const wait = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** tries++);
      timer = setTimeout(connect, wait * (0.5 + Math.random() / 2));
    };
  }
  function onText(message) {
    if (message.type === "hello") {
      layout = message.session.layout;
      tries = 0;
      for (const command of waiting.values()) socket.send(JSON.stringify(command));
    }
    if (message.type === "reply" || message.type === "error") waiting.delete(message.id);
    onMessage(message);
  }
  function onFrame(data) {
    if (layout) onMessage({ type: "frame", frame: decodeFrame(data, layout) });
  }
  connect();
  addEventListener("online", () => {
    if (socket.readyState === WebSocket.CLOSED && !closed) { clearTimeout(timer); connect(); }
  });

  return {
    /** Send a command; what only matters now (play, show) is not kept for later. */
    send(command) {
      const withId = { id: newId(), ...command };
      if (REPEATED.has(command.do)) waiting.set(withId.id, withId);
      if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(withId));
      return withId.id;
    },
    /** How many moves are not answered yet: a held key waits for the one before. */
    get unanswered() { return waiting.size; },
    close() { closed = true; clearTimeout(timer); socket.close(); },
  };
}
