// The live widget page: connects to the kernel, draws the notebook's widgets, and answers the camera's questions.

import { activity } from "./activity";
import * as base from "@jupyter-widgets/base";
import type { WidgetModel } from "@jupyter-widgets/base";
import * as controls from "@jupyter-widgets/controls";
import { CommsOverSubshells } from "@jupyterlab/services/lib/kernel/comm";
import { KernelConnection } from "@jupyterlab/services/lib/kernel/default";
import { ServerConnection } from "@jupyterlab/services/lib/serverconnection";
import { type Problem, WIDGET_MIMETYPE, liveManager } from "./manager";
import { type Layout, layout } from "./layout";
import { Typesetter } from "./math";
import { secretPlaces } from "./secrets";
import { PageSnapshot } from "./snapshot";
import { type Json, describe } from "./state";

interface Config {
  baseUrl: string;
  token: string;
  /** Empty in the page that only loads what the others need. */
  kernelId: string;
  kernelName: string;
  amdUrl: string;
  /** AMD name of each installed front end -> its address, without `.js`. */
  frontEnds: Record<string, string>;
  mathUrl: string;
}

/** An error that a front end let escape, and which front ends its stack names. */
interface Uncaught {
  modules: string[];
  message: string;
}

interface Rect {
  x: number;
  y: number;
  width: number;
  height: number;
}

// Front ends of third parties ask require.js for these, and must get the ones that draw here.
const SHARED = { "@jupyter-widgets/base": base, "@jupyter-widgets/controls": controls };
for (const [name, module] of Object.entries(SHARED)) window.define(name, () => module);
let config = configOf(document);
const math = new Typesetter(config.mathUrl);
math.install();

type Manager = InstanceType<ReturnType<typeof liveManager>>;
let manager: Manager;
let kernel: KernelConnection;
let problems: Problem[] = [];
let uncaught: Uncaught[] = [];
let roots = new Map<Element, string>();
// The server lets the browser tell of every script that is not ours, see extension.py.
let foreign = false;
document.addEventListener("securitypolicyviolation", () => {
  foreign = true;
});
let started = start();

function configOf(page: Document): Config {
  return JSON.parse(page.getElementById("widgetshot-config")!.textContent!) as Config;
}

// A front end that fails after its view was made (anywidget draws on its own time) tells nobody but the window.
function escaped(error: unknown): void {
  if (!(error instanceof Error)) return;
  const stack = error.stack ?? "";
  const modules = Object.keys(config.frontEnds).filter((name) => stack.includes(config.frontEnds[name]!));
  // anywidget runs a widget's own code from a blob.
  if (stack.includes("blob:")) modules.push("anywidget");
  if (modules.length) uncaught.push({ modules, message: error.message });
}
window.addEventListener("error", (event) => escaped(event.error));
window.addEventListener("unhandledrejection", (event) => escaped(event.reason));

async function start(): Promise<void> {
  // This script runs in the head, before the notebook's own scripts.
  await new Promise((resolve) => document.addEventListener("DOMContentLoaded", resolve, { once: true }));
  await draw();
}

async function draw(): Promise<void> {
  // Widgets measure text as they draw. A font that comes later would give them other widths, depending on who is first.
  const fonts = Promise.all([...document.fonts].map((font) => font.load()));
  // No urlArgs, no waitSeconds: modules come from this machine or not at all.
  const paths = { ...config.frontEnds, "@jupyter-widgets/html-manager": `${config.amdUrl}/libembed-amd` };
  window.requirejs.config({ baseUrl: config.amdUrl, paths, waitSeconds: 0 });
  if (!config.kernelId) return;
  const serverSettings = ServerConnection.makeSettings({
    baseUrl: location.origin + config.baseUrl,
    wsUrl: location.origin.replace(/^http/, "ws") + config.baseUrl,
    token: config.token,
    appendToken: true,
  });
  kernel = new KernelConnection({
    model: { id: config.kernelId, name: config.kernelName },
    serverSettings,
    // Comm messages that take turns with everything else are dealt with when the kernel answers `asked`.
    commsOverSubshells: CommsOverSubshells.Disabled,
  });
  kernel.iopubMessage.connect((_, msg) => {
    // Status messages belong to our own questions too; everything else may change the picture.
    if (msg.header.msg_type !== "status") activity.note(`the kernel sent '${msg.header.msg_type}'`);
    if (msg.header.msg_type === "error" && !manager?.captured.has(msg.header.msg_id)) {
      const { ename, evalue } = msg.content as { ename: string; evalue: string };
      problems.push({ element: null, message: `a callback raised ${ename}: ${evalue}` });
    }
  });
  await kernel.info;
  manager = new (liveManager(kernel))();
  await fonts;
  await manager.restore();
  const outputs = document.querySelectorAll<HTMLScriptElement>(`script[type="${WIDGET_MIMETYPE}"]`);
  await Promise.all([...outputs].map((script) => show(script)));
  for (const element of document.querySelectorAll(".jp-RenderedLatex, .jp-RenderedMarkdown")) math.typeset(element);
}

async function show(script: HTMLScriptElement): Promise<void> {
  const place = script.parentElement!;
  const id = (JSON.parse(script.textContent!) as { model_id: string }).model_id;
  roots.set(place, id);
  if (!manager.has_model(id)) {
    // A widget closed by the notebook itself leaves an empty place, in JupyterLab too.
    place.classList.add("widgetshot-closed");
    problems.push({ element: place, message: `the kernel knows no widget ${id}: it was closed or never opened` });
    return;
  }
  const model = await manager.get_model(id);
  await manager.display_view(manager.create_view(model), place);
}

/** Elements that do more than be there, or that a parser treats otherwise when a page loads. */
const LIVELY =
  "iframe, frame, object, embed, video, audio, base, meta, link, noscript, portal, template, [autofocus], " +
  `script:not([type="${WIDGET_MIMETYPE}"], [type="application/json"])`;

/** Whether there is nothing in a page's body that could run, or would be another thing in a page that loads. */
function isInert(body: Element): boolean {
  if (body.querySelector(LIVELY)) return false;
  for (const element of body.querySelectorAll("*")) {
    for (const { name, value } of element.attributes) {
      if (/^on/i.test(name) || /^\s*javascript:/i.test(value)) return false;
    }
  }
  return true;
}

/**
 * Show another live page in this page, which `leave` has emptied.
 *
 * @returns whether it is shown; if not, it needs a page of its own
 */
async function enter(url: string): Promise<boolean> {
  const answer = await fetch(url);
  if (!answer.ok) return false;
  const next = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (!isInert(next.body)) return false;
  history.replaceState(null, "", url);
  document.title = next.title;
  config = configOf(next);
  document.getElementById("widgetshot-config")!.textContent = JSON.stringify(config);
  await dress(next);
  for (const begin of window[Symbol.for("widgetshot.begin")] ?? []) begin();
  for (const { name, value } of next.body.attributes) document.body.setAttribute(name, value);
  document.body.replaceChildren(...[...next.body.childNodes].map((node) => document.importNode(node, true)));
  started = draw();
  report(started);
  return true;
}

/** Take the style sheets of another page: those of its theme. */
async function dress(next: Document): Promise<void> {
  const wanted = [...next.querySelectorAll<HTMLLinkElement>("head link[rel=stylesheet]")];
  const here = [...document.querySelectorAll<HTMLLinkElement>("head link[rel=stylesheet]")];
  const changes = wanted.map(async (link, index) => {
    const old = here[index]!;
    if (old.getAttribute("href") === link.getAttribute("href")) return;
    const fresh = document.importNode(link);
    await new Promise((resolve, reject) => {
      fresh.onload = resolve;
      fresh.onerror = reject;
      old.replaceWith(fresh);
    });
    snapshot.replace(old, fresh);
  });
  await Promise.all(changes);
}

const snapshot = new PageSnapshot(new Set(Object.keys(SHARED)));

/**
 * Take everything down that belongs to the live page.
 *
 * @returns whether the page is as good as a new one: no script but ours has run in it, and nothing is left of it
 */
async function leave(): Promise<boolean> {
  if (!kernel || foreign || uncaught.length || !isInert(document.body)) return false;
  const models = await Promise.all(manager.models);
  await Promise.allSettled(models.map((model) => model.close(true)));
  kernel.dispose();
  (document.activeElement as HTMLElement | null)?.blur();
  document.body.replaceChildren();
  for (const { name } of [...document.body.attributes]) document.body.removeAttribute(name);
  scrollTo(0, 0);
  problems = [];
  uncaught = [];
  roots = new Map();
  await frame();
  return activity.end() && !foreign && snapshot.matches();
}

async function models(): Promise<Map<string, WidgetModel>> {
  const found = await Promise.all(manager.models);
  return new Map(found.map((model) => [model.model_id, model]));
}

/** Wait until every model is loaded, every state change applied and every view drawn, however deep they nest. */
async function drained(): Promise<void> {
  for (;;) {
    const before = manager.models.length + manager.views.size;
    const known = await Promise.all(manager.models);
    await Promise.all(known.map((model) => model.state_change));
    await Promise.allSettled([...manager.views]);
    if (manager.models.length + manager.views.size === before) return;
  }
}

/** Ask the kernel anything; it answers after every earlier comm message has been dealt with. */
async function asked(): Promise<void> {
  await kernel.requestKernelInfo();
}

async function messagesAnswered(): Promise<boolean> {
  const known = await Promise.all(manager.models);
  return known.every((model) => !((model as unknown as { _pending_msgs: number })._pending_msgs > 0));
}

const frame = (): Promise<void> => new Promise((resolve) => requestAnimationFrame(() => resolve()));

async function drawn(): Promise<void> {
  await math.idle;
  await document.fonts.ready;
  await Promise.allSettled([...document.images].map((image) => image.decode()));
  for (const animation of document.getAnimations()) {
    const end = animation.effect?.getComputedTiming().endTime;
    if (end === undefined || end === Infinity) animation.cancel();
    else animation.finish();
  }
  align();
  await frame();
  await frame();
}

/**
 * Give every cell a whole number of pixels of height, so that each cell begins on a pixel and looks the same
 * whatever stands above it.
 */
function align(): void {
  const heights: [HTMLElement, number][] = [];
  for (const cell of document.querySelectorAll<HTMLElement>("[data-cell-id]")) {
    cell.style.height = "";
    heights.push([cell, cell.getBoundingClientRect().height]);
  }
  for (const [cell, height] of heights) {
    if (height % 1) cell.style.height = `${Math.ceil(height)}px`;
  }
}

class Deadline extends Error {}

/** Views that have drawn nothing so far: anywidget draws on its own time and keeps no promise of it. */
function emptyViews(): boolean {
  for (const [element, module] of manager.drawn) {
    if (module === "anywidget" && element.isConnected && !element.childElementCount && !element.textContent) return true;
  }
  return false;
}

/**
 * Wait until the page is ready to be captured.
 *
 * @param limit milliseconds
 * @param maxSettle milliseconds after which a page that is drawn, but goes on moving, is good enough; null to insist
 * @returns what still moved when the limit was reached, or "" when all is at rest
 */
async function ready(limit: number, maxSettle: number | null): Promise<string> {
  const begin = performance.now();
  let stage = "the page is still loading its scripts";
  let timer = 0;
  const deadline = new Promise<never>((_, reject) => {
    timer = activity.after(() => reject(new Deadline()), limit);
  });
  let rounds = 0;
  const settle = async (): Promise<void> => {
    await started;
    for (; ; rounds += 1) {
      const past = performance.now() - begin;
      if (maxSettle !== null && rounds > 0 && past > maxSettle && (!emptyViews() || past > limit / 2)) throw new Deadline();
      stage = "widgets are still being loaded or drawn";
      await drained();
      const before = activity.events;
      stage = "the kernel is busy and does not answer";
      await asked();
      stage = "widgets are still being loaded or drawn";
      await drained();
      stage = "fonts or images are still loading";
      await drawn();
      if (activity.events === before && activity.pending === 0 && (await messagesAnswered())) {
        // Some widgets draw nothing at all; they get half of the time to prove otherwise.
        if (!emptyViews() || performance.now() - begin > limit / 2) return;
      }
      stage = activity.events === before ? "timers or requests are pending" : activity.last;
      await frame();
    }
  };
  try {
    await Promise.race([settle(), deadline]);
    return "";
  } catch (error) {
    // After several rounds it is what begins each new one that never rests, not what the last one waited for.
    if (error instanceof Deadline) return rounds > 1 ? activity.last : stage;
    throw error;
  } finally {
    activity.cancel(timer);
  }
}
/** What makes the picture of `selector` (or of the whole page) untrustworthy. */
function problemsIn(selector: string | null): string[] {
  const scope = selector === null ? document.body : document.querySelector(selector);
  const here = [...problems, ...(manager?.problems ?? [])].filter(
    ({ element }) => element === null || !element.isConnected || scope?.contains(element),
  );
  const messages = here.map(({ message }) => message);
  for (const [element, module] of manager?.drawn ?? []) {
    if (!scope?.contains(element)) continue;
    for (const error of uncaught) {
      if (error.modules.includes(module)) messages.push(`the front end '${module}' failed: ${error.message}`);
    }
  }
  if (!messages.length && scope?.querySelector(".jupyter-widgets-error-widget")) {
    messages.push("a widget shows an error in place of itself");
  }
  for (const image of scope?.querySelectorAll("img") ?? []) {
    // Images from elsewhere are listed as blocked; one of this machine that fails is missing.
    const local = image.src.startsWith(location.origin) || image.src.startsWith("data:");
    if (local && image.complete && !image.naturalWidth) {
      messages.push(`an image did not load: ${image.src.slice(0, 200).replace(/\?.*/, "")}`);
    }
  }
  if (/^\s*Loading widget\.\.\./m.test((scope as HTMLElement | null)?.innerText ?? "")) {
    messages.push("a widget still says 'Loading widget...'");
  }
  return [...new Set(messages)];
}

function rect(element: Element): Rect {
  const box = element.getBoundingClientRect();
  return { x: box.x + scrollX, y: box.y + scrollY, width: box.width, height: box.height };
}

/** The box of a cell, with what sticks out of it at the right or the bottom. */
function whole(element: Element): Rect {
  const box = rect(element);
  return { ...box, width: Math.max(box.width, element.scrollWidth), height: Math.max(box.height, element.scrollHeight) };
}

/** Boxes of what matches each of `masks` inside `selector`, in page coordinates. */
function boxes(selector: string | null, masks: string[]): Rect[][] {
  const scope = selector === null ? document : document.querySelector(selector)!;
  return masks.map((mask) => [...scope.querySelectorAll(mask)].map(rect).filter((box) => box.width && box.height));
}

interface Look {
  problems: string[];
  /** Of what is captured; null for the whole page. */
  rect: Rect | null;
  /** Boxes of each mask. */
  masks: Rect[][];
  /** Why a mask's selector can't be understood, or "". */
  wrong: string;
  /** null where there are problems. */
  shown: Description | null;
}

/**
 * All that is asked about pictures when they are taken.
 *
 * @param asked of each picture the selector of what it shows (null for the whole page) and those of its masks
 * @returns a `Look` of each as JSON (a text costs Playwright a tenth of what it takes over an object); null for one that
 *   can't be told, unless it is the first
 */
async function look(asked: [string | null, string[]][]): Promise<string> {
  const [first, ...rest] = asked.map(([selector, masks]) => lookAt(selector, masks));
  const ahead = await Promise.allSettled(rest);
  return JSON.stringify([await first, ...ahead.map((seen) => (seen.status === "fulfilled" ? seen.value : null))]);
}

async function lookAt(selector: string | null, masks: string[]): Promise<Look> {
  const rect = selector === null ? null : whole(document.querySelector(selector)!);
  const seen: Look = { problems: problemsIn(selector), rect, masks: [], wrong: "", shown: null };
  try {
    seen.masks = boxes(selector, masks);
  } catch (error) {
    seen.wrong = error instanceof Error ? error.message : String(error);
  }
  if (!seen.problems.length) seen.shown = await shown(selector);
  return seen;
}

interface Description {
  tree: Json[];
  modules: Record<string, string>;
  layout: Layout;
}

/** What is shown inside `selector`: the widgets' state, the front ends that drew them, and where everything is. */
async function shown(selector: string | null): Promise<Description> {
  const scope = selector === null ? document.body : document.querySelector(selector)!;
  const known = await models();
  const seen = new Set<string>();
  const tree: Json[] = [];
  for (const [place, id] of roots) {
    const model = known.get(id);
    if (scope.contains(place) && model) tree.push(describe(model, seen));
  }
  const modules: Record<string, string> = {};
  for (const id of [...seen]) {
    const model = known.get(id);
    if (model) modules[String(model.get("_model_module"))] = String(model.get("_model_module_version"));
  }
  return { tree, modules: Object.fromEntries(Object.entries(modules).sort()), layout: layout(scope) };
}

/** The size of the whole page, and whether it goes beyond what the viewport shows. */
function extent(): { width: number; height: number; beyond: boolean } {
  const root = document.documentElement;
  const width = Math.max(root.clientWidth, root.scrollWidth);
  const height = Math.max(root.clientHeight, root.scrollHeight);
  return { width, height, beyond: width > innerWidth || height > innerHeight || scrollX !== 0 || scrollY !== 0 };
}

Object.assign(window, {
  widgetshot: {
    ready,
    look,
    extent,
    secretPlaces,
    enter,
    leave,
  },
});

function report(start: Promise<void>): void {
  start.catch((error: unknown) => problems.push({ element: null, message: `the page could not start: ${error}` }));
}
report(started);
