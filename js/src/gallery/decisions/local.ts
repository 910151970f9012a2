/** Decisions that the browser keeps, for a gallery that was opened from disk. */

import type { Result, Run } from "../run";
import { Decisions, STEPS, timestamp, type Decision, type DecisionVerdict } from "./decisions";
import { parseKept, type Kept, type Step } from "./kept";

const STORAGE_FAILED = "This browser keeps nothing for this page: download your decisions before you leave it.";

/** Kept by the run's id: reloading loses nothing, and two tabs see each other's decisions. */
export class LocalDecisions extends Decisions {
  readonly live = false;
  protected readonly defaultReviewer = "";
  private kept: Kept = { decisions: {}, comments: {}, steps: [] };
  private readonly storageKey: string;
  private storageFailed = false;

  constructor(run: Run) {
    super();
    this.storageKey = `widgetshot decisions ${run.id}`;
    this.read();
    const refresh = () => {
      this.read();
      this.changed();
    };
    addEventListener("storage", ({ key }) => key === this.storageKey && refresh());
    // A page that comes back as it was left has not heard of what other tabs wrote meanwhile.
    addEventListener("pageshow", ({ persisted }) => persisted && refresh());
  }

  get(key: string): Decision | undefined {
    return Object.hasOwn(this.kept.decisions, key) ? this.kept.decisions[key] : undefined;
  }

  get undoable(): boolean {
    return this.kept.steps.length > 0;
  }

  comment(key: string): string {
    return Object.hasOwn(this.kept.comments, key) ? this.kept.comments[key]! : "";
  }

  editComment(key: string, text: string): void {
    this.change(() => (this.kept.comments[key] = text));
  }

  commitComment(): Promise<boolean> {
    return Promise.resolve(true);
  }

  decide(results: readonly Result[], verdict: DecisionVerdict): Promise<boolean> {
    this.change(() => {
      this.kept.steps = [...this.kept.steps, results.map(({ key }): Step[number] => [key, this.get(key) ?? null])].slice(-STEPS);
      for (const { key } of results) this.kept.decisions[key] = { verdict, time: timestamp() };
    });
    return Promise.resolve(true);
  }

  undo(): Promise<string[]> {
    let step: Step = [];
    this.change(() => {
      step = this.kept.steps.pop() ?? [];
      const decisions = new Map(Object.entries(this.kept.decisions));
      for (const [key, before] of step) {
        if (before) decisions.set(key, before);
        else decisions.delete(key);
      }
      this.kept.decisions = Object.fromEntries(decisions);
    });
    return Promise.resolve(step.map(([key]) => key));
  }

  private change(make: () => void): void {
    // Another tab may have written since.
    this.read();
    make();
    try {
      localStorage.setItem(this.storageKey, JSON.stringify(this.kept));
    } catch {
      // From here on only this page knows.
      this.storageFailed = true;
      this.problem = STORAGE_FAILED;
    }
    this.changed();
  }

  private read(): void {
    if (this.storageFailed) return;
    try {
      this.kept = parseKept(localStorage.getItem(this.storageKey)) ?? this.kept;
    } catch {
      this.problem = STORAGE_FAILED;
    }
  }
}
