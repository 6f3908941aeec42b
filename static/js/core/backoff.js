// How long to wait before the next try to connect: doubled each time, and never all at the same time.

const FIRST = 250; // milliseconds
const LONGEST = 10_000;

/**
 * @param {number} tries  how many failed so far
 * @param {number} random  from 0 to 1, so that a class does not come back all at once
 * @returns {number} milliseconds, from 250 to 10,000
 */
export function waitBefore(tries, random) {
  const longest = Math.min(LONGEST, FIRST * 2 ** (tries + 1));
  return FIRST + (longest - FIRST) * random;
}
