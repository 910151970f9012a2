/** The reader's choice of what is shown: kept in the address of the page, so that a reload or a link shows the same. */

import { VERDICTS, type Verdict } from "../run";
import { ALL, type Filter } from "./filter";
import { SORTS, type Sort } from "./listing";
import { MARKS, type Mark } from "./results";
import { MODES, ZOOMS, type Mode } from "./view";

export interface Address {
  filter: Filter;
  sort: Sort;
  mode: Mode;
  zoom: number;
  /** Key of the result that is shown. */
  at: string;
  view: "results" | "front-ends";
  /** Name of the target whose two front ends are shown. */
  compared: string;
}

const TEXTS = ["notebook", "environment", "variant"] as const;
const DECISIONS = ["open", "accept", "reject", "skip"] as const;

const known = <T extends string>(words: string | null, valid: readonly T[]): T[] =>
  (words ?? "").split(",").filter((word): word is T => (valid as readonly string[]).includes(word));

/** Reads an address that anybody may have written: what it can't mean is left out. */
export function parse(hash: string): Address {
  const params = new URLSearchParams(hash.replace(/^#/, ""));
  const zoom = Number(params.get("zoom") ?? 0);
  const filter: Filter = {
    ...ALL,
    verdicts: new Set(known<Verdict>(params.get("verdict"), VERDICTS)),
    marks: new Set(known<Mark>(params.get("mark"), Object.keys(MARKS) as Mark[])),
    decision: known(params.get("decision"), DECISIONS)[0] ?? "",
    text: params.get("text") ?? "",
  };
  for (const name of TEXTS) filter[name] = params.get(name) ?? "";
  return {
    filter,
    sort: known(params.get("sort"), Object.keys(SORTS) as Sort[])[0] ?? "urgency",
    mode: known(params.get("mode"), Object.keys(MODES) as Mode[])[0] ?? "side",
    zoom: (ZOOMS as readonly number[]).includes(zoom) ? zoom : 0,
    at: params.get("at") ?? "",
    view: params.get("view") === "front-ends" ? "front-ends" : "results",
    compared: params.get("compared") ?? "",
  };
}

export function format({ filter, sort, mode, zoom, at, view, compared }: Address): string {
  const params = new URLSearchParams();
  const set = (name: string, value: string) => value && params.set(name, value);
  set("verdict", [...filter.verdicts].join());
  set("mark", [...filter.marks].join());
  for (const name of TEXTS) set(name, filter[name]);
  set("decision", filter.decision);
  set("text", filter.text);
  set("sort", sort === "urgency" ? "" : sort);
  set("mode", mode === "side" ? "" : mode);
  set("zoom", zoom ? String(zoom) : "");
  set("at", at);
  set("view", view === "results" ? "" : view);
  set("compared", compared);
  return `#${params.toString()}`;
}
