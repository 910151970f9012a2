// The widget manager of the live page: HTMLManager (which knows how to draw) given comms (which make it live).

import { shims } from "@jupyter-widgets/base";
import type { DOMWidgetView, WidgetModel, WidgetView } from "@jupyter-widgets/base";
import { HTMLManager } from "@jupyter-widgets/html-manager/lib/htmlmanager";
import type { Kernel, KernelMessage } from "@jupyterlab/services";
import type { Problem } from "./protocol";

export const WIDGET_MIMETYPE = "application/vnd.jupyter.widget-view+json";
const OUTPUT_MODULE = "@jupyter-widgets/output";

/** Something that makes pictures of an element untrustworthy; of the whole page where it is null. */
export interface PlacedProblem {
  element: Element | null;
  problem: Problem;
}

/** A front end that could not be loaded. */
class FrontEndError extends Error {
  constructor(
    readonly problem: Problem,
    message: string,
  ) {
    super(message);
  }
}

/** html-manager's and base's private members that a live page needs. */
interface Internals {
  _models: Record<string, Promise<WidgetModel>>;
  _loadFromKernel(): Promise<void>;
  loadClass(className: string, moduleName: string, moduleVersion: string): Promise<unknown>;
}
const Comm = shims.services.Comm as unknown as new (comm: Kernel.IComm) => never;

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

/** Load an AMD module; unlike require.js's own callback this works with async code. */
export function load<T>(name: string): Promise<T> {
  return new Promise((resolve, reject) => window.requirejs([name], (module) => resolve(module as T), reject));
}

/** Load a widget's front end from what is installed beside the kernel; there is no CDN to fall back to. */
async function loadInstalled(name: string, version: string): Promise<unknown> {
  try {
    return await load(name);
  } catch (cause) {
    const missing = cause instanceof Error && "requireType" in cause && cause.requireType === "scripterror";
    const why = missing ? `nbextensions/${name}/index.js is not among the installed Jupyter data files` : String(cause);
    // The message is for the browser's console.
    throw new FrontEndError(
      missing
        ? { code: "front-end-missing", params: { module: name, version } }
        : { code: "front-end-broken", params: { module: name, version, cause: String(cause) } },
      `the front end of '${name}' (${version}) is not installed: ${why}`,
    );
  }
}

function problemOf(error: Error): Problem {
  if (error instanceof FrontEndError) return error.problem;
  return { code: "widget-failed", params: { message: error.message ?? String(error) } };
}

/** The models of ipywidgets 7, which are of version 1. They are kept apart, because few notebooks have them. */
function isLegacy(moduleName: string, moduleVersion: string): boolean {
  return /^@jupyter-widgets\/(base|controls)$/.test(moduleName) && /^[\^~]?1\./.test(moduleVersion);
}

/** Build the class of a manager whose widgets are live on a kernel. */
export function liveManager(kernel: Kernel.IKernelConnection) {
  const internals = HTMLManager.prototype as unknown as Internals;
  let outputModel: Promise<unknown> | undefined;
  const captured = new Set<string>();

  return class LiveManager extends HTMLManager {
    readonly problems: PlacedProblem[] = [];
    readonly views = new Set<Promise<WidgetView>>();
    /** Messages that an Output widget shows. */
    readonly captured = captured;
    /** Each view's element, with the front end that drew it. */
    readonly drawn = new Map<Element, string>();

    constructor() {
      super({ loader: loadInstalled });
      kernel.registerCommTarget(this.comm_target_name, async (comm, msg) => {
        await this.handle_comm_open(new Comm(comm), msg);
      });
    }

    get models(): Promise<WidgetModel>[] {
      return Object.values((this as unknown as Internals)._models);
    }

    restore(): Promise<void> {
      return (this as unknown as Internals)._loadFromKernel();
    }

    override async _create_comm(target: string, id: string, data?: never, metadata?: never, buffers?: never) {
      const comm = kernel.createComm(target, id);
      if (data || metadata) comm.open(data, metadata, buffers);
      return new Comm(comm);
    }

    override async _get_comm_info(): Promise<object> {
      const reply = await kernel.requestCommInfo({ target_name: this.comm_target_name });
      return reply.content.status === "ok" ? reply.content.comms : {};
    }

    // An error view is drawn as a small icon; the cause has to be kept here or it is lost.
    override create_view(model: WidgetModel, options = {}): Promise<DOMWidgetView> {
      const view = super.create_view(model, options);
      this.views.add(view);
      void view.then(
        (made) => {
          this.drawn.set(made.el, String(model.get("_view_module")));
          const error = made.model?.get("error") as Error | undefined;
          if (error && made.model.get("msg")) this.problems.push({ element: made.el, problem: problemOf(error) });
        },
        (error: unknown) => {
          this.problems.push({ element: null, problem: { code: "widget-not-drawn", params: { cause: String(error) } } });
        },
      );
      return view;
    }

    protected override loadClass(className: string, moduleName: string, moduleVersion: string) {
      if (isLegacy(moduleName, moduleVersion)) {
        return load<{ HTMLManager: { prototype: Internals } }>("@jupyter-widgets/html-manager").then((legacy) =>
          legacy.HTMLManager.prototype.loadClass.call(this, className, moduleName, moduleVersion),
        ) as never;
      }
      const inherited = () => internals.loadClass.call(this, className, moduleName, moduleVersion);
      if (moduleName !== OUTPUT_MODULE || className !== "OutputModel") return inherited() as never;
      outputModel ??= inherited().then((Model) => liveOutputModel(Model as OutputModelClass, kernel, captured));
      return outputModel as never;
    }
  };
}

interface OutputModel extends WidgetModel {
  clear_output(wait?: boolean): void;
  outputs: { add(output: unknown): number; toJSON(): unknown[] };
}
type OutputModelClass = new (...args: never[]) => OutputModel;

/**
 * An Output widget that catches what a callback prints while the page is open, as JupyterLab's does:
 * the kernel sets `msg_id`, and every output with that parent belongs to the widget.
 */
function liveOutputModel(
  Super: OutputModelClass,
  kernel: Kernel.IKernelConnection,
  captured: Set<string>,
): OutputModelClass {
  return class LiveOutputModel extends Super {
    private hooked = "";

    override initialize(attributes: never, options: never): void {
      super.initialize(attributes, options);
      this.on("change:msg_id", () => this.follow());
      this.follow();
    }

    private follow(): void {
      const id = (this.get("msg_id") as string) || "";
      if (this.hooked) kernel.removeMessageHook(this.hooked, this.take);
      if (id) kernel.registerMessageHook(id, this.take);
      this.hooked = id;
    }

    private take = (msg: KernelMessage.IIOPubMessage): boolean => {
      const type = msg.header.msg_type;
      if (type === "clear_output") {
        this.clear_output((msg.content as { wait: boolean }).wait);
      } else if (type === "execute_result" || type === "display_data" || type === "stream" || type === "error") {
        captured.add(msg.header.msg_id);
        this.outputs.add({ ...msg.content, output_type: type });
      } else {
        return true;
      }
      this.set("outputs", this.outputs.toJSON(), { newMessage: true });
      this.save_changes();
      return false;
    };
  };
}
