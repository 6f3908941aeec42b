// How long the connection waits: before it tries again, and before it doubts that anybody is there.

const FIRST = 500; // milliseconds: the bound of the first wait
const GROWTH = 1.5;
const LONGEST = 10_000;
const SILENCE = 30_000; // nothing came for so long: ask
const DEAF = 10_000; // nor did an answer: the connection is dead, whatever the browser thinks

/**
 * Milliseconds before the next try: half of a bound that grows with each failure, and as much again at most
 * by chance, which spreads those whom the same server lost. The bound grows slowly and half is fixed, so that
 * nobody whom chance was unkind to waits much longer than the server was away.
 * @param {number} failures  since somebody last answered
 * @param {number} chance  from 0 up to 1
 */
export function waitBefore(failures, chance) {
  const bound = Math.min(LONGEST, FIRST * GROWTH ** failures);
  return (bound / 2) * (1 + chance);
}

/**
 * What to do after silence: "wait", "ask" or "cut". Nothing is cut that was not asked before: in a hidden tab
 * a minute may pass between two looks.
 * @param {number} quiet  milliseconds since anything came
 * @param {number | null} asked  milliseconds since a question that nothing answered; null where there was none
 */
export function afterSilence(quiet, asked) {
  if (quiet < SILENCE) return "wait";
  if (asked === null) return "ask";
  return asked < DEAF ? "wait" : "cut";
}
