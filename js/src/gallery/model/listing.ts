/** The results as they stand in the list: sorted, in sections and groups, and the one that is shown. */

import type { Decision } from "../decisions/decisions";
import { VERDICTS, type Result, type Status } from "../run";
import { narrows, passes, type Filter } from "./filter";
import { changedPixels, changeGroup } from "./results";

export const SORTS = { urgency: "Most urgent first", name: "By name", time: "Slowest first" };
export type Sort = keyof typeof SORTS;

/** `urgency`: in the order of VERDICTS, the largest change first. Sorting is stable, so ties stay as declared. */
export function sorted(results: readonly Result[], by: Sort): Result[] {
  const order: Record<Sort, (a: Result, b: Result) => number> = {
    urgency: (a, b) => VERDICTS.indexOf(a.verdict) - VERDICTS.indexOf(b.verdict) || changedPixels(b) - changedPixels(a),
    name: (a, b) => a.name.localeCompare(b.name, "en", { numeric: true }),
    time: (a, b) => b.duration - a.duration,
  };
  return [...results].sort(order[by]);
}

/** Results as they are listed: those that changed in the same way stand together, where the first of them stands. */
export function grouped(results: readonly Result[]): Result[][] {
  const groups = new Map<string, Result[]>();
  for (const result of results) {
    const name = changeGroup(result) ?? result.key;
    groups.set(name, [...(groups.get(name) ?? []), result]);
  }
  return [...groups.values()];
}

/** True for a result on which nothing is left to say; a skipped one was only put off. */
export const settled = (decision: Decision | undefined): boolean => decision?.verdict === "accept" || decision?.verdict === "reject";

export interface Section {
  id: "decide" | "known" | "passed";
  title: string;
  note?: string;
  groups: Result[][];
  open: boolean;
}

/** The parts of the list that are folded or unfolded: by a section's name, and by the key of a group's first. */
export interface Folds {
  sections: Partial<Record<Section["id"], boolean>>;
  groups: ReadonlySet<string>;
}

export interface Listing {
  /** All that pass the filter. */
  shown: Result[];
  sections: Section[];
  /** The listed results in the order in which the keys j and k step through them. */
  sequence: Result[];
  /** The result that is shown, and its index in `sequence`; -1 where it is not listed. */
  current: Result | null;
  position: number;
  /** Those that changed in the same way as `current`, itself included. */
  group: Result[];
  /** Those of `shown` that nobody has decided. */
  open: Result[];
}

interface Asked {
  /** All results of the run, sorted. */
  order: readonly Result[];
  filter: Filter;
  folds: Folds;
  /** Key of the result that is shown; "" for the first. */
  at: string;
  decision: (key: string) => Decision | undefined;
}

export function listing({ order, filter, folds, at, decision }: Asked): Listing {
  const shown = order.filter((result) => passes(result, filter, decision(result.key)?.verdict));
  const asking = order.some(({ status }) => status !== "passed");
  const section = (id: Section["id"], title: string, status: Status, open: boolean): Section => ({
    id, title, groups: grouped(shown.filter((result) => result.status === status)), open: folds.sections[id] ?? open,
  });
  const sections = [
    section("decide", "To decide", "failed", true),
    { ...section("known", "In quarantine", "quarantined", true), note: "Known, and allowed to fail for now." },
    // Whoever filters wants to see what is left, folded or not.
    section("passed", "Passed", "passed", narrows(filter) || !asking),
  ];
  const groups = sections.flatMap((section) => section.groups);
  const members = (group: Result[]) => (group.length === 1 || folds.groups.has(group[0]!.key) ? group : group.slice(0, 1));
  const sequence = sections.flatMap((section) => (section.open ? section.groups.flatMap(members) : []));
  // What is shown stays, although a filter or a fold hides it from the list; without it, the first.
  const current = order.find(({ key }) => key === at) ?? sequence[0] ?? shown[0] ?? null;
  return {
    shown,
    sections,
    sequence,
    current,
    position: current ? sequence.indexOf(current) : -1,
    group: current ? (groups.find((group) => group.includes(current)) ?? [current]) : [],
    open: shown.filter((result) => result.status === "failed" && !settled(decision(result.key))),
  };
}

/** The first of the group that a result is listed in. */
export const leader = ({ sections }: Listing, result: Result): Result | undefined =>
  sections.flatMap(({ groups }) => groups).find((group) => group.includes(result))?.[0];

/** The next that nobody decided: behind those that are being decided, or else before them; at the very end what was skipped. */
export function following({ sections }: Listing, decided: readonly Result[], decision: Asked["decision"]): Result | undefined {
  const all = sections.flatMap(({ id, groups }) => (id === "decide" ? groups.flat() : []));
  const from = Math.max(...decided.map((result) => all.indexOf(result)));
  const round = [...all.slice(from + 1), ...all.slice(0, from + 1)].filter((result) => !decided.includes(result));
  return round.find(({ key }) => !decision(key)) ?? round.find(({ key }) => !settled(decision(key)));
}
