// Four things in four places: one partial derivative, the gradient, the update, the new value.

import { count } from "../core/format.js";
import { viewGradient } from "../views/gradient.js";
import { bar, button, formula, h, replaceKeepingFocus, whenChanged } from "./dom.js";
import { keepHeights, shrinkToFit } from "./fit.js";

const SAME = ["revision", "step"]; // what makes two answers speak of the same numbers

export function mountGradient(root, dispatch) {
  return whenChanged(
    (state) => [state.answers.chain, state.answers.largest, state.digits],
    ({ answers: { chain, largest }, digits, playing, session: { layout, spec } }) => {
      const view = viewGradient(layout, spec, chain.frame, chain.data, about(chain, largest), digits);
      keepHeights(root, ".place", playing, () => replaceKeepingFocus(root,
        place(1, "One partial derivative", "How much the loss changes if this one number changes a little.", formula(view.derivative)),
        place(2, "The gradient ∇E", `${vectorWords(view)}, as one vector. It points uphill.`, bars(view, dispatch), facts(view), largestWords(view, dispatch)),
        place(3, "The update −α·∇E", `A vector of its own: the gradient turned round and scaled by α = ${view.rate}. Its length: `, updateVector(view), view.trained ? formula(view.update[0]) : kept(), view.updateLength),
        place(4, "The new value", "", view.trained ? formula(view.update[1]) : kept()),
      ));
      for (const element of root.querySelectorAll("math")) shrinkToFit(element);
    },
  );
}

/** What is known of the largest component, if it is of the same numbers as the chain. */
function about({ frame, data: { gradient } }, largest) {
  const same = SAME.every((key) => largest?.frame[key] === frame[key]);
  const { parameter, example } = largest?.data ?? {};
  return same && parameter === gradient.largest && example === gradient.largest_example ? largest.data : null;
}

function place(number, title, words, ...parts) {
  const length = parts.find((part) => part && !(part instanceof Node));
  return h("section", { class: "place" }, h("h3", {}, h("span", { class: "phase-number" }, String(number)), ` ${title}`),
    words ? h("p", { class: "hint" }, words, length ? h("span", { title: length.full }, length.text.replace("+", "")) : null) : null,
    ...parts.filter((part) => part instanceof Node));
}

/** How many there are, and of what: biases may be left out. */
const vectorWords = ({ count: number, all }) =>
  number === all ? `All ${count(number)} partial derivatives` : `The ${count(number)} partial derivatives of what is trained`;

const kept = () => h("p", { class: "hint" }, "Biases are not trained in this run: no update, and its place in the gradient is kept at 0.");

function bars({ bars: { bars: list, skipped, hidden } }, dispatch) {
  const rows = list.flatMap(({ name, symbol, value, share, own, text, full }) => {
    const sign = value > 0 ? "plus" : value < 0 ? "minus" : "";
    const link = button(symbol, () => dispatch({ type: "pick", name }), { class: "plain", "data-key": name, "aria-current": own ? "true" : null });
    const row = h("li", { class: `${sign}${own ? " own" : ""}` }, link, bar(share), h("span", { class: "number", title: full }, text));
    return own && skipped ? [h("li", { class: "skipped" }, h("span", {}, "…"), h("span", {}, `${count(skipped)} between`)), row] : [row];
  });
  return h("div", {}, h("ol", { class: "bars" }, ...rows), hidden > 0 ? h("p", { class: "hint" }, `${count(hidden)} more, none of them larger.`) : null);
}

/** The update's own components, those of the gradient above turned round. */
function updateVector({ bars: { bars: list, skipped, hidden } }) {
  const parts = list.flatMap(({ symbol, own, update }) => [own && skipped ? h("span", {}, "…") : null, h("span", { class: own ? "own" : null, title: update.full }, `${symbol} ${update.text}`)].filter(Boolean));
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
  const link = button(largest.symbol, () => dispatch({ type: "pick", name: largest.name }), { class: "plain", "data-key": "largest" });
  const words = (...parts) => h("p", { class: "hint" }, ...parts);
  const kind = { class: largest.several ? "largest of-batch" : "largest" };
  if (!largest.known) return h("div", kind, words("The largest is ", link, "."));
  const { example, mean, rows, factors, reason } = largest;
  const its = `its factors${largest.paths > 1 ? ` on the strongest of its ${count(largest.paths)} paths` : ""} are`;
  return h("div", kind,
    words("The largest is ", link, example ? `: the mean over the batch of ${count(rows)}${mean ? "" : "."}` : `: ${its}`),
    mean && formula(mean),
    example && words(`Example ${count(example.number)} contributes most, ${example.share}:`),
    example && words(its), // on a line of its own, so that nothing wraps in one step and not in the next
    formula(factors), reason ? words(reason) : null);
}
