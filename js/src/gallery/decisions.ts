/** What a reviewer decided: kept by the browser for a page from disk, by the server where there is one. */

import type { Result, Run } from "./run";

export type Word = "accept" | "reject" | "skip";
export const DO: Record<Word, string> = { accept: "Accept", reject: "Reject", skip: "Skip" };
export const DONE: Record<Word, string> = { accept: "accepted", reject: "rejected", skip: "skipped" };

export interface Decision {
  verdict: Word;
  time: string;
  /** Of a review server: who decided, the decision's version, and whether the baseline was written. */
  reviewer?: string;
  version?: number;
  written?: boolean;
}

/** Keys with what was decided on them before; undone together. */
type Step = [key: string, before: Decision | null][];

interface Kept {
  decisions: Record<string, Decision>;
  comments: Record<string, string>;
  steps: Step[];
}

/** Steps back that are kept. */
const STEPS = 200;
const REVIEWER = "widgetshot reviewer";
const FORGETFUL = "This browser keeps nothing for this page: download your decisions before you leave it.";

const now = (): string => new Date().toISOString().replace(/\.\d+/, "");

export abstract class Decisions {
  protected kept: Kept = { decisions: {}, comments: {}, steps: [] };
  /** What went wrong, for the reader; empty when nothing did. */
  trouble = "";
  private readonly listeners = new Set<() => void>();

  abstract readonly live: boolean;
  abstract decide(results: readonly Result[], verdict: Word): Promise<boolean>;
  /** Takes back the last step. Returns the keys it was about. */
  abstract undo(): Promise<string[]>;
  protected abstract save(): void;

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
    this.kept.comments[key] = text;
    this.save();
    this.changed();
  }

  get reviewer(): string {
    try {
      return localStorage.getItem(REVIEWER) ?? "";
    } catch {
      return this.name;
    }
  }
  set reviewer(name: string) {
    this.name = name;
    try {
      localStorage.setItem(REVIEWER, name);
    } catch {
      // Remembered by this page alone.
    }
    this.changed();
  }
  private name = "";

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
  protected changed(): void {
    for (const listener of this.listeners) listener();
  }
}

/** Kept in the browser, by the run's id: reloading loses nothing, and two tabs see each other's decisions. */
export class LocalDecisions extends Decisions {
  readonly live = false;
  private readonly place: string;

  constructor(run: Run) {
    super();
    this.place = `widgetshot decisions ${run.id}`;
    this.read();
    addEventListener("storage", (event) => {
      if (event.key === this.place) {
        this.read();
        this.changed();
      }
    });
  }

  private read(): void {
    try {
      const kept = JSON.parse(localStorage.getItem(this.place) ?? "null") as Kept | null;
      if (kept) this.kept = kept;
    } catch {
      this.trouble = FORGETFUL;
    }
  }

  protected save(): void {
    try {
      localStorage.setItem(this.place, JSON.stringify(this.kept));
    } catch {
      this.trouble = FORGETFUL;
    }
  }

  decide(results: readonly Result[], verdict: Word): Promise<boolean> {
    // Another tab may have written since.
    this.read();
    this.kept.steps = [...this.kept.steps, results.map(({ key }): Step[number] => [key, this.get(key) ?? null])].slice(-STEPS);
    for (const { key } of results) this.kept.decisions[key] = { verdict, time: now() };
    this.save();
    this.changed();
    return Promise.resolve(true);
  }

  undo(): Promise<string[]> {
    this.read();
    const step = this.kept.steps.pop() ?? [];
    for (const [key, before] of step) {
      if (before) this.kept.decisions[key] = before;
      else delete this.kept.decisions[key];
    }
    this.save();
    this.changed();
    return Promise.resolve(step.map(([key]) => key));
  }
}

export interface Live {
  /** Address of the server's API for this run. */
  api: string;
  run: string;
}
interface State {
  version: number;
  reviewer: string;
  decisions: Record<string, Decision & { comment: string }>;
}
interface Refusal {
  error?: { what: string; where?: string; next_step?: string };
  state?: State;
}

/** Kept by a review server, which writes baselines as they are accepted. Only what is skipped stays here. */
export class LiveDecisions extends Decisions {
  readonly live = true;
  private version = 0;

  constructor(
    private readonly at: Live,
    private readonly failed: () => void = () => undefined,
  ) {
    super();
    void this.follow();
  }

  private get address(): string {
    return `${this.at.api}?run=${encodeURIComponent(this.at.run)}`;
  }

  /** Others decide too: the server answers as soon as there is something newer. */
  private async follow(): Promise<void> {
    for (let wait = 500; ; ) {
      try {
        const answer = await fetch(this.version ? `${this.address}&since=${this.version}` : this.address);
        if (!answer.ok) throw new Error(`the server says ${answer.status} ${answer.statusText}`);
        this.take((await answer.json()) as State);
        if (this.trouble.startsWith("The review server")) this.say("");
        wait = 500;
      } catch (error) {
        this.say(`The review server does not answer: ${error instanceof Error ? error.message : error}. Nothing more is written until it does.`);
        await new Promise((resolve) => setTimeout(resolve, wait));
        wait = Math.min(10_000, wait * 2);
      }
    }
  }

  private say(trouble: string): void {
    if (this.trouble === trouble) return;
    this.trouble = trouble;
    this.changed();
  }

  private take(state: State): void {
    this.version = state.version;
    const skipped = Object.entries(this.kept.decisions).filter(([key, { verdict }]) => verdict === "skip" && !state.decisions[key]);
    this.kept.decisions = { ...Object.fromEntries(skipped), ...state.decisions };
    for (const [key, { comment }] of Object.entries(state.decisions)) if (comment) this.kept.comments[key] = comment;
    if (!this.reviewer) this.reviewer = state.reviewer;
    this.changed();
  }

  protected save(): void {
    // The server keeps what was decided.
  }

  private async post(body: unknown): Promise<boolean> {
    try {
      const answer = await fetch(this.address, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-XSRFToken": /(?:^|; )_xsrf=([^;]*)/.exec(document.cookie)?.[1] ?? "" },
        body: JSON.stringify(body),
      });
      const told = (await answer.json()) as State & Refusal;
      if (answer.ok) {
        this.trouble = "";
        this.take(told);
        return true;
      }
      if (told.state) this.take(told.state);
      const { what = answer.statusText, where = "", next_step = "" } = told.error ?? {};
      this.say(`Refused: ${where ? `${where}: ` : ""}${what}${next_step ? `. Next: ${next_step}` : ""}`);
    } catch (error) {
      this.say(`The review server does not answer: ${error instanceof Error ? error.message : error}. Nothing was written.`);
    }
    this.failed();
    return false;
  }

  async decide(results: readonly Result[], verdict: Word): Promise<boolean> {
    const step = results.map(({ key }): Step[number] => [key, this.get(key) ?? null]);
    if (verdict === "skip") {
      for (const { key } of results) this.kept.decisions[key] ??= { verdict, time: now() };
      this.changed();
      return true;
    }
    const decisions = results.map((result) => ({
      ...entry(result, verdict, this.comment(result.key)),
      reviewer: this.reviewer,
      seen: this.get(result.key)?.version ?? 0,
    }));
    const done = await this.post({ decisions });
    if (done) this.kept.steps = [...this.kept.steps, step].slice(-STEPS);
    this.changed();
    return done;
  }

  async undo(): Promise<string[]> {
    const step = this.kept.steps.pop() ?? [];
    const keys = step.map(([key]) => key);
    const written = keys.filter((key) => this.get(key)?.version);
    for (const key of keys) if (this.get(key)?.verdict === "skip") delete this.kept.decisions[key];
    if (written.length && !(await this.post({ undo: written.map((key) => ({ key, seen: this.get(key)!.version })) }))) {
      this.kept.steps.push(step);
      return [];
    }
    this.changed();
    return keys;
  }
}

function entry(result: Result, verdict: Word, comment: string) {
  return {
    key: result.key,
    verdict,
    baseline_sha256: result.baseline_sha256,
    shot_sha256: result.pictures.shot?.sha256 ?? null,
    comment,
  };
}

/** The text of decisions.json: what was accepted and rejected, bound to the pictures that were looked at. */
export function decisionsFile(run: Run, decisions: Decisions): string {
  const decided = run.tests.flatMap((result) => {
    const decision = decisions.get(result.key);
    if (!decision || decision.verdict === "skip") return [];
    return [{ ...entry(result, decision.verdict, decisions.comment(result.key)), time: decision.time }];
  });
  const file = { format: 1, run: run.id, commit: run.commit, reviewer: decisions.reviewer, decisions: decided };
  return `${JSON.stringify(file, null, 1)}\n`;
}
