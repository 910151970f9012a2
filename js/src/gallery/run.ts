/**
 * The run as this page has it: what run.json says (docs/reference/run.schema.json), and which pictures the page carries.
 * All that is known of the run folder's form comes from here.
 */

import type * as recorded from "./generated/run";

export type { Rectangle as Box, RowBand as Band, Status, Stretch, Verdict } from "./generated/run";

/** The most urgent first. */
export const VERDICTS = ["changed", "resized", "new", "unstable", "broken", "match"] as const satisfies readonly recorded.Verdict[];

export type Fingerprint = recorded.Entry["fingerprint"];

export interface Picture extends recorded.Picture {
  /** The reason why the file's bytes are not in this page; null when they are. */
  absent: string | null;
}

/** The result of one target. Only those pictures are there that the page may show. */
export interface Result extends Omit<recorded.Entry, "pictures"> {
  pictures: Partial<Record<keyof recorded.Pictures, Picture>>;
}

export interface Run extends Omit<recorded.Run, "tests"> {
  tests: Result[];
}
