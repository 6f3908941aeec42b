// Names a parameter or a unit to explain: the way to those that are too many to be drawn.

import { findName, nearbyNames } from "../core/find.js";
import { parameterNames } from "../core/network.js";
import { h, set, whenChanged, write } from "./dom.js";

const MOST_OPTIONS = 400;

export function mountFind(root, dispatch, getState) {
  const find = (name) => root.querySelector(`[data-control="${name}"]`);
  const [field, problem, list] = ["find", "find-error", "find-names"].map(find);
  root.addEventListener("submit", (event) => {
    event.preventDefault();
    const { session } = getState();
    if (!session) return;
    const name = findName(session.layout, field.value);
    write(problem, name ? "" : `“${field.value}” is not in this network: ${nearbyNames(session.layout, field.value)}`);
    set(field, { "aria-invalid": name ? null : "true" });
    if (name) dispatch({ type: "pick", name });
  });
  return whenChanged(
    (state) => [state.session?.layout],
    ({ session }) => {
      if (session) list.replaceChildren(...parameterNames(session.layout).slice(0, MOST_OPTIONS).map((name) => h("option", { value: name })));
    },
  );
}
