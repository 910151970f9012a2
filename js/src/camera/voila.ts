// A page of Voila: it executes its notebook while the page is sent, and draws what came of it.

import { activity } from "../live/activity";
import { nextFrame } from "../live/ready";
import type { Problem } from "../live/protocol";
import type { PlacedProblem } from "../live/watched";
import { KernelWork } from "../live/work";
import { NotebookPage, parsed } from "./page";
import { SocketKernel } from "./socket";
import { type Manager, Widgets } from "./widgets";

/** JupyterLab's private registry of front ends. */
interface Registry {
  getAllVersions(module: string): unknown;
}

/** What stands in place of a widget that could not be drawn: nothing else tells it. */
const ERROR = /^Error displaying widget/;

/** Voila's application, which it offers when it has started. */
interface App {
  widgetManager: (Manager & { kernel: ConstructorParameters<typeof KernelWork>[0]; _registry: Registry }) | null;
}

/** Between two looks at a page that is still being sent. */
const LOOK_INTERVAL_MS = 20;

/** Voila scrolls inside of its page. A picture shows all of it: here the page itself is as high as what it shows. */
const UNSCROLLED = `
html, body { height: auto !important; overflow: visible !important; }
#main, #jp-main-content-panel, #rendered_cells {
  position: static !important; width: auto !important; height: auto !important; min-height: 100vh; overflow: visible !important; contain: none !important;
}`;

export class VoilaPage extends NotebookPage {
  readonly started: Promise<unknown>;
  private readonly socket = new SocketKernel();
  private registry: Registry | undefined;

  constructor(private readonly notebook: { cells: string[] }) {
    super();
    this.socket.install();
    this.socket.callbackRaised = (name, value) => {
      if (this.isActedOn) this.noted.push({ element: null, problem: { code: "callback-raised", params: { name, value } } });
      else console.error(`a callback raised ${name}, which Voila does not show: ${value}`);
    };
    this.started = this.start();
  }

  override get problems(): readonly PlacedProblem[] {
    return [...this.noted, ...this.undrawn()];
  }

  override async execute(deadline: number): Promise<boolean> {
    const late = new Promise<false>((resolve) => activity.after(() => resolve(false), Math.max(0, deadline - performance.now())));
    return Promise.race([parsed.then(() => true), late]);
  }

  private async start(): Promise<void> {
    await parsed;
    document.head.append(Object.assign(document.createElement("style"), { textContent: UNSCROLLED }));
    this.notebook.cells.forEach((cell, index) => {
      const element = document.querySelector<HTMLElement>(`[cell-index="${index + 1}"]`);
      if (element) element.dataset["cellId"] = cell;
    });
    const app = await this.app();
    const manager = app.widgetManager;
    if (manager) {
      this.widgets = new Widgets(manager);
      this.registry = manager._registry;
      this.kernel = this.socket;
      this.work = new KernelWork(manager.kernel);
    }
    while (document.getElementById("loading")) await nextFrame();
  }

  /** Say why a text stands in place of a widget. */
  private undrawn(): PlacedProblem[] {
    const elements = [...document.querySelectorAll("[data-cell-id] .jupyter-widgets")].filter(({ textContent }) => ERROR.test(textContent));
    const problems = [...(this.widgets?.failedModels ?? [])].map(([id, cause]) => this.problemOf(id, cause));
    if (!problems.length) problems.push({ code: "widget-shows-error", params: {} });
    return elements.flatMap((element) => problems.map((problem) => ({ element, problem })));
  }

  private problemOf(id: string, cause: string): Problem {
    const { module, version } = this.socket.frontEnds.get(id) ?? { module: "", version: "" };
    if (!module) return { code: "widget-not-drawn", params: { cause } };
    const isThere = this.registry?.getAllVersions(module) !== undefined;
    return isThere ? { code: "front-end-broken", params: { module, version, cause } } : { code: "front-end-missing", params: { module, version } };
  }

  private app(): Promise<App> {
    return new Promise((resolve) => {
      const look = (): void => {
        const { jupyterapp } = window as { jupyterapp?: App };
        if (jupyterapp) resolve(jupyterapp);
        else activity.after(look, LOOK_INTERVAL_MS);
      };
      look();
    });
  }
}
