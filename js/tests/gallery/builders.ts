/** Runs and results to ask questions of. */

import type { Picture, Result, Run, Verdict } from "../../src/gallery/run";

export const picture = (sha256: string, more: Partial<Picture> = {}): Picture => ({
  path: `pictures/${sha256}.png`, sha256, width: 240, height: 80, absent: null, sidecar_sha256: null, ...more,
});

/** Metrics of which `more` is not as usual. */
export const metrics = (more: Partial<Result["metrics"]> = {}): Pick<Result, "metrics"> => ({
  metrics: { changed_pixels: 0, changed_share: 0, regions: [], timings: {}, rule: "strict", bands: [], change_group: null, ...more },
});

/** A result called `shot`, of which `more` is not as usual. */
export const result = (shot: string, verdict: Verdict = "changed", more: Partial<Result> = {}): Result => ({
  key: `page-chromium-linux/notebooks/demo/${shot}`,
  name: `notebooks/demo.ipynb::${shot}`,
  notebook: "notebooks/demo.ipynb",
  shot,
  variant: "",
  status: verdict === "match" ? "passed" : "failed",
  verdict,
  updated: false,
  sentence: `This is ${shot}.`,
  duration: 1,
  error: null,
  source: "",
  markers: [],
  tolerance: "",
  quarantine: null,
  history: [],
  flaky: false,
  repeat: null,
  theme: "light",
  viewport: [960, 720],
  masks: [],
  ...metrics(),
  traits: [],
  renderer: [],
  console: [],
  blocked: [],
  fingerprint: {},
  baseline_fingerprint: null,
  baseline_sha256: null,
  differs: {},
  elements: null,
  trace: null,
  refused: null,
  pictures: {},
  ...more,
});

export const run = (...tests: Result[]): Run => ({
  format: 1,
  id: "20261121T092500Z-3fa9c1",
  tool: { name: "widgetshot", version: "0.1" },
  project: "demo",
  commit: "9f3c2e1b7a4d5e6f708192a3b4c5d6e7f8091a2b",
  started: "2026-11-21T09:25:00+00:00",
  repeat: 1,
  merged: null,
  changed: null,
  suite: null,
  shard: null,
  skipped: [],
  environment: { name: "page-chromium-linux", python: "3.11", platform: "Linux", fingerprint: {} },
  complete: true,
  timings: {},
  notebooks: [],
  services: [],
  durations: [],
  comparisons: null,
  unused: null,
  summary: {
    total: tests.length, passed: 0, failed: 0, quarantined: 0, updated: 0, duration_seconds: 12.5,
    verdicts: { match: 0, changed: 0, resized: 0, new: 0, broken: 0, unstable: 0 },
  },
  tests,
});

export const shots = (results: readonly Result[]): string[] => results.map(({ shot }) => shot);
