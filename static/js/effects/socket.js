// The live connection: sends commands, hands on what comes back, and comes back itself when cut.

import { closing, turnedAway, UNTOLD } from "../core/link.js";
import { createOutbox } from "../core/outbox.js";
import { afterSilence, waitBefore } from "../core/patience.js";
import { decodeFrame } from "../core/protocol.js";
import { whyNot } from "./api.js";

const LOOK = 5_000; // milliseconds between two looks whether anything came
const DOUBT = 3; // sockets in a row that brought nothing from a server that answers
const PING = "still there?";

/** An id for a command; crypto.randomUUID exists only where the page came securely. */
function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The connection to one session. */
export class Link {
  #outbox = createOutbox();
  #socket = null; // the one that counts: what an older one still brings is ignored
  #greeted = false;
  #layout = null;
  #offset = null; // of the last change that was seen; null until there is a run
  #failures = 0;
  #heard = 0;
  #asked = null; // when somebody was asked who has not answered
  #brought = false; // whether this socket brought anything
  #barred = 0; // how many in a row did not, though the server answered meanwhile
  #asking = false;
  #ending = new AbortController();
  #timers = { again: 0, pump: 0, look: 0 };

  /**
   * @param {string} id  the session's
   * @param {(message: object) => void} tell  gets {type: "hello" | "frame" | "reply" | ...}
   * @param {() => number} example  the position in the batch that is looked at
   */
  constructor(id, tell, example) {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    this.id = id;
    this.address = `${scheme}://${location.host}/api/sessions/${id}/live`;
    [this.tell, this.example] = [tell, example];
    this.#timers.look = setInterval(() => this.#look(), LOOK);
    addEventListener("online", this.#online, { signal: this.#ending.signal });
    this.#connect();
  }

  /** Send a command, in its turn, and return its id; what matters only now (play, cancel) is not kept for later. */
  send(command) {
    const id = newId();
    this.#outbox.push({ id, ...command });
    this.#pump();
    return id;
  }

  /** How many commands are not answered yet. */
  get unanswered() {
    return this.#outbox.unanswered;
  }

  close() {
    this.#ending.abort();
    clearInterval(this.#timers.look);
    clearTimeout(this.#timers.again);
    this.#leave();
  }

  #connect() {
    clearTimeout(this.#timers.again);
    const socket = new WebSocket(this.address + (this.#offset === null ? "" : `?since=${this.#offset}`));
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => socket === this.#socket && this.#receive(data);
    socket.onclose = ({ code }) => socket === this.#socket && this.#lost(code);
    this.#socket = socket;
    [this.#heard, this.#asked, this.#brought] = [Date.now(), null, false];
  }

  #online = () => {
    if (!this.#socket) this.#connect();
  };

  /** Forget the socket; it may take long to close, or never do. */
  #leave() {
    const socket = this.#socket;
    clearTimeout(this.#timers.pump);
    [this.#socket, this.#greeted] = [null, false];
    this.#outbox.cut();
    socket?.close();
  }

  #lost(code) {
    this.#leave();
    this.tell({ type: "connection", code });
    if (closing(code).final) return this.close();
    if (code === UNTOLD && !this.#brought) this.#ask();
    else this.#barred = 0;
    const wait = waitBefore(this.#failures++, Math.random());
    this.#timers.again = setTimeout(() => this.#connect(), wait);
  }

  /** No page is told why its socket was refused at the handshake: a plain request is told more. */
  async #ask() {
    if (this.#asking) return;
    this.#asking = true;
    const error = await whyNot(this.id, this.#ending.signal);
    this.#asking = false;
    if (this.#ending.signal.aborted || this.#brought) return;
    this.#barred = error ? 0 : this.#barred + 1;
    if (error || this.#barred >= DOUBT) this.tell({ type: "turned_away", error });
    if (error && turnedAway(error).final) this.close();
  }

  /** A dead connection says nothing, not even that it is dead. */
  #look() {
    if (!this.#socket) return;
    const now = Date.now();
    const next = afterSilence(now - this.#heard, this.#asked && now - this.#asked);
    if (next === "cut") this.#lost(UNTOLD);
    if (next !== "ask") return;
    this.#asked = now;
    if (this.#greeted) this.#show(PING); // else to connect was to ask
  }

  #show(id) {
    this.#socket.send(JSON.stringify({ id, do: "show", example: this.example() }));
  }

  #receive(data) {
    [this.#heard, this.#asked, this.#brought] = [Date.now(), null, true];
    if (typeof data !== "string") this.tell({ type: "frame", frame: decodeFrame(data, this.#layout) });
    else this.#read(JSON.parse(data));
    this.#pump();
  }

  #read(message) {
    if (message.id === PING) return; // that it came is all it says
    if (message.error?.code === "too_many_commands") {
      return this.#outbox.later(message.id, Date.now() + 1000 * message.error.retry_after);
    }
    if (message.type === "progress") this.#outbox.progress(message.done ? null : message.target);
    const found = this.#settle(message);
    this.#note(found);
    if (found.type === "hello" || found.type === "resumed") this.#greet(found);
    this.tell(found);
  }

  /** Note how far the run is known; what tells no offset, such as progress before the greeting, knows none. */
  #note({ session, offset }) {
    if (session) this.#offset = session.offset;
    else if (offset !== undefined) this.#offset = Math.max(this.#offset, offset);
  }

  /** Note what is answered; a command of ours that an older socket sent comes back as a change. */
  #settle(message) {
    if (message.type === "resumed") {
      const changes = message.changes.map((change) => ({ ...change, mine: this.#outbox.answered(change.id) }));
      return { ...message, changes };
    }
    const ours = message.id !== undefined && this.#outbox.answered(message.id);
    return message.type === "change" && ours ? { ...message, type: "reply" } : message;
  }

  #greet({ session }) {
    if (session) this.#layout = session.layout;
    this.#outbox.cut(); // what came in meanwhile and matters no more
    [this.#failures, this.#greeted] = [0, true];
    if (this.example()) this.#show(PING);
  }

  #pump() {
    clearTimeout(this.#timers.pump);
    if (!this.#greeted) return;
    for (let next; (next = this.#outbox.take(Date.now())); ) this.#socket.send(JSON.stringify(next));
    const wait = this.#outbox.wait(Date.now());
    if (wait !== null) this.#timers.pump = setTimeout(() => this.#pump(), wait);
  }
}
