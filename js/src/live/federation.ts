// JupyterLab's prebuilt extensions ("labextensions"), without JupyterLab: their containers are given what JupyterLab
// shares, and of their plugins those are activated that register widgets or renderers of MIME types, or that add
// something to each notebook.
//
// The protocol of containers is webpack's module federation; which key of an extension's package.json means what is
// JupyterLab's (`jupyterlab._build` and `jupyterlab.sharedPackages`).

import { IJupyterWidgetRegistry } from "@jupyter-widgets/base";
import type { IRenderMimeRegistry } from "@jupyterlab/rendermime";
import type { IRenderMime } from "@jupyterlab/rendermime-interfaces";
import type { Kernel } from "@jupyterlab/services";
import type { LabExtension } from "./config";
import { type LazyScripts, loadScript, once } from "./scripts";
import { type ShareScope, shareScope } from "./shared";

interface Container {
  init(scope: ShareScope): unknown;
  get(module: string): Promise<() => unknown>;
}

interface Plugin {
  id: string;
  requires?: { name: string }[];
  optional?: { name: string }[];
  activate: (app: object, ...services: unknown[]) => unknown;
}

/** A notebook as extensions know it, as far as the page has it: `NotebookPanel` and `DocumentRegistry.IContext`. */
export interface OpenNotebook {
  panel: { content: { rendermime: IRenderMimeRegistry } };
  context: { sessionContext: { session: { kernel: Kernel.IKernelConnection } | null; statusChanged: Kernel.IKernelConnection["statusChanged"] } };
}

/** What an extension adds to each notebook: `DocumentRegistry.WidgetExtension`. */
interface NotebookExtension {
  createNew(panel: OpenNotebook["panel"], context: OpenNotebook["context"]): unknown;
}

/** What a widget package says of itself when it is activated. */
export type WidgetRegistration = Parameters<IJupyterWidgetRegistry["registerWidget"]>[0];

declare global {
  interface Window {
    _JUPYTERLAB?: Record<string, Container>;
  }
}

/** Extensions that register what the page has itself, or need JupyterLab's frame. */
const NOT_NEEDED = /^@jupyter-widgets\/jupyterlab-manager$|^@voila-dashboards\//;

function defaultOf(module: unknown): unknown {
  return (module as { default?: unknown }).default ?? module;
}

export class Federation {
  extensions: LabExtension[] = [];
  private readonly containers = new Map<string, Promise<Container>>();
  private readonly activated = new Map<string, Promise<void>>();
  private readonly registered: WidgetRegistration[] = [];
  private scope: ShareScope | undefined;
  private renderers: Promise<IRenderMime.IExtension[]> | undefined;
  private readonly notebookExtensions: NotebookExtension[] = [];
  private notebook: OpenNotebook | undefined;

  constructor(private readonly lazy: LazyScripts) {}

  /** Let extensions add to a notebook what they have to add. */
  open(notebook: OpenNotebook): void {
    this.notebook = notebook;
    for (const extension of this.notebookExtensions) extension.createNew(notebook.panel, notebook.context);
  }

  /** Tell whether an extension of that name is installed that brings plugins. */
  has(name: string): boolean {
    return this.extensions.some((one) => one.name === name && one.extension);
  }

  /** Activate an extension; what it registers, and what others have registered before. */
  async widgetsOf(name: string): Promise<readonly WidgetRegistration[]> {
    await this.activate(name);
    return this.registered;
  }

  /** Activate all extensions, for a front end that is called otherwise than its package. */
  async allWidgets(): Promise<readonly WidgetRegistration[]> {
    await this.activateAll(this.extensions.map(({ name }) => name));
    return this.registered;
  }

  /** Activate extensions, for what they add to a notebook. */
  async activateAll(names: readonly string[]): Promise<void> {
    for (const name of names) {
      if (!this.has(name) || NOT_NEEDED.test(name)) continue;
      await this.activate(name).catch((error: unknown) => console.warn(`the extension '${name}' could not be activated: ${String(error)}`));
    }
  }

  /** Load the renderers of MIME types that all extensions bring. */
  mimeRenderers(): Promise<IRenderMime.IExtension[]> {
    this.renderers ??= this.loadRenderers();
    return this.renderers;
  }

  private async loadRenderers(): Promise<IRenderMime.IExtension[]> {
    const found: IRenderMime.IExtension[] = [];
    for (const { name, mimeExtension, style } of this.extensions) {
      if (!mimeExtension) continue;
      try {
        const container = await this.container(name);
        if (style) (await container.get(style))();
        found.push(...[defaultOf((await container.get(mimeExtension))())].flat() as IRenderMime.IExtension[]);
      } catch (error) {
        console.warn(`the renderers of the extension '${name}' could not be loaded: ${String(error)}`);
      }
    }
    return found;
  }

  private activate(name: string): Promise<void> {
    return once(this.activated, name, () => this.begin(name));
  }

  private async begin(name: string): Promise<void> {
    const { extension, style } = this.extension(name);
    if (!extension) return;
    const container = await this.container(name);
    if (style) (await container.get(style))();
    for (const plugin of [defaultOf((await container.get(extension))())].flat() as Plugin[]) {
      await this.activatePlugin(plugin);
    }
  }

  /** Activate a plugin that registers widgets and needs nothing else. */
  private async activatePlugin({ requires = [], optional = [], activate }: Plugin): Promise<void> {
    const registry = { registerWidget: (data: WidgetRegistration) => void this.registered.push(data) };
    const service = (token: { name: string } | undefined): unknown =>
      token?.name === IJupyterWidgetRegistry.name ? registry : null;
    const given = [...requires, ...optional].map(service);
    if (!given.includes(registry) || requires.some((token) => service(token) === null)) return;
    const addWidgetExtension = (kind: string, extension: NotebookExtension): void => {
      if (kind !== "Notebook") return;
      this.notebookExtensions.push(extension);
      if (this.notebook) extension.createNew(this.notebook.panel, this.notebook.context);
    };
    await activate({ restored: Promise.resolve(), started: Promise.resolve(), docRegistry: { addWidgetExtension } }, ...given);
  }

  private container(name: string): Promise<Container> {
    return once(this.containers, name, () => this.load(this.extension(name)));
  }

  private async load({ name, load, needs }: LabExtension): Promise<Container> {
    // A container puts what it shares with others into the scope when it is initialised.
    for (const need of needs) {
      await this.container(need).catch((error: unknown) => console.warn(`'${name}' needs '${need}': ${String(error)}`));
    }
    await loadScript(load);
    const container = window._JUPYTERLAB?.[name];
    if (!container) throw new Error(`the script ${load} has not defined '${name}'`);
    this.scope ??= shareScope(this.lazy);
    await container.init(this.scope);
    return container;
  }

  private extension(name: string): LabExtension {
    const found = this.extensions.find((one) => one.name === name);
    if (!found) throw new Error(`no extension '${name}' is installed`);
    return found;
  }
}
