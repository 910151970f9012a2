// The live page: connects to the notebook's kernel, and draws its widgets in their places.

import type { WidgetModel } from "@jupyter-widgets/base";
import { CommsOverSubshells } from "@jupyterlab/services/lib/kernel/comm";
import { KernelConnection } from "@jupyterlab/services/lib/kernel/default";
import { ServerConnection } from "@jupyterlab/services/lib/serverconnection";
import { activity } from "./activity";
import type { Config } from "./config";
import { type PlacedProblem, WIDGET_MIMETYPE, liveManager } from "./manager";
import type { Typesetter } from "./math";
import { KernelWork } from "./work";

export const LONGEST_URL = 200;

/** An error that a front end let escape, and which front ends its stack names. */
interface UncaughtError {
  modules: string[];
  message: string;
}

type Manager = InstanceType<ReturnType<typeof liveManager>>;

export class WidgetPage {
  /** Undefined in the page that only loads what the others need, and until the kernel has answered. */
  kernel: KernelConnection | undefined;
  manager: Manager | undefined;
  work: KernelWork | undefined;
  problems: PlacedProblem[] = [];
  uncaught: UncaughtError[] = [];
  /** The place of each widget that a cell displays -> the model's id. */
  places = new Map<Element, string>();
  /** Whether the page has asked for the widgets that are there: kernels that know of none complain of it. */
  private isRestored = false;
  /** Settled when all widgets have begun to be drawn. */
  started: Promise<void> = Promise.resolve();

  constructor(
    public config: Config,
    readonly math: Typesetter,
  ) {
    window.addEventListener("error", (event) => this.noteUncaught(event.error));
    window.addEventListener("unhandledrejection", (event) => this.noteUncaught(event.reason));
    // What fails to load tells its element only, which the window hears before that.
    window.addEventListener("error", (event) => this.noteScript(event.target), { capture: true });
  }

  /** Begin to draw the page once its elements are there: this script runs in the head, before the notebook's own. */
  start(): void {
    const parsed = new Promise((resolve) => document.addEventListener("DOMContentLoaded", resolve, { once: true }));
    this.begin(parsed.then(() => this.draw()));
  }

  /** Begin to draw elements that have taken the place of another page's. */
  restart(config: Config): void {
    this.config = config;
    this.begin(this.draw());
  }

  /** Forget everything that belongs to the notebook. */
  clear(): void {
    this.isRestored = false;
    this.problems = [];
    this.uncaught = [];
    this.places = new Map();
  }

  async models(): Promise<Map<string, WidgetModel>> {
    const found = await Promise.all(this.manager?.models ?? []);
    return new Map(found.map((model) => [model.model_id, model]));
  }

  private begin(started: Promise<void>): void {
    this.started = started;
    started.catch((error: unknown) => {
      this.problems.push({ element: null, problem: { code: "page-not-started", params: { cause: String(error) } } });
    });
  }

  // A front end that fails after its view was made (anywidget draws on its own time) tells nobody but the window.
  private noteUncaught(error: unknown): void {
    if (!(error instanceof Error)) return;
    const stack = error.stack ?? "";
    const { frontEnds } = this.config;
    const modules = Object.keys(frontEnds).filter((name) => stack.includes(frontEnds[name]!));
    // anywidget runs a widget's own code from a blob; what that fails to import has no place in any script.
    if (stack.includes("blob:") || !/\n\s+at /.test(stack)) modules.push("anywidget");
    if (modules.length) this.uncaught.push({ modules, message: error.message });
  }

  /** Note a script from elsewhere that could not be loaded, with the outputs that name its address. */
  private noteScript(target: EventTarget | null): void {
    if (!(target instanceof HTMLScriptElement) || !target.src || target.src.startsWith(location.origin)) return;
    const { origin, pathname } = new URL(target.src);
    const problem = { code: "script-blocked", params: { url: target.src.slice(0, LONGEST_URL) } } as const;
    // Scripts are put together of a base and the name of a package.
    const name = pathname.split("/").find((part) => part && part !== "npm")?.split("@")[0] ?? "";
    const places = [...document.querySelectorAll("[data-cell-id]")].filter(
      ({ innerHTML: html }) => html.includes(target.src) || (html.includes(origin) && html.includes(name)),
    );
    for (const element of places.length ? places : [null]) this.problems.push({ element, problem });
  }

  private async draw(): Promise<void> {
    // Widgets measure text as they draw. A font that comes later would give them other widths, depending on who is first.
    const fonts = Promise.all([...document.fonts].map((font) => font.load()));
    const { amdUrl, frontEnds, kernelId } = this.config;
    // No urlArgs, no waitSeconds: modules come from this machine or not at all.
    const paths = { ...frontEnds, "@jupyter-widgets/html-manager": `${amdUrl}/libembed-amd` };
    window.requirejs.config({ baseUrl: amdUrl, paths, waitSeconds: 0 });
    if (!kernelId) return;
    const kernel = (this.kernel = this.connect());
    await kernel.info;
    this.work = this.config.asksKernel ? new KernelWork(kernel) : undefined;
    const manager = (this.manager = new (liveManager(kernel))());
    await fonts;
    await manager.restore();
    this.isRestored = true;
    const outputs = document.querySelectorAll<HTMLScriptElement>(`script[type="${WIDGET_MIMETYPE}"]`);
    await Promise.all([...outputs].map((script) => this.show(manager, script)));
    for (const element of document.querySelectorAll(".jp-RenderedLatex, .jp-RenderedMarkdown")) this.math.typeset(element);
  }

  private connect(): KernelConnection {
    const { baseUrl, kernelId, kernelName, token } = this.config;
    const serverSettings = ServerConnection.makeSettings({
      baseUrl: location.origin + baseUrl,
      wsUrl: location.origin.replace(/^http/, "ws") + baseUrl,
      token,
      appendToken: true,
    });
    const kernel = new KernelConnection({
      model: { id: kernelId, name: kernelName },
      serverSettings,
      // Comm messages that take turns with everything else are dealt with when the kernel answers a request.
      commsOverSubshells: CommsOverSubshells.Disabled,
    });
    kernel.iopubMessage.connect((_, msg) => {
      const type = msg.header.msg_type;
      // Status messages belong to our own questions too; everything else may change the picture.
      if (type !== "status") activity.note({ code: "kernel-message", params: { type } });
      const parent = (msg.parent_header as { msg_type?: string }).msg_type;
      if (this.isRestored && type === "stream" && parent === "comm_msg" && !this.manager?.captured.has(msg.header.msg_id)) {
        // JupyterLab shows it in its log, and so in no picture; whoever reads the console is told.
        console.error(`a callback printed, which only JupyterLab's log shows: ${(msg.content as { text: string }).text}`);
      }
      if (type === "error" && !this.manager?.captured.has(msg.header.msg_id)) {
        const { ename, evalue } = msg.content as { ename: string; evalue: string };
        const problem = { code: "callback-raised", params: { name: ename, value: evalue } } as const;
        this.problems.push({ element: null, problem });
      }
    });
    return kernel;
  }

  private async show(manager: Manager, script: HTMLScriptElement): Promise<void> {
    const place = script.parentElement!;
    const id = (JSON.parse(script.textContent) as { model_id: string }).model_id;
    this.places.set(place, id);
    if (!manager.has_model(id)) {
      // A widget closed by the notebook itself leaves an empty place, in JupyterLab too.
      place.classList.add("widgetshot-closed");
      this.problems.push({ element: place, problem: { code: "widget-unknown", params: { id } } });
      return;
    }
    const model = await manager.get_model(id);
    await manager.display_view(manager.create_view(model), place);
  }
}
