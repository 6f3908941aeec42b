// The links to this run, in a dialog: one that can change it, for whoever may, and one that watches.

import { set, whenChanged, write } from "./dom.js";

/** @param {(text: string) => Promise<boolean>} copyText */
export function mountShare(dialog, opener, copyText) {
  const said = dialog.querySelector("[data-said]");
  const links = Object.fromEntries(["write", "read"].map((name) => [name, makeLink(dialog, name, copyText, said)]));
  opener.addEventListener("click", () => {
    write(said, "");
    dialog.showModal();
  });
  dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  return whenChanged(
    (state) => [state.session?.id, state.session?.may_write],
    ({ session }) => {
      set(opener, { disabled: !session });
      if (!session) return void dialog.close();
      links.write(session.id, session.may_write);
      links.read(session.read_id, true);
    },
  );
}

function makeLink(dialog, name, copyText, said) {
  const part = dialog.querySelector(`[data-link="${name}"]`);
  const field = part.querySelector("input");
  field.addEventListener("focus", () => field.select());
  part.querySelector("button").addEventListener("click", async () => {
    write(said, (await copyText(field.value)) ? "Copied." : "The browser forbids copying here: the link can be selected.");
  });
  return (id, offered) => {
    part.hidden = !offered;
    field.value = new URL(`/s/${id}`, location.href).href;
  };
}
