// A page that nbconvert has made: the widgets' saved state, drawn by html-manager without a kernel.

import type { Problem } from "../live/protocol";
import type { PlacedProblem } from "../live/watched";
import { nextFrame } from "../live/ready";
import { NotebookPage, loaded, parsed } from "./page";
import { type Manager, Widgets } from "./widgets";

const HTML_MANAGER = "@jupyter-widgets/html-manager";
const VIEW = "script[type='application/vnd.jupyter.widget-view+json']";
const STATE = "script[type='application/vnd.jupyter.widget-state+json']";

export interface StaticNotebook {
  /** Names of the cells. */
  cells: string[];
  /** Name of a cell -> the widgets, as texts, whose state was not saved. */
  missing: Record<string, string[]>;
  /** What whoever looks at the page is to know. */
  notices: string[];
}

interface RequireContext {
  defined: Record<string, { HTMLManager: { prototype: Manager & { set_state(...args: unknown[]): Promise<unknown> } } }>;
}

interface Requirejs {
  config(options: object): void;
  onResourceLoad?: (context: RequireContext, map: { id: string }) => void;
}

export class StaticPage extends NotebookPage {
  readonly started: Promise<unknown>;
  private drawing: Promise<unknown> = Promise.resolve();
  private failure = "";

  constructor(private readonly notebook: StaticNotebook) {
    super();
    this.started = this.start();
  }

  override get problems(): readonly PlacedProblem[] {
    return [...this.noted, ...this.missing()];
  }

  execute(): Promise<boolean> {
    return Promise.resolve(true);
  }

  private async start(): Promise<void> {
    for (const notice of this.notebook.notices) console.error(notice);
    await parsed;
    for (const cell of this.notebook.cells) this.mark(cell);
    // Between any two elements it would wait for somebody who scrolls, and html-manager gives it each label.
    const { MathJax } = window as { MathJax?: { Hub: { processSectionDelay: number } } };
    if (MathJax) MathJax.Hub.processSectionDelay = 0;
    const { requirejs } = window as { requirejs?: Requirejs };
    if (!requirejs) return;
    requirejs.config({ waitSeconds: 0 });
    requirejs.onResourceLoad = (context, { id }) => id === HTML_MANAGER && this.watch(context.defined[id]!.HTMLManager.prototype);
    await loaded;
    if (!this.stateOf()) return;
    while (!this.widgets) await nextFrame();
    await this.drawing;
    // Views are made when all models are there.
    while (!this.failure && this.views().some(({ id, isDrawn }) => !isDrawn && id in this.stateOf()!)) await nextFrame();
  }

  /** Note the manager that is about to be made. */
  private watch(prototype: Manager & { set_state(...args: unknown[]): Promise<unknown> }): void {
    const watched = (manager: Manager, drawing: Promise<unknown>): void => {
      this.drawing = drawing.catch((error: unknown) => (this.failure = error instanceof Error ? error.message : String(error)));
      this.widgets ??= new Widgets(manager);
    };
    // eslint-disable-next-line @typescript-eslint/unbound-method -- called with the manager
    const { set_state: setState } = prototype;
    prototype.set_state = function (this: Manager, ...args: unknown[]) {
      watched(this, Promise.resolve());
      const drawing = setState.apply(this, args);
      watched(this, drawing);
      return drawing;
    };
  }

  /** Give a cell, as targets call it, its place: what it shows besides its code. */
  private mark(name: string): void {
    const cell = document.getElementById(`cell-id=${name}`);
    if (!cell) return;
    cell.dataset["widgetshotAligned"] = "";
    const input = cell.querySelector<HTMLElement>(":scope > .jp-Cell-inputWrapper");
    if (cell.classList.contains("jp-CodeCell")) {
      if (input) input.dataset["widgetshotAligned"] = "";
      const output = cell.querySelector<HTMLElement>(":scope > .jp-Cell-outputWrapper") ?? cell.appendChild(document.createElement("div"));
      output.dataset["cellId"] = name;
    } else cell.dataset["cellId"] = name;
  }

  private stateOf(): Record<string, unknown> | undefined {
    const text = document.querySelector(STATE)?.textContent;
    return text ? (JSON.parse(text) as { state: Record<string, unknown> }).state : undefined;
  }

  private views(): { tag: HTMLElement; id: string; isDrawn: boolean }[] {
    return [...document.querySelectorAll<HTMLElement>(VIEW)].map((tag) => ({
      tag,
      id: (JSON.parse(tag.textContent) as { model_id: string }).model_id,
      isDrawn: Boolean(tag.previousElementSibling?.matches(".widget-subarea")),
    }));
  }

  /** Say of each widget that is not drawn why. */
  private missing(): PlacedProblem[] {
    const unsaved = Object.entries(this.notebook.missing).flatMap(([cell, names]) => {
      const element = document.querySelector(`[data-cell-id="${cell}"]`);
      return names.map((name) => ({ element, problem: { code: "state-missing", params: { name } } as const }));
    });
    const failures: Problem[] = this.widgets?.problemsOfLoading() ?? [];
    if (!failures.length && this.failure) failures.push({ code: "widget-not-drawn", params: { cause: this.failure } });
    const undrawn = this.views().filter(({ isDrawn }) => !isDrawn);
    return [...unsaved, ...undrawn.flatMap(({ tag }) => failures.map((problem) => ({ element: tag.parentElement, problem })))];
  }
}
