/** Facts of a run that stay the same as long as its page is open. */

import type { Result, Run } from "../run";
import { environment, MARKS, variant, type Mark } from "./results";
import { count, visible } from "./text";

/** Values to select from, with their names. */
export type SelectOptions = [value: string, label: string][];

export interface Overview {
  run: Run;
  failed: Result[];
  quarantined: number;
  /** The marks that any result has. */
  marks: Mark[];
  notebooks: SelectOptions;
  environments: SelectOptions;
  variants: SelectOptions;
}

export function overviewOf(run: Run): Overview {
  const results = run.tests;
  const distinct = (of: (result: Result) => string): SelectOptions =>
    [...new Set(results.map(of))].sort((a, b) => a.localeCompare(b, "en", { numeric: true })).map((name) => [name, visible(name)]);
  return {
    run,
    failed: results.filter((result) => result.status === "failed"),
    quarantined: results.filter(MARKS.quarantined.has).length,
    marks: (Object.keys(MARKS) as Mark[]).filter((mark) => results.some(MARKS[mark].has)),
    notebooks: distinct(({ notebook }) => notebook),
    environments: distinct(environment),
    variants: distinct(variant),
  };
}

/** The outcome of the run in one sentence. */
export function headline({ run: { tests }, failed: { length: n }, quarantined }: Overview): string {
  if (!tests.length) return "This run took no pictures";
  const known = quarantined ? `, ${quarantined} in quarantine` : "";
  if (!n) return `Nothing to decide: ${count(tests.length - quarantined, "picture")}${quarantined ? "" : ","} as approved${known}`;
  return `${n} of ${count(tests.length, "picture")} ${n === 1 ? "needs" : "need"} a decision${known}`;
}

/** The title of the page among others. */
export function title({ run, failed, quarantined }: Overview): string {
  const state = failed.length ? `${failed.length} to decide` : quarantined ? "Nothing to decide" : "All as approved";
  return `${state} · ${visible(run.project)}`;
}
