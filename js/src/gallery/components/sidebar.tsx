import type { RefObject } from "preact";

import type { Decisions } from "../decisions/decisions";
import type { DecisionActions } from "../hooks/use-decision-actions";
import type { FrontEnds } from "../hooks/use-front-ends";
import type { List } from "../hooks/use-list";
import type { Address } from "../model/address";
import { ALL } from "../model/filter";
import type { Overview } from "../model/overview";
import { count } from "../model/text";
import { Filters } from "./filters";
import { FrontEndList, ViewSwitch } from "./front-ends";
import { Icon } from "./icon";
import { ResultList } from "./result-list";

interface Props {
  overview: Overview;
  decisions: Decisions;
  address: Address;
  onNavigate: (part: Partial<Address>) => void;
  list: List;
  actions: DecisionActions;
  search: RefObject<HTMLInputElement | null>;
  /** True while it is open on a screen too narrow to show it always. */
  open: boolean;
  onOpen: (open: boolean) => void;
  /** What differs between front ends, where that is looked at. */
  fronts: FrontEnds | null;
}

/** The list, its filters, and the buttons that decide on all of it. */
export function Sidebar({ overview, decisions, address, onNavigate, list, actions, search, open, onOpen, fronts }: Props) {
  const total = overview.run.tests.length;
  const { shown } = list;
  const { comparisons } = overview.run;
  const pick = (view: Address["view"]) => onNavigate({ view });
  if (comparisons && fronts) {
    return (
      <>
        <button type="button" class="drawer" aria-expanded={open} onClick={() => onOpen(!open)}>
          <Icon shape="fold" /> List <small>{count(comparisons.targets.length, "cell")}</small>
        </button>
        <aside class={`rail ${open ? "open" : ""}`} aria-label="Front ends and what differs">
          <ViewSwitch comparisons={comparisons} view="front-ends" onPick={pick} />
          <FrontEndList comparisons={comparisons} fronts={fronts} />
        </aside>
      </>
    );
  }
  return (
    <>
      <button type="button" class="drawer" aria-expanded={open} onClick={() => onOpen(!open)}>
        <Icon shape="fold" /> List and filters <small>{shown.length === total ? "" : `${shown.length} of `}{count(total, "result")}</small>
      </button>
      <aside class={`rail ${open ? "open" : ""}`} aria-label="Results and filters">
        {comparisons && <ViewSwitch comparisons={comparisons} view="results" onPick={pick} />}
        <Filters overview={overview} filter={address.filter} sort={address.sort} shown={shown.length} search={search}
          onFilter={(filter) => onNavigate({ filter })} onSort={(sort) => onNavigate({ sort })} />
        {list.open.length > 1 && (
          <div class="bulk" role="group" aria-label="All that is listed and undecided">
            <span>{list.open.length.toLocaleString("en")} undecided</span>
            <button type="button" onClick={() => actions.confirm(list.open, "accept", "All that is listed and can be accepted.")}>Accept all</button>
            <button type="button" onClick={() => actions.confirm(list.open, "reject", "All that is listed.")}>Reject all</button>
          </div>
        )}
        <ResultList run={overview.run} list={list} decisions={decisions} />
        {shown.length === 0 && total > 0 && (
          <p class="empty">Nothing fits this filter. <button type="button" onClick={() => onNavigate({ filter: ALL })}>Show all</button></p>
        )}
      </aside>
    </>
  );
}
