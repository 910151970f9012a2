// JupyterLab's renderers of MIME types, and which of their promises are open.

import { rendererFactory as javascript } from "@jupyterlab/javascript-extension";
import { createMarkdownParser } from "@jupyterlab/markedparser-extension";
import { RenderMimeRegistry, standardRendererFactories } from "@jupyterlab/rendermime";
import type { IRenderMime } from "@jupyterlab/rendermime-interfaces";
import type { Federation } from "./federation";
import type { Typesetter } from "./math";
import type { LazyScripts, ScriptName } from "./scripts";

export const WIDGET_MIMETYPE = "application/vnd.jupyter.widget-view+json";
/** As JupyterLab orders it: before everything else of a bundle. */
const WIDGET_RANK = -10;
/** Types whose renderers JupyterLab has, and our page only in scripts of their own. */
const LATER: [type: RegExp, script: ScriptName, name: string][] = [
  [/^application\/vnd\.vega(lite)?\.v\d+\+json$/, "vega", "@jupyterlab/vega5-extension"],
  [/^application\/(json|jsonl|x-ndjson|jsonlines)$/, "json", "@jupyterlab/json-extension"],
];
const MERMAID = "text/vnd.mermaid";
/** Types that need a renderer of their own: what a bundle has besides them stands in for one that is not there. */
const SPECIAL = /^(application|text)\/(vnd\.|geo\+json$|pdf$)/;
const TEXT = /^text\/plain$/;

type Bundle = Readonly<Record<string, unknown>>;

/** Is told of what is drawn. */
interface Observer {
  /** Something with this metadata is about to be drawn. */
  begin(metadata: IRenderMime.IMimeModel["metadata"]): void;
  /** In a place, a widget with this model. */
  widget(place: Element, id: string): void;
  /** In a place, something that stands for a type that has no renderer. */
  missing(place: Element, type: string): void;
}

export class Renderers extends RenderMimeRegistry {
  /** How many times something was begun to be drawn. */
  begun = 0;
  private readonly open = new Set<Promise<unknown>>();
  private readonly scripts = new Set<string>();
  private areExtensionsAsked = false;
  /** Types of which it is known whether an extension that adds something to notebooks draws them. */
  private readonly asked = new Set<string>();

  constructor(
    private readonly lazy: LazyScripts,
    private readonly federation: Federation,
    math: Typesetter,
    /** Tells which extensions name a type. */
    private readonly namedBy: (type: string) => Promise<string[]>,
    private readonly observer: Observer,
  ) {
    super({ initialFactories: standardRendererFactories, latexTypesetter: math, markdownParser: markdownParser(lazy) });
    this.addFactory(javascript, 0);
  }

  /** Let widgets be drawn. */
  addWidgets(createRenderer: IRenderMime.IRendererFactory["createRenderer"]): void {
    this.addFactory({ safe: false, mimeTypes: [WIDGET_MIMETYPE], createRenderer }, WIDGET_RANK);
  }

  override createRenderer(type: string): IRenderMime.IRenderer {
    const renderer = super.createRenderer(type);
    const render = renderer.renderModel.bind(renderer);
    renderer.renderModel = (model) => {
      this.observer.begin(model.metadata);
      if (type === WIDGET_MIMETYPE) this.observer.widget(renderer.node, (model.data[type] as { model_id: string }).model_id);
      const missing = TEXT.test(type) ? this.missingFor(model.data) : "";
      if (missing) this.observer.missing(renderer.node, missing);
      return this.follow(render(model));
    };
    return renderer;
  }

  /** Wait until everything that was begun is drawn. */
  async idle(): Promise<void> {
    while (this.open.size) await Promise.allSettled([...this.open]);
  }

  /** Tell whether everything that a bundle needs to be drawn is here; its renderer may be in another script. */
  isReadyFor(data: Bundle): boolean {
    return this.unknownIn(data).length === 0;
  }

  /** Load what a bundle needs to be drawn, if that is anywhere. */
  async prepareFor(data: Bundle): Promise<void> {
    for (const type of this.unknownIn(data)) {
      const [, script, name] = LATER.find(([pattern]) => pattern.test(type)) ?? [];
      if (script && name && !this.scripts.has(script)) {
        this.scripts.add(script);
        this.addExtensions(await this.lazy.module<{ default: unknown }>(script, name));
      } else if (type === MERMAID && !this.scripts.has(MERMAID)) {
        this.scripts.add(MERMAID);
        await this.addMermaid();
      }
    }
    if (this.unknownIn(data).length && !this.areExtensionsAsked) {
      this.areExtensionsAsked = true;
      this.addExtensions({ default: await this.federation.mimeRenderers() });
    }
    for (const type of this.unknownIn(data)) {
      this.asked.add(type);
      await this.federation.activateAll(await this.namedBy(type));
    }
  }

  /** Return the type of a bundle for which plain text is shown, because nothing here draws it; "" if there is none. */
  private missingFor(data: Bundle): string {
    return Object.keys(data).find((type) => SPECIAL.test(type) && !this.getFactory(type)) ?? "";
  }

  private unknownIn(data: Bundle): string[] {
    return Object.keys(data).filter((type) => !this.getFactory(type) && (!this.areExtensionsAsked || this.isLater(type) || this.isUnasked(type)));
  }

  private isUnasked(type: string): boolean {
    return SPECIAL.test(type) && !this.asked.has(type);
  }

  private isLater(type: string): boolean {
    const script = LATER.find(([pattern]) => pattern.test(type))?.[1] ?? (type === MERMAID ? MERMAID : "");
    return script !== "" && !this.scripts.has(script);
  }

  private addExtensions(module: { default: unknown }): void {
    for (const { rendererFactory, rank } of [module.default].flat() as IRenderMime.IExtension[]) this.addFactory(rendererFactory, rank);
  }

  private async addMermaid(): Promise<void> {
    const { manager, module } = await mermaid(this.lazy);
    Object.assign(module.RenderedMermaid, { manager });
    const createRenderer = (options: IRenderMime.IRendererOptions): IRenderMime.IRenderer => new module.RenderedMermaid(options);
    // Before pictures: it adds one to what it has drawn.
    this.addFactory({ safe: true, mimeTypes: [MERMAID], createRenderer }, 0);
  }

  /** Note that something is being drawn. */
  follow(done: Promise<void>): Promise<void> {
    this.begun += 1;
    this.open.add(done);
    const end = (): void => {
      this.open.delete(done);
    };
    done.then(end, end);
    return done;
  }
}

/** What JupyterLab's drawing of diagrams asks of its themes. */
interface Themes {
  theme: string;
  isLight(theme: string): boolean;
  themeChanged: { connect(slot: () => void): void };
}

interface Mermaid {
  MermaidManager: new (options: { themes: Themes }) => Diagrams;
  MermaidMarkdown: new (options: { mermaid: object }) => Block;
  RenderedMermaid: new (options: IRenderMime.IRendererOptions) => IRenderMime.IRenderer;
}

/** Part of a text that is drawn by another than the parser. */
interface Block {
  languages: string[];
  rank: number;
  walk(text: string): Promise<void>;
  render(text: string): string | null;
}

interface Diagrams {
  initialize(): void;
}

let diagrams: { manager: Diagrams; theme: string } | undefined;

/** Load the drawing of diagrams; one manager of them serves all. */
async function mermaid(lazy: LazyScripts): Promise<{ manager: Diagrams; module: Mermaid }> {
  const module = await lazy.module<Mermaid>("mermaid", "@jupyterlab/mermaid");
  const themes: Themes = {
    get theme() {
      return document.body.dataset["jpThemeName"] ?? "";
    },
    isLight: () => document.body.dataset["jpThemeLight"] === "true",
    themeChanged: { connect: () => undefined },
  };
  diagrams ??= { manager: new module.MermaidManager({ themes }), theme: themes.theme };
  if (diagrams.theme !== themes.theme) {
    // The page has shown a notebook in another theme before.
    diagrams.theme = themes.theme;
    diagrams.manager.initialize();
  }
  return { manager: diagrams.manager, module };
}

/** JupyterLab's parser; what highlights code and draws diagrams is loaded with the first of them. */
function markdownParser(lazy: LazyScripts): IRenderMime.IMarkdownParser {
  interface Languages {
    addLanguage(language: unknown): void;
    findBest(name: string): unknown;
    highlight(code: string, language: unknown, element: HTMLElement): Promise<void>;
  }
  interface StyleModule {
    constructor: { mount(root: Document, module: StyleModule): void };
  }
  interface Codemirror {
    EditorLanguageRegistry: (new () => Languages) & { getDefaultLanguages(): unknown[] };
    jupyterHighlightStyle: { module: StyleModule };
  }
  let known: Promise<Languages> | undefined;
  const languages = async (): Promise<Languages> => {
    const { EditorLanguageRegistry, jupyterHighlightStyle } = await lazy.module<Codemirror>("codemirror", "@jupyterlab/codemirror");
    // In JupyterLab each editor does so.
    jupyterHighlightStyle.module.constructor.mount(document, jupyterHighlightStyle.module);
    const registry = new EditorLanguageRegistry();
    for (const language of EditorLanguageRegistry.getDefaultLanguages()) registry.addLanguage(language);
    return registry;
  };
  const later = {
    findBest: (name: string) => name,
    highlight: async (code: string, name: string, element: HTMLElement) => {
      const registry = await (known ??= languages());
      await registry.highlight(code, registry.findBest(name), element);
    },
  };
  let block: Block | undefined;
  const blocks: Block[] = [
    {
      languages: ["mermaid"],
      rank: 100,
      walk: async (text) => {
        const { manager, module } = await mermaid(lazy);
        block ??= new module.MermaidMarkdown({ mermaid: manager });
        await block.walk(text);
      },
      render: (text) => block?.render(text) ?? null,
    },
  ];
  return createMarkdownParser(later as never, { blocks });
}
