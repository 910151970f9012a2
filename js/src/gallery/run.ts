/**
 * The run as this page has it: what run.json says (docs/reference/run.schema.json), and which pictures the page carries.
 * All that is known of the run folder's form comes from here.
 */

import type * as recorded from "./generated/run";
import type { TraceFile } from "./generated/trace";

export type { Moment, Span, TraceFile } from "./generated/trace";
export type { Rectangle as Box, RowBand as Band, Status, Stretch, Verdict } from "./generated/run";

/** The most urgent first. */
export const VERDICTS = ["changed", "resized", "new", "unstable", "broken", "match"] as const satisfies readonly recorded.Verdict[];

export type Fingerprint = recorded.Entry["fingerprint"];

export interface Picture extends recorded.Picture {
  /** The reason why the file's bytes are not in this page; null when they are. */
  absent: string | null;
  /** Of a shot that can be approved: the digest of what its baseline's sidecar would say. */
  sidecar_sha256: string | null;
}

export interface Trace extends recorded.EntryTrace {
  /** Null where it is not in this page. */
  content: TraceFile | null;
  /** The reason why it is not; null when it is. */
  absent: string | null;
}

/** The result of one target. Only those pictures are there that the page may show. */
export interface Result extends Omit<recorded.Entry, "pictures" | "trace"> {
  pictures: Partial<Record<keyof recorded.Pictures, Picture>>;
  trace: Trace | null;
  /** The reason why it can't be accepted although its verdict allows it: a file that is gone, or is not what it was. */
  refused: string | null;
}

/** A target that was drawn in two front ends. */
export interface ComparedTarget extends Omit<recorded.ComparedTarget, "diff"> {
  diff: Picture | null;
}

export interface Comparisons extends Omit<recorded.FrontEndComparisons, "targets"> {
  targets: ComparedTarget[];
}

export interface Run extends Omit<recorded.Run, "tests" | "comparisons"> {
  tests: Result[];
  /** Null where no front ends were compared. */
  comparisons: Comparisons | null;
}
