/** What a reviewer decided, whoever keeps it: the browser for a page from disk, a review server for a live one. */

import type { Result } from "../run";

export type Word = "accept" | "reject" | "skip";
export const DO: Record<Word, string> = { accept: "Accept", reject: "Reject", skip: "Skip" };
export const DONE: Record<Word, string> = { accept: "accepted", reject: "rejected", skip: "skipped" };

export interface Decision {
  verdict: Word;
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

export const now = (): string => new Date().toISOString().replace(/\.\d+/, "");

/** The versions of decisions that somebody saw, by key; 0 where there was none. */
export type Seen = ReadonlyMap<string, number>;

export abstract class Decisions {
  /** What went wrong, for the reader; empty when nothing did. */
  trouble = "";
  /** Counts the changes: who draws what stands here can tell whether it is still what was drawn. */
  revision = 0;
  /** The reviewer's name where the browser keeps none. */
  private name: string | null = null;
  private readonly listeners = new Set<() => void>();

  constructor() {
    // Another tab may have been told another name.
    addEventListener("storage", ({ key }) => key === REVIEWER && this.changed());
  }

  abstract readonly live: boolean;
  abstract readonly undoable: boolean;
  abstract get(key: string): Decision | undefined;
  abstract comment(key: string): string;
  /** Takes over the text of a comment as it is typed. */
  abstract write(key: string, text: string): void;
  /** Tells whoever keeps the decisions that a comment is written to its end. */
  abstract written(result: Result): Promise<boolean>;
  /**
   * Decides on all of `results` or on none.
   *
   * @param seen What the reviewer saw when they were asked; without it, what is shown now.
   */
  abstract decide(results: readonly Result[], verdict: Word, seen?: Seen): Promise<boolean>;
  /** Takes back the last step. Returns the keys it was about. */
  abstract undo(): Promise<string[]>;
  /** The reviewer's name as long as nobody has said one. */
  protected abstract readonly fallback: string;

  /** The versions of the decisions on `results` as they are shown. */
  seen(results: readonly Result[]): Seen {
    return new Map(results.map(({ key }) => [key, this.get(key)?.version ?? 0]));
  }

  /** Empty for somebody who wants no name to be told. */
  get reviewer(): string {
    let kept: string | null = null;
    try {
      kept = localStorage.getItem(REVIEWER);
    } catch {
      // Remembered by this page alone.
    }
    return this.name ?? kept ?? this.fallback;
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
  protected say(trouble: string): void {
    if (this.trouble === trouble) return;
    this.trouble = trouble;
    this.changed();
  }
}
