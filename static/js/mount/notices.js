// What must be said: connection lost, refusals, dropped edits, a far jump under way. And the voice.

import { count, fixed, symbol } from "../core/format.js";
import { announcement } from "../core/words.js";
import { button, h, set, whenChanged, write } from "./dom.js";
import { keepFocus } from "./focus.js";

const EVERY = 3000; // milliseconds between two announcements while playing

/** Each kind in a place of its own: what changes ten times a second leaves the others as they are. */
export function mountNotices(root, dispatch, connection) {
  const places = Object.fromEntries(["closing", "progress", "notice"].map((name) => [name, h("div")]));
  root.replaceChildren(...Object.values(places));
  const parts = [
    mountOne(places.closing, "closing", ({ kind, text }) => h("p", attributesOf(kind), text)),
    mountProgress(places.progress, connection),
    mountOne(places.notice, "notice", (told) => notice(told, dispatch, connection)),
  ];
  const render = (state) => parts.forEach((part) => part(state));
  return (state) => keepFocus(root, () => render(state), () => root.parentElement.querySelector("nav"));
}

function mountOne(place, name, make) {
  return whenChanged(
    (state) => [state[name]],
    ({ [name]: told }) => place.replaceChildren(...(told ? [make(told)] : [])),
  );
}

const attributesOf = (kind) => ({ class: `notice ${kind}`, role: kind === "error" ? "alert" : "status" });

/** One line for as long as it goes on: a button made anew could be neither pressed nor kept in focus. */
function mountProgress(place, connection) {
  const words = h("span");
  const bar = h("progress", { "aria-label": "Progress" });
  const cancel = button("Cancel", () => connection.send({ do: "cancel" }));
  const line = h("p", { class: "notice" }, words, bar, cancel);
  return whenChanged(
    (state) => [state.progress],
    ({ progress }) => {
      if (!progress) return line.remove();
      write(words, `Computing step ${count(progress.step)} of ${count(progress.target)}`);
      set(bar, { max: progress.target, value: progress.step });
      if (!line.isConnected) place.append(line);
    },
  );
}

function notice({ kind, text, undo }, dispatch, connection) {
  const close = () => dispatch({ type: "notice", notice: null });
  const takeBack = () => {
    connection.send({ do: "undo" });
    close();
  };
  const closing = button("×", close, { "aria-label": "Close this message" });
  return h("p", attributesOf(kind), h("span", {}, text), undo ? button("Undo", takeBack) : null, closing);
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

/** Attributes of the page as a whole: where it stands, its theme, and whether nothing of a run may be seen. */
export function mountPage(main, applyTheme) {
  const theme = whenChanged((state) => [state.theme], (state) => applyTheme(state.theme));
  let shown = false; // a run, which the mounts leave in the page until there is another one
  return (state) => {
    theme(state);
    const { session, frame } = state;
    const closed = state.connection === "closed";
    shown ||= Boolean(frame);
    set(main.parentElement, { "data-empty": !frame && (shown || closed) });
    set(main, { "data-readonly": session?.may_write === false, "data-cursor": frame ? `${frame.step}:${frame.phase}` : null, "aria-busy": frame || closed ? null : "true" });
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
