// The charts stand in a frame of their own, which is made when the page is idle, never before.

import { count, fixed } from "../core/format.js";
import { h } from "./dom.js";

const EVERY = 250; // milliseconds between two drawings
const AGAIN = 2000; // and after a failure
const pause = (time) => new Promise((done) => setTimeout(done, time));

/** Calls `work` when the page has had nothing to do for a while. */
function whenIdle(work) {
  if (window.requestIdleCallback) requestIdleCallback(work, { timeout: 8000 });
  else setTimeout(work, 2000);
}

export function mountCharts(root, getFigure, getState, shownTheme) {
  const place = root.querySelector('[data-chart="frame"]');
  let frame = null;
  let ready = false;
  let asked = "";
  let busy = false;
  let drawnAt = -EVERY;

  addEventListener("message", ({ origin, source, data }) => {
    if (origin !== location.origin || source !== frame?.contentWindow) return;
    if (data.ready) ready = true;
    if (data.drawn) {
      busy = false;
      drawnAt = performance.now();
    }
    render();
  });
  /** Loading the library blocks the page for a moment: not while something plays. */
  function load() {
    whenIdle(() => {
      if (getState().playing) return void setTimeout(load, 1000);
      frame ??= h("iframe", { src: "/charts", title: "Charts of the loss and of the gradient", tabindex: "-1" });
      if (!frame.isConnected) place.replaceChildren(frame);
    });
  }
  async function render() {
    const { session, frame: now, theme, digits, connection } = getState();
    if (!session || !now || !ready || busy || connection !== "open") return;
    const key = [session.id, now.revision, now.step, now.phase, now.furthest, shownTheme(theme), digits].join();
    if (key === asked) return;
    const wait = drawnAt + EVERY - performance.now();
    busy = true;
    if (wait > 0) await pause(wait);
    await draw(session, getState().frame ?? now, shownTheme(theme), key).catch(async (error) => {
      send({ theme: shownTheme(getState().theme), words: { loss: `No chart: ${error.message}` } });
      await pause(AGAIN);
      busy = false;
      render();
    });
  }
  async function draw(session, now, theme, key) {
    const [loss, gradient] = await Promise.all([
      getFigure(session.id, "loss", { theme }),
      getFigure(session.id, "gradient", { step: now.step, phase: now.phase, theme }),
    ]);
    asked = key; // what failed is asked for again
    send({ theme, figures: { loss, gradient }, words: { loss: lossText(now, getState().digits), gradient: gradientText(gradient) }, key });
  }
  const send = (message) => frame.contentWindow.postMessage(message, location.origin);
  return { render, load };
}

function lossText(frame, digits) {
  const held = frame.testLoss === null ? "" : ` Held-out loss before this update: ${fixed(frame.testLoss, digits)}.`;
  return `Batch loss at step ${count(frame.step)}: ${fixed(frame.loss, digits)}.${held}`;
}

function gradientText({ shown, of }) {
  if (!of) return "Not yet: the gradient is found in the backward phases.";
  const which = shown < of ? `The ${shown} largest of ${count(of)}` : `All ${count(of)}`;
  return `${which} partial derivatives found so far, by name; above 0 the weight will fall.`;
}
