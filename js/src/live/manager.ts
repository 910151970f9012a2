// The widget manager of the live page: JupyterLab's own, with front ends from wherever they are installed.

import * as base from "@jupyter-widgets/base";
import type { DOMWidgetView, WidgetModel, WidgetView } from "@jupyter-widgets/base";
import * as controls from "@jupyter-widgets/controls";
import { JUPYTER_CONTROLS_VERSION } from "@jupyter-widgets/controls/lib/version";
import { KernelWidgetManager } from "@jupyter-widgets/jupyterlab-manager/lib/manager";
import { OUTPUT_WIDGET_VERSION, OutputModel, OutputView } from "@jupyter-widgets/jupyterlab-manager/lib/output";
import { WidgetRenderer } from "@jupyter-widgets/jupyterlab-manager/lib/renderer";
import type { KernelMessage } from "@jupyterlab/services";
import type { IRenderMime } from "@jupyterlab/rendermime-interfaces";
import { Signal } from "@lumino/signaling";
import type { Federation, WidgetRegistration } from "./federation";
import type { PageKernel } from "./kernel";
import type { Problem } from "./protocol";
import { type Renderers, WIDGET_MIMETYPE } from "./renderers";
import { once } from "./scripts";
import type { PlacedProblem } from "./watched";

/** A front end that could not be loaded. */
class FrontEndError extends Error {
  constructor(
    readonly problem: Problem,
    message: string,
  ) {
    super(message);
  }
}

/** Private members of base's manager that a live page needs. */
interface Internals {
  _models: Record<string, Promise<WidgetModel>>;
  _restoredStatus: boolean;
  _restored: { emit(): void };
  _loadFromKernel(): Promise<void>;
}

interface LegacyManager {
  HTMLManager: { prototype: { loadClass(name: string, module: string, version: string): Promise<never> } };
}

declare global {
  interface Window {
    /** What the camera has pinned (time, random numbers), begun anew by each of these. */
    [begin: symbol]: (() => void)[] | undefined;
    define(name: string, make: () => unknown): void;
    requirejs: ((names: string[], done?: (...modules: unknown[]) => void, failed?: (error: Error) => void) => void) & {
      config(options: object): void;
      specified(name: string): boolean;
    };
  }
}

// The model of the view that stands in for one that could not be made is created without options, of which every model
// reads: what was wrong with the view would be lost behind that error.
// eslint-disable-next-line @typescript-eslint/unbound-method -- it is called with `this`
const { initialize } = base.WidgetModel.prototype;
base.WidgetModel.prototype.initialize = function (this: WidgetModel, attributes, options = {} as typeof options): void {
  initialize.call(this, attributes, options);
};

/** Module -> what came of loading it: require.js gives no second answer about one that failed. */
const loading = new Map<string, Promise<unknown>>();

/** Load an AMD module; unlike require.js's own callback this works with async code. */
function load<T>(name: string): Promise<T> {
  return once(loading, name, () => new Promise((resolve, reject) => window.requirejs([name], resolve, reject))) as Promise<T>;
}

/** Characters of what stands for a widget as text. */
const LONGEST_NAME = 100;

/** Of ipywidgets itself. */
const BUILT_IN = /^@jupyter-widgets\/(base|controls|output)$/;

/** The models of ipywidgets 7, which are of version 1. They are kept apart, because few notebooks have them. */
function isLegacy(moduleName: string, moduleVersion: string): boolean {
  return /^@jupyter-widgets\/(base|controls)$/.test(moduleName) && /^[\^~]?1\./.test(moduleVersion);
}

/** In place of the kernel of a notebook that is shown as it was saved: it never says anything. */
class NoKernel {
  readonly id = "";
  readonly handleComms = false;
  readonly statusChanged = new Signal(this);
  readonly connectionStatusChanged = new Signal(this);

  registerCommTarget(): void {
    // No widget is ever opened.
  }

  removeCommTarget(): void {
    // None was registered.
  }
}

function problemOf(error: Error, module: string): Problem {
  if (error instanceof FrontEndError) return error.problem;
  const message = error.message ?? String(error);
  return BUILT_IN.test(module) ? { code: "widget-failed", params: { message } } : { code: "front-end-failed", params: { module, message } };
}

export class LiveManager extends KernelWidgetManager {
  readonly problems: PlacedProblem[] = [];
  readonly views = new Set<Promise<WidgetView>>();
  /** Ids of messages that an Output widget shows. */
  readonly captured = new Set<string>();
  /** Ids of widgets that the kernel has closed. */
  readonly closed = new Set<string>();
  /** Each view's element, with the front end that drew it. */
  readonly drawn = new Map<Element, string>();
  private readonly registrations = new Set<WidgetRegistration>();

  /** @param kernel undefined where the notebook is shown as it was saved */
  constructor(
    private readonly connection: PageKernel | undefined,
    renderers: Renderers,
    private readonly federation: Federation,
    private readonly frontEnds: Record<string, string>,
  ) {
    super(connection ?? (new NoKernel() as unknown as PageKernel), renderers);
    const { captured } = this;
    class LiveOutputModel extends OutputModel {
      override add(msg: KernelMessage.IIOPubMessage): void {
        captured.add(msg.header.msg_id);
        super.add(msg);
      }
    }
    this.register({ name: "@jupyter-widgets/base", version: base.JUPYTER_WIDGETS_VERSION, exports: base as never });
    this.register({ name: "@jupyter-widgets/controls", version: JUPYTER_CONTROLS_VERSION, exports: controls as never });
    const output = { OutputModel: LiveOutputModel, OutputView };
    this.register({ name: "@jupyter-widgets/output", version: OUTPUT_WIDGET_VERSION, exports: output });
  }

  /** Whether the notebook is shown as it was saved. */
  get isSaved(): boolean {
    return this.connection === undefined;
  }

  get models(): Promise<WidgetModel>[] {
    return Object.values((this as unknown as Internals)._models);
  }

  /** Called as soon as there is a kernel, which has no widgets yet: its page is there before its first cell runs. */
  override restoreWidgets(): Promise<void> {
    (this as unknown as Internals)._restoredStatus = true;
    return Promise.resolve();
  }

  /** Without a kernel no widget of a saved state has a comm. */
  override _get_comm_info(): ReturnType<KernelWidgetManager["_get_comm_info"]> {
    return this.connection ? super._get_comm_info() : Promise.resolve({});
  }

  /** Take over the widgets of a kernel whose cells have run. */
  async restoreFromKernel(): Promise<void> {
    const internals = this as unknown as Internals;
    await internals._loadFromKernel();
    internals._restored.emit();
  }

  // An error view is drawn as a small icon; the cause has to be kept here or it is lost.
  override create_view(model: WidgetModel, options = {}): Promise<DOMWidgetView> {
    const view = super.create_view(model, options);
    this.views.add(view);
    void view.then(
      (made) => {
        const module = String(model.get("_view_module"));
        this.drawn.set(made.el, module);
        const error = made.model?.get("error") as Error | undefined;
        if (error && made.model.get("msg")) this.problems.push({ element: made.el, problem: problemOf(error, module) });
      },
      (error: unknown) => {
        this.problems.push({ element: null, model: model.model_id, problem: { code: "widget-not-drawn", params: { cause: String(error) } } });
      },
    );
    return view;
  }

  protected override async loadClass(className: string, moduleName: string, moduleVersion: string): Promise<never> {
    if (isLegacy(moduleName, moduleVersion)) {
      const { HTMLManager } = await load<LegacyManager>("@jupyter-widgets/html-manager");
      return HTMLManager.prototype.loadClass.call(this, className, moduleName, moduleVersion);
    }
    if (!BUILT_IN.test(moduleName)) {
      if (this.federation.has(moduleName)) {
        this.registerAll(await this.federation.widgetsOf(moduleName).catch((error: unknown) => this.brokenBy(moduleName, moduleVersion, error)));
      }
      if (!this.knows(moduleName)) {
        if (moduleName in this.frontEnds) return this.classOf(className, moduleName, moduleVersion);
        this.registerAll(await this.federation.allWidgets());
        if (!this.knows(moduleName)) {
          // The message is for the browser's console.
          const problem = { code: "front-end-missing", params: { module: moduleName, version: moduleVersion } } as const;
          throw new FrontEndError(problem, `the front end of '${moduleName}' (${moduleVersion}) is not installed`);
        }
      }
    }
    return super.loadClass(className, moduleName, moduleVersion).catch((error: unknown) => this.brokenBy(moduleName, moduleVersion, error)) as never;
  }

  /** Return a class of a front end for the classic notebook. */
  private async classOf(className: string, moduleName: string, moduleVersion: string): Promise<never> {
    const module = await load<Record<string, never>>(moduleName).catch((error: unknown) => this.brokenBy(moduleName, moduleVersion, error));
    const found = module[className];
    return found ?? this.brokenBy(moduleName, moduleVersion, new Error(`it has no class ${className}`));
  }

  private knows(moduleName: string): boolean {
    return [...this.registrations].some(({ name }) => name === moduleName);
  }

  private registerAll(registrations: readonly WidgetRegistration[]): void {
    for (const one of registrations) {
      if (this.registrations.has(one)) continue;
      this.registrations.add(one);
      this.register(one);
    }
  }

  private brokenBy(module: string, version: string, error: unknown): never {
    const cause = error instanceof Error ? error.message : String(error);
    throw new FrontEndError({ code: "front-end-broken", params: { module, version, cause } }, `the front end of '${module}' (${version}) failed: ${cause}`);
  }
}

/** Draws a widget as JupyterLab does, and knows one that is gone from one that never was. */
export class LiveWidgetRenderer extends WidgetRenderer {
  constructor(
    options: IRenderMime.IRendererOptions,
    private readonly live: LiveManager,
  ) {
    super(options, live);
  }

  override async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    const { model_id: id } = model.data[WIDGET_MIMETYPE] as { model_id: string };
    await super.renderModel(model);
    if (!id || this.live.has_model(id) || this.node.childElementCount) return;
    // The widget was closed before it could be drawn: nothing is left in its place, as when it is closed later.
    if (this.live.closed.has(id)) this.hide();
    else {
      const { "text/plain": text } = model.data as { "text/plain"?: string };
      const problem = this.live.isSaved ? ({ code: "state-missing", params: { name: (text ?? id).slice(0, LONGEST_NAME) } } as const) : ({ code: "widget-unknown", params: { id } } as const);
      this.live.problems.push({ element: this.node, problem });
    }
  }
}
