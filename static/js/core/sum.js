// A sum that keeps what is lost on the way, so that what is shown adds up to what is said.

/**
 * The sum of many numbers; null where it, or one of them, is beyond what a number can hold.
 * What an addition rounds away is kept and added at the end (Neumaier 1974).
 */
export function sumOf(values) {
  let [sum, lost] = [0, 0];
  for (const value of values) {
    if (value === null) return null;
    const next = sum + value;
    lost += Math.abs(sum) < Math.abs(value) ? value - next + sum : sum - next + value;
    sum = next;
  }
  const found = sum + lost;
  return Number.isFinite(found) ? found : null;
}
