// Two weights at once: the loss over both as contours, in a frame of its own that knows the library.

import { findName, nearbyNames } from "../core/find.js";
import { isParameter } from "../core/inspect.js";
import { fixed, signed, symbol } from "../core/format.js";
import { parseName } from "../core/network.js";
import { h, set, whenChanged, write } from "./dom.js";

const EVERY = 400; // milliseconds between two drawings while it plays

export function mountSurface(root, dispatch, getFigure, getState, shownTheme) {
  const field = h("input", { list: "find-names", size: 8, autocomplete: "off", spellcheck: "false", "aria-label": "Second parameter", "aria-describedby": "second-problem" });
  const problem = h("span", { class: "problem", id: "second-problem", role: "alert" });
  const words = h("p", { class: "hint", role: "status" }, "The contours come with the charts' library, loaded now.");
  const loading = h("p", { class: "loading", "aria-hidden": "true" }, "Loading the contours …");
  const place = h("div", { class: "surface" }, loading);
  const again = h("button", { type: "button", hidden: true }, "Try again");
  root.append(h("p", { class: "row" }, h("label", {}, "With ", field), problem), place, words, h("p", { class: "row" }, again));
  again.addEventListener("click", () => {
    field.focus();
    asked = "";
    draw(getState());
  });
  field.addEventListener("change", () => {
    const { session, selected } = getState();
    const name = findName(session.layout, field.value);
    const fine = isParameter(name) && name !== selected;
    write(problem, fine ? "" : name === selected ? "choose another than the first" : `“${field.value}”: ${nearbyNames(session.layout, field.value, false)}`);
    set(field, { "aria-invalid": fine ? null : "true" });
    if (fine) dispatch({ type: "other", other: name });
  });
  let frame = null;
  let ready = false;
  let busy = false;
  let asked = "";

  addEventListener("message", ({ origin, source, data }) => {
    if (origin !== location.origin || source !== frame?.contentWindow) return;
    if (data.ready) ready = true;
    if (data.drawn) set(loading, { hidden: true });
    if (data.failed) tellFailure(`No contours can be drawn of these numbers (${data.failed}).`);
    if (ready && !root.hidden) draw(getState());
  });

  /** Say in the contours' place why there are none; without a failure that place is theirs. */
  function tellFailure(failure) {
    set(place, { hidden: Boolean(failure) });
    set(again, { hidden: !failure });
    if (failure) write(words, failure);
  }

  async function draw(state) {
    const { session, frame: now, selected } = state;
    const second = secondOf(state);
    if (!ready || busy || !isParameter(selected)) return;
    const theme = shownTheme(state.theme);
    const key = [session.id, now.revision, now.step, selected, second, theme, state.digits].join();
    if (key === asked || !second) return;
    [asked, busy] = [key, true];
    tellFailure(null);
    try {
      const figure = await getFigure(session.id, "surface", { step: now.step, x: selected, y: second, theme });
      const contours = figure.data.some(({ type }) => type === "contour");
      const said = contours ? figureWords(state, [selected, second], figure) : "No contours: the loss overflows all over the range that would be shown.";
      frame.contentWindow.postMessage({ theme, words: { surface: said }, figures: { surface: figure }, key }, location.origin);
      write(words, said);
    } catch (error) {
      tellFailure(`No contours: ${error.message}`);
    }
    if (getState().playing) await new Promise((done) => setTimeout(done, EVERY));
    busy = false;
    if (!root.hidden) draw(getState());
  }

  const fill = whenChanged(
    (state) => [state.session.layout, state.selected, state.other],
    (state) => {
      field.value = secondOf(state);
      write(problem, "");
      set(field, { "aria-invalid": null });
    },
  );
  return (state) => {
    if (!frame) {
      frame = h("iframe", { src: "/charts?show=surface", title: "The loss over two parameters", tabindex: "-1" });
      place.append(frame);
    }
    fill(state);
    draw(state);
  };
}

/** The second parameter: the chosen one, or a weight of another layer: its valley is seldom a bowl. */
function secondOf({ session: { layout }, selected, other }) {
  if (other && other !== selected && findName(layout, other)) return other;
  const layers = layout.sizes.length - 1;
  const layer = Number(selected.slice(1).split(".")[0]) === layers ? 1 : layers;
  const names = [`w${layer}.1.1`, "b1.1"];
  return names.find((name) => name !== selected);
}

/** Why the update's arrow is not seen as a whole. */
const SEEN = { short: ", too short a way for an arrow here", cut: ", beyond the picture" };

/** The numbers of the picture in words, for those too who do not see it. */
function figureWords({ session: { layout, spec }, frame, digits }, pair, { gradient, update }) {
  const names = pair.map(symbol);
  const places = pair.map((name) => parseName(layout, name).index);
  const of = (vector, write) => places.map((index) => write(vector[index], digits));
  const all = (values) => names.map((name, k) => `${name} = ${values[k]}`).join(", ");
  const now = `E = ${fixed(frame.loss, digits)} at ${all(of(frame.parameters, fixed))}.`;
  const slopes = gradient.map((value, k) => `∂E/∂${names[k]} = ${signed(value, digits)}`).join(", ");
  const kept = pair.filter((name) => name[0] === "b" && !spec.train_biases).map((name) => ` ${symbol(name)} is not trained: it does not move.`).join("");
  const still = places.every((index) => frame.newParameters[index] === frame.parameters[index]);
  const lost = still && places.some((index) => frame.gradient[index] !== 0);
  const uphill = gradient.some((value) => value !== 0) ? `The gradient: ${slopes}; its arrow points uphill, its length not to scale. ` : "";
  const moves = still
    ? `${uphill}${lost ? "The update is less than the last digit of these two" : "Nothing moves these two"}: there is no arrow of an update.`
    : `${uphill}The update goes to ${all(of(frame.newParameters, fixed))}${SEEN[update] ?? ""}.`;
  return `${now} ${moves}${kept} Contours of the batch's loss, all else fixed.`;
}
