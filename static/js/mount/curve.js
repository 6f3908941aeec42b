// The picture of the loss along one weight: its elements, and where they stand.

import { fixed, full, signed, symbol } from "../core/format.js";
import { BOX, told } from "../views/slice.js";
import { h, s, set, write } from "./dom.js";

const KINK =
  " A ReLU turns just here: the curve has a corner and no one slope; " +
  "backpropagation takes the side where the ReLU is off.";
const NEAR_KINK =
  " A ReLU turns nearer to this point than the h of its proof: " +
  "the curve has a corner there, and another slope behind it.";

const UNDER = 16; // nearer to the handle there is no room for a name

/** The elements of the picture, by name; `svg` holds them all. */
export function makeCurve() {
  const line = (name) => s("line", { class: name });
  const bottom = BOX.height - BOX.bottom + 4;
  const found = {
    curve: s("path", { class: "curve" }),
    tangent: line("tangent"),
    secant: line("secant"),
    rise: s("path", { class: "rise" }),
    secantName: s("text", { class: "secant-name" }),
    axis: s("line", { class: "axis", x1: 0, x2: BOX.width, y1: bottom, y2: bottom }),
    marks: s("g", { class: "marks" }),
    now: s("circle", { class: "was", r: 4 }),
    ends: [s("text", { class: "end" }), s("text", { class: "end right" })],
    levels: [s("text", { class: "end" }), s("text", { class: "end" })],
    handle: s("circle", { class: "now", r: 9, role: "slider", tabindex: "0" }),
    hit: s("rect", { class: "hit", width: BOX.width, height: BOX.height }),
  };
  const { tangent, secant, rise, curve } = found;
  const clip = s(
    "clipPath",
    { id: "slice-clip" },
    s("rect", { width: BOX.width, height: bottom }),
  );
  const clipped = s("g", { "clip-path": "url(#slice-clip)" }, tangent, secant, rise, curve);
  const texts = [...found.ends, ...found.levels];
  const above = [found.secantName, found.hit, found.marks, found.now, found.handle];
  const attributes = { viewBox: `0 0 ${BOX.width} ${BOX.height}`, class: "slice" };
  found.svg = s("svg", attributes, clip, clipped, found.axis, ...texts, ...above);
  return found;
}

export function drawCurve(parts, view, slice, { trained, digits, atKink }) {
  set(parts.curve, { d: view.path });
  ends(parts.tangent, view.tangent);
  set(parts.now, { cx: view.now[0], cy: view.now[1] });
  writeRange(parts, view, symbol(slice.parameter));
  parts.marks.replaceChildren(...view.marks.map((mark) => landingMark(mark, view)));
  write(parts.caption, captionWords(slice, view, trained && slice.slope !== 0, digits, atKink));
  parts.landings.replaceChildren(landings(slice, trained, digits));
}

function writeRange({ ends: [first, last], levels }, view, name) {
  const [from, to] = told(view.range);
  write(first, `${name} = ${from}`);
  write(last, to);
  set(first, { x: 2, y: BOX.height - 4 });
  set(last, { x: BOX.width - 2, y: BOX.height - 4 });
  view.levels.forEach(({ text, y, left }, k) => {
    write(levels[k], `E = ${text}`);
    set(levels[k], { x: left ? 2 : BOX.width - 2, y, class: left ? "end" : "end right" });
  });
}

function captionWords({ parameter, slope, kink }, { cut, marks, now }, moves, digits, atKink) {
  const name = symbol(parameter);
  const how = `The loss E as ${name} alone changes: drag the point.`;
  const tangent = `Dashed: the tangent, of slope ∂E/∂${name} = ${signed(slope, digits)}.`;
  const secant = "Violet: the secant, through this point and the one h further on.";
  const rings = moves ? ` Rings: where so many times α would land${hidden(marks, now)}.` : "";
  const corner = kink ? (atKink ? KINK : NEAR_KINK) : "";
  return `${how} ${tangent} ${secant}${rings}${corner}${cut ? ` ${cut}` : ""}`;
}

const isUnder = ({ place }, now) => Math.abs(place[0] - now[0]) <= UNDER;

/** Landings that the handle covers. */
function hidden(marks, now) {
  const under = marks.filter((mark) => isUnder(mark, now)).map(({ multiple }) => `${multiple}×`);
  return under.length ? `; ${under.join(", ")} under the point` : "";
}

/** A tick where so many times the learning rate would land, named where there is room. */
function landingMark(mark, view) {
  const { multiple, place: [x, y] } = mark;
  const near = view.marks.some(
    (other) => other.multiple > multiple && Math.abs(other.place[0] - x) < 24,
  );
  return s(
    "g",
    { class: multiple === 1 ? "mark next" : "mark" },
    s("circle", { cx: x, cy: y, r: multiple === 1 ? 6 : 4 }),
    near || isUnder(mark, view.now) ? null : s("text", { x, y: y - 11 }, `${multiple}×`),
  );
}

const HEADS = ["this weight alone moves by", "lands at", "E there", "than now"];

/** Where so many times the learning rate would land; or why each of them lands where it is. */
function landings(slice, trained, digits) {
  const name = symbol(slice.parameter);
  if (!trained)
    return h("p", { class: "hint" }, `${name} is not trained in this run: no learning rate moves it.`);
  if (slice.slope === 0)
    return h("p", { class: "hint" }, `∂E/∂${name} is 0: no learning rate moves it.`);
  return landingTable(slice, digits);
}

function landingTable(slice, digits) {
  const heads = HEADS.map((text) => h("th", { scope: "col" }, text));
  const rows = slice.landings.map((landing) => landingRow(landing, slice.loss, digits));
  return h("table", {}, h("thead", {}, h("tr", {}, ...heads)), h("tbody", {}, ...rows));
}

function landingRow({ multiple, value, loss }, before, digits) {
  const update = multiple === 1;
  const known = loss !== null;
  return h(
    "tr",
    { class: update ? "open" : null },
    h("th", { scope: "row" }, update ? "α, the update" : `${multiple} × α`),
    h("td", { title: full(value) }, fixed(value, digits)),
    h("td", { title: known ? full(loss) : null }, fixed(loss, digits)),
    h("td", {}, known ? verdict(loss, before) : ""),
  );
}

export function verdict(loss, before) {
  return loss < before ? "lower" : loss > before ? "higher" : "the same";
}

export function ends(line, [[x1, y1], [x2, y2]]) {
  set(line, { x1, y1, x2, y2 });
}
