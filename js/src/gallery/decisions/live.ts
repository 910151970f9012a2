/** Decisions that a review server keeps, which writes baselines as they are accepted. */

import type { NamedState, TakenDecision } from "../generated/review-refusal";
import type { ReviewRequest } from "../generated/review-request";
import type { Result, Run } from "../run";
import { messageOf, type ReviewApi } from "./api";
import { Decisions, STEPS, timestamp, type Decision, type DecisionVerdict, type Seen } from "./decisions";
import { Drafts } from "./drafts";
import { decisionEntry } from "./file";

/** Decisions that are taken back together. */
interface Step {
  keys: string[];
  skipped: boolean;
}

const OTHER_RUN = "The run folder holds another run by now: reload this page to see it.";

/**
 * The server's state and the reviewer's own input are kept apart: an answer may come at any time, and must neither
 * replace a comment that is being written nor be replaced by one whose writer had not seen it.
 */
export class LiveDecisions extends Decisions {
  readonly live = true;
  private state: NamedState | null = null;
  /** Skipped results are known to this page alone. */
  private readonly skipped = new Map<string, Decision>();
  private readonly drafts: Drafts;
  private steps: Step[] = [];
  /** Versions that this page's own requests made. */
  private readonly ownVersions = new Map<string, number>();
  /** True if the server gave no answer when it was last asked. */
  private unreachable = false;
  private lastRequest: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly api: ReviewApi,
    private readonly run: Run,
  ) {
    super();
    this.drafts = new Drafts(run.id);
    void this.follow();
  }

  protected get defaultReviewer(): string {
    return this.state?.reviewer ?? "";
  }

  get undoable(): boolean {
    return this.steps.length > 0;
  }

  get(key: string): Decision | undefined {
    return this.decided(key) ?? this.skipped.get(key);
  }

  comment(key: string): string {
    return this.drafts.get(key)?.text ?? this.decided(key)?.comment ?? "";
  }

  editComment(key: string, text: string): void {
    this.drafts.set(key, { text, seen: this.drafts.get(key)?.seen ?? this.get(key)?.version ?? 0 });
    this.changed();
  }

  /** A comment on a decision that stands is sent at once; another one is sent with its decision. */
  commitComment(result: Result): Promise<boolean> {
    return this.enqueue(async () => {
      const draft = this.drafts.get(result.key);
      const decision = this.decided(result.key);
      if (!draft || draft.refused || !decision) return true;
      if (draft.text !== decision.comment) return this.send([result], decision.verdict, this.seen([result]));
      this.drafts.delete(result.key);
        return true;
    });
  }

  decide(results: readonly Result[], verdict: DecisionVerdict, seen: Seen = this.seen(results)): Promise<boolean> {
    if (verdict === "skip") {
      const open = results.filter(({ key }) => !this.get(key));
      for (const { key } of open) this.skipped.set(key, { verdict, time: timestamp() });
      if (open.length) this.step(open, true);
      return Promise.resolve(true);
    }
    return this.enqueue(async () => {
      const done = await this.send(results, verdict, seen);
      if (done) this.step(results, false);
      return done;
    });
  }

  undo(): Promise<string[]> {
    return this.enqueue(async () => {
      const step = this.steps.pop() ?? { keys: [], skipped: true };
      const { keys } = step;
      const decided = step.skipped ? [] : keys.flatMap((key) => {
        const decision = this.decided(key);
        return decision ? [{ key, seen: decision.version }] : [];
      });
      const comments = decided.map(({ key }) => [key, this.comment(key)] as const);
      if (decided.length && !(await this.post({ undo: decided }))) {
        this.steps.push(step);
        return [];
      }
      for (const key of keys) this.skipped.delete(key);
      // Who takes a decision back may still mean what was said of it.
      for (const [key, text] of comments) if (text) this.drafts.set(key, { text, seen: 0 });
        this.changed();
      return keys;
    });
  }

  override seen(results: readonly Result[]): Seen {
    // Who wrote a comment while somebody else decided has seen what was there before.
    return new Map([...super.seen(results)].map(([key, version]) => [key, this.drafts.get(key)?.seen ?? version]));
  }

  private step(results: readonly Result[], skipped: boolean): void {
    this.steps = [...this.steps, { keys: results.map(({ key }) => key), skipped }].slice(-STEPS);
    this.changed();
  }

  private decided(key: string): TakenDecision | undefined {
    return this.state && Object.hasOwn(this.state.decisions, key) ? this.state.decisions[key] : undefined;
  }

  /** One request after the other: the second may build on what the first made. */
  private enqueue<T>(work: () => Promise<T>): Promise<T> {
    const done = this.lastRequest.then(work);
    this.lastRequest = done.catch(() => undefined);
    return done;
  }

  private async send(results: readonly Result[], verdict: TakenDecision["verdict"], seen: Seen): Promise<boolean> {
    const comments = new Map(results.map(({ key }) => [key, this.comment(key)]));
    const decisions = results.map((result) => ({
      ...decisionEntry(result, verdict, comments.get(result.key)!),
      reviewer: this.reviewer,
      // What this page itself asked for meanwhile is no surprise.
      seen: Math.max(seen.get(result.key) ?? 0, this.ownVersions.get(result.key) ?? 0),
    }));
    const done = await this.post({ decisions });
    for (const [key, text] of comments) {
      const version = this.decided(key)?.version ?? 0;
      if (done) this.ownVersions.set(key, version);
      const draft = this.drafts.get(key);
      if (!draft) continue;
      // Either the server has it by now, or its writer has read what stands in the way.
      if (done && draft.text === text) this.drafts.delete(key);
      else this.drafts.set(key, { text: draft.text, seen: version, refused: !done });
    }
    this.changed();
    return done;
  }

  private async post(request: ReviewRequest): Promise<boolean> {
    try {
      const { state, refusal } = await this.api.post(request);
      this.unreachable = false;
      this.setProblem(refusal ? `Refused: ${refusal}` : "");
      if (state) this.receive(state);
      return !refusal;
    } catch (error) {
      this.reportUnreachable(error, "Nothing was written.");
      return false;
    }
  }

  /** Others decide too: the server answers as soon as there is something newer. */
  private async follow(): Promise<void> {
    for (let wait = 500; ; ) {
      try {
        if (!this.receive(await this.api.state(this.state?.version))) return;
        if (this.unreachable) this.setProblem("");
        this.unreachable = false;
        wait = 500;
      } catch (error) {
        this.reportUnreachable(error, "Nothing more is written until it does.");
        await new Promise((resolve) => setTimeout(resolve, wait));
        wait = Math.min(10_000, wait * 2);
      }
    }
  }

  private reportUnreachable(error: unknown, consequence: string): void {
    this.unreachable = true;
    this.setProblem(`The review server does not answer: ${messageOf(error)}. ${consequence}`);
  }

  /** Return false for the state of another run: no answer can be about this page's pictures any more. */
  private receive(state: NamedState): boolean {
    if (state.run !== this.run.id) {
      this.setProblem(OTHER_RUN);
      return false;
    }
    // Answers may overtake each other.
    if (this.state && state.version < this.state.version) return true;
    this.state = state;
    for (const key of this.skipped.keys()) if (this.decided(key)) this.skipped.delete(key);
    for (const key of this.ownVersions.keys()) if (!this.decided(key)) this.ownVersions.delete(key);
    this.changed();
    return true;
  }
}
