// A page of JupyterLab or Notebook 7: it executes a notebook in the application's own cells.

import type { WidgetModel } from "@jupyter-widgets/base";
import type { KernelMessage } from "@jupyterlab/services";
import { activity } from "../live/activity";
import { blockedScript } from "../live/blocked";
import { died, failureOf } from "../live/execution";
import type { ExecutionFailure } from "../live/protocol";
import { nextFrame } from "../live/ready";
import { trace } from "../live/trace";
import type { PlacedProblem, UncaughtError, WatchedPage } from "../live/watched";
import { within } from "../live/within";
import { KernelWork } from "../live/work";
import { type Application, type Cell, type CodeCellClass, type NotebookPanel, application } from "./application";
import { type ShownDocument, documentInPage, isNotebookPage, show } from "./document";
import { arrange, takeFonts } from "./frame";
import { WatchedKernel } from "./kernel";
import { WatchedManager, WatchedRenderers, managerOf } from "./manager";
import { chooseTheme } from "./theme";

/** A kernel that has executed a cell answers at once; a page that can't hear it goes on without. */
const LONGEST_ANSWER_MS = 10_000;
/** How many characters of a message the server has left out, see server/flood.py. */
const LEFT_OUT = "widgetshot_left_out";
const EXTENSION = /\/extensions\/((?:@[^/]+\/)?[^/]+)\/static\//g;

export class ApplicationPage implements WatchedPage {
  started: Promise<void> = Promise.resolve();
  kernel: WatchedKernel | undefined;
  work: KernelWork | undefined;
  manager: WatchedManager | undefined;
  renderers: WatchedRenderers | undefined;
  readonly math = { idle: Promise.resolve() };
  readonly isShared = false;
  /** Whether a person, or a step, acts on the page, so that a callback that raises is what came of it. */
  isActedOn = false;
  problems: PlacedProblem[] = [];
  uncaught: UncaughtError[] = [];
  failedModules: UncaughtError[] = [];
  places = new Map<Element, string>();
  panel: NotebookPanel | undefined;
  private shown: ShownDocument | undefined;
  private next = 0;
  private isRestored = false;
  /** Why the notebook could not be shown; empty where it could. */
  private cause = "";

  constructor() {
    window.addEventListener("error", (event) => this.noteUncaught(event.error));
    window.addEventListener("unhandledrejection", (event) => this.noteUncaught(event.reason));
    window.addEventListener("error", (event) => this.problems.push(...blockedScript(event.target)), { capture: true });
    activity.moduleFailed = (error) => {
      if (error instanceof Error) this.failedModules.push({ modules: ["anywidget"], message: error.message });
    };
  }

  /** Begin to show the notebook that stands in the page, if there is one. */
  start(): void {
    this.begin(async () => {
      const told = documentInPage();
      const app = await application;
      await app.restored;
      takeFonts();
      activity.disregard();
      if (told) await this.open(app, told);
    });
  }

  /** Show another live page in the place of the one before. */
  restart(id: string): void {
    this.begin(async () => {
      const told = await show(id);
      if (!told) throw new Error(`the server does not know ${id}`);
      await this.open(await application, told);
    });
  }

  /** Take the notebook down; see `LivePage.leave`. */
  async close(): Promise<void> {
    const { panel } = this;
    if (panel) {
      arrange("window");
      panel.context.model.dirty = false;
      panel.dispose();
    }
    await show("");
    trace.clear();
    this.kernel = this.work = this.manager = this.renderers = this.panel = this.shown = undefined;
    this.isActedOn = false;
    this.problems = [];
    this.uncaught = [];
    this.failedModules = [];
    this.places = new Map();
    this.isRestored = false;
    this.cause = "";
    this.next = 0;
    await nextFrame();
  }

  /** Execute the cells that have not been executed; see `LivePage.execute`. */
  async execute(limit: number, until: string): Promise<boolean | ExecutionFailure> {
    const deadline = performance.now() + limit;
    await this.started;
    const first = this.shown?.cells[0]?.id ?? "";
    if (this.cause) return { code: "cell-not-run", params: { cause: this.cause }, cell: first, nextStep: "" };
    if (!this.kernel) return died(first);
    const { cells } = this.shown!;
    const last = until ? cells.findIndex(({ id }) => id === until) : cells.length - 1;
    if (until && last < 0) throw new Error(`the notebook has no cell '${until}' any more`);
    for (; this.next <= last; this.next += 1) {
      const shown = this.panel!.content.widgets[this.next]!;
      if (shown.model.type !== "code") continue;
      // What the page itself has said meanwhile (outputs of an Output widget, the size of a figure) is heard first.
      await within(Math.min(this.shown!.timeout, LONGEST_ANSWER_MS), Promise.race([this.kernel.answered(), this.kernel.gone]));
      if (performance.now() > deadline) return false;
      const failure = await this.run(shown, cells[this.next]!);
      if (failure) return failure;
    }
    return true;
  }

  async models(): Promise<Map<string, WidgetModel>> {
    const found = await Promise.allSettled(this.manager?.models ?? []);
    return new Map(found.flatMap((one) => (one.status === "fulfilled" ? [[one.value.model_id, one.value] as const] : [])));
  }

  private begin(work: () => Promise<void>): void {
    this.started = work().catch((error: unknown) => {
      this.cause = error instanceof Error ? error.message : String(error);
      this.problems.push({ element: null, problem: { code: "page-not-started", params: { cause: String(error) } } });
    });
  }

  private async open(app: Application, told: ShownDocument): Promise<void> {
    this.shown = told;
    // What failed before is none of this notebook.
    this.uncaught = [];
    await chooseTheme(app, told.theme);
    await Promise.allSettled([...document.fonts].map((font) => font.load()));
    // Notebook 7 opens by itself what its address names.
    if (!isNotebookPage()) await app.commands.execute("docmanager:open", { path: told.path, factory: "Notebook" });
    const panel = (this.panel = await notebookIn(app, told.path));
    await panel.revealed;
    await panel.context.ready;
    this.renderers = new WatchedRenderers(panel.content.rendermime, (place, id) => this.places.set(place, id));
    await panel.sessionContext.ready;
    const connection = panel.sessionContext.session?.kernel;
    const { widgets } = panel.content;
    if (widgets.length < told.cells.length) throw new Error(`it shows ${widgets.length} cells of ${told.cells.length}`);
    for (const [index, { id }] of told.cells.entries()) widgets[index]!.node.dataset.cellId = id;
    arrange("cell", panel);
    if (!connection) return;
    this.kernel = new WatchedKernel(connection);
    this.work = told.asksKernel ? new KernelWork(this.kernel) : undefined;
    connection.iopubMessage.connect((_, msg) => this.note(msg));
    await Promise.race([connection.info, this.kernel.gone]);
    this.manager = await managerOf(panel);
    await Promise.race([this.manager?.restored(), this.kernel.gone]);
    this.isRestored = true;
    await Promise.all(widgets.map((cell) => cell.ready));
  }

  /** Execute a cell with JupyterLab's own function; why the notebook can't go on, or null. */
  private async run(shown: Cell, cell: { id: string; raises: boolean }): Promise<ExecutionFailure | null> {
    const kernel = this.kernel!;
    if (kernel.connection.isDisposed) return died(cell.id);
    const executed = (shown.constructor as CodeCellClass).execute(shown, this.panel!.sessionContext, {
      deletedCells: [], recordTiming: false,
    });
    const ended = trace.begin(cell.id);
    const { timeout } = this.shown!;
    const reply = await within(timeout, Promise.race([executed.catch(() => "gone" as const), kernel.gone]));
    ended(typeof reply === "string" ? reply : (reply?.content.status ?? "ok"));
    // Nothing is executed of a cell without a source.
    return reply === undefined ? null : failureOf(kernel, cell, timeout, reply);
  }

  /** Note a message that has been dealt with. */
  private note(msg: KernelMessage.IIOPubMessage): void {
    const type = msg.header.msg_type;
    if (type !== "status") activity.note({ code: "kernel-message", params: { type } });
    const leftOut = (msg.metadata as Record<string, unknown>)[LEFT_OUT];
    if (leftOut) console.error(`the notebook printed more than is shown: ${Number(leftOut).toLocaleString("en")} characters of it are left out`);
    const parent = msg.parent_header as { msg_type?: string; msg_id?: string };
    // A kernel that knows of no widgets has something to complain of when it is asked for them.
    if (!this.isRestored || parent.msg_type !== "comm_msg" || this.kernel!.captured.has(parent.msg_id ?? "")) return;
    if (type === "stream") {
      console.error(`a callback printed, which only JupyterLab's log shows: ${(msg.content as { text: string }).text}`);
    } else if (type === "error") {
      const { ename, evalue } = msg.content as { ename: string; evalue: string };
      if (this.isActedOn) this.problems.push({ element: null, problem: { code: "callback-raised", params: { name: ename, value: evalue } } });
      else console.error(`a callback raised ${ename}, which only JupyterLab's log shows: ${evalue}`);
    }
  }

  // A front end that fails after its view was made (anywidget draws on its own time) tells nobody but the window.
  private noteUncaught(error: unknown): void {
    if (!(error instanceof Error)) return;
    const stack = error.stack ?? "";
    const modules = [...stack.matchAll(EXTENSION)].map(([, name]) => name!);
    if (stack.includes("blob:") || !/\n\s+at /.test(stack)) modules.push("anywidget");
    if (modules.length) this.uncaught.push({ modules, message: error.message });
  }
}

/** Wait until the application shows a notebook. */
async function notebookIn(app: Application, path: string): Promise<NotebookPanel> {
  for (;;) {
    for (const widget of app.shell.widgets("main")) if ((widget as Partial<NotebookPanel>).context?.path === path) return widget;
    await nextFrame();
  }
}
