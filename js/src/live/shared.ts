// What JupyterLab gives to its extensions, as far as the page has it: the scope that module federation shares.

import * as base from "@jupyter-widgets/base";
import * as baseManager from "@jupyter-widgets/base-manager";
import * as controls from "@jupyter-widgets/controls";
import * as output from "@jupyter-widgets/output";
import * as labCoreutils from "@jupyterlab/coreutils";
import * as nbformat from "@jupyterlab/nbformat";
import * as observables from "@jupyterlab/observables";
import * as outputarea from "@jupyterlab/outputarea";
import * as rendermime from "@jupyterlab/rendermime";
import * as rendermimeInterfaces from "@jupyterlab/rendermime-interfaces";
import * as services from "@jupyterlab/services";
import * as translation from "@jupyterlab/translation";
import * as algorithm from "@lumino/algorithm";
import * as collections from "@lumino/collections";
import * as commands from "@lumino/commands";
import * as coreutils from "@lumino/coreutils";
import * as disposable from "@lumino/disposable";
import * as domutils from "@lumino/domutils";
import * as dragdrop from "@lumino/dragdrop";
import * as keyboard from "@lumino/keyboard";
import * as messaging from "@lumino/messaging";
import * as polling from "@lumino/polling";
import * as properties from "@lumino/properties";
import * as signaling from "@lumino/signaling";
import * as virtualdom from "@lumino/virtualdom";
import * as widgets from "@lumino/widgets";
import scripts from "../../lazy.json";
import type { LazyScripts, ScriptName } from "./scripts";

declare global {
  interface Window {
    /** The same modules, for scripts of ours that are loaded later, see build-page.mjs. */
    widgetshotShared: Record<string, unknown>;
  }
}

/** Package -> its version; filled in when the page is built. */
declare const PACKAGE_VERSIONS: Record<string, string>;

/** A module as webpack's shared scopes hold it. */
interface SharedModule {
  from: string;
  eager: boolean;
  loaded?: 1;
  get(): Promise<() => unknown>;
}

/** Package -> version -> module. */
export type ShareScope = Record<string, Record<string, SharedModule>>;

const HERE: Record<string, unknown> = {
  "@jupyter-widgets/base": base,
  "@jupyter-widgets/base-manager": baseManager,
  "@jupyter-widgets/controls": controls,
  "@jupyter-widgets/output": output,
  "@jupyterlab/coreutils": labCoreutils,
  "@jupyterlab/nbformat": nbformat,
  "@jupyterlab/observables": observables,
  "@jupyterlab/outputarea": outputarea,
  "@jupyterlab/rendermime": rendermime,
  "@jupyterlab/rendermime-interfaces": rendermimeInterfaces,
  "@jupyterlab/services": services,
  "@jupyterlab/translation": translation,
  "@lumino/algorithm": algorithm,
  "@lumino/collections": collections,
  "@lumino/commands": commands,
  "@lumino/coreutils": coreutils,
  "@lumino/disposable": disposable,
  "@lumino/domutils": domutils,
  "@lumino/dragdrop": dragdrop,
  "@lumino/keyboard": keyboard,
  "@lumino/messaging": messaging,
  "@lumino/polling": polling,
  "@lumino/properties": properties,
  "@lumino/signaling": signaling,
  "@lumino/virtualdom": virtualdom,
  "@lumino/widgets": widgets,
};
window.widgetshotShared = HERE;

/** JupyterLab's frame, which is not here: of these packages extensions mostly ask for the names of services. */
const FRAME = ["application", "apputils", "console", "docregistry", "filebrowser", "mainmenu", "notebook", "settingregistry"];
/** Shared by JupyterLab, and needed by few: in scripts of their own. */
const LATER: Partial<Record<string, ScriptName>> = Object.fromEntries(
  (["ui", "datagrid"] as const).flatMap((script) => scripts[script].packages.map((name) => [name, script])),
);

/** Stand for a package of JupyterLab's frame: it has the tokens of its services, which nobody provides. */
function tokensOf(name: string): object {
  const tokens: Record<string, unknown> = { __esModule: true };
  return new Proxy(tokens, {
    get(known, key) {
      if (typeof key !== "string" || key in known || !/^I[A-Z]/.test(key)) return Reflect.get(known, key) as unknown;
      return (known[key] = new coreutils.Token(`${name}:${key}`));
    },
  });
}

/** Make the scope that extensions are given. */
export function shareScope(lazy: LazyScripts): ShareScope {
  const scope: ShareScope = {};
  const share = (name: string, module: Pick<SharedModule, "get" | "loaded">): void => {
    scope[name] = { [PACKAGE_VERSIONS[name]!]: { from: "widgetshot", eager: false, ...module } };
  };
  for (const [name, module] of Object.entries(HERE)) share(name, { loaded: 1, get: () => Promise.resolve(() => module) });
  for (const [name, script] of Object.entries(LATER)) {
    share(name, {
      get: async () => {
        const module = await lazy.module(script!, name);
        return () => module;
      },
    });
  }
  for (const part of FRAME) {
    const name = `@jupyterlab/${part}`;
    const module = tokensOf(name);
    share(name, { loaded: 1, get: () => Promise.resolve(() => module) });
  }
  return scope;
}
