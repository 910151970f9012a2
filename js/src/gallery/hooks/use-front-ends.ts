import { useMemo, useState } from "preact/hooks";

import type { Address } from "../model/address";
import { comparedOf, frontEndGroups, type Compared, type FrontEndGroup } from "../model/front-ends";
import type { ComparedTarget, Run } from "../run";

/** The front ends' part of the page, as the reader chose to see it, with the actions that move in it. */
export interface FrontEnds {
  groups: (FrontEndGroup & { folded: boolean })[];
  /** The listed targets, in the order in which the keys j and k step through them. */
  sequence: ComparedTarget[];
  current: Compared | null;
  position: number;
  show: (target: ComparedTarget | undefined) => void;
  step: (by: 1 | -1) => void;
  toggle: (group: FrontEndGroup) => void;
}

/** @returns null where no front ends were compared, or something else is looked at */
export function useFrontEnds(run: Run, { view, compared }: Address, onShow: (name: string) => void): FrontEnds | null {
  const [folds, setFolds] = useState<Record<string, boolean>>({});
  const { comparisons } = run;
  const groups = useMemo(
    () => (comparisons ? frontEndGroups(comparisons) : []).map((group) => ({ ...group, folded: folds[group.id] ?? !group.open })),
    [comparisons, folds],
  );
  const sequence = groups.flatMap(({ folded, targets }) => (folded ? [] : targets));
  const shown = comparisons?.targets.find(({ name }) => name === compared) ?? sequence[0] ?? comparisons?.targets[0];
  const current = useMemo(() => (shown ? comparedOf(shown, run) : null), [shown, run]);
  if (!comparisons || view !== "front-ends") return null;

  const position = shown ? sequence.indexOf(shown) : -1;
  function show(target: ComparedTarget | undefined) {
    if (!target) return;
    onShow(target.name);
    document.querySelector(".desk")?.scrollTo({ top: 0 });
  }
  return {
    groups,
    sequence,
    current,
    position,
    show,
    step: (by) => show(sequence[position < 0 ? 0 : Math.max(0, Math.min(sequence.length - 1, position + by))]),
    toggle: ({ id }) => setFolds((old) => ({ ...old, [id]: !groups.find((group) => group.id === id)!.folded })),
  };
}
