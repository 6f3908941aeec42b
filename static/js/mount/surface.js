// Two weights at once: the loss over both as contours, in a frame of its own that knows the library.

import { isParameter } from "../core/inspect.js";
import { symbol } from "../core/format.js";
import { parameterNames } from "../core/network.js";
import { h, set, whenChanged, write } from "./dom.js";

const MOST_OPTIONS = 500;
const EVERY = 400; // milliseconds between two drawings while it plays

export function mountSurface(root, dispatch, getFigure, getState, shownTheme) {
  const choice = h("select", { "aria-label": "Second parameter" });
  const words = h("p", { class: "hint", role: "status" }, "The contours come with the charts' library, loaded now.");
  const place = h("div", { class: "surface" });
  root.append(h("p", { class: "row" }, h("label", {}, "With ", choice)), place, words);
  choice.addEventListener("change", () => dispatch({ type: "other", other: choice.value }));
  let frame = null;
  let ready = false;
  let busy = false;
  let asked = "";

  addEventListener("message", ({ origin, source, data }) => {
    if (origin !== location.origin || source !== frame?.contentWindow) return;
    if (data.ready) ready = true;
    if (ready && !root.hidden) draw(getState());
  });

  async function draw(state) {
    const { session, frame: now, selected } = state;
    if (!ready || busy || !isParameter(selected)) return;
    const theme = shownTheme(state.theme);
    const key = [session.id, now.revision, now.step, selected, choice.value, theme].join();
    if (key === asked || !choice.value) return;
    [asked, busy] = [key, true];
    try {
      const figure = await getFigure(session.id, "surface", { step: now.step, x: selected, y: choice.value, theme });
      const said = figureWords(selected, choice.value);
      frame.contentWindow.postMessage({ theme, words: { surface: said }, figures: { surface: figure }, key }, location.origin);
      write(words, said);
    } catch (error) {
      write(words, `No contours: ${error.message}`);
    }
    if (getState().playing) await new Promise((done) => setTimeout(done, EVERY));
    busy = false;
    if (!root.hidden) draw(getState());
  }

  const fill = whenChanged(
    (state) => [state.session.layout, state.selected, state.other],
    ({ session: { layout }, selected, other }) => {
      const names = parameterNames(layout).filter((name) => name !== selected).slice(0, MOST_OPTIONS);
      if (choice.dataset.for !== `${selected}:${layout.count}`) {
        choice.dataset.for = `${selected}:${layout.count}`;
        choice.replaceChildren(...names.map((name) => new Option(symbol(name), name)));
      }
      choice.value = names.includes(other) ? other : suggestion(names, selected);
    },
  );
  return (state) => {
    if (!frame) {
      frame = h("iframe", { src: "/charts?show=surface", title: "The loss over two parameters", tabindex: "-1" });
      place.append(frame);
    }
    fill(state);
    set(choice, { disabled: choice.options.length === 0 });
    draw(state);
  };
}

/** A weight of another layer, if there is one: its valley is seldom a plain bowl. */
function suggestion(names, selected) {
  return names.find((name) => name[0] === "w" && name[1] !== selected[1]) ?? names.find((name) => name[0] === "w") ?? names[0] ?? "";
}

function figureWords(x, y) {
  return `Contours of the batch's loss over ${symbol(x)} and ${symbol(y)}, all else fixed: the run so far, the gradient (uphill) and the update (to the next point). Drag to zoom, double-click to go back.`;
}
