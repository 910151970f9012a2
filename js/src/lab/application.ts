// What our script uses of JupyterLab's application and of Notebook 7's, which are built from the same packages. Their
// objects come from their own bundles, so that only types are imported.

import type { WidgetModel, WidgetView } from "@jupyter-widgets/base";
import type { Kernel, KernelMessage } from "@jupyterlab/services";

export interface Signal<Args> {
  connect(slot: (sender: unknown, args: Args) => void): unknown;
}

export interface OutputArea {
  readonly node: HTMLElement;
}

export interface Cell {
  readonly node: HTMLElement;
  readonly model: { readonly type: string; readonly id: string; readonly sharedModel: { readonly source: string } };
  readonly ready: Promise<void>;
  constructor: unknown;
}

/** JupyterLab's class of code cells. */
export interface CodeCellClass {
  execute(cell: Cell, context: SessionContext, metadata: object): Promise<KernelMessage.IExecuteReplyMsg | undefined>;
}

export interface SessionContext {
  readonly ready: Promise<void>;
  readonly session: { readonly kernel: Kernel.IKernelConnection | null } | null;
}

export interface Renderer {
  readonly node: HTMLElement;
  renderModel(model: { readonly data: Record<string, unknown> }): Promise<void>;
}

export interface RenderMime {
  readonly latexTypesetter: { typeset(node: HTMLElement): unknown } | null;
  createRenderer(type: string): Renderer;
}

export interface NotebookPanel {
  readonly node: HTMLElement;
  readonly revealed: Promise<void>;
  readonly context: { readonly path: string; readonly ready: Promise<void>; readonly model: { dirty: boolean } };
  readonly sessionContext: SessionContext;
  readonly content: { readonly widgets: Cell[]; readonly rendermime: RenderMime; readonly node: HTMLElement };
  dispose(): void;
}

export interface Application {
  readonly restored: Promise<void>;
  readonly commands: { execute(name: string, args?: object): Promise<unknown> };
  readonly shell: { readonly currentWidget: NotebookPanel | null; widgets(area: string): Iterable<NotebookPanel> };
  readonly pluginRegistry?: { readonly _services?: Map<{ name: string }, string>; resolveRequiredService?(token: unknown): Promise<unknown> };
}

/** What is used of JupyterLab's widget manager, private members included. */
export interface WidgetManager {
  readonly _models: Record<string, Promise<WidgetModel>>;
  readonly restoredStatus: boolean;
  readonly restored: Signal<void>;
  create_view(model: WidgetModel, options?: object): Promise<WidgetView>;
}

export const WIDGET_MIMETYPE = "application/vnd.jupyter.widget-view+json";

declare global {
  interface Window {
    jupyterapp?: Application;
  }
}

/** The application, as soon as it has begun to start. */
export const application: Promise<Application> = new Promise((resolve) => {
  let current: Application | undefined;
  Object.defineProperty(window, "jupyterapp", {
    configurable: true,
    get: () => current,
    set: (app: Application) => {
      current = app;
      resolve(app);
    },
  });
});
