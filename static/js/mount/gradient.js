// Four things in four places: one partial derivative, the gradient, the update, the new value.

import { viewGradient } from "../views/gradient.js";
import { bar, button, formula, h, replaceKeepingFocus, whenChanged } from "./dom.js";
import { keepHeights, shrinkToFit } from "./fit.js";

const SAME = ["revision", "step", "example"]; // what makes two answers speak of the same numbers

export function mountGradient(root, dispatch) {
  return whenChanged(
    (state) => [state.answers.chain, state.answers.largest, state.digits],
    ({ answers: { chain, largest }, digits, playing, session: { layout, spec } }) => {
      const same = SAME.every((key) => largest?.frame[key] === chain.frame[key]) && largest.data?.parameter === chain.data.gradient.largest;
      const view = viewGradient(layout, spec, chain.frame, chain.data, same ? largest.data : null, digits);
      keepHeights(root, ".place", playing, () => replaceKeepingFocus(root,
        place(1, "One partial derivative", "How much the loss changes if this one number changes a little.", formula(view.derivative)),
        place(2, "The gradient ∇E", `All ${view.count.toLocaleString("en-US")} partial derivatives as one vector. It points uphill.`, bars(view, dispatch), facts(view), largestWords(view, dispatch)),
        place(3, "The update −α·∇E", `A vector of its own: the gradient turned round and scaled by α = ${view.rate}. Its length: `, updateVector(view), view.trained ? formula(view.update[0]) : kept(), view.updateLength),
        place(4, "The new value", "", view.trained ? formula(view.update[1]) : kept()),
      ));
      for (const element of root.querySelectorAll("math")) shrinkToFit(element);
    },
  );
}

function place(number, title, words, ...parts) {
  const length = parts.find((part) => part && !(part instanceof Node));
  return h("section", { class: "place" }, h("h3", {}, h("span", { class: "phase-number" }, String(number)), ` ${title}`),
    words ? h("p", { class: "hint" }, words, length ? h("span", { title: length.full }, length.text.replace("+", "")) : null) : null,
    ...parts.filter((part) => part instanceof Node));
}

const kept = () => h("p", { class: "hint" }, "Biases are not trained in this run: no update, and its place in the gradient is kept at 0.");

function bars({ bars: { bars: list, hidden } }, dispatch) {
  const rows = list.map(({ name, symbol, value, share, own, text, full }) => {
    const sign = value > 0 ? "plus" : value < 0 ? "minus" : "";
    const link = button(symbol, () => dispatch({ type: "pick", name }), { class: "plain", "data-key": name, "aria-current": own ? "true" : null });
    return h("li", { class: `${sign}${own ? " own" : ""}` }, link, bar(share), h("span", { class: "number", title: full }, text));
  });
  return h("div", {}, h("ol", { class: "bars" }, ...rows), hidden > 0 ? h("p", { class: "hint" }, `${hidden.toLocaleString("en-US")} more, none of them larger.`) : null);
}

/** The update's own components, those of the gradient above turned round. */
function updateVector({ bars: { bars: list, hidden } }) {
  const parts = list.map(({ symbol, own, update }) => h("span", { class: own ? "own" : null, title: update.full }, `${symbol} ${update.text}`));
  return h("p", { class: "vector" }, ...parts, hidden > 0 ? h("span", {}, "…") : null);
}

function facts({ length, direction, share, rank, count, trained, zero }) {
  const fact = (name, value, title) => [h("dt", {}, name), h("dd", { title }, value)];
  return h("dl", { class: "figures" }, ...fact("Length |∇E|", length.text.replace("+", ""), length.full),
    ...(direction ? fact("This component of its direction ∇E / |∇E|", direction.text, direction.full) : []),
    ...(trained && !zero ? [...fact("This one's share of |∇E|²", share), ...fact("Its rank by size", `${rank} of ${count.toLocaleString("en-US")}`)] : []),
    ...(trained ? [] : fact("This bias", "not trained: no component")));
}

function largestWords({ largest, zero }, dispatch) {
  if (zero) return h("p", { class: "hint" }, "All of them are 0: nothing will move.");
  const { name, symbol, tree, paths, strongest, several } = largest;
  const link = button(symbol, () => dispatch({ type: "pick", name }), { class: "plain", "data-key": "largest" });
  const of = `${paths > 1 ? ` on the strongest of its ${paths} paths` : ""}${several ? " for this example" : ""}`;
  return h("div", {}, h("p", { class: "hint" }, "The largest is ", link, tree ? `: its factors${of} are` : "."), tree ? formula({ label: "", tree }) : null,
    strongest ? h("p", { class: "hint" }, `The largest of them: ${strongest}.`) : null);
}
