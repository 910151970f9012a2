// Made from docs/reference/decisions.schema.json by `npm run types`: don't edit.

/**
 * The decisions of a reviewer in the gallery of one run.
 */
export interface DecisionsFile {
  /**
   * `id` of the run; a merged run has its own.
   */
  run: string;
  /**
   * `commit` of the run.
   */
  commit: string | null;
  /**
   * Who decided, in words; it proves nothing.
   */
  reviewer: string;
  format: 1;
  decisions: Decision[];
}
/**
 * Accept or reject of one result, bound to the pictures that were looked at.
 */
export interface Decision {
  /**
   * Of the result; only one decision for each.
   */
  key: string;
  verdict: "accept" | "reject";
  /**
   * Of the old picture's file; null where there was none.
   */
  baseline_sha256: string | null;
  /**
   * Of the new picture's file; null where there is none.
   */
  shot_sha256: string | null;
  /**
   * Of what the baseline's sidecar would say, masks included; null where it can't be accepted.
   */
  sidecar_sha256: string | null;
  comment: string;
  /**
   * ISO 8601.
   */
  time: string;
}
