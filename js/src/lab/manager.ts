// JupyterLab's widget manager of a notebook, watched: which models and views there are, and what drew them.

import type { WidgetModel, WidgetView } from "@jupyter-widgets/base";
import type { PlacedProblem } from "../live/watched";
import { type NotebookPanel, type RenderMime, WIDGET_MIMETYPE, type WidgetManager } from "./application";

export class WatchedManager {
  readonly views = new Set<Promise<WidgetView>>();
  readonly drawn = new Map<Element, string>();
  readonly problems: PlacedProblem[] = [];

  constructor(private readonly inner: WidgetManager) {
    const create = inner.create_view.bind(inner);
    inner.create_view = (model, options) => {
      const made = create(model, options);
      this.views.add(made);
      made.then(
        (view) => {
          if (view.el instanceof Element) this.drawn.set(view.el, String(model.get("_view_module") ?? ""));
        },
        (error: unknown) => {
          this.problems.push({ element: null, model: model.model_id, problem: { code: "widget-not-drawn", params: { cause: String(error) } } });
        },
      );
      return made;
    };
  }

  get models(): Promise<WidgetModel>[] {
    return Object.values(this.inner._models);
  }

  /** Wait until the manager knows the widgets of the kernel. */
  async restored(): Promise<void> {
    if (!this.inner.restoredStatus) await new Promise<void>((resolve) => this.inner.restored.connect(() => resolve()));
  }
}

/** Return the manager that a notebook's outputs are drawn with; undefined where ipywidgets' extension is not installed. */
export async function managerOf({ content }: NotebookPanel): Promise<WatchedManager | undefined> {
  let renderer: { _manager?: { promise: Promise<WidgetManager> }; dispose?(): void };
  try {
    renderer = content.rendermime.createRenderer(WIDGET_MIMETYPE) as typeof renderer;
  } catch {
    return undefined;
  }
  const manager = await renderer._manager?.promise;
  renderer.dispose?.();
  return manager && new WatchedManager(manager);
}

/** The renderers of a notebook, watched: what is still to be drawn, and where widgets are. */
export class WatchedRenderers {
  begun = 0;
  private readonly pending = new Set<Promise<unknown>>();

  /** @param placed is told the place of a widget, and the model's id */
  constructor(rendermime: RenderMime, placed: (place: Element, id: string) => void) {
    const create = rendermime.createRenderer.bind(rendermime);
    rendermime.createRenderer = (type) => {
      const renderer = create(type);
      const render = renderer.renderModel.bind(renderer);
      renderer.renderModel = (model) => {
        const { model_id: id } = (model.data[type] ?? {}) as { model_id?: string };
        if (type === WIDGET_MIMETYPE && id) placed(renderer.node, id);
        return this.follow(render(model));
      };
      return renderer;
    };
    const typesetter = rendermime.latexTypesetter;
    if (typesetter) {
      const typeset = typesetter.typeset.bind(typesetter);
      typesetter.typeset = (node) => this.follow(Promise.resolve(typeset(node)));
    }
  }

  async idle(): Promise<void> {
    while (this.pending.size) await Promise.allSettled(this.pending);
  }

  private follow<T>(work: Promise<T>): Promise<T> {
    this.begun += 1;
    this.pending.add(work);
    const done = (): void => void this.pending.delete(work);
    work.then(done, done);
    return work;
  }
}
