// What must be said: connection lost, refusals, dropped edits, a far jump under way. And the voice.

import { count, fixed, symbol } from "../core/format.js";
import { announcement } from "../core/words.js";
import { h, set, whenChanged, write } from "./dom.js";

const EVERY = 3000; // milliseconds between two announcements while playing

export function mountNotices(root, dispatch, connection) {
  return whenChanged(
    (state) => [state.closing, state.notice, state.progress],
    (state) => {
      const parts = [];
      if (state.closing) parts.push(said(state.closing));
      if (state.progress) parts.push(progress(state.progress, connection));
      if (state.notice) parts.push(notice(state.notice, dispatch, connection));
      root.replaceChildren(...parts);
    },
  );
}

function said({ kind, text }) {
  return h("p", { class: `notice ${kind}`, role: kind === "error" ? "alert" : "status" }, text);
}

function progress({ step, target }, connection) {
  const cancel = h("button", { type: "button" }, "Cancel");
  cancel.addEventListener("click", () => connection.send({ do: "cancel" }));
  return h("p", { class: "notice" }, h("span", {}, `Computing step ${count(step)} of ${count(target)}`), h("progress", { max: target, value: step, "aria-label": "Progress" }), cancel);
}

function notice({ kind, text, undo }, dispatch, connection) {
  const close = h("button", { type: "button", "aria-label": "Close this message" }, "×");
  close.addEventListener("click", () => dispatch({ type: "notice", notice: null }));
  const parts = [h("span", {}, text)];
  if (undo) {
    const button = h("button", { type: "button" }, "Undo");
    button.addEventListener("click", () => { connection.send({ do: "undo" }); dispatch({ type: "notice", notice: null }); });
    parts.push(button);
  }
  return h("p", { class: `notice ${kind}`, role: kind === "error" ? "alert" : "status" }, ...parts, close);
}

/** Says each phase in words, while playing only now and then; and what was found of a selection. */
export function mountVoice(root) {
  const phase = sayPhases(root);
  const found = whenChanged(
    (state) => [state.selected, state.way, state.answers.chain?.data?.parameter],
    ({ answers, selected, way, digits }) => {
      const chain = answers.chain?.data;
      if (!chain || chain.parameter !== (way.at(-1) ?? selected)) return;
      const paths = chain.paths.length > 1 ? `${chain.paths.length} paths` : `${chain.paths[0].factors.length} factors`;
      write(root, `Explained: ${symbol(chain.parameter)} = ${fixed(chain.value, digits)}, its derivative ${fixed(chain.derivative, digits)} from ${paths}.`);
    },
  );
  return (state) => {
    phase(state);
    found(state);
  };
}

function sayPhases(root) {
  let said = 0;
  return whenChanged(
    (state) => [state.frame?.step, state.frame?.phase, state.frame?.revision, state.session?.layout],
    (state) => {
      if (!state.frame || !state.session) return;
      const now = performance.now();
      if (state.playing && now - said < EVERY) return;
      said = now;
      write(root, announcement(state.session.layout, state.session.spec, state.frame, state.digits));
    },
  );
}

/** Attributes of the page as a whole: where it stands, and its theme. */
export function mountPage(main, applyTheme) {
  const theme = whenChanged((state) => [state.theme], (state) => applyTheme(state.theme));
  return (state) => {
    theme(state);
    set(main, { "data-readonly": state.session?.may_write === false, "data-cursor": state.frame ? `${state.frame.step}:${state.frame.phase}` : null, "aria-busy": state.frame ? null : "true" });
  };
}

/** Says in the picture that it shows a trial, not the run. */
export function mountTrialNote(root) {
  return whenChanged(
    (state) => [state.trial, state.digits],
    ({ trial, digits }) => {
      root.hidden = !trial;
      root.closest(".picture").classList.toggle("trying", Boolean(trial));
      if (trial) write(root, `What if ${symbol(trial.tried.parameter)} were ${fixed(trial.tried.value, digits === "all" ? digits : 3)}? Not the run itself.`);
    },
  );
}
