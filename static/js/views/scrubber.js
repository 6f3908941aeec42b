// The scrubber's track is the loss itself: a band from the smallest to the largest of each bucket.

/** @returns {{band: string, marks: number[]}} an SVG path in a box of width x height, and edits */
export function viewScrubber(history, edits, furthest, width, height) {
  const { steps, loss_min: low, loss_max: high } = history;
  if (!steps.length) return { band: "", marks: [] };
  const last = Math.max(furthest, 1);
  const top = Math.max(...high) || 1;
  const x = (step) => (step / last) * width;
  // A square root keeps the small losses of a long run visible; zero stays at the bottom.
  const y = (loss) => height - 1 - Math.sqrt(Math.max(loss, 0) / top) * (height - 3);
  const above = steps.map((step, k) => `${x(step).toFixed(1)},${(y(high[k]) - 0.6).toFixed(1)}`);
  const below = steps
    .map((step, k) => `${x(step).toFixed(1)},${(y(low[k]) + 0.6).toFixed(1)}`)
    .reverse();
  return {
    band: `M${above.join("L")}L${below.join("L")}Z`,
    marks: edits.filter((edit) => edit.step <= last).map((edit) => x(edit.step)),
  };
}
