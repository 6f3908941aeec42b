// Proof: a central difference beside the derivative, and one action that checks every parameter.

import { checkKey } from "../core/inspect.js";
import { count, full, signed, symbol } from "../core/format.js";
import { gapText, viewProof } from "../views/proof.js";
import { button, formula, h, replaceKeepingFocus, set, whenChanged, write } from "./dom.js";
import { keepHeights, shrinkToFit } from "./fit.js";

export function mountProof(root, dispatch, startCheck) {
  const own = h("div");
  const all = h("div", { role: "status" });
  let running = null;
  const start = (state) => { running?.drop(); running = startCheck(checkKey(state), state.session.layout.count); };
  root.append(own, h("section", {}, h("h3", {}, "Every parameter of this step"), all));
  const drawOwn = whenChanged(
    (state) => [state.answers.chain, state.digits],
    ({ answers: { chain }, digits, playing, session }) => {
      const proofs = viewProof(session.layout, chain.frame, chain.data, digits);
      const draw = () => own.replaceChildren(...proofs.map((one) => proof(one, digits)));
      keepHeights(own, ".formula, .verdict", playing, draw);
      for (const element of own.querySelectorAll("math")) shrinkToFit(element);
    },
  );
  const drawAll = whenChanged(
    (state) => [state.check, checkKey(state), state.session.layout],
    (state) => {
      const { check } = state;
      const mine = check?.key === checkKey(state) ? check : null;
      const bar = all.querySelector("progress");
      if (mine?.state === "running" && bar) return advance(bar, mine);
      replaceKeepingFocus(all, ...(mine ? progress(mine, () => running?.stop(), () => start(state)) : [ask(state.session, () => start(state))]));
    },
  );
  return (state) => {
    drawOwn(state);
    drawAll(state);
  };
}

function proof({ heading, formulas, verdict, agrees, gap }, digits) {
  return h("section", { class: "proof", "data-agrees": String(agrees) }, h("h3", {}, heading),
    ...formulas.map(formula),
    h("p", { class: agrees === false ? "problem" : agrees ? "verdict" : "hint" }, verdict),
    gap === null ? null : h("p", { class: "hint", title: full(gap) }, `Relative gap |a − n| / max(|a|, |n|, 1e−8) = ${gapText(gap, digits === "all" ? digits : 2)}`));
}

function ask({ layout, spec }, start) {
  const passes = 2 * layout.count;
  const biases = layout.sizes.slice(1).reduce((sum, size) => sum + size, 0);
  const kept = spec.train_biases ? "" : `, with the ${biases === 1 ? "bias that is" : `${count(biases)} biases that are`} not trained`;
  return h("p", { class: "row" }, button(`Check all ${count(layout.count)}`, start, { class: "primary", "data-key": "check" }), h("span", { class: "hint" }, `${count(passes)} real forward passes${kept}`));
}

function progress(check, stop, again) {
  const { state, checked, of } = check;
  if (state === "running") return [h("p", { class: "row" }, h("progress", { max: of, value: checked, "aria-label": "Checked" }), h("span", {}, `${count(checked)} of ${count(of)}`), button("Cancel", stop, { "data-key": "check" }))];
  const repeat = button(state === "done" ? "Check again" : "Start again", again, { "data-key": "check" });
  if (state === "failed") return [h("p", { class: "problem" }, `The check ended: ${check.error}`), repeat];
  const began = state === "cancelled" ? `Cancelled after ${count(checked)}: ` : "";
  return [h("p", { class: toneOf(check), "data-agree": provenOf(check) }, began + summary(check)), ...lists(check), repeat];
}

/** While it runs only its numbers change: the button to end it stays where it is. */
function advance(bar, { checked, of }) {
  set(bar, { value: checked });
  write(bar.nextElementSibling, `${count(checked)} of ${count(of)}`);
}

/** Those that agree by more than the rounding of losses of this size. */
const provenOf = ({ agree, rounding }) => agree - rounding.length;

function toneOf(check) {
  if (check.different.length) return "problem";
  return provenOf(check) ? "verdict" : "hint";
}

function summary(check) {
  const { checked, worst, rounding } = check;
  const gap = worst ? `, worst gap ${gapText(worst.relative_gap, 1)} (${symbol(worst.parameter)})` : "";
  const unproved = rounding.length ? `; ${count(rounding.length)} ${rounding.length > 1 ? "prove" : "proves"} nothing` : "";
  return `${count(provenOf(check))} of ${count(checked)} agree${gap}${unproved}.`;
}

function lists({ different, kinks, overflows, rounding }) {
  const named = (names) => names.slice(0, 12).map(symbol).join(", ") + (names.length > 12 ? ", …" : "");
  return [
    different.length ? h("p", { class: "problem" }, `${count(different.length)} differ: ${named(different)}`) : null,
    kinks.length ? h("p", { class: "hint" }, `${count(kinks.length)} at a kink of ReLU, where a difference means nothing: ${named(kinks)}`) : null,
    rounding.length ? h("p", { class: "hint" }, `No proof either way, since what parts the two is within what rounding does to losses of this size: ${named(rounding)}`) : null,
    overflows.length ? h("p", { class: "hint" }, `${count(overflows.length)} where the loss overflows: ${named(overflows)}`) : null,
  ];
}
