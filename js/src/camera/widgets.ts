// The widgets of a page that others make, as their manager knows them.

import type { WidgetModel, WidgetView } from "@jupyter-widgets/base";
import type { Problem } from "../live/protocol";
import type { PlacedProblem, WatchedManager } from "../live/watched";

/** A manager of ipywidgets, of any front end. */
export interface Manager {
  /** Private: all models, by their ids. */
  _models: Record<string, Promise<WidgetModel>>;
  loadClass(name: string, module: string, version: string): Promise<unknown>;
}

/** A front end that could not be loaded. */
interface Failure {
  module: string;
  version: string;
  cause: string;
}

const BUILT_IN = /^@jupyter-widgets\/(base|controls|output)$/;

export class Widgets implements WatchedManager {
  readonly failures: Failure[] = [];
  /** Id of each model that could not be made -> why. */
  readonly failedModels = new Map<string, string>();
  private readonly known = new Map<string, WidgetModel>();
  private readonly followed = new Set<unknown>();
  private readonly made = new Map<Promise<WidgetView>, WidgetView>();
  private readonly failedViews: { model: string; cause: string }[] = [];

  constructor(private readonly manager: Manager) {
    const load = manager.loadClass.bind(manager);
    manager.loadClass = async (name, module, version) => {
      try {
        return await load(name, module, version);
      } catch (error) {
        this.failures.push({ module, version, cause: error instanceof Error ? error.message : String(error) });
        throw error;
      }
    };
  }

  get models(): Promise<WidgetModel>[] {
    const { _models: models } = this.manager;
    for (const [id, model] of Object.entries(models)) {
      if (this.followed.has(model)) continue;
      this.followed.add(model);
      model.then(
        (made) => this.known.set(id, made),
        (error: unknown) => this.failedModels.set(id, String(error)),
      );
    }
    return Object.values(models);
  }

  get views(): ReadonlySet<Promise<WidgetView>> {
    const views = [...this.known.values()].flatMap((model) => Object.values((model.views ?? {}) as Record<string, Promise<WidgetView>>));
    for (const view of views) {
      if (this.followed.has(view)) continue;
      this.followed.add(view);
      view.then(
        (made) => this.made.set(view, made),
        (error: unknown) => this.failedViews.push({ model: "", cause: String(error) }),
      );
    }
    return new Set(views);
  }

  get drawn(): ReadonlyMap<Element, string> {
    return new Map(this.shown().map(({ el, model }) => [el, String(model.get("_view_module") as unknown)]));
  }

  get problems(): readonly PlacedProblem[] {
    const failed = this.failedViews.map(({ cause }) => ({ element: null, problem: { code: "widget-not-drawn", params: { cause } } as const }));
    const errors = this.shown().flatMap(({ el, model }) => {
      const error = model.get("error") as Error | string | undefined;
      return error && model.get("msg") ? [{ element: el, problem: this.problemOf(error, model) }] : [];
    });
    return [...errors, ...failed];
  }

  /** The element of each view -> the model's id. */
  get places(): ReadonlyMap<Element, string> {
    return new Map(this.shown().map(({ el, model }) => [el, model.model_id]));
  }

  /** Say why what a front end should have drawn is not there. */
  problemsOfLoading(): Problem[] {
    return this.failures.map(({ module, version, cause }) =>
      /Script error|not registered|Load timeout/.test(cause)
        ? { code: "front-end-missing", params: { module, version } }
        : { code: "front-end-broken", params: { module, version, cause } },
    );
  }

  private shown(): WidgetView[] {
    return [...this.views].flatMap((view) => {
      const made = this.made.get(view);
      return made?.el.isConnected ? [made] : [];
    });
  }

  private problemOf(error: Error | string, model: WidgetModel): Problem {
    const loading = this.problemsOfLoading();
    if (loading.length) return loading[0]!;
    const message = error instanceof Error ? error.message : error;
    const { module } = model;
    return BUILT_IN.test(module) ? { code: "widget-failed", params: { message } } : { code: "front-end-failed", params: { module, message } };
  }
}
