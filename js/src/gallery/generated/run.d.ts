// Made from docs/reference/run.schema.json by `npm run types`: don't edit.

/**
 * Of the shot, where both are laid over each other, as in `diff`.
 *
 * @minItems 2
 * @maxItems 2
 */
export type Corner = [number, number];
/**
 * What came of comparing a target's pictures in two front ends; never a verdict.
 */
export type ComparisonOutcome = "declared" | "differs" | "not-compared" | "same";
/**
 * What two front ends draw differently, the weightiest first.
 */
export type DifferenceKind =
  "colours" | "font" | "missing" | "place" | "size" | "spacing" | "text" | "text-size" | "text-style" | "unexplained";
/**
 * Left, top, width, height in pixels of the picture.
 *
 * @minItems 4
 * @maxItems 4
 */
export type Rectangle = [number, number, number, number];
/**
 * The way in which a result counts for its run.
 */
export type Status = "failed" | "passed" | "quarantined";
/**
 * The outcome for one target.
 */
export type Verdict = "broken" | "changed" | "match" | "new" | "resized" | "unstable";
/**
 * Runs in a row with the same verdict against the same baseline.
 *
 * @minItems 4
 * @maxItems 4
 */
export type Stretch = [Verdict, number, string, string];
/**
 * Width and height in CSS pixels.
 *
 * @minItems 2
 * @maxItems 2
 */
export type Viewport = [number, number];
/**
 * The rules by which a pixel counts as different, see `compare`.
 */
export type Rule = "perceptual" | "pixelmatch" | "strict";

/**
 * A run.
 */
export interface Run {
  format: 1;
  /**
   * Unique, and sortable by time.
   */
  id: string;
  tool: Tool;
  /**
   * Name of the root folder.
   */
  project: string;
  /**
   * Of the checkout.
   */
  commit: string | null;
  started: string;
  /**
   * How often everything was executed and captured.
   */
  repeat: number;
  merged: Merged | null;
  /**
   * Null without `--changed`.
   */
  changed: Changed | null;
  /**
   * Null without `--suite`.
   */
  suite: Suite | null;
  /**
   * Null without `--shard`.
   */
  shard: Shard | null;
  skipped: Skipped[];
  environment: Environment;
  /**
   * False while the run goes on, and for ever if it was stopped.
   */
  complete: boolean;
  /**
   * Seconds of each stage.
   */
  timings: {
    [k: string]: number;
  };
  /**
   * The slowest first.
   */
  notebooks: NotebookTime[];
  /**
   * The slowest first.
   */
  services: ServiceTime[];
  durations: Duration[];
  /**
   * Null without `--compare-frontends`.
   */
  comparisons: FrontEndComparisons | null;
  /**
   * Keys of baselines that no notebook declares; null where that is not known.
   */
  unused: string[] | null;
  summary: Summary;
  /**
   * In the order in which they were declared.
   */
  tests: Entry[];
}
/**
 * The program that wrote the run.
 */
export interface Tool {
  name: "widgetshot";
  version: string;
}
/**
 * The runs that a merged run was made of.
 */
export interface Merged {
  runs: string[];
  /**
   * How many keys were in several runs.
   */
  shared_keys: number;
}
/**
 * The outcome of `--changed`.
 */
export interface Changed {
  not_run: NotRun[];
  ran: Ran[];
  /**
   * Why everything was run, or null.
   */
  refused: string | null;
}
/**
 * A target that `--changed` left out.
 */
export interface NotRun {
  key: string;
  /**
   * When it passed.
   */
  passed: string;
}
/**
 * A session that `--changed` did not leave out.
 */
export interface Ran {
  /**
   * The notebook, with its variant: `notebooks/x.ipynb[dark]`.
   */
  name: string;
  why: string;
}
/**
 * The marker that `--suite` asked for.
 */
export interface Suite {
  name: string;
  /**
   * How many other targets were left out.
   */
  left_out: number;
}
/**
 * The part of a run that this one is, where several machines run a part each.
 */
export interface Shard {
  /**
   * Counted from 1.
   */
  number: number;
  /**
   * How many shards there are.
   */
  count: number;
  /**
   * Of what each of them consists of; all shards of a run have the same.
   */
  plan: string;
  /**
   * The place of each of the tests among those of all shards.
   */
  order: number[];
}
/**
 * A notebook that was not run.
 */
export interface Skipped {
  notebook: string;
  reason: string;
}
/**
 * The place where the pictures were taken.
 */
export interface Environment {
  /**
   * Of a run in several environments, all of them: `a, b`.
   */
  name: string;
  python: string;
  platform: string;
  /**
   * Of several environments, one for each name.
   */
  fingerprint: {
    [k: string]: unknown;
  };
}
/**
 * The time that went into a notebook, summed over its variants.
 */
export interface NotebookTime {
  notebook: string;
  seconds: number;
  /**
   * Seconds of each stage.
   */
  timings: {
    [k: string]: number;
  };
}
/**
 * A service that was started.
 */
export interface ServiceTime {
  name: string;
  /**
   * Until it was ready, summed over its instances.
   */
  seconds: number;
  instances: number;
  /**
   * Whether one was used that the run did not start.
   */
  elsewhere: boolean;
}
/**
 * A named part of a Python test, as it was measured there.
 */
export interface Duration {
  test: string;
  name: string;
  seconds: number;
}
/**
 * What differs between two front ends.
 */
export interface FrontEndComparisons {
  /**
   * @minItems 2
   * @maxItems 2
   */
  frontends: [string, string];
  targets: ComparedTarget[];
}
/**
 * A target that was drawn in both front ends.
 */
export interface ComparedTarget {
  /**
   * Without front end: `notebooks/x.ipynb::shot[dark]`.
   */
  name: string;
  /**
   * @minItems 2
   * @maxItems 2
   */
  results: [ComparedResult, ComparedResult];
  outcome: ComparisonOutcome;
  /**
   * What differs, or why nothing was compared.
   */
  sentence: string;
  /**
   * The weightiest first.
   */
  differences: FrontEndDifference[];
  /**
   * Why it is known to differ, as declared.
   */
  reason: string | null;
  /**
   * In pixels of `diff`.
   */
  regions: Rectangle[];
  /**
   * Of the second result, against the first.
   */
  bands: RowBand[];
  diff: Picture | null;
}
/**
 * One of the two results that were compared.
 */
export interface ComparedResult {
  frontend: string;
  key: string;
  /**
   * Path of its shot; null where it has none.
   */
  picture: string | null;
  place: Corner;
}
/**
 * One cause of a difference.
 */
export interface FrontEndDifference {
  kind: DifferenceKind;
  /**
   * What such differences have in common: `toolbar missing in voila`.
   */
  group: string;
  sentence: string;
}
/**
 * Rows that one picture has and the other lacks.
 */
export interface RowBand {
  /**
   * Whether the shot has them; otherwise the baseline has.
   */
  inserted: boolean;
  /**
   * Where they begin in the picture that has them.
   */
  y: number;
  /**
   * Where they are missing in the other picture.
   */
  at: number;
  height: number;
}
/**
 * A PNG file of the run folder.
 */
export interface Picture {
  /**
   * Relative to the run folder.
   */
  path: string;
  sha256: string;
  width: number;
  height: number;
}
/**
 * The results in numbers.
 */
export interface Summary {
  total: number;
  passed: number;
  failed: number;
  quarantined: number;
  /**
   * Baselines that the run wrote.
   */
  updated: number;
  duration_seconds: number;
  verdicts: VerdictCounts;
}
/**
 * The number of results that have each verdict.
 */
export interface VerdictCounts {
  match: number;
  changed: number;
  resized: number;
  new: number;
  broken: number;
  unstable: number;
}
/**
 * The result of one target.
 */
export interface Entry {
  key: string;
  /**
   * As pytest shows it: `notebooks/x.ipynb::shot[variant]`.
   */
  name: string;
  notebook: string;
  shot: string;
  variant: string;
  status: Status;
  verdict: Verdict;
  /**
   * Whether this run wrote the baseline.
   */
  updated: boolean;
  /**
   * The verdict in words.
   */
  sentence: string;
  duration: number;
  error: EntryError | null;
  /**
   * Of the cell.
   */
  source: string;
  markers: string[];
  /**
   * Front ends in which it is known to look otherwise, and why.
   */
  differs: {
    [k: string]: string;
  };
  /**
   * In words.
   */
  tolerance: string;
  quarantine: EntryQuarantine | null;
  /**
   * Earlier verdicts and this one, the oldest first.
   */
  history: Stretch[];
  flaky: boolean;
  repeat: EntryRepeat | null;
  theme: string;
  viewport: Viewport;
  masks: EntryMask[];
  metrics: Metrics;
  traits: Trait[];
  /**
   * What differs between the baseline's renderer and this one.
   */
  renderer: string[];
  /**
   * Errors that the page logged.
   */
  console: string[];
  /**
   * Addresses elsewhere that it asked for.
   */
  blocked: string[];
  /**
   * What a picture's look depends on.
   */
  fingerprint: {
    [k: string]: unknown;
  };
  baseline_fingerprint: {
    [k: string]: unknown;
  } | null;
  /**
   * Of the baseline's file as the run saw it.
   */
  baseline_sha256: string | null;
  pictures: Pictures;
  /**
   * Only under `--compare-frontends`.
   */
  elements: EntryElements | null;
  trace: EntryTrace | null;
}
/**
 * The reason why there is no picture that can be trusted.
 */
export interface EntryError {
  type: string;
  message: string;
  /**
   * The command to type, or what to do.
   */
  next: string;
}
/**
 * The reason why the target may fail without failing the run, and until when.
 */
export interface EntryQuarantine {
  reason: string;
  /**
   * The last day.
   */
  until: string;
}
/**
 * The steadiness of the target under `--repeat`.
 */
export interface EntryRepeat {
  runs: number;
  distinct: number;
  /**
   * How often each distinct picture came out.
   */
  counts: number[];
}
/**
 * A part of the picture that was not compared, and why.
 */
export interface EntryMask {
  reason: string;
  /**
   * The selector, or the box `[x, y, width, height]` as it was declared.
   */
  place: string;
  /**
   * Inside of the picture.
   */
  boxes: Rectangle[];
}
/**
 * The comparison in numbers; `rule` is null when nothing was compared.
 */
export interface Metrics {
  changed_pixels: number | null;
  /**
   * Of the pixels that were compared.
   */
  changed_share: number | null;
  /**
   * In pixels of the diff picture, the largest first.
   */
  regions: Rectangle[];
  rule: Rule | null;
  /**
   * Results with the same one changed in the same way.
   */
  change_group: string | null;
  bands: RowBand[];
  /**
   * Seconds of each stage.
   */
  timings: {
    [k: string]: number;
  };
}
/**
 * A widget trait that is not what it was when the baseline was approved.
 */
export interface Trait {
  widget: string;
  trait: string;
  before: unknown;
  after: unknown;
}
/**
 * The pictures of a result; null for one that there is not.
 */
export interface Pictures {
  shot: ShotPicture | null;
  baseline: Picture | null;
  diff: Picture | null;
  /**
   * Of an unstable result, another picture of it that differs.
   */
  second: Picture | null;
  /**
   * The page or the cell as it was, to be looked at; it can't be approved.
   */
  seen: Picture | null;
}
/**
 * The picture that was taken; a sidecar is beside it where it can be approved.
 */
export interface ShotPicture {
  /**
   * Relative to the run folder.
   */
  path: string;
  sha256: string;
  width: number;
  height: number;
  sidecar_sha256?: string | null;
}
/**
 * A file of the run folder that says what the shot shows, and how it is drawn; see elements.schema.json.
 */
export interface EntryElements {
  /**
   * Relative to the run folder.
   */
  path: string;
  sha256: string;
}
/**
 * A file of the run folder that says what happened until the result was known; see trace.schema.json.
 */
export interface EntryTrace {
  /**
   * Relative to the run folder.
   */
  path: string;
  sha256: string;
}
