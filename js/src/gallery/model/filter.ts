/** The choice of results that are listed. */

import type { Result, Verdict } from "../run";
import { environment, MARKS, variant, type Mark } from "./results";

export interface Filter {
  verdicts: ReadonlySet<Verdict>;
  marks: ReadonlySet<Mark>;
  notebook: string;
  environment: string;
  variant: string;
  /** `open` stands for results without a decision. */
  decision: "" | "open" | "accept" | "reject" | "skip";
  text: string;
}

export const ALL: Filter = {
  verdicts: new Set(), marks: new Set(), notebook: "", environment: "", variant: "", decision: "", text: "",
};

/** True for a filter that may leave anything out. */
export const narrows = ({ verdicts, marks, ...texts }: Filter): boolean => verdicts.size + marks.size > 0 || Object.values(texts).some(Boolean);

/** Every word of the filter's text occurs somewhere in what names or explains the result. */
export function passes(result: Result, filter: Filter, decision: string | undefined): boolean {
  if (filter.verdicts.size && !filter.verdicts.has(result.verdict)) return false;
  if (filter.marks.size && ![...filter.marks].some((mark) => MARKS[mark].has(result))) return false;
  if (filter.notebook && result.notebook !== filter.notebook) return false;
  if (filter.environment && environment(result) !== filter.environment) return false;
  if (filter.variant && variant(result) !== filter.variant) return false;
  if (filter.decision && (decision ?? "open") !== filter.decision) return false;
  const text = [result.name, result.key, result.sentence, result.error?.message, result.quarantine?.reason].join(" ").toLowerCase();
  return filter.text.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

/** A set with one more or, where it was in, one less. */
export function toggled<T>(set: ReadonlySet<T>, one: T): Set<T> {
  const changed = new Set(set);
  if (!changed.delete(one)) changed.add(one);
  return changed;
}
