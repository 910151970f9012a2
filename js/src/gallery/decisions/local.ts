/** Decisions that the browser keeps, for a gallery that was opened from disk. */

import { Decisions, now, STEPS, type Decision, type Word } from "./decisions";
import type { Result, Run } from "../run";

const FORGETFUL = "This browser keeps nothing for this page: download your decisions before you leave it.";

/** Keys with what was decided on them before; undone together. */
type Step = [key: string, before: Decision | null][];

interface Kept {
  decisions: Record<string, Decision>;
  comments: Record<string, string>;
  steps: Step[];
}

/** Kept by the run's id: reloading loses nothing, and two tabs see each other's decisions. */
export class LocalDecisions extends Decisions {
  readonly live = false;
  protected readonly fallback = "";
  private kept: Kept = { decisions: {}, comments: {}, steps: [] };
  private readonly place: string;
  private forgetful = false;

  constructor(run: Run) {
    super();
    this.place = `widgetshot decisions ${run.id}`;
    this.read();
    const again = () => {
      this.read();
      this.changed();
    };
    addEventListener("storage", ({ key }) => key === this.place && again());
    // A page that comes back as it was left has not heard of what other tabs wrote meanwhile.
    addEventListener("pageshow", ({ persisted }) => persisted && again());
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

  write(key: string, text: string): void {
    this.change(() => (this.kept.comments[key] = text));
  }

  written(): Promise<boolean> {
    return Promise.resolve(true);
  }

  decide(results: readonly Result[], verdict: Word): Promise<boolean> {
    this.change(() => {
      this.kept.steps = [...this.kept.steps, results.map(({ key }): Step[number] => [key, this.get(key) ?? null])].slice(-STEPS);
      for (const { key } of results) this.kept.decisions[key] = { verdict, time: now() };
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
      localStorage.setItem(this.place, JSON.stringify(this.kept));
    } catch {
      // From here on only this page knows.
      this.forgetful = true;
      this.trouble = FORGETFUL;
    }
    this.changed();
  }

  private read(): void {
    if (this.forgetful) return;
    try {
      const kept = JSON.parse(localStorage.getItem(this.place) ?? "null") as Partial<Kept> | null;
      if (kept) this.kept = { decisions: kept.decisions ?? {}, comments: kept.comments ?? {}, steps: Array.isArray(kept.steps) ? kept.steps : [] };
    } catch {
      this.trouble = FORGETFUL;
    }
  }
}
