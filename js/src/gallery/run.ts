/** The run as `run.json` (format 1) describes it, and the few questions the gallery asks of it. */

export const VERDICTS = ["changed", "resized", "new", "unstable", "broken", "match"] as const;
export type Verdict = (typeof VERDICTS)[number];
export type Box = [x: number, y: number, width: number, height: number];
export type Facts = Record<string, unknown>;

/** Rows that one picture has and the other lacks: they begin at `y` of the one, and are missing at `at` of the other. */
export interface Band {
  inserted: boolean;
  y: number;
  at: number;
  height: number;
}

export type Stretch = [verdict: Verdict, count: number, first: string, last: string];

export interface Picture {
  sha256: string;
  width: number;
  height: number;
  /** Why the file's bytes are not in this page; null when they are. Added by `write_gallery`. */
  absent: string | null;
}

export interface Result {
  key: string;
  name: string;
  notebook: string;
  variant: string;
  status: "passed" | "failed" | "quarantined";
  verdict: Verdict;
  updated: boolean;
  sentence: string;
  duration: number;
  error: { type: string; message: string; next: string } | null;
  source: string;
  tolerance: string;
  theme: string;
  viewport: [number, number];
  masks: { reason: string; selector: string; boxes: Box[] }[];
  metrics: {
    changed_pixels?: number;
    changed_share?: number;
    regions?: Box[];
    timings?: Record<string, number>;
    rule?: "strict" | "perceptual" | "pixelmatch" | null;
    bands?: Band[];
    /** Results with the same one changed in the same way. */
    change_group?: string | null;
  } | null;
  traits: { widget: string; trait: string; before: unknown; after: unknown }[];
  console: string[];
  blocked: string[];
  fingerprint: Facts | null;
  baseline_fingerprint: Facts | null;
  baseline_sha256: string | null;
  pictures: Partial<Record<"shot" | "baseline" | "diff" | "second", Picture | null>>;
  // An older run of the same format has none of these.
  quarantine?: { reason: string; until: string } | null;
  repeat?: { runs: number; distinct: number; counts: number[] } | null;
  history?: Stretch[];
  flaky?: boolean;
  renderer?: string[];
}

export interface Run {
  id: string;
  project: string;
  commit: string | null;
  started: string;
  complete: boolean;
  tool: { version: string };
  environment: { name: string; python?: string; platform?: string; fingerprint?: Facts };
  summary: { duration_seconds: number; quarantined?: number };
  repeat?: number;
  timings: Record<string, number>;
  /** The slowest first. */
  notebooks?: { notebook: string; seconds: number; timings: Record<string, number> }[];
  /** What `--changed` left out, and why it did not leave out the rest. */
  changed?: { not_run: { key: string; passed: string }[]; ran: { name: string; why: string }[]; refused: string | null } | null;
  /** Those that were started, the slowest first. */
  services?: { name: string; seconds: number; instances: number; elsewhere: boolean }[];
  /** Notebooks that were not run. */
  skipped?: { notebook: string; reason: string }[];
  /** Named parts of Python tests. */
  durations?: { test: string; name: string; seconds: number }[];
  unused: string[] | null;
  tests: Result[];
}

/** What a result may be besides its verdict; each can be filtered for. */
export const MARKS = {
  quarantined: { label: "quarantined", has: (result: Result): boolean => result.status === "quarantined" },
  flaky: { label: "flaky lately", has: (result: Result): boolean => result.verdict === "match" && !!result.flaky },
};
export type Mark = keyof typeof MARKS;

export interface Filter {
  verdicts: ReadonlySet<Verdict>;
  marks: ReadonlySet<Mark>;
  notebook: string;
  environment: string;
  variant: string;
  /** What was decided: `open` for what was not. */
  decision: "" | "open" | "accept" | "reject" | "skip";
  text: string;
}

export const ALL: Filter = {
  verdicts: new Set(), marks: new Set(), notebook: "", environment: "", variant: "", decision: "", text: "",
};

/** Keys begin with the environment that the picture was taken in. */
export const environment = ({ key }: Result): string => key.slice(0, key.indexOf("/"));
/** The name of a variant that has none of its own. */
export const PLAIN = "plain";
export const variant = (result: Result): string => result.variant || PLAIN;

/** Only these may become a baseline, in quarantine or not; the same rule as `Verdict.acceptable` in Python. */
export const acceptable = (result: Result): boolean =>
  !result.updated && (result.verdict === "changed" || result.verdict === "resized" || result.verdict === "new");

export const SORTS = { urgency: "Most urgent first", name: "By name", time: "Slowest first" };
export type Sort = keyof typeof SORTS;

/** `urgency`: in the order of VERDICTS, the largest change first. Sorting is stable, so ties stay as declared. */
export function sorted(results: readonly Result[], by: Sort): Result[] {
  const size = (result: Result) => result.metrics?.changed_pixels ?? 0;
  const order: Record<Sort, (a: Result, b: Result) => number> = {
    urgency: (a, b) => VERDICTS.indexOf(a.verdict) - VERDICTS.indexOf(b.verdict) || size(b) - size(a),
    name: (a, b) => a.name.localeCompare(b.name, "en", { numeric: true }),
    time: (a, b) => b.duration - a.duration,
  };
  return [...results].sort(order[by]);
}

/** What results have in common that changed in the same way; null for one that is decided for itself. */
export function changeGroup(result: Result): string | null {
  if (!acceptable(result)) return null;
  const { change_group: group = null } = result.metrics ?? {};
  // A new picture has nothing to have changed from: those that look the same are alike.
  const common = result.verdict === "new" ? (result.pictures.shot?.sha256 ?? null) : group;
  return common && `${result.verdict} ${environment(result)} ${common}`;
}

/** Results as they are listed: those that changed in the same way stand together, where the first of them stands. */
export function grouped(results: readonly Result[]): Result[][] {
  const groups = new Map<string, Result[]>();
  for (const result of results) {
    const name = changeGroup(result) ?? result.key;
    groups.set(name, [...(groups.get(name) ?? []), result]);
  }
  return [...groups.values()];
}

/** Every word of the filter's text occurs somewhere in what names or explains the result. */
export function passes(result: Result, filter: Filter, decision: string | undefined): boolean {
  if (filter.verdicts.size && !filter.verdicts.has(result.verdict)) return false;
  if (filter.marks.size && ![...filter.marks].some((mark) => MARKS[mark].has(result))) return false;
  if (filter.notebook && result.notebook !== filter.notebook) return false;
  if (filter.environment && environment(result) !== filter.environment) return false;
  if (filter.variant && variant(result) !== filter.variant) return false;
  if (filter.decision && (decision ?? "open") !== filter.decision) return false;
  const text = [result.name, result.key, result.sentence, result.error?.message, result.quarantine?.reason].join(" ").toLowerCase();
  return filter.text.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

/** Whether the day has passed until which a failure was allowed. The run's own day counts, not the reader's. */
export const ended = ({ status, quarantine }: Result, { started }: Run): boolean =>
  status !== "quarantined" && !!quarantine && quarantine.until < started.slice(0, 10);

/** Whether its first two distinct pictures are what `shot`, `second` and `diff` show. */
export const varied = ({ verdict, repeat }: Result): boolean =>
  // With a failed run among them, that run's pictures are shown.
  verdict === "unstable" && !!repeat && repeat.distinct > 1 && sum(repeat.counts) === repeat.runs;

/** How steady it was under `--repeat`, in words. */
export function steadiness({ repeat }: Result): string | null {
  if (!repeat || !repeat.distinct) return null;
  const taken = sum(repeat.counts);
  const runs = taken === repeat.runs ? count(taken, "run") : `${taken} of ${count(repeat.runs, "run")}`;
  if (repeat.distinct === 1) return `the same picture in ${runs}`;
  return `${repeat.distinct} different pictures in ${runs} (${repeat.counts.join(" + ")})`;
}

/** Stretches of one verdict, the oldest first. The run begins another one where only the baseline is another. */
export function stretches({ history = [] }: Result): Stretch[] {
  const merged: Stretch[] = [];
  for (const [verdict, count, first, last] of history) {
    const before = merged.at(-1);
    if (before?.[0] === verdict) merged.splice(-1, 1, [verdict, before[1] + count, before[2], last]);
    else merged.push([verdict, count, first, last]);
  }
  return merged;
}

/**
 * Where a box of the later picture stands in the earlier one. What was inserted comes out without height, and a seam
 * as high as the rows that are gone there.
 */
export function earlier([x, y, width, height]: Box, bands: readonly Band[]): Box {
  const top = rowBefore(y, bands, (at) => at < y);
  return [x, top, width, rowBefore(y + height, bands, (at) => at <= y + height) - top];
}

/** Bands are in the order of the picture, so the last one above the row decides. */
function rowBefore(y: number, bands: readonly Band[], below: (at: number) => boolean): number {
  let row = y;
  for (const band of bands)
    if (band.inserted) {
      if (y >= band.y) row = band.at + Math.max(0, y - band.y - band.height);
    } else if (below(band.at)) row = band.y + band.height + y - band.at;
  return row;
}

export const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

/** `{a: {b: 1}}` becomes `[["a.b", "1"]]`, so that two fingerprints compare line by line. */
export function flatten(facts: Facts | null | undefined, prefix = ""): [string, string][] {
  return Object.entries(facts ?? {}).flatMap(([name, value]): [string, string][] =>
    value !== null && typeof value === "object" && !Array.isArray(value)
      ? flatten(value as Facts, `${prefix}${name}.`)
      : [[prefix + name, plain(value)]],
  );
}

/** A JSON value as a person would write it: strings bare, everything else as JSON. */
export const plain = (value: unknown): string =>
  typeof value === "string" ? value : value === undefined ? "none" : JSON.stringify(value);

export const count = (n: number, one: string, many = `${one}s`): string => `${n.toLocaleString("en")} ${n === 1 ? one : many}`;
export const seconds = (n: number): string => (n < 60 ? `${n.toFixed(n < 10 ? 2 : 1)} s` : `${Math.floor(n / 60)} min ${Math.round(n % 60)} s`);

/** POSIX shell quoting: the command is meant to be pasted, whatever a notebook is called. */
export const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

const COLOURS = /\u001b\[[0-9;]*m/g;
// As _INVISIBLE of errors.py; a page minds neither carriage returns nor half surrogate pairs.
const INVISIBLE =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;

/** Characters that reorder or hide text are spelt out, so that what is read is what is there. Tracebacks lose their terminal colours. */
export const visible = (text: string): string =>
  text
    .replace(COLOURS, "")
    .replace(INVISIBLE, (char) => `⟨U+${char.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}⟩`);
