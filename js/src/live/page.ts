// The live page: connected to the notebook's kernel, it executes the notebook and draws what comes of it.

import type { WidgetModel } from "@jupyter-widgets/base";
import type { KernelMessage } from "@jupyterlab/services";
import { Signal } from "@lumino/signaling";
import { activity } from "./activity";
import { blockedScript } from "./blocked";
import { Cells } from "./cells";
import { type Config, extensionsNaming } from "./config";
import type { Federation } from "./federation";
import { PageKernel } from "./kernel";
import { LiveManager, LiveWidgetRenderer } from "./manager";
import type { Typesetter } from "./math";
import type { ExecutionFailure, Json, SavedNotebook } from "./protocol";
import { connectPlot } from "./pyviz";
import { Renderers } from "./renderers";
import type { LazyScripts } from "./scripts";
import { trace } from "./trace";
import type { PlacedProblem, UncaughtError, WatchedPage } from "./watched";
import { KernelWork } from "./work";

/** How many characters of a message the server has left out, see server/flood.py. */
const LEFT_OUT = "widgetshot_left_out";

export class WidgetPage implements WatchedPage {
  /** Undefined in the page that only loads what the others need, and until the kernel has answered. */
  kernel: PageKernel | undefined;
  manager: LiveManager | undefined;
  renderers: Renderers | undefined;
  cells: Cells | undefined;
  work: KernelWork | undefined;
  /** Whether another page acts on the same kernel. */
  isShared = false;
  /** Whether a person, or a step, acts on the page, so that a callback that raises is what came of it. */
  isActedOn = false;
  problems: PlacedProblem[] = [];
  uncaught: UncaughtError[] = [];
  /** Why modules that widgets have brought could not be run; whose they are is not known. */
  failedModules: UncaughtError[] = [];
  /** The place of each widget that a cell displays -> the model's id. */
  places = new Map<Element, string>();
  /** Whether kernels that know of no widgets have something to complain of: the page asks for them. */
  private isRestoring = false;
  /** Settled when the page is connected and has a place for each cell. */
  started: Promise<void> = Promise.resolve();

  constructor(
    public config: Config,
    readonly math: Typesetter,
    private readonly federation: Federation,
    private readonly lazy: LazyScripts,
  ) {
    window.addEventListener("error", (event) => this.noteUncaught(event.error));
    window.addEventListener("unhandledrejection", (event) => this.noteUncaught(event.reason));
    // What fails to load tells its element only, which the window hears before that.
    window.addEventListener("error", (event) => this.problems.push(...blockedScript(event.target)), { capture: true });
    activity.moduleFailed = (error) => {
      if (error instanceof Error) this.failedModules.push({ modules: ["anywidget"], message: error.message });
    };
    window.addEventListener("resize", () => this.cells?.resize());
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

  /** Execute the cells that have not been executed; see `LivePage.execute`. */
  async execute(within: number, until: string): Promise<boolean | ExecutionFailure> {
    const deadline = performance.now() + within;
    await this.started;
    return this.cells!.execute(deadline, until);
  }

  /** Return what is shown, for a page that is to follow this one. */
  async outputs(): Promise<object> {
    await this.renderers!.idle();
    this.isShared = true;
    return this.cells!.outputs();
  }

  /** Return what JupyterLab would save of the notebook. */
  async saved(): Promise<SavedNotebook> {
    await this.renderers!.idle();
    const widgets = this.manager!.get_state_sync({ drop_defaults: true }) as unknown as { state: object };
    return {
      cells: this.cells!.saved(),
      widgets: Object.keys(widgets.state).length ? (widgets as unknown as Json) : null,
    };
  }

  /** Show what another page of the same kernel shows, and what comes later. */
  async follow(outputs: object): Promise<void> {
    await this.started;
    // Of the widgets that cells make later the kernel tells all of its pages.
    if (!this.isShared) {
      this.isShared = true;
      this.isRestoring = true;
      await this.manager!.restoreFromKernel();
      this.isRestoring = false;
      this.kernel!.hasExecuted = true;
    }
    await this.cells!.follow(outputs as never);
  }

  /** Forget everything that belongs to the notebook. */
  clear(): void {
    this.cells?.dispose();
    this.kernel?.dispose();
    trace.clear();
    this.isShared = false;
    this.isActedOn = false;
    this.isRestoring = false;
    this.problems = [];
    this.uncaught = [];
    this.failedModules = [];
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
    const { frontEnds, labExtensions } = this.config;
    const modules = Object.keys(frontEnds).filter((name) => stack.includes(frontEnds[name]!));
    for (const { name, load } of labExtensions) if (stack.includes(load.slice(0, load.lastIndexOf("/static/")))) modules.push(name);
    // anywidget runs a widget's own code from a blob; what that fails to import has no place in any script.
    if (stack.includes("blob:") || !/\n\s+at /.test(stack)) modules.push("anywidget");
    if (modules.length) this.uncaught.push({ modules, message: error.message });
  }

  private async draw(): Promise<void> {
    // Widgets measure text as they draw. A font that comes later would give them other widths, depending on who is first.
    const fonts = Promise.all([...document.fonts].map((font) => font.load()));
    const { amdUrl, asksKernel, cells, frontEnds, kernelId, labExtensions, saved, timeout } = this.config;
    // No urlArgs, no waitSeconds: modules come from this machine or not at all.
    const paths = { ...frontEnds, "@jupyter-widgets/html-manager": `${amdUrl}/libembed-amd` };
    window.requirejs.config({ baseUrl: amdUrl, paths, waitSeconds: 0 });
    if (!kernelId && !saved) return;
    this.federation.extensions = labExtensions;
    const kernel = (this.kernel = kernelId ? new PageKernel(this.config) : undefined);
    const renderers = (this.renderers = new Renderers(this.lazy, this.federation, this.math, (text) => extensionsNaming(this.config, text), {
      begin: (metadata) => kernel && connectPlot(kernel, metadata),
      widget: (place, id) => this.places.set(place, id),
      missing: (element, type) => this.problems.push({ element, problem: { code: "renderer-missing", params: { type } } }),
    }));
    const manager = (this.manager = new LiveManager(kernel, renderers, this.federation, frontEnds));
    renderers.addWidgets((options) => new LiveWidgetRenderer(options, manager));
    const sessionContext = { session: kernel ? { kernel } : null, statusChanged: kernel?.statusChanged ?? (new Signal({}) as never) };
    this.federation.open({ panel: { content: { rendermime: renderers } }, context: { sessionContext } });
    if (kernel) {
      this.listen(kernel, renderers, manager);
      // Of a kernel that is gone there is none; whoever executes its cells is told.
      await Promise.race([kernel.info, kernel.gone]);
      this.work = asksKernel ? new KernelWork(kernel) : undefined;
    }
    await fonts;
    this.cells = new Cells(cells, timeout, kernel, renderers);
    this.cells.place(document.querySelector("main")!);
    if (saved) {
      if (saved.widgets) await manager.set_state(saved.widgets as never);
      await this.cells.show(saved.outputs as never);
    }
    await renderers.idle();
  }

  private listen(kernel: PageKernel, renderers: Renderers, manager: LiveManager): void {
    // What is to be shown may need a renderer first; the messages behind it wait, so that their order is kept.
    kernel.before = (msg) => {
      const { data } = msg.content as { data?: Record<string, unknown> };
      if (!data || !/^(display_data|execute_result|update_display_data)$/.test(msg.header.msg_type)) return undefined;
      return renderers.isReadyFor(data) ? undefined : renderers.prepareFor(data);
    };
    kernel.iopubMessage.connect((_, msg) => this.note(msg, manager));
  }

  /** Note a message that has been dealt with. */
  private note(msg: KernelMessage.IIOPubMessage, manager: LiveManager): void {
    const type = msg.header.msg_type;
    // Status messages belong to our own questions too; everything else may change the picture.
    if (type !== "status") activity.note({ code: "kernel-message", params: { type } });
    const leftOut = (msg.metadata as Record<string, unknown>)[LEFT_OUT];
    if (leftOut) console.error(`the notebook printed more than is shown: ${Number(leftOut).toLocaleString("en")} characters of it are left out`);
    if (type === "comm_close") manager.closed.add((msg.content as { comm_id: string }).comm_id);
    const parent = (msg.parent_header as { msg_type?: string }).msg_type;
    if (parent !== "comm_msg" || this.isRestoring || manager.captured.has(msg.header.msg_id)) return;
    if (type === "stream") {
      // JupyterLab shows it in its log, and so in no picture; whoever reads the console is told.
      console.error(`a callback printed, which only JupyterLab's log shows: ${(msg.content as { text: string }).text}`);
    } else if (type === "error") {
      const { ename, evalue } = msg.content as { ename: string; evalue: string };
      if (this.isActedOn) this.problems.push({ element: null, problem: { code: "callback-raised", params: { name: ename, value: evalue } } });
      // Of what widgets have said by themselves, as they were drawn or linked, JupyterLab shows the rest.
      else console.error(`a callback raised ${ename}, which only JupyterLab's log shows: ${evalue}`);
    }
  }
}
