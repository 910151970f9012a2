import type { RefObject } from "preact";

import type { Decisions } from "../decisions/decisions";
import type { Deciding } from "../hooks/use-deciding";
import type { List } from "../hooks/use-list";
import type { Place } from "../model/address";
import { ALL } from "../model/filter";
import type { Overview } from "../model/overview";
import { count } from "../model/text";
import { Filters } from "./filters";
import { Icon } from "./icon";
import { ResultList } from "./list";

interface Props {
  of: Overview;
  decisions: Decisions;
  place: Place;
  onPlace: (part: Partial<Place>) => void;
  list: List;
  deciding: Deciding;
  search: RefObject<HTMLInputElement | null>;
  /** Whether it is open where the screen is too narrow to show it always. */
  open: boolean;
  onOpen: (open: boolean) => void;
}

/** The list, what narrows it, and what decides all of it. */
export function Rail({ of, decisions, place, onPlace, list, deciding, search, open, onOpen }: Props) {
  const total = of.run.tests.length;
  const { shown } = list;
  return (
    <>
      <button type="button" class="drawer" aria-expanded={open} onClick={() => onOpen(!open)}>
        <Icon shape="fold" /> List and filters <small>{shown.length === total ? "" : `${shown.length} of `}{count(total, "result")}</small>
      </button>
      <aside class={`rail ${open ? "open" : ""}`} aria-label="Results and filters">
        <Filters of={of} filter={place.filter} sort={place.sort} shown={shown.length} search={search}
          onFilter={(filter) => onPlace({ filter })} onSort={(sort) => onPlace({ sort })} />
        {list.open.length > 1 && (
          <div class="bulk" role="group" aria-label="All that is listed and undecided">
            <span>{list.open.length.toLocaleString("en")} undecided</span>
            <button type="button" onClick={() => deciding.ask(list.open, "accept", "All that is listed and can be accepted.")}>Accept all</button>
            <button type="button" onClick={() => deciding.ask(list.open, "reject", "All that is listed.")}>Reject all</button>
          </div>
        )}
        <ResultList run={of.run} list={list} decisions={decisions} />
        {shown.length === 0 && total > 0 && (
          <p class="empty">Nothing fits this filter. <button type="button" onClick={() => onPlace({ filter: ALL })}>Show all</button></p>
        )}
      </aside>
    </>
  );
}
