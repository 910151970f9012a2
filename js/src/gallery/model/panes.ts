/** The choice of pictures that are shown beside or over each other. */

import type { Picture, Result } from "../run";
import { varied } from "./results";
import { count } from "./text";
import type { Mode } from "./view";

/**
 * `before` and `after` are the two that were compared; the diff picture stands in the place of the latter. `seen` shows
 * what was there, in no place that masks and regions know.
 */
export type Role = "before" | "after" | "diff" | "aside" | "seen";

export interface Pane {
  label: string;
  picture: Picture;
  role: Role;
  /** Where it stands on a canvas that pictures of front ends are lined up on; nowhere else but at the corner. */
  at?: readonly [right: number, down: number];
}

export interface Panes {
  all: Pane[];
  pair: Pane[];
}

/** Pictures to put beside each other, and the two to lay over each other. */
export function panes(result: Result): Panes {
  const { shot, baseline, diff, second, seen } = result.pictures;
  const pane = (label: string, picture: Picture | null | undefined, role: Role): Pane[] =>
    picture ? [{ label, picture, role }] : [];
  const there = pane("What was there", seen, "seen");
  if (result.verdict === "match") return { all: [...pane("Expected and actual", shot, "after"), ...there], pair: [] };
  if (varied(result)) {
    const { counts, runs } = result.repeat!;
    const pair = [
      ...pane(`First picture (${counts[0]} of ${count(runs, "run")})`, shot, "before"),
      ...pane(`Second picture (${counts[1]} of ${count(runs, "run")})`, second, "after"),
    ];
    return { all: [...pair, ...pane("Difference", diff, "diff"), ...pane("Expected", baseline, "aside"), ...there], pair };
  }
  const expected = pane("Expected", baseline, "before");
  const actual = pane(second ? "Actual, first picture" : "Actual", shot, "after");
  const again = pane("Actual, second picture", second, "after");
  const all = [...expected, ...actual, ...again, ...pane("Diff", diff, "diff"), ...there];
  // What never settled is judged against itself: the baseline is not the question there.
  return { all, pair: second ? [...actual, ...again] : [...expected, ...actual] };
}

/** The pictures of a result that are on the screen. */
export interface PaneSelection {
  /** The reader's choice, where the result has what it takes. */
  mode: Mode;
  all: Pane[];
  pair: Pane[];
  shown: Pane[];
  /** Those whose colours the inspector shows. */
  compared: Pane[];
}

export function selectPanes(result: Result, wanted: Mode, { all, pair }: Panes = panes(result)): PaneSelection {
  const overlay = pair.length === 2 && pair.every(({ picture }) => picture.absent === null);
  const diff = all.filter(({ role }) => role === "diff");
  const actual = all.filter(({ role }) => role === "after").slice(0, 1);
  const single = { diff, actual: actual.length ? actual : all.slice(0, 1) };
  const alone = wanted === "diff" || wanted === "actual";
  const mode: Mode = alone ? (single[wanted].length ? wanted : "side") : overlay ? wanted : "side";
  const shown = mode === "side" ? all : mode === "diff" || mode === "actual" ? single[mode] : pair;
  return { mode, all, pair, shown, compared: pair.length ? pair : actual };
}
