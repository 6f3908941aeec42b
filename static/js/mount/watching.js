// What is said of the whole run: that this page only watches it, that its digits are computed anew.

import { WATCHING } from "../core/link.js";
import { anewWords } from "../core/words.js";
import { set, whenChanged, write } from "./dom.js";

const CHANGING = "#transport :is(button, input, select), #phases button, #rate :is(button, input):not([data-control=undo]), #tab-body form :is(button, input)";

export function mountWatching(root) {
  const watching = watchingPart(root);
  const anew = anewPart(root.querySelector("[data-control=anew]"));
  return (state) => {
    watching(state);
    anew(state);
  };
}

/** A reader's controls are off, each with the reason; undo has a second reason and does it itself. */
function watchingPart(root) {
  const chip = root.querySelector("#watching");
  return whenChanged(
    (state) => [state.session?.may_write, state.session?.layout, Boolean(state.frame)],
    ({ session }) => {
      const watches = session?.may_write === false;
      chip.hidden = !watches;
      write(chip, watches ? WATCHING : "");
      for (const control of root.querySelectorAll(CHANGING)) set(control, { disabled: watches, title: watches ? WATCHING : null });
    },
  );
}

function anewPart(note) {
  return whenChanged(
    (state) => [state.frame?.anew, state.session?.recorded_on],
    ({ frame, session }) => {
      note.hidden = !frame?.anew;
      write(note, frame?.anew ? anewWords(session.recorded_on) : "");
    },
  );
}
