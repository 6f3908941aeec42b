// The two links to a run, which say what they allow; and the page of somebody who only watches.

import { h, set, whenChanged, write } from "./dom.js";

const WATCHING = "You are watching: this link cannot change the run.";
const CHANGING = "#transport :is(button, input, select), #scrubber input, #rate :is(button, input), #phases button";

/** A dialog with both links for one who may write, with the reading one for one who watches. */
export function mountSharing(dialog, button, getState, copyText) {
  const find = (name) => dialog.querySelector(`[data-control="${name}"]`);
  const links = { write: find("write-link"), read: find("read-link") };
  const said = find("share-said");
  button.addEventListener("click", () => {
    const { session } = getState();
    if (!session) return;
    links.write.value = `${location.origin}/s/${session.id}`;
    links.read.value = `${location.origin}/s/${session.read_id}`;
    find("write-part").hidden = !session.may_write;
    write(said, "");
    dialog.showModal();
  });
  for (const name of ["write", "read"]) {
    links[name].addEventListener("focus", () => links[name].select());
    find(`copy-${name}`).addEventListener("click", async () => {
      const done = await copyText(links[name].value);
      write(said, done ? "Copied." : "It could not be copied; select the link and copy it.");
    });
  }
}

/** Say that one watches, and switch off what only the writing link can do. */
export function mountWatching(main) {
  const chip = h("p", { class: "notice watching", role: "note", hidden: true }, WATCHING);
  main.prepend(chip);
  return whenChanged(
    (state) => [state.session?.may_write, state.session?.can_undo, state.frame?.step, state.frame?.phase, state.session?.layout],
    ({ session }) => {
      const watches = session?.may_write === false;
      chip.hidden = !watches;
      if (!watches && !("watching" in main.dataset)) return;
      if (watches) main.dataset.watching = "";
      else delete main.dataset.watching;
      for (const control of document.querySelectorAll(CHANGING)) {
        const idle = control.dataset.control === "undo" && !session?.can_undo;
        set(control, { disabled: watches || idle, title: watches ? WATCHING : null });
      }
    },
  );
}

export { WATCHING };
