// Names a parameter or a unit to explain: the way to those that are too many to be drawn.

import { findName, nearbyNames } from "../core/find.js";
import { parameterNames } from "../core/network.js";
import { h, set, whenChanged, write } from "./dom.js";

const MOST_OPTIONS = 400;

export function mountFind(root, dispatch, getState) {
  const find = (name) => root.querySelector(`[data-control="${name}"]`);
  const [field, problem, list] = ["find", "find-error", "find-names"].map(find);
  const complain = (text) => {
    write(problem, text);
    set(field, { "aria-invalid": text ? "true" : null });
  };
  const clear = () => {
    field.value = "";
    complain("");
  };
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    if (field.value) clear();
    else dispatch({ type: "deselect" });
  });
  root.addEventListener("submit", (event) => {
    event.preventDefault();
    const { session } = getState();
    if (!session) return;
    const name = findName(session.layout, field.value);
    complain(name ? "" : `“${field.value}” is not in this network: ${nearbyNames(session.layout, field.value)}`);
    if (name) dispatch({ type: "pick", name });
  });
  // What it names is what is explained, or nothing.
  const follow = whenChanged(
    (state) => [state.selected],
    ({ session, selected }) => {
      if (session && selected !== findName(session.layout, field.value)) clear();
    },
  );
  const offer = whenChanged(
    (state) => [state.session?.layout],
    ({ session }) => {
      if (session) list.replaceChildren(...parameterNames(session.layout).slice(0, MOST_OPTIONS).map((name) => h("option", { value: name })));
    },
  );
  return (state) => {
    follow(state);
    offer(state);
  };
}
