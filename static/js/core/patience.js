// How long the connection waits: before it tries again, and before it doubts that anybody is there.

const FIRST = 250; // milliseconds
const LONGEST = 10_000;
const SILENCE = 30_000; // nothing came for so long: ask
const DEAF = 40_000; // nor did an answer: the connection is dead, whatever the browser thinks

/**
 * Milliseconds before the next try: between a quarter of a second and a bound that doubles with each
 * failure. Chance spreads those whom the same server lost over the whole of it.
 * @param {number} failures  since somebody last answered
 * @param {number} chance  from 0 up to 1
 */
export function waitBefore(failures, chance) {
  const bound = Math.min(LONGEST, FIRST * 2 ** (failures + 1));
  return FIRST + chance * (bound - FIRST);
}

/** What to do after so many milliseconds of silence: "wait", "ask" or "cut". */
export function afterSilence(quiet) {
  if (quiet >= DEAF) return "cut";
  return quiet >= SILENCE ? "ask" : "wait";
}
