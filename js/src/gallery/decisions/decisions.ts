/** The decisions of a reviewer, whoever keeps them: the browser for a page from disk, a review server for a live one. */

import type { Result } from "../run";

export type DecisionVerdict = "accept" | "reject" | "skip";
export const IMPERATIVE: Record<DecisionVerdict, string> = { accept: "Accept", reject: "Reject", skip: "Skip" };
export const PAST_TENSE: Record<DecisionVerdict, string> = { accept: "accepted", reject: "rejected", skip: "skipped" };

export interface Decision {
  verdict: DecisionVerdict;
  time: string;
  /** Of a review server: who decided and why, the decision's version, and whether the baseline was written. */
  reviewer?: string;
  comment?: string;
  version?: number;
  written?: boolean;
}

/** Steps back that are kept. */
export const STEPS = 200;
const REVIEWER = "widgetshot reviewer";

export const timestamp = (): string => new Date().toISOString().replace(/\.\d+/, "");

/** The versions of decisions that somebody saw, by key; 0 where there was none. */
export type Seen = ReadonlyMap<string, number>;

export abstract class Decisions {
  /** A sentence on what went wrong; empty when nothing did. */
  problem = "";
  /** The number of changes so far, by which a drawn page knows that it is out of date. */
  revision = 0;
  /** The reviewer's name where the browser keeps none. */
  private name: string | null = null;
  private readonly listeners = new Set<() => void>();

  constructor() {
    // Another tab may have another name by now.
    addEventListener("storage", ({ key }) => key === REVIEWER && this.changed());
  }

  abstract readonly live: boolean;
  abstract readonly undoable: boolean;
  abstract get(key: string): Decision | undefined;
  abstract comment(key: string): string;
  /** Take over the text of a comment as it is typed. */
  abstract editComment(key: string, text: string): void;
  /** Send a comment that was edited to whoever keeps the decisions. */
  abstract commitComment(result: Result): Promise<boolean>;
  /**
   * Decide on all of `results` or on none.
   *
   * @param seen The decisions that the reviewer saw when they were asked; without it, those that are shown now.
   */
  abstract decide(results: readonly Result[], verdict: DecisionVerdict, seen?: Seen): Promise<boolean>;
  /** Take back the last step. Return the keys it was about. */
  abstract undo(): Promise<string[]>;
  /** The reviewer's name as long as nobody has said one. */
  protected abstract readonly defaultReviewer: string;

  /** The versions of the decisions on `results` as they are shown. */
  seen(results: readonly Result[]): Seen {
    return new Map(results.map(({ key }) => [key, this.get(key)?.version ?? 0]));
  }

  /** Empty for somebody who gives no name. */
  get reviewer(): string {
    let kept: string | null = null;
    try {
      kept = localStorage.getItem(REVIEWER);
    } catch {
      // Remembered by this page alone.
    }
    return this.name ?? kept ?? this.defaultReviewer;
  }
  rename(name: string): void {
    try {
      localStorage.setItem(REVIEWER, name);
      this.name = null;
    } catch {
      this.name = name;
    }
    this.changed();
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
  protected changed(): void {
    this.revision += 1;
    for (const listener of this.listeners) listener();
  }
  protected setProblem(problem: string): void {
    if (this.problem === problem) return;
    this.problem = problem;
    this.changed();
  }
}
