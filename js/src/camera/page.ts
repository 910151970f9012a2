// A page that draws a notebook and is not ours: what the camera asks of it is answered by looking at it.

import type { WidgetModel } from "@jupyter-widgets/base";
import { activity } from "../live/activity";
import { LONGEST_URL, blockedScript } from "../live/blocked";
import type { PlacedProblem, UncaughtError, WatchedKernel, WatchedManager, WatchedPage } from "../live/watched";
import type { Widgets } from "./widgets";

/** Addresses of installed front ends, with their names. */
const FRONT_END = /\/(?:nbextensions|labextensions|widget-packages)\/((?:@[\w.-]+\/)?[\w.-]+)/g;

export abstract class NotebookPage implements WatchedPage {
  abstract readonly started: Promise<unknown>;
  kernel: WatchedKernel | undefined;
  work: WatchedPage["work"];
  readonly renderers = undefined;
  readonly isShared = false;
  isActedOn = false;
  readonly uncaught: UncaughtError[] = [];
  readonly failedModules: UncaughtError[] = [];
  protected readonly noted: PlacedProblem[] = [];
  protected widgets: Widgets | undefined;

  constructor() {
    window.addEventListener("error", (event) => this.noteUncaught(event.error));
    window.addEventListener("unhandledrejection", (event) => this.noteUncaught(event.reason));
    // What fails to load tells its element only, which the window hears before that.
    window.addEventListener("error", (event) => this.noted.push(...blockedScript(event.target)), { capture: true });
    activity.moduleFailed = (error) => {
      if (error instanceof Error) this.failedModules.push({ modules: ["anywidget"], message: error.message });
    };
  }

  get manager(): WatchedManager | undefined {
    return this.widgets;
  }

  get problems(): readonly PlacedProblem[] {
    return this.noted;
  }

  get places(): ReadonlyMap<Element, string> {
    return this.widgets?.places ?? new Map<Element, string>();
  }

  get math(): { idle: Promise<unknown> } {
    const { MathJax } = window as { MathJax?: { Hub?: { Queue(call: () => void): void } } };
    return { idle: new Promise((resolve) => (MathJax?.Hub ? MathJax.Hub.Queue(() => resolve(null)) : resolve(null))) };
  }

  /** Execute the notebook, or wait until it is executed; whether that is done before `deadline`. */
  abstract execute(deadline: number): Promise<boolean>;

  async models(): Promise<Map<string, WidgetModel>> {
    const found = await Promise.allSettled(this.widgets?.models ?? []);
    return new Map(found.flatMap((model) => (model.status === "fulfilled" ? [[model.value.model_id, model.value]] : [])));
  }

  /** Note a module from elsewhere, as nbconvert asks for one that draws diagrams. */
  private noteImport(message: string): void {
    const [, url] = /dynamically imported module: (https?:\S+)/.exec(message) ?? [];
    if (!url || url.startsWith(location.origin)) return;
    const problem = { code: "script-blocked", params: { url: url.slice(0, LONGEST_URL) } } as const;
    const places = url.includes("mermaid") ? [...document.querySelectorAll(".jp-Mermaid")] : [null];
    this.noted.push(...places.map((element) => ({ element, problem })));
  }

  private noteUncaught(error: unknown): void {
    if (!(error instanceof Error)) return;
    this.noteImport(error.message);
    const stack = error.stack ?? "";
    const modules = [...stack.matchAll(FRONT_END)].map(([, name]) => name!);
    // anywidget runs a widget's own code from a blob; what that fails to import has no place in any script.
    if (stack.includes("blob:")) modules.push("anywidget");
    if (modules.length) this.uncaught.push({ modules, message: error.message });
  }
}

/** Settled when the document is parsed. */
export const parsed = new Promise<void>((resolve) => {
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", () => resolve(), { once: true });
  else resolve();
});

/** Settled when everything that the document names is loaded. */
export const loaded = new Promise<void>((resolve) => {
  if (document.readyState === "complete") resolve();
  else window.addEventListener("load", () => resolve(), { once: true });
});
