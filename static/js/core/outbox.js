// Which commands go out and when: in order, one at a time, none lost and none twice.
//
// A command keeps its id however often it is sent, and the server does a known id only once. What a
// held key or a dragged slider adds while one is unanswered becomes one command.
//
// Only a move that takes long is overtaken. Steps wait for it, since they go on from where it leads; the rest is
// meant for the step on the screen and goes at once. What ends the move on the server, as all but ASIDE do, ends
// the steps that wait for it too: neither they nor the move are sent again. A cancel waits for nothing.

const APART = 25; // milliseconds between two commands: at most 40 a second
const PASSING = new Set(["play", "cancel"]); // mattered only then: not sent after a reconnect
const MOVES = new Set(["step", "seek", "play"]);
const ASIDE = new Set(["show", "pause"]); // end no move

/** How a newer command takes in the one before it; null where both must go. */
const MERGE = {
  step: (old, now) => (isSameWay(old, now) ? { ...now, by: old.by + now.by } : null),
  seek: (old, now) => (old.do === "seek" || old.do === "step" ? now : null),
  change: (old, now) => (old.do === "change" && targetOf(old) === targetOf(now) ? now : null),
  show: (old, now) => (old.do === "show" ? now : null),
  pause: (old, now) => (old.do === "pause" ? now : null),
};

/** Back and forth are not one move: at either end of the run a step is cut short. */
function isSameWay(old, now) {
  return old.do === "step" && old.unit === now.unit && old.by > 0 === now.by > 0;
}

/** Where a step leads is not known here; but not to where another move led before it went. */
function isAbout({ command, before }, target) {
  return command.do === "seek" ? command.step === target : command.do === "step" && before !== target;
}

function targetOf(change) {
  return change.parameter ?? Object.keys(change).find((key) => key === "learning_rate" || key === "optimizer");
}

/** Commands on their way; every time is in milliseconds of one clock, which the caller has. */
export function createOutbox() {
  const queue = [];
  const sent = new Map(); // by id: the command, what was told when it went, whether it is a move that takes long
  let notBefore = 0;
  let told = null; // where the move leads that takes long, ours or another viewer's

  /** The place in the queue of what may go out; -1 where an answer must come first. */
  function next() {
    if (queue[0]?.do === "cancel" || !sent.size) return queue.length ? 0 : -1;
    return [...sent.values()].every(({ isLong }) => isLong) ? queue.findIndex((command) => command.do !== "step") : -1;
  }

  function forgetMoves() {
    for (const [id, { command }] of sent) if (MOVES.has(command.do)) sent.delete(id);
  }

  return {
    push(command) {
      if (command.do === "cancel") {
        forgetMoves();
        queue.splice(0, queue.length, command, ...queue.filter((one) => !MOVES.has(one.do)));
        return;
      }
      const last = queue.pop();
      const merged = last && !last.sent ? MERGE[command.do]?.(last, command) : null;
      if (last && !merged) queue.push(last);
      queue.push(merged ?? command);
    },
    /** The command to send at this time, if any. */
    take(now) {
      const at = next();
      if (at < 0 || now < notBefore) return null;
      const [{ sent: again, ...command }] = queue.splice(at, 1);
      if (sent.size && !ASIDE.has(command.do)) {
        queue.splice(0, at);
        forgetMoves();
      }
      sent.set(command.id, { command, before: told, isLong: false });
      notBefore = now + APART;
      return command;
    },
    /** In how many milliseconds there may be one; null where an answer must come first. */
    wait: (now) => (next() < 0 ? null : Math.max(0, notBefore - now)),
    /** Note an answer; tell whether it is to a command of ours. */
    answered(id) {
      const known = sent.delete(id);
      const at = known ? -1 : queue.findIndex((command) => command.sent && command.id === id);
      if (at >= 0) queue.splice(at, 1);
      return known || at >= 0;
    },
    /** The server has too much to do: the same command again, not before this time. */
    later(id, time) {
      const found = sent.get(id);
      if (!found) return;
      sent.delete(id);
      queue.unshift({ ...found.command, sent: true });
      notBefore = Math.max(notBefore, time);
    },
    /** Somebody's move to this step takes long; null once it has ended. */
    progress(target) {
      told = target;
      for (const one of sent.values()) {
        one.isLong = target !== null && (one.isLong || isAbout(one, target));
        if (target === null) one.before = null; // what is told from now on is of another move
      }
    },
    /** The connection is gone: what nobody answered is sent again, what mattered only then is not. */
    cut() {
      const all = [...[...sent.values()].map(({ command }) => ({ ...command, sent: true })), ...queue];
      sent.clear();
      queue.splice(0, queue.length, ...all.filter((command) => !PASSING.has(command.do)));
      [notBefore, told] = [0, null];
    },
    get unanswered() { return queue.length + sent.size; },
  };
}
