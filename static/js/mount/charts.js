// The charts: the only file that knows Plotly. It is loaded when the page is idle, never before.

import { h, set, write } from "./dom.js";

const EVERY = 250; // milliseconds between two drawings
const CONFIG = { displayModeBar: false, responsive: true };

/** Calls `work` when the page has had nothing to do for a while. */
function whenIdle(work) {
  if (window.requestIdleCallback) requestIdleCallback(work, { timeout: 8000 });
  else setTimeout(work, 2000);
}

export function mountCharts(root, getFigure, getState, shownTheme) {
  const [loss, gradient, gradientWords, lossWords] = ["loss", "gradient", "gradient-words", "loss-words"].map((name) => root.querySelector(`[data-chart="${name}"]`));
  let loading = null;
  let drawn = "";
  let busy = false;
  let drawnAt = -EVERY;

  function load() {
    loading ??= new Promise((resolve, reject) => {
      const script = h("script", { src: root.dataset.plotly });
      script.onload = resolve;
      script.onerror = () => reject(new Error("the charts' library did not load"));
      document.head.append(script);
    });
    return loading;
  }
  function scheduleLoad() {
    // Loading blocks the page for a moment: not while something plays.
    whenIdle(() => (getState().playing ? setTimeout(scheduleLoad, 1000) : load().then(draw, fail)));
  }
  function fail(error) {
    write(lossWords, `No chart: ${error.message}`);
  }
  async function draw() {
    const { session, frame, theme } = getState();
    if (!session || !frame || !window.Plotly || busy) return;
    const key = [session.id, frame.revision, frame.step, frame.phase, frame.furthest, shownTheme(theme)].join();
    const wait = drawnAt + EVERY - performance.now();
    if (key === drawn) return;
    if (wait > 0) return void setTimeout(draw, wait);
    busy = true;
    try {
      await drawBoth(session, frame, shownTheme(theme));
      drawn = key;
    } catch (error) {
      fail(error);
      drawn = key;
    } finally {
      busy = false;
      drawnAt = performance.now();
    }
    draw();
  }
  async function drawBoth(session, frame, theme) {
    const [first, second] = await Promise.all([
      getFigure(session.id, "loss", { theme }),
      getFigure(session.id, "gradient", { step: frame.step, phase: frame.phase, theme }),
    ]);
    await window.Plotly.react(loss, first.data, first.layout, CONFIG);
    write(lossWords, lossText(session, frame));
    set(gradient, { hidden: !second.shown });
    write(gradientWords, gradientText(second));
    if (second.shown) await window.Plotly.react(gradient, second.data, second.layout, CONFIG);
  }
  return { render: draw, scheduleLoad };
}

function lossText(session, frame) {
  const held = frame.testLoss === null ? "" : ` Held-out loss before this update: ${frame.testLoss.toPrecision(4)}.`;
  return `Batch loss at step ${frame.step.toLocaleString("en-US")}: ${frame.loss.toPrecision(4)}.${held}`;
}

function gradientText({ shown, of }) {
  if (!of) return "Not yet: the gradient is found in the backward phases.";
  return shown < of ? `The ${shown} largest of ${of} partial derivatives found so far.` : `${of} partial derivatives found so far, by name.`;
}
