// Arrow keys walk along the graph, and what they reach is selected. Only where the keyboard brought
// the focus: the pointer leaves it where it is, so that the arrows go on moving through the phases.

import { walk } from "../core/walk.js";

/** The name of an element of the diagram: a parameter's, or u and the unit's. */
export function nameOf(element) {
  const { parameter, unit } = element?.closest?.("[data-parameter], [data-unit]")?.dataset ?? {};
  return parameter ?? (unit ? `u${unit}` : null);
}

/** The element of the diagram that bears this name, or null where it is not drawn. */
export function elementOf(root, name) {
  const own = name[0] === "u" ? `[data-unit="${name.slice(1)}"]` : `[data-parameter="${name}"]`;
  return root.querySelector(own);
}

export function letWalk(root, getPlan, dispatch) {
  const find = (name) => elementOf(root, name);
  let stop = null; // the one element that the tab key reaches
  let walking = false; // whether the focus is here, also while its element is made anew

  function rove(element) {
    if (stop === element) return;
    stop?.setAttribute("tabindex", "-1");
    stop = element;
    stop?.setAttribute("tabindex", "0");
  }
  new MutationObserver(() => {
    if (root.contains(stop)) return;
    const name = nameOf(stop);
    const lost = stop && document.activeElement === document.body;
    const next = (name && find(name)) ?? root.querySelector("[data-unit]");
    rove(next);
    if (lost && next && name === nameOf(next) && walking) next.focus({ preventScroll: true });
  }).observe(root, { childList: true });

  root.addEventListener("mousedown", (event) => {
    event.preventDefault();
    if (document.activeElement !== document.body) document.activeElement.blur();
  });
  document.addEventListener("pointerdown", () => { walking = false; });
  root.addEventListener("focusin", ({ target }) => {
    walking = true;
    if (target.matches("[data-parameter], [data-unit]")) rove(target);
  });
  root.addEventListener("focusout", ({ relatedTarget }) => {
    if (relatedTarget) walking = root.contains(relatedTarget);
  });
  root.addEventListener("keydown", (event) => {
    const from = nameOf(event.target);
    if (!from || event.shiftKey || event.ctrlKey || event.metaKey || event.altKey || !event.key.startsWith("Arrow")) return;
    event.preventDefault();
    const to = walk(getPlan(), from, event.key);
    if (!to) return;
    dispatch({ type: "pick", name: to });
    find(to)?.focus({ preventScroll: true });
  });
}
