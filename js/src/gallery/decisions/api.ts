/** Requests to a review server, see docs/reference/review-api.md. */

import type { NamedState, RefusalAnswer } from "../generated/review-refusal";
import type { ReviewRequest } from "../generated/review-request";

/** The place where a server takes decisions. */
export interface Live {
  /** Address of the server's API. */
  api: string;
  /** Name of the run folder in it. */
  run: string;
}

export interface Answer {
  state: NamedState | null;
  /** The reason why nothing was done; empty where all was. */
  refusal: string;
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export class ReviewApi {
  private readonly address: string;

  constructor({ api, run }: Live) {
    this.address = `${api}?run=${encodeURIComponent(run)}`;
  }

  /** The state as soon as its version is another than `since`; without it, at once. Rejects where there is no answer. */
  async state(since?: number): Promise<NamedState> {
    const answer = await fetch(since === undefined ? this.address : `${this.address}&since=${since}`);
    if (!answer.ok) throw new Error(`the server says ${answer.status} ${answer.statusText}`);
    return (await answer.json()) as NamedState;
  }

  /** Ask for decisions, or for decisions to be taken back. Rejects where there is no answer. */
  async post(request: ReviewRequest): Promise<Answer> {
    const answer = await fetch(this.address, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-XSRFToken": /(?:^|; )_xsrf=([^;]*)/.exec(document.cookie)?.[1] ?? "" },
      body: JSON.stringify(request),
    });
    if (answer.ok) return { state: (await answer.json()) as NamedState, refusal: "" };
    // A proxy between has other forms of refusing.
    const { error, state } = (await answer.json()) as Partial<RefusalAnswer>;
    const { what, where, next_step } = error ?? { what: answer.statusText, where: "", next_step: "" };
    return { state: state ?? null, refusal: `${where ? `${where}: ` : ""}${what}${next_step ? `. Next: ${next_step}` : ""}` };
  }
}
