import { expect, test } from "vitest";

import { comparedOf, frontEndGroups, frontEndsHeadline } from "../../../src/gallery/model/front-ends";
import { selectPanes } from "../../../src/gallery/model/panes";
import type { ComparedTarget, Comparisons, Result } from "../../../src/gallery/run";
import { picture, result } from "../builders";

const inFrontEnd = (frontend: string, shot: string, more: Partial<Result> = {}): Result =>
  result(shot, "match", { key: `${frontend}-chromium-linux/notebooks/demo/${shot}`, pictures: { shot: picture(`${frontend} ${shot}`) }, ...more });

const target = (shot: string, group: string, more: Partial<ComparedTarget> = {}): ComparedTarget => ({
  name: `notebooks/demo.ipynb::${shot}`,
  results: [
    { frontend: "lab", key: `lab-chromium-linux/notebooks/demo/${shot}`, picture: null, place: [8, 0] },
    { frontend: "voila", key: `voila-chromium-linux/notebooks/demo/${shot}`, picture: null, place: [0, 3] },
  ],
  outcome: "differs", sentence: group, reason: null, regions: [[1, 2, 3, 4]], bands: [], diff: picture("diff"),
  differences: [{ kind: "text-size", group, sentence: group }],
  ...more,
});

const comparisons = (...targets: ComparedTarget[]): Comparisons => ({ frontends: ["lab", "voila"], targets });

test("targets stand in groups of what differs, the largest first, and behind them what needs no look", () => {
  const alike = target("e", "", { outcome: "same", differences: [] });
  const groups = frontEndGroups(
    comparisons(alike, target("a", "font"), target("b", "text size"), target("c", "text size"), target("d", "font", { outcome: "declared", reason: "known" })),
  );
  expect(groups.map(({ title, targets, open }) => [title, targets.length, open])).toEqual([
    ["text size", 2, true], ["font", 1, true], ["Differ as declared", 1, false], ["The same", 1, false],
  ]);
});

test("the headline counts what differs, without what is declared", () => {
  const declared = target("b", "font", { outcome: "declared", reason: "known" });
  expect(frontEndsHeadline(comparisons(target("a", "font"), declared))).toBe("1 of 2 cells differs between lab and voila");
  expect(frontEndsHeadline(comparisons())).toBe("Nothing was drawn in both lab and voila");
});

test("pictures are called by their front ends, and stand where they are lined up", () => {
  const tests = [inFrontEnd("lab", "a"), inFrontEnd("voila", "a", { masks: [{ reason: "time", place: ".clock", boxes: [[1, 1, 5, 5]] }] })];
  const { result: shown, panes } = comparedOf(target("a", "font"), { tests })!;
  expect(panes.all.map(({ label, at }) => [label, at])).toEqual([["lab", [8, 0]], ["voila", [0, 3]], ["Diff", [0, 0]]]);
  expect(selectPanes(shown, "slider", panes).mode).toBe("slider");
  expect(shown.metrics.regions).toEqual([[1, 2, 3, 4]]);
  expect(shown.masks[0]!.boxes).toEqual([[1, 4, 5, 5]]);
});

test("of what is the same one picture is shown, and nothing is laid over anything", () => {
  const tests = [inFrontEnd("lab", "a"), inFrontEnd("voila", "a")];
  const { result: shown, panes } = comparedOf(target("a", "", { outcome: "same", differences: [], diff: null }), { tests })!;
  expect(panes.all.map(({ label }) => label)).toEqual(["lab and voila"]);
  expect(selectPanes(shown, "onion", panes).mode).toBe("side");
});

test("of what was not compared those pictures are shown that there are", () => {
  const tests = [inFrontEnd("lab", "a"), inFrontEnd("voila", "a", { pictures: {} })];
  const { panes } = comparedOf(target("a", "", { outcome: "not-compared", differences: [], diff: null }), { tests })!;
  expect(panes.all.map(({ label }) => label)).toEqual(["lab"]);
});
