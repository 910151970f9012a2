/** Questions about one result. */

import type { Box, Picture, Result, Run, Stretch } from "../run";
import { count, sum } from "./text";

/** Keys begin with the environment that the picture was taken in. */
export const environment = ({ key }: Result): string => key.slice(0, key.indexOf("/"));
/** The name of a variant that has none of its own. */
export const PLAIN = "plain";
export const variant = (result: Result): string => result.variant || PLAIN;

/** Only these may become a baseline, in quarantine or not; the same rule as `Verdict.acceptable` and `candidate` in Python. */
export const acceptable = (result: Result): boolean =>
  !result.updated && result.refused === null && (result.verdict === "changed" || result.verdict === "resized" || result.verdict === "new");

/** Marks that a result may have besides its verdict; each can be filtered for. */
export const MARKS = {
  quarantined: { label: "quarantined", has: (result: Result): boolean => result.status === "quarantined" },
  flaky: { label: "flaky lately", has: (result: Result): boolean => result.verdict === "match" && result.flaky },
};
export type Mark = keyof typeof MARKS;

/** The name of a result in two parts: where it is, and what it is called. */
export function nameParts({ name }: Result): [path: string, shot: string] {
  const cut = name.lastIndexOf("::");
  return cut < 0 ? ["", name] : [name.slice(0, cut), name.slice(cut + 2)];
}

/** The number of pixels that differ; 0 where nothing was compared. */
export const changedPixels = ({ metrics }: Result): number => metrics.changed_pixels ?? 0;

/** The name that results have in common which changed in the same way; null for one that is decided for itself. */
export function changeGroup(result: Result): string | null {
  if (!acceptable(result)) return null;
  // A new picture has nothing to have changed from: those that look the same are alike.
  const common = result.verdict === "new" ? (result.pictures.shot?.sha256 ?? null) : result.metrics.change_group;
  return common && `${result.verdict} ${environment(result)} ${common}`;
}

/** True once the day has passed until which a failure was allowed. The run's own day counts, not the reader's. */
export const ended = ({ status, quarantine }: Result, { started }: Run): boolean =>
  status !== "quarantined" && !!quarantine && quarantine.until < started.slice(0, 10);

/** True where `shot`, `second` and `diff` show the first two distinct pictures of a repeated run. */
export const varied = ({ verdict, repeat }: Result): boolean =>
  // With a failed run among them, that run's pictures are shown.
  verdict === "unstable" && !!repeat && repeat.distinct > 1 && sum(repeat.counts) === repeat.runs;

/** The number of different pictures under `--repeat`, in words. */
export function steadiness({ repeat }: Result): string | null {
  if (!repeat || !repeat.distinct) return null;
  const taken = sum(repeat.counts);
  const runs = taken === repeat.runs ? count(taken, "run") : `${taken} of ${count(repeat.runs, "run")}`;
  if (repeat.distinct === 1) return `the same picture in ${runs}`;
  return `${repeat.distinct} different pictures in ${runs} (${repeat.counts.join(" + ")})`;
}

/** Stretches of one verdict, the oldest first. The run begins another one where only the baseline is another. */
export function stretches({ history }: Result): Stretch[] {
  const merged: Stretch[] = [];
  for (const [verdict, count, first, last] of history) {
    const before = merged.at(-1);
    if (before?.[0] === verdict) merged.splice(-1, 1, [verdict, before[1] + count, before[2], last]);
    else merged.push([verdict, count, first, last]);
  }
  return merged;
}

/** The part of a picture that boxes cover, in per cent; more than it is where they overlap. */
export function maskedShare(boxes: readonly Box[], { width, height }: Pick<Picture, "width" | "height">): string {
  const share = Math.min(1, sum(boxes.map(([, , w, h]) => w * h)) / (width * height));
  return `${(share * 100).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`;
}
