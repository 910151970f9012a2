import type { RefObject } from "preact";

import { toggled, type Filter } from "../model/filter";
import { SORTS, type Sort } from "../model/listing";
import type { SelectOptions, Overview } from "../model/overview";
import { MARKS } from "../model/results";
import { VERDICTS } from "../run";
import { Icon } from "./icon";

/** A choice of one value, or of all. */
function Select({ label, value, options, onPick }: { label: string; value: string; options: SelectOptions; onPick: (value: string) => void }) {
  return (
    <select aria-label={label} value={value} onChange={(event) => onPick(event.currentTarget.value)} class={value ? "set" : ""}>
      <option value="">{label}</option>
      {options.map(([value, text]) => <option value={value}>{text}</option>)}
    </select>
  );
}

interface Props {
  overview: Overview;
  filter: Filter;
  sort: Sort;
  /** The number of results that pass the filter. */
  shown: number;
  onFilter: (filter: Filter) => void;
  onSort: (sort: Sort) => void;
  search: RefObject<HTMLInputElement | null>;
}

function Chips({ overview, filter, onChange }: { overview: Overview; filter: Filter; onChange: (part: Partial<Filter>) => void }) {
  const results = overview.run.tests;
  return (
    <div class="chips" role="group" aria-label="Show only">
      {VERDICTS.map((verdict) => {
        const n = results.filter((result) => result.verdict === verdict).length;
        return (
          <button type="button" class="chip" data-verdict={verdict} disabled={n === 0} aria-pressed={filter.verdicts.has(verdict)}
            onClick={() => onChange({ verdicts: toggled(filter.verdicts, verdict) })}>
            <Icon shape={verdict} /> {verdict} <b>{n.toLocaleString("en")}</b>
          </button>
        );
      })}
      {overview.marks.map((mark) => (
        <button type="button" class="chip mark" aria-pressed={filter.marks.has(mark)}
          onClick={() => onChange({ marks: toggled(filter.marks, mark) })}>
          <Icon shape={mark} /> {MARKS[mark].label} <b>{results.filter(MARKS[mark].has).length}</b>
        </button>
      ))}
    </div>
  );
}

export function Filters({ overview, filter, sort, shown, onFilter, onSort, search }: Props) {
  const change = (part: Partial<Filter>) => onFilter({ ...filter, ...part });
  return (
    <section class="filters" aria-label="Filter">
      <Chips overview={overview} filter={filter} onChange={change} />
      <input ref={search} type="search" placeholder="Search  /" aria-label="Search names and sentences" value={filter.text}
        onInput={(event) => change({ text: event.currentTarget.value })}
        onKeyDown={(event) => event.key === "Escape" && event.currentTarget.blur()} />
      <div class="choices">
        {overview.notebooks.length > 1 && <Select label="All notebooks" value={filter.notebook} options={overview.notebooks} onPick={(notebook) => change({ notebook })} />}
        {overview.environments.length > 1 && <Select label="All environments" value={filter.environment} options={overview.environments} onPick={(environment) => change({ environment })} />}
        {overview.variants.length > 1 && <Select label="All variants" value={filter.variant} options={overview.variants} onPick={(variant) => change({ variant })} />}
        {overview.failed.length > 0 && (
          <Select label="Decided or not" value={filter.decision} onPick={(word) => change({ decision: word as Filter["decision"] })}
            options={[["open", "Not decided"], ["accept", "Accepted"], ["reject", "Rejected"], ["skip", "Skipped"]]} />
        )}
        <select aria-label="Sort" value={sort} onChange={(event) => onSort(event.currentTarget.value as Sort)}>
          {Object.entries(SORTS).map(([value, text]) => <option value={value}>{text}</option>)}
        </select>
      </div>
      <p class="hidden" role="status">Showing {shown} of {overview.run.tests.length}</p>
    </section>
  );
}
