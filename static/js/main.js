// Wires the page: one store, one connection, the mounts. Everything else is in a file of its own.

import { createStore } from "./core/store.js";
import { TABS } from "./core/inspect.js";
import { READING, UNSURE, WATCHING } from "./core/link.js";
import { INITIAL, reduce } from "./core/reduce.js";
import { followHistory, loadPresets } from "./effects/again.js";
import { createSession, getFigure } from "./effects/api.js";
import { copyText } from "./effects/clipboard.js";
import { followExplanations, followTrial, startCheck } from "./effects/explain.js";
import { Link } from "./effects/socket.js";
import { applyTheme, readTheme, shownTheme } from "./effects/theme.js";
import { mountChain } from "./mount/chain.js";
import { mountCharts } from "./mount/charts.js";
import { mountDiagram } from "./mount/diagram.js";
import { write } from "./mount/dom.js";
import { mountExplanation } from "./mount/explanation.js";
import { mountFind } from "./mount/find.js";
import { mountGradient } from "./mount/gradient.js";
import { mountHeader, mountPhases } from "./mount/header.js";
import { mountNotices, mountPage, mountTrialNote, mountVoice } from "./mount/notices.js";
import { mountPanel } from "./mount/panel.js";
import { mountProof } from "./mount/proof.js";
import { mountRate } from "./mount/rate.js";
import { mountScrubber } from "./mount/scrubber.js";
import { mountShare } from "./mount/share.js";
import { mountSlice } from "./mount/slice.js";
import { mountSurface } from "./mount/surface.js";
import { mountTable } from "./mount/table.js";
import { mountTransport } from "./mount/transport.js";
import { mountUnit } from "./mount/unit.js";
import { mountWatching } from "./mount/watching.js";

const ANSWERS = new Set(["reply", "error", "hello", "resumed"]);
const page = document.querySelector("main");
const store = createStore(reduce, { ...INITIAL, theme: readTheme(), lastStep: Number(page.dataset.lastStep) });
const { dispatch, get } = store;
const live = connectionOf();

function connectionOf() {
  let link = null;
  const answered = new Set();
  const take = (message) => {
    dispatch(message);
    if (ANSWERS.has(message.type)) for (const tell of answered) tell(message);
  };
  return {
    /** Leave the run that is shown for another; tells whether moves or edits of it were not answered. */
    open(id) {
      link?.close();
      const unsure = Boolean(link?.unanswered);
      link = new Link(id, take, () => get().frame?.example ?? 0);
      return unsure;
    },
    send: (command) => (mayAsk(command) ? link?.send(command) : refuse()),
    get unanswered() { return link?.unanswered ?? 0; },
    onAnswer: (tell) => answered.add(tell),
  };
}

/** What a reader's page may not ask for is not sent: the server would refuse it as well. */
const mayAsk = (command) => get().session?.may_write !== false || READING.has(command.do);

/** The chip says why, for all to see; whoever does not see it is told. */
function refuse() {
  write($("voice"), WATCHING);
}

let path = location.pathname; // of what is shown: a link within the page changes only what follows it
let asked = 0; // how often another run was

/** Start a run and show it, unless something else was chosen before it came; tells whether it came. */
async function start(spec, replace) {
  const mine = ++asked;
  try {
    const session = await createSession(spec);
    if (mine !== asked) return true;
    history[replace ? "replaceState" : "pushState"](null, "", `/s/${session.id}`);
    enter(session.id);
    return true;
  } catch (error) {
    const text = `No run could be started: ${error.message}`;
    if (mine === asked) dispatch({ type: "notice", notice: { kind: "error", text } });
    return false;
  }
}

function enter(id) {
  asked += 1;
  path = location.pathname;
  dispatch({ type: "leave" });
  if (live.open(id)) dispatch({ type: "notice", notice: { kind: "info", text: UNSURE } });
}

const actions = { startPreset: (name) => start(get().presets.find((preset) => preset.name === name).spec, false) };
const $ = (id) => document.getElementById(id);
const control = (name) => document.querySelector(`[data-control="${name}"]`);
const charts = mountCharts($("charts"), getFigure, get, shownTheme);
const mounts = [
  mountPage(page, applyTheme),
  mountHeader($("header"), dispatch, live, actions),
  mountShare($("share"), control("share"), copyText),
  mountPhases($("phases"), live, get),
  mountDiagram($("diagram"), dispatch, paint),
  mountPanel(control("phase-words")),
  mountSelected(),
  mountFind(control("find-form"), dispatch, get),
  mountTrialNote(control("trial-note")),
  mountTransport($("transport"), dispatch, live, get),
  mountScrubber($("scrubber"), live, get),
  mountRate($("rate"), dispatch, live, get),
  mountTable($("table"), dispatch),
  mountNotices($("notices"), dispatch, live),
  mountVoice($("voice")),
  mountWatching(document),
  charts.render,
];

/** What is selected: a view for each tab, and one for units. */
function mountSelected() {
  const bodies = Object.fromEntries([...TABS.map(([tab]) => tab), "unit"].map((name) => [name, document.createElement("div")]));
  const views = {
    chain: mountChain(bodies.chain, dispatch, live),
    slice: mountSlice(bodies.slice, dispatch, live, get),
    proof: mountProof(bodies.proof, dispatch, (key, count) => startCheck(store, key, count)),
    gradient: mountGradient(bodies.gradient, dispatch),
    surface: mountSurface(bodies.surface, dispatch, getFigure, get, shownTheme),
    unit: mountUnit(bodies.unit, dispatch),
  };
  return mountExplanation(control("explanation"), bodies, views, dispatch, live, copyText);
}

let painting = false;
function paint() {
  if (painting) return;
  painting = true;
  requestAnimationFrame(() => {
    painting = false;
    for (const render of mounts) attempt(render);
    if (get().frame) markReady();
  });
}

/** One part that fails must not leave the others at what they showed before; the console has it. */
function attempt(render) {
  try {
    render(get());
  } catch (error) {
    reportError(error);
  }
}

function markReady() {
  if ("ready" in document.documentElement.dataset || "readying" in document.documentElement.dataset) return;
  document.documentElement.dataset.readying = "";
  requestAnimationFrame(() => setTimeout(() => {
    delete document.documentElement.dataset.readying;
    document.documentElement.dataset.ready = "";
    charts.load();
  }));
}

store.subscribe(paint);
followHistory(store);
followExplanations(store);
followTrial(store);
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
addEventListener("popstate", () => {
  if (location.pathname === path) return;
  path = location.pathname;
  const id = path.match(/^\/s\/([^/]+)$/)?.[1];
  if (id) enter(id);
  else start({}, true);
});
loadPresets(store);
if (page.dataset.session) enter(page.dataset.session);
else start({}, true);
paint();
