// Made from docs/reference/trace.schema.json by `npm run types`: don't edit.

/**
 * What happened on a page until a result was known; the last of it where there was much.
 */
export interface TraceFile {
  format: 1;
  /**
   * Between the opening of the page and the end of the trace.
   */
  duration: number;
  /**
   * That were executed, named by their ids.
   */
  cells: Span[];
  /**
   * Of the capture: load, execute, settle, capture.
   */
  stages: Span[];
  /**
   * Of all targets of the notebook so far.
   */
  steps: Span[];
  /**
   * Of all targets of the notebook so far.
   */
  shots: Span[];
  /**
   * Of the page, named by method and address.
   */
  requests: Span[];
  /**
   * Errors of the page.
   */
  console: Moment[];
  /**
   * The last between page and kernel, named by channel and type, with the begin of their content.
   */
  messages: Moment[];
  /**
   * Number of all messages by channel and type.
   */
  counts: {
    [k: string]: number;
  };
}
/**
 * Something that took its time.
 */
export interface Span {
  name: string;
  /**
   * Since the page was opened.
   */
  begin: number;
  /**
   * Null if it had not ended.
   */
  duration: number | null;
  /**
   * How it ended; empty where there is only one way.
   */
  status: string;
}
/**
 * Something that happened at once.
 */
export interface Moment {
  name: string;
  /**
   * Since the page was opened.
   */
  at: number;
  text: string;
}
