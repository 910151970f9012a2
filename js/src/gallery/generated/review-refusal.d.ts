// Made from docs/reference/review-refusal.schema.json by `npm run types`: don't edit.

/**
 * The answer of the API where it did nothing.
 */
export interface RefusalAnswer {
  error: Refusal;
  /**
   * What is decided now; null where there is no run.
   */
  state: NamedState | null;
}
/**
 * The reason why the API did nothing.
 */
export interface Refusal {
  what: string;
  where: string;
  next_step: string;
}
/**
 * The state, as the API answers it.
 */
export interface NamedState {
  format: 1;
  /**
   * `id` of the run; another one is another review.
   */
  run: string;
  /**
   * How many times something was asked for and done.
   */
  version: number;
  /**
   * By the key of the result.
   */
  decisions: {
    [k: string]: TakenDecision;
  };
  /**
   * Default name for this server's user.
   */
  reviewer: string;
}
/**
 * A decision that holds.
 */
export interface TakenDecision {
  verdict: "accept" | "reject";
  comment: string;
  reviewer: string;
  time: string;
  /**
   * Of the state with which it came.
   */
  version: number;
  /**
   * Whether accepting it has written the baseline.
   */
  written: boolean;
}
