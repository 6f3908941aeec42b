// Two ways to move the handle of the curve: the pointer drags it, keys push it.

import { BOX } from "../views/slice.js";

/**
 * The handle follows the pointer sideways; letting go restores, and so does Escape. A finger beside
 * the handle may be about to scroll the page: it drags once it has gone sideways.
 */
export function dragging({ svg, hit, handle }, getView, tryValue, restore) {
  const valueAt = (event) => {
    const box = svg.getBoundingClientRect();
    return getView().x.back(((event.clientX - box.left) / box.width) * BOX.width);
  };
  let held = null; // the element and the pointer that drag, and where, as long as it may scroll
  const mayScroll = ({ pointerType, target }) => pointerType === "touch" && target !== handle;
  const end = () => {
    if (!held) return;
    const { element, pointer } = held;
    held = null;
    if (element.hasPointerCapture(pointer)) element.releasePointerCapture(pointer);
    handle.classList.remove("held");
    restore();
  };
  for (const element of [hit, handle]) {
    element.addEventListener("pointerdown", (event) => {
      if (!getView()) return;
      element.setPointerCapture(event.pointerId);
      held = { element, pointer: event.pointerId, from: mayScroll(event) ? event : null };
      handle.classList.add("held");
      if (!held.from) tryValue(valueAt(event));
    });
    element.addEventListener("pointermove", (event) => {
      if (held?.pointer !== event.pointerId || (held.from && !isSideways(held.from, event))) return;
      held.from = null;
      tryValue(valueAt(event));
    });
    for (const over of ["pointerup", "pointercancel"]) element.addEventListener(over, end);
  }
  // Wherever the focus is: Escape ends the drag before it closes anything.
  document.addEventListener(
    "keydown",
    (event) => {
      if (event.key !== "Escape" || !held) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      end();
    },
    { capture: true },
  );
}

const SIDEWAYS = 10; // pixels

function isSideways(from, { clientX, clientY }) {
  const across = Math.abs(clientX - from.clientX);
  return across > SIDEWAYS && across > Math.abs(clientY - from.clientY);
}

/** The keys of a slider, Enter to keep the value and Escape to take it back. */
export function keyTry(event, { slice, view, tryValue, keep, getState, dispatch }) {
  // With one of these the keys are the page's own: Shift and an arrow take a step.
  if (!view || event.shiftKey || event.ctrlKey || event.metaKey || event.altKey) return;
  const width = view.range[1] - view.range[0];
  const by = {
    ArrowRight: 0.01,
    ArrowUp: 0.01,
    ArrowLeft: -0.01,
    ArrowDown: -0.01,
    PageUp: 0.1,
    PageDown: -0.1,
  }[event.key];
  const here = getState().tried?.value ?? slice().at;
  if (by) tryValue(here + by * width);
  else if (event.key === "Home") tryValue(view.range[0]);
  else if (event.key === "End") tryValue(view.range[1]);
  else if (event.key === "Enter") keep();
  else if (event.key === "Escape" && getState().tried) dispatch({ type: "restore" });
  else return;
  event.preventDefault();
  event.stopPropagation();
}
