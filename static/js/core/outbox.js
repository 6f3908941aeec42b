// Which commands go out and when: in order, one at a time, none lost and none twice.
//
// A command keeps its id however often it is sent, and the server does a known id only once. What a
// held key or a dragged slider adds while one is unanswered becomes one command.

const APART = 25; // milliseconds between two commands: at most 40 a second
const KEPT = new Set(["step", "seek", "change", "undo"]); // sent again after a reconnect
const PATIENT = new Set(["step"]); // waits even for a move that takes long

/** How a newer command takes in the one before it; null where both must go. */
const MERGE = {
  step: (old, now) => (old.do === "step" && old.unit === now.unit ? { ...now, by: old.by + now.by } : null),
  seek: (old, now) => (old.do === "seek" || old.do === "step" ? now : null),
  change: (old, now) => (old.do === "change" && targetOf(old) === targetOf(now) ? now : null),
  show: (old, now) => (old.do === "show" ? now : null),
};

function targetOf(change) {
  return change.parameter ?? Object.keys(change).find((key) => key === "learning_rate" || key === "optimizer");
}

/** Commands on their way; every time is in milliseconds of one clock, which the caller has. */
export function createOutbox() {
  const queue = [];
  const sent = new Map();
  let notBefore = 0;
  let slow = false;
  const blocked = (next) => sent.size > 0 && (!slow || PATIENT.has(next.do));

  return {
    push(command) {
      const last = queue.pop();
      const merged = last && !last.sent ? MERGE[command.do]?.(last, command) : null;
      if (last && !merged) queue.push(last);
      if (merged?.by !== 0) queue.push(merged ?? command);
    },
    /** The command to send at this time, if any. */
    take(now) {
      if (!queue.length || now < notBefore || blocked(queue[0])) return null;
      const { sent: again, ...command } = queue.shift();
      sent.set(command.id, command);
      notBefore = now + APART;
      slow = false;
      return command;
    },
    /** In how many milliseconds there may be one; null where an answer must come first. */
    wait: (now) => (queue.length && !blocked(queue[0]) ? Math.max(0, notBefore - now) : null),
    /** Note an answer; tell whether it is to a command of ours. */
    answered(id) {
      const known = sent.delete(id);
      const at = known ? -1 : queue.findIndex((command) => command.sent && command.id === id);
      if (at >= 0) queue.splice(at, 1);
      return known || at >= 0;
    },
    /** The server has too much to do: the same command again, not before this time. */
    later(id, time) {
      const command = sent.get(id);
      if (!command) return;
      sent.delete(id);
      queue.unshift({ ...command, sent: true });
      notBefore = Math.max(notBefore, time);
    },
    /** What was sent takes long: what is meant for the step on the screen need not wait for it. */
    overtake() { slow = true; },
    /** The connection is gone: what nobody answered is sent again, what mattered only then is not. */
    cut() {
      const all = [...[...sent.values()].map((command) => ({ ...command, sent: true })), ...queue];
      sent.clear();
      queue.splice(0, queue.length, ...all.filter((command) => KEPT.has(command.do)));
      notBefore = 0;
      slow = false;
    },
    get unanswered() { return queue.length + sent.size; },
  };
}
