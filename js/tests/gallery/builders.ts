/** Runs and results to ask questions of. */

import type { Picture, Result, Run, Verdict } from "../../src/gallery/run";

export const picture = (sha256: string, more: Partial<Picture> = {}): Picture => ({ sha256, width: 240, height: 80, absent: null, ...more });

/** A result called `shot`, of which `more` is not as usual. */
export function result(shot: string, verdict: Verdict = "changed", more: Partial<Result> = {}): Result {
  return {
    key: `page-chromium-linux/notebooks/demo/${shot}`,
    name: `notebooks/demo.ipynb::${shot}`,
    notebook: "notebooks/demo.ipynb",
    variant: "",
    status: verdict === "match" ? "passed" : "failed",
    verdict,
    updated: false,
    sentence: `This is ${shot}.`,
    duration: 1,
    error: null,
    source: "",
    tolerance: "",
    theme: "light",
    viewport: [960, 720],
    masks: [],
    metrics: { changed_pixels: 0, changed_share: 0, regions: [], timings: {}, rule: "strict", bands: [], change_group: null },
    traits: [],
    console: [],
    blocked: [],
    fingerprint: {},
    baseline_fingerprint: null,
    baseline_sha256: null,
    pictures: {},
    quarantine: null,
    repeat: null,
    history: [],
    flaky: false,
    renderer: [],
    ...more,
  };
}

export function run(...tests: Result[]): Run {
  return {
    id: "20261121T092500Z-3fa9c1",
    project: "demo",
    commit: "9f3c2e1b7a4d5e6f708192a3b4c5d6e7f8091a2b",
    started: "2026-11-21T09:25:00+00:00",
    complete: true,
    tool: { version: "0.1" },
    environment: { name: "page-chromium-linux", python: "3.11", platform: "Linux", fingerprint: {} },
    summary: { duration_seconds: 12.5, quarantined: 0 },
    repeat: 1,
    timings: {},
    notebooks: [],
    changed: null,
    services: [],
    skipped: [],
    durations: [],
    unused: null,
    tests,
  };
}

export const shots = (results: readonly Result[]): string[] => results.map(({ name }) => name.slice(name.indexOf("::") + 2));
