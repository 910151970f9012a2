import { useEffect, useMemo, useState } from "preact/hooks";

import { warm } from "../blobs";
import type { Decisions } from "../decisions/decisions";
import { toggled } from "../model/filter";
import { leader, listing, sorted, type Folds, type Listing, type Section } from "../model/listing";
import type { Place } from "../model/address";
import type { Result, Run } from "../run";

export interface List extends Listing {
  unfolded: ReadonlySet<string>;
  /** Shows a result, and unfolds the group that it is in. */
  show: (result: Result | undefined) => void;
  /** Shows the next or the previous one. */
  step: (by: 1 | -1) => void;
  unfold: (first: Result) => void;
  toggleGroup: (first: Result) => void;
  toggleSection: (section: Section) => void;
}

/** The list as the reader chose to see it, and how they move in it. */
export function useList(run: Run, place: Place, decisions: Decisions, onShow: (key: string) => void): List {
  const [folds, setFolds] = useState<Folds>({ sections: {}, groups: new Set() });
  const order = useMemo(() => sorted(run.tests, place.sort), [run, place.sort]);
  const list = listing({ order, filter: place.filter, folds, at: place.at, decision: (key) => decisions.get(key) });
  const ahead = list.walk[list.place + 1];
  useEffect(() => {
    const idle = requestIdleCallback(() => warm(ahead));
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
    const last = list.walk.length - 1;
    const next = list.place < 0 ? (by > 0 ? 0 : last) : Math.max(0, Math.min(last, list.place + by));
    show(list.walk[next]);
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
