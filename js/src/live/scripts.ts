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

/** Load a script once its page has parsed its head; modules that it has defined are there when it is resolved. */
export function loadScript(url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = url;
    script.onload = () => resolve();
    script.onerror = () => reject(new Error(`could not load ${url}`));
    document.head.append(script);
  });
}

function loadStyle(url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = url;
    link.onload = () => resolve();
    link.onerror = () => reject(new Error(`could not load ${url}`));
    document.head.append(link);
  });
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
    let found = this.loaded.get(name);
    if (!found) {
      found = this.begin(name);
      this.loaded.set(name, found);
    }
    return found;
  }

  private async begin(name: ScriptName): Promise<void> {
    const { needs, style } = scripts[name] as { needs: string[]; style?: string };
    await Promise.all(needs.map((need) => this.load(need as ScriptName)));
    if (style) await loadStyle(`${this.url}/${style}`);
    await loadScript(`${this.url}/${name}.js`);
  }
}
