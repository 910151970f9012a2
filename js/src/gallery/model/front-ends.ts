/** What differs between two front ends: groups of targets, and the pictures of one. Nothing of it is a decision. */

import type { Box, ComparedTarget, Comparisons, Result, Run } from "../run";
import type { Pane, Panes, Role } from "./panes";
import { count } from "./text";

export interface FrontEndGroup {
  id: string;
  title: string;
  note?: string;
  targets: ComparedTarget[];
  /** Whether it is unfolded unless somebody folds it. */
  open: boolean;
}

/** The targets by what differs, the largest group first; then what is declared, what was not compared, and what is the same. */
export function frontEndGroups({ targets }: Comparisons): FrontEndGroup[] {
  const kinds = new Map<string, ComparedTarget[]>();
  const of = (outcome: ComparedTarget["outcome"]) => targets.filter((target) => target.outcome === outcome);
  for (const target of of("differs")) {
    const { group } = target.differences[0]!;
    kinds.set(group, [...(kinds.get(group) ?? []), target]);
  }
  const differing = [...kinds].sort(([, a], [, b]) => b.length - a.length);
  const groups: FrontEndGroup[] = [
    ...differing.map(([title, members]) => ({ id: `kind ${title}`, title, targets: members, open: true })),
    { id: "declared", title: "Differ as declared", note: "Known, with a reason in the notebook.", targets: of("declared"), open: false },
    { id: "not-compared", title: "Not compared", targets: of("not-compared"), open: true },
    { id: "same", title: "The same", targets: of("same"), open: !differing.length },
  ];
  return groups.filter((group) => group.targets.length);
}

/** The outcome in one sentence. */
export function frontEndsHeadline({ frontends, targets }: Comparisons): string {
  const between = frontends.join(" and ");
  if (!targets.length) return `Nothing was drawn in both ${between}`;
  const differing = targets.filter(({ outcome }) => outcome === "differs").length;
  return `${differing} of ${count(targets.length, "cell")} ${differing === 1 ? "differs" : "differ"} between ${between}`;
}

/** A target as its pictures are shown: in the form of a result, of which nobody decides anything. */
export interface Compared {
  target: ComparedTarget;
  result: Result;
  panes: Panes;
}

export function comparedOf(target: ComparedTarget, { tests }: Pick<Run, "tests">): Compared | null {
  const [first, second] = target.results.map(({ key }) => tests.find((test) => test.key === key));
  const [one, other] = target.results;
  if (!first || !second) return null;
  const pane = (label: string, picture: Pane["picture"] | null | undefined, role: Role, at: Pane["at"] = [0, 0]): Pane[] =>
    picture ? [{ label, picture, role, at }] : [];
  const pair = [
    ...pane(one.frontend, first.pictures.shot, "before", one.place),
    ...pane(other.frontend, second.pictures.shot, "after", other.place),
  ];
  const panes: Panes =
    target.outcome === "same"
      ? { all: pane(`${one.frontend} and ${other.frontend}`, second.pictures.shot, "after"), pair: [] }
      : { all: [...pair, ...pane("Diff", target.diff, "diff")], pair: target.outcome === "not-compared" ? [] : pair };
  const [right, down] = other.place;
  const moved = ([x, y, width, height]: Box): Box => [x + right, y + down, width, height];
  return {
    target,
    panes,
    result: {
      ...second,
      key: `${one.key} ${other.key}`,
      name: target.name,
      sentence: target.sentence,
      masks: second.masks.map((mask) => ({ ...mask, boxes: mask.boxes.map(moved) })),
      metrics: { ...second.metrics, regions: target.regions, bands: target.bands },
    },
  };
}
