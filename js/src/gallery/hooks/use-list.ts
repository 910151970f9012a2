import { useEffect, useMemo, useState } from "preact/hooks";

import { preload } from "../embedded-pictures";
import type { Decisions } from "../decisions/decisions";
import { toggled } from "../model/filter";
import { leader, listing, sorted, type Folds, type Listing, type Section } from "../model/listing";
import type { Address } from "../model/address";
import type { Result, Run } from "../run";

export interface List extends Listing {
  unfolded: ReadonlySet<string>;
  /** Show a result, and unfold the group that it is in. */
  show: (result: Result | undefined) => void;
  /** Show the next or the previous one. */
  step: (by: 1 | -1) => void;
  unfold: (first: Result) => void;
  toggleGroup: (first: Result) => void;
  toggleSection: (section: Section) => void;
}

/** The list as the reader chose to see it, with the actions that move in it. */
export function useList(run: Run, address: Address, decisions: Decisions, onShow: (key: string) => void): List {
  const [folds, setFolds] = useState<Folds>({ sections: {}, groups: new Set() });
  const order = useMemo(() => sorted(run.tests, address.sort), [run, address.sort]);
  const list = listing({ order, filter: address.filter, folds, at: address.at, decision: (key) => decisions.get(key) });
  const ahead = list.sequence[list.position + 1];
  useEffect(() => {
    const idle = requestIdleCallback(() => preload(ahead));
    return () => cancelIdleCallback(idle);
  }, [ahead]);

  const unfold = ({ key }: Result) => setFolds((old) => ({ ...old, groups: new Set(old.groups).add(key) }));
  function show(result: Result | undefined) {
    if (!result) return;
    onShow(result.key);
    const first = leader(list, result);
    if (first && first !== result) unfold(first);
    document.querySelector(".desk")?.scrollTo({ top: 0 });
  }
  function step(by: 1 | -1) {
    const last = list.sequence.length - 1;
    const next = list.position < 0 ? (by > 0 ? 0 : last) : Math.max(0, Math.min(last, list.position + by));
    show(list.sequence[next]);
  }
  return {
    ...list,
    unfolded: folds.groups,
    show,
    step,
    unfold,
    toggleGroup: ({ key }) => setFolds((old) => ({ ...old, groups: toggled(old.groups, key) })),
    toggleSection: ({ id, open }) => setFolds((old) => ({ ...old, sections: { ...old.sections, [id]: !open } })),
  };
}
