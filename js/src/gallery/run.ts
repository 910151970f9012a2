/** The run as `run.json` (format 1) describes it, and the few questions the gallery asks of it. */

export const VERDICTS = ["changed", "resized", "new", "unstable", "broken", "match"] as const;
export type Verdict = (typeof VERDICTS)[number];
export type Box = [x: number, y: number, width: number, height: number];
export type Facts = Record<string, unknown>;

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
  status: "passed" | "failed";
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
  metrics: { changed_pixels?: number; changed_share?: number; regions?: Box[]; timings?: Record<string, number> } | null;
  traits: { widget: string; trait: string; before: unknown; after: unknown }[];
  console: string[];
  blocked: string[];
  fingerprint: Facts | null;
  baseline_fingerprint: Facts | null;
  pictures: Partial<Record<"shot" | "baseline" | "diff" | "second", Picture | null>>;
}

export interface Run {
  project: string;
  commit: string | null;
  started: string;
  complete: boolean;
  tool: { version: string };
  environment: { name: string; python?: string; platform?: string; fingerprint?: Facts };
  summary: { duration_seconds: number };
  timings: Record<string, number>;
  unused: string[] | null;
  tests: Result[];
}

export interface Filter {
  verdicts: ReadonlySet<Verdict>;
  text: string;
}

/** Only these may become a baseline; the same rule as `Verdict.acceptable` in Python. */
export const acceptable = (result: Result): boolean =>
  !result.updated && (result.verdict === "changed" || result.verdict === "resized" || result.verdict === "new");

/** In the order of VERDICTS, the largest change first; the sort is stable, so ties stay as declared. */
export function byUrgency(results: readonly Result[]): Result[] {
  const size = (result: Result) => result.metrics?.changed_pixels ?? 0;
  return [...results].sort(
    (a, b) => VERDICTS.indexOf(a.verdict) - VERDICTS.indexOf(b.verdict) || size(b) - size(a),
  );
}

/** Every word of the filter's text occurs somewhere in what names or explains the result. */
export function passes(result: Result, filter: Filter): boolean {
  if (filter.verdicts.size && !filter.verdicts.has(result.verdict)) return false;
  const text = `${result.name} ${result.key} ${result.sentence} ${result.error?.message ?? ""}`.toLowerCase();
  return filter.text.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

/** `{a: {b: 1}}` becomes `[["a.b", "1"]]`, so that two fingerprints compare line by line. */
export function flatten(facts: Facts | null | undefined, prefix = ""): [string, string][] {
  return Object.entries(facts ?? {}).flatMap(([name, value]): [string, string][] =>
    value !== null && typeof value === "object" && !Array.isArray(value)
      ? flatten(value as Facts, `${prefix}${name}.`)
      : [[prefix + name, plain(value)]],
  );
}

/** A JSON value as a person would write it: strings bare, everything else as JSON. */
export const plain = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value) ?? "none");

export const count = (n: number, one: string, many = `${one}s`): string => `${n.toLocaleString("en")} ${n === 1 ? one : many}`;
export const seconds = (n: number): string => (n < 60 ? `${n.toFixed(n < 10 ? 2 : 1)} s` : `${Math.floor(n / 60)} min ${Math.round(n % 60)} s`);

/** POSIX shell quoting: the command is meant to be pasted, whatever a notebook is called. */
export const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

const COLOURS = /\u001b\[[0-9;]*m/g;
const INVISIBLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]/g;

/** Characters that reorder or hide text are spelt out, so that what is read is what is there. Tracebacks lose their terminal colours. */
export const visible = (text: string): string =>
  text
    .replace(COLOURS, "")
    .replace(INVISIBLE, (char) => `⟨U+${char.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`);
