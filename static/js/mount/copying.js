// Copies the formulas that are shown, as LaTeX or as plain text.

import { toLatex, toText } from "../core/notation.js";
import { button, formulasIn, h, write } from "./dom.js";

/**
 * @param {() => Element} shown  where the formulas stand
 * @param {(text: string) => Promise<boolean>} copyText
 * @returns {{row: Element, forget: () => void}}  `forget` takes back what was said of other formulas
 */
export function makeCopying(shown, copyText) {
  const said = h("span", { class: "hint", role: "status" });
  const copy = (name, writer) => button(name, async () => {
    const text = formulasIn(shown()).map(writer).join("\n\n");
    write(said, (await copyText(text)) ? "Copied." : "The browser forbids copying here.");
  });
  const row = h("p", { class: "row copying" }, h("span", { class: "hint" }, "Copy the formulas as"), copy("LaTeX", toLatex), copy("text", toText), said);
  return { row, forget: () => write(said, "") };
}
