// What the camera's questions are answered from: a page that draws a notebook, whoever made it.

import type { WidgetModel } from "@jupyter-widgets/base";
import type { Problem, Unrest } from "./protocol";

/** Something that makes pictures of an element untrustworthy; of the whole page where it is null. */
export interface PlacedProblem {
  element: Element | null;
  /** Id of a widget that was not drawn: where cells display that, it concerns these places only. */
  model?: string;
  problem: Problem;
}

/** An error that a front end let escape, and which front ends its stack names. */
export interface UncaughtError {
  modules: string[];
  message: string;
}

/** The page's connection to its kernel. */
export interface WatchedKernel {
  /** Whether the kernel has still to deal with something that the page has sent to it. */
  readonly owes: boolean;
  readonly gone: Promise<"gone">;
  answered(): Promise<void>;
  requestKernelInfo(): Promise<unknown>;
}

/** What draws widgets. */
export interface WatchedManager {
  readonly models: Promise<WidgetModel>[];
  readonly views: ReadonlySet<Promise<unknown>>;
  /** Each view's element, with the front end that drew it. */
  readonly drawn: ReadonlyMap<Element, string>;
  readonly problems: readonly PlacedProblem[];
}

/** What draws everything else. */
export interface WatchedRenderers {
  /** How many times something was begun to be drawn. */
  readonly begun: number;
  idle(): Promise<void>;
}

export interface WatchedPage {
  /** Settled when the page has a place for each cell. */
  readonly started: Promise<unknown>;
  readonly kernel: WatchedKernel | undefined;
  readonly manager: WatchedManager | undefined;
  readonly renderers: WatchedRenderers | undefined;
  readonly work: { goesOn(limit: number): Promise<Unrest | null> } | undefined;
  readonly math: { readonly idle: Promise<unknown> };
  /** Whether another page acts on the same kernel. */
  readonly isShared: boolean;
  readonly problems: readonly PlacedProblem[];
  readonly uncaught: readonly UncaughtError[];
  /** Why modules that widgets have brought could not be run; whose they are is not known. */
  readonly failedModules: readonly UncaughtError[];
  /** The place of each widget that a cell displays -> the model's id. */
  readonly places: ReadonlyMap<Element, string>;
  models(): Promise<Map<string, WidgetModel>>;
}
