// Draws the diagram: elements are made once for a network, then only their attributes change.

import { PILL, planDiagram } from "../core/geometry.js";
import { badgedFactors, openPathOf } from "../core/inspect.js";
import { labelPlace } from "../core/labels.js";
import { revealed } from "../core/network.js";
import { edgeCount, LARGE, strongestEdges } from "../core/strongest.js";
import { phaseTitle } from "../core/words.js";
import { viewDiagram } from "../views/diagram.js";
import { renew, s, set, whenChanged, write } from "./dom.js";
import { createBadges } from "./badges.js";
import { writeFitting } from "./fit.js";
import { createFlow } from "./flow.js";
import { letWalk } from "./walk.js";
import { createBackdrop } from "./backdrop.js";
import { makeBar, updateBar } from "./errorbar.js";

const MOST_BARS = 6;
const MANY = 60; // edges beyond which those off the path of a dragged weight rest
const REST = 120; // milliseconds without another trial after which edges are named
const EVERY = 250; // milliseconds between two drawings of a large network while it plays
const LETTERS = { label: 12.5, narrowDelta: 11, value: 16, narrowValue: 13, compactValue: 11, title: 13, titleAbove: 12 }; // as in diagram.css
const LEAST_TITLE = 11;
const SLENDER = 1.15; // letters that are not bold take less room
const NARROW = "(max-width: 600px)";
const GRAIN = 10; // pixels that the picture's place must change before it is laid out anew

/** @returns {(state: object) => void}  `repaint` is called where the picture has another place */
export function mountDiagram(root, dispatch, repaint) {
  const room = followRoom(root, repaint);
  let drawn = null;
  let planned = -EVERY;
  const flow = createFlow();
  const backdrop = createBackdrop();
  const badges = createBadges(dispatch);
  letWalk(root, () => drawn?.plan, dispatch);

  /** Lay the network out anew where that is needed; false while a large one has just been. */
  function plan({ session: { layout }, selected, playing, trial }, frame, factors) {
    const large = edgeCount(layout.sizes) > LARGE;
    const now = performance.now();
    const same = drawn?.layout === layout && drawn.room === room();
    if (large && same && playing && now - planned < EVERY) return false;
    if (same && (!large || trial)) return true; // a trial moves the numbers of what is drawn
    planned = now;
    const { hasGradient } = revealed(layout, frame.phase);
    const strongest = large ? strongestEdges(layout, frame, hasGradient) : undefined;
    if (large) for (const name of [selected, ...factors.map(({ at }) => at)]) if (name?.[0] === "w") strongest.add(name);
    const made = planDiagram(layout.sizes, room(), strongest);
    drawn = { layout, room: room(), ...draw(root, made, layout, dispatch) };
    if (large) backdrop.draw(root, made, layout, frame, hasGradient);
    return true;
  }
  const render = whenChanged(
    (state) => [state.session?.layout, state.trial ?? state.frame, state.selected, openPathOf(state), state.openTerm, room(), state.playing],
    (state) => {
      const frame = state.trial ?? state.frame;
      const path = openPathOf(state);
      if (!state.session || !frame || !plan(state, frame, factorsOf(state))) return;
      const { layout, spec } = state.session;
      const view = viewDiagram(drawn.plan, layout, spec, frame, state.selected, path, state.way);
      update(drawn, view, layout, frame, Boolean(state.selected));
      nameEdges(drawn, view, Boolean(state.trial));
      setAside(drawn, view, Boolean(state.trial));
      flow.show(drawn, view, state);
    },
  );
  const showBadges = whenChanged(
    (state) => [drawn, openPathOf(state), state.openTerm, isRevealed(state)],
    (state) => drawn && badges.show(drawn, badgesOf(state, drawn)),
  );
  return (state) => {
    render(state);
    showBadges(state);
    badges.light(state.lit);
  };
}

/** The place for the picture, the same object as long as it is the same place. */
function followRoom(root, repaint) {
  const phone = window.matchMedia(NARROW);
  const measured = (width) => ({ width: GRAIN * Math.round(width / GRAIN), narrow: phone.matches });
  let room = measured(root.clientWidth);
  new ResizeObserver(([{ contentRect }]) => {
    const now = measured(contentRect.width);
    if (now.width === room.width && now.narrow === room.narrow) return;
    room = now;
    repaint();
  }).observe(root);
  return () => room;
}

/** The factors that are open in the panel. */
function factorsOf(state) {
  const path = openPathOf(state);
  return path ? badgedFactors(path, state.openTerm) : [];
}

function badgesOf(state, drawn) {
  const { selected } = state;
  return { factors: factorsOf(state), several: state.frame?.rows > 1, known: isRevealed(state), own: ownLabel(drawn, selected), selected };
}

/** The label of the selected edge, which its badges leave free. */
function ownLabel({ edges, plan }, selected) {
  const made = edges.find(({ edge }) => edge.name === selected);
  return made ? (made.edge.label ?? spotOf(made, plan)) : null;
}

/** Whether the phase has come to the gradient of the selected parameter. */
function isRevealed({ session, frame, selected }) {
  if (!session || !frame || !selected) return false;
  return revealed(session.layout, frame.phase).hasGradient(Number(selected.slice(1).split(".")[0]));
}

function draw(root, plan, layout, dispatch) {
  const svg = s("svg", { viewBox: `0 0 ${plan.width} ${plan.height}`, class: `network${plan.large ? " large" : ""}${plan.radius < 14 ? " dots" : ""}${plan.compact ? " compact" : ""}${plan.narrow ? " narrow" : ""}`, role: "group", "aria-label": "The network" });
  const edges = plan.edges.map((edge) => makeEdge(edge, dispatch));
  const biases = plan.biases.map((mark) => makeBias(mark, plan, dispatch));
  const units = plan.units.map((unit) => makeUnit(unit, plan, dispatch));
  const badges = s("g", { class: "badges" });
  const layers = layout.sizes.length - 1;
  const outputs = plan.units.filter((unit) => unit.layer === layers);
  const bars = outputs.length > MOST_BARS ? [] : outputs.map(() => makeBar());
  const still = s("g", { class: "still" });
  const moving = s("g", { class: "edges" }, ...edges.map((edge) => edge.group));
  svg.append(
    still, moving,
    s("g", { class: "bars" }, ...bars.map((bar) => bar.group)),
    s("g", { class: "units" }, ...units.map((unit) => unit.group)),
    s("g", { class: "biases" }, ...biases.map((bias) => bias.group)),
    s("g", { class: "labels" }, ...edges.map((edge) => edge.pill)),
    badges,
    ...plan.more.map(({ text, x, y }) => s("text", { class: "more", x, y }, text)),
  );
  // A tall network may take more of the page than the screen shows: small text would be worse.
  if (!plan.large) svg.style.maxHeight = `max(58vh, ${Math.round(plan.height * 0.8)}px)`;
  root.replaceChildren(svg);
  return { plan, svg, still, moving, edges, biases, units, bars, badges, aside: false, naming: 0 };
}

/**
 * While a weight of a network of many edges is dragged, those off its path stand in a group that the
 * browser paints on a layer of its own: they need not be painted again with each number that changes.
 */
function setAside(drawn, view, trying) {
  if (drawn.aside === trying || drawn.edges.length <= MANY) return;
  drawn.aside = trying;
  const groups = drawn.edges.map(({ group }) => group);
  if (trying) drawn.still.append(...groups.filter((_, k) => view.edges[k].dimmed));
  else drawn.moving.append(...groups); // in their order again
}

function onPick(element, name, dispatch) {
  element.addEventListener("click", () => dispatch({ type: "pick", name }));
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    dispatch({ type: "pick", name });
  });
}

/** Every digit, written only for whoever points at it. */
function tipFor(group, tip) {
  const made = { text: () => "" };
  group.addEventListener("pointerenter", () => write(tip, made.text()));
  return made;
}

function makeEdge(edge, dispatch) {
  const ends = { x1: edge.x1, y1: edge.y1, x2: edge.x2, y2: edge.y2 };
  const halo = s("line", { class: "halo", ...ends });
  const core = s("line", { class: "core", ...ends });
  const target = s("line", { class: "target", ...ends });
  const chevrons = s("path", { class: "chevrons" });
  const tip = s("title");
  const group = s("g", { class: "edge", "data-parameter": edge.name, role: "button", tabindex: "-1" }, tip, halo, core, chevrons, target);
  const box = s("rect", { ...PILL, rx: PILL.height / 2 });
  const label = s("text");
  const pill = s("g", { class: "pill", "data-label": edge.name, "aria-hidden": "true" }, box, label);
  if (edge.label) putPill({ pill, box, label }, edge.label);
  onPick(group, edge.name, dispatch);
  onPick(pill, edge.name, dispatch);
  return { edge, group, tip: tipFor(group, tip), halo, core, chevrons, pill, box, label, spot: undefined };
}

function putPill({ pill, box, label }, { x, y, leader }) {
  set(box, { x: x - PILL.width / 2, y: y - PILL.height / 2 });
  set(label, { x, y: y + 0.5 });
  if (leader) pill.prepend(s("line", { class: "leader", x1: x, y1: y, x2: leader.x, y2: leader.y }));
}

/** An edge without a label of its own gets one while it is selected, where there is room. */
function spotOf(made, plan) {
  if (made.spot !== undefined) return made.spot;
  made.spot = labelPlace(plan, made.edge);
  if (made.spot) putPill(made, made.spot);
  return made.spot;
}

function makeBias(mark, plan, dispatch) {
  const label = s("text", { x: mark.x, y: mark.y + 0.5 });
  const tip = s("title");
  const group = s("g", { class: "bias", "data-parameter": mark.name, role: "button", tabindex: "-1" }, tip,
    s("circle", { class: "reach", cx: mark.x, cy: mark.y, r: 17 }),
    s("line", { class: "stub", x1: mark.x, x2: mark.x, y1: mark.y + mark.height / 2, y2: mark.y + 17 }),
    s("rect", { x: mark.x - mark.width / 2, y: mark.y - mark.height / 2, width: mark.width, height: mark.height, rx: 10 }), label);
  onPick(group, mark.name, dispatch);
  return { mark, group, tip: tipFor(group, tip), label };
}

function makeUnit(unit, plan, dispatch) {
  const { radius, tag: width } = plan;
  const name = s("text", { class: "name", x: unit.x, y: unit.y - radius * 0.4 });
  const value = s("text", { class: "value", x: unit.x, y: unit.y + radius * 0.22 });
  const title = s("text", { class: "title", x: unit.x - radius - 14, y: unit.y - 9 });
  const subtitle = s("text", { class: "subtitle", x: unit.x - radius - 14, y: unit.y + 10 });
  if (plan.above) {
    set(title, { x: unit.x - radius - 10, y: unit.y - radius - 24, class: "title start" });
    set(subtitle, { x: unit.x - radius - 10, y: unit.y - radius - 10, class: "subtitle start" });
  }
  const top = unit.y + radius + 5;
  const tag = s("g", { class: "delta" }, s("rect", { x: unit.x - width / 2, y: top, width, height: 20, rx: 3 }), s("text", { x: unit.x, y: top + 10.5 }));
  const tip = s("title");
  const group = s("g", { class: "unit", "data-unit": unit.name, role: "button", tabindex: "-1" }, tip,
    s("circle", { cx: unit.x, cy: unit.y, r: radius }), name, value, title, subtitle, tag);
  onPick(group, `u${unit.name}`, dispatch);
  return { unit, group, tip: tipFor(group, tip), name, value, title, subtitle, tag };
}

function update(drawn, view, layout, frame, selecting) {
  const phase = layout.phases[frame.phase];
  drawn.svg.parentElement.classList.toggle("selecting", selecting);
  set(drawn.svg, { "data-kind": phase.kind, "aria-label": `The network: ${phaseTitle(phase)}` });
  view.edges.forEach((edge, k) => updateEdge(drawn.edges[k], edge, drawn.plan));
  view.biases.forEach((bias, k) => updateBias(drawn.biases[k], bias));
  view.units.forEach((unit, k) => updateUnit(drawn.units[k], unit, drawn.plan));
  drawn.bars.forEach((bar, k) => updateBar(bar, view.bars[k], drawn.plan.narrow));
}

function classes(base, view) {
  const sign = view.sign > 0 ? " plus" : view.sign < 0 ? " minus" : "";
  return `${base}${sign}${view.dimmed ? " dimmed" : ""}${view.selected ? " selected" : ""}${view.lit ? " lit" : ""}${view.kept ? " kept" : ""}`;
}

/**
 * What is heard and read of the edges, and not seen. While a weight is dragged it is written once that
 * rests a moment: four attributes of each edge take as long as all that is seen of it.
 */
function nameEdges(drawn, { edges }, trying) {
  const name = () => edges.forEach(({ named, data }, k) => renew(drawn.edges[k].group, { "aria-label": named(), ...data }));
  clearTimeout(drawn.naming);
  if (trying) drawn.naming = setTimeout(name, REST);
  else name();
}

function updateEdge(made, view, plan) {
  renew(made.group, { class: classes("edge", view), "aria-pressed": String(view.selected) });
  renew(made.core, { "stroke-width": view.core.toFixed(2), class: view.negative ? "core negative" : "core" });
  renew(made.halo, { "stroke-width": view.halo.toFixed(2) });
  const has = made.edge.label || (view.selected && spotOf(made, plan));
  const hidden = !has || view.dimmed;
  renew(made.pill, { class: `${classes("pill", view)}${hidden ? " hidden" : ""}` });
  if (!hidden) writeFitting(made.label, view.label(), PILL.width - 6, LETTERS.label);
  made.tip.text = view.tip;
}

function updateBias(made, view) {
  set(made.group, { class: classes("bias", view), "aria-label": view.label.accessible, "aria-pressed": String(view.selected), ...view.data });
  if (made.mark.small) write(made.label, view.label.text);
  else writeFitting(made.label, view.label.text, PILL.width - 6, LETTERS.label);
  made.tip.text = view.tip;
}

function updateUnit(made, view, { radius, tag, names, narrow, above, compact }) {
  set(made.group, { class: classes("unit", view), "aria-label": view.accessible, "aria-pressed": String(view.selected), ...view.data });
  made.tip.text = () => view.accessible;
  write(made.name, view.symbol);
  writeFitting(made.value, view.value, 1.75 * radius, narrow ? LETTERS.narrowValue : compact ? LETTERS.compactValue : LETTERS.value);
  for (const [part, text] of [[made.title, view.title], [made.subtitle, view.subtitle]])
    writeFitting(part, text ?? "", SLENDER * names, above ? LETTERS.titleAbove : LETTERS.title, LEAST_TITLE);
  set(made.tag, { class: `delta${view.delta ? "" : " hidden"}` });
  writeFitting(made.tag.lastChild, view.delta ?? "", tag - 4, narrow ? LETTERS.narrowDelta : LETTERS.label);
}
