// Made from docs/reference/review-request.schema.json by `npm run types`: don't edit.

/**
 * Decisions, or decisions that are taken back: one of the two. All of it is done, or nothing.
 */
export interface ReviewRequest {
  decisions?: DecisionRequest[];
  undo?: UndoRequest[];
}
/**
 * The decision of a reviewer on one result, bound to what was seen.
 */
export interface DecisionRequest {
  /**
   * Of the result.
   */
  key: string;
  verdict: "accept" | "reject";
  /**
   * Of the new picture's file; null where there is none.
   */
  shot_sha256: string | null;
  /**
   * Of the old picture's file; null where there was none.
   */
  baseline_sha256: string | null;
  /**
   * Of what the baseline's sidecar would say, masks included; null where it can't be accepted.
   */
  sidecar_sha256: string | null;
  /**
   * Version of the decision on this key that the reviewer knew of; 0 for none.
   */
  seen: number;
  comment?: string;
  reviewer?: string;
}
/**
 * A decision on a result that is to be taken back.
 */
export interface UndoRequest {
  /**
   * Of the result.
   */
  key: string;
  /**
   * Version of the decision on this key that the reviewer knew of; 0 for none.
   */
  seen: number;
}
