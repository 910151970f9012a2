// Scripts of ours that few notebooks need: each is fetched, from our own server, when it is first asked for.

import scripts from "../../lazy.json";

export type ScriptName = keyof typeof scripts;

/** What the scripts that are loaded hold: package -> module. They put themselves in here, see build-page.mjs. */
type Modules = Record<string, unknown>;

declare global {
  interface Window {
    widgetshotLazy: Modules;
  }
}

window.widgetshotLazy = {};

/** Load a script; what it defines is there when this is resolved. */
export function loadScript(url: string): Promise<void> {
  return loaded(Object.assign(document.createElement("script"), { src: url }), url);
}

function loadStyle(url: string): Promise<void> {
  return loaded(Object.assign(document.createElement("link"), { rel: "stylesheet", href: url }), url);
}

/** Put an element into the page's head and wait until what it names is loaded. */
function loaded(element: HTMLElement, url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    element.onload = () => resolve();
    element.onerror = () => reject(new Error(`could not load ${url}`));
    document.head.append(element);
  });
}

/** Begin something once for each name: whoever asks again gets what came, or comes, of it. */
export function once<T>(known: Map<string, Promise<T>>, name: string, begin: () => Promise<T>): Promise<T> {
  let found = known.get(name);
  if (!found) {
    found = begin();
    known.set(name, found);
  }
  return found;
}

export class LazyScripts {
  private readonly loaded = new Map<string, Promise<void>>();

  /** @param url of the folder that they are in */
  constructor(private readonly url: string) {}

  /** Return a package of a script. */
  async module<T>(script: ScriptName, name: string): Promise<T> {
    await this.load(script);
    return window.widgetshotLazy[name] as T;
  }

  private load(name: ScriptName): Promise<void> {
    return once(this.loaded, name, () => this.begin(name));
  }

  private async begin(name: ScriptName): Promise<void> {
    const { needs, style } = scripts[name] as { needs: string[]; style?: string };
    await Promise.all(needs.map((need) => this.load(need as ScriptName)));
    if (style) await loadStyle(`${this.url}/${style}`);
    await loadScript(`${this.url}/${name}.js`);
  }
}
