import { describe, expect, test } from "vitest";

import { acceptable, changeGroup, ended, maskedShare, nameParts, steadiness, stretches, varied } from "../../../src/gallery/model/results";
import { VERDICTS, type Result } from "../../../src/gallery/run";
import { metrics, result, run } from "../builders";

test("only what changed, was resized or is new can be accepted, and no baseline that the run wrote itself", () => {
  expect(VERDICTS.filter((verdict) => acceptable(result("a", verdict)))).toEqual(["changed", "resized", "new"]);
  expect(acceptable(result("a", "changed", { updated: true }))).toBe(false);
  expect(acceptable(result("a", "changed", { refused: "its file is not the one this run recorded" }))).toBe(false);
});

describe("the group of a change", () => {
  test("is never one of two environments or of two verdicts", () => {
    const here = result("a", "changed", metrics({ change_group: "f0" }));
    const there = { ...here, key: here.key.replace("chromium", "firefox") };
    const resized = result("b", "resized", metrics({ change_group: "f0" }));
    expect(new Set([here, there, resized].map(changeGroup)).size).toBe(3);
  });
  test("is none for what changed like nothing else, or can't be accepted", () => {
    expect(changeGroup(result("a"))).toBeNull();
    expect(changeGroup(result("a", "unstable", metrics({ change_group: "f0" })))).toBeNull();
  });
});

test("a name has two parts, also where there is no notebook in it", () => {
  expect(nameParts(result("a[dark]"))).toEqual(["notebooks/demo.ipynb", "a[dark]"]);
  expect(nameParts({ ...result("a"), name: "tests/t.py::TestX::test_a::b" })).toEqual(["tests/t.py::TestX::test_a", "b"]);
  expect(nameParts({ ...result("a"), name: "alone" })).toEqual(["", "alone"]);
});

test("a quarantine ends after its last day, which is a day of the run", () => {
  const until = (day: string, status: Result["status"] = "failed") => ended(result("a", "changed", { status, quarantine: { reason: "x", until: day } }), run());
  expect([until("2026-11-20"), until("2026-11-21"), until("2026-11-22")]).toEqual([true, false, false]);
  expect(until("2026-11-20", "quarantined")).toBe(false);
  expect(ended(result("a"), run())).toBe(false);
});

describe("repeated", () => {
  const repeated = (runs: number, ...counts: number[]) => result("a", "unstable", { repeat: { runs, distinct: counts.length, counts } });

  test("how steady it was, in words", () => {
    expect(steadiness(repeated(20, 20))).toBe("the same picture in 20 runs");
    expect(steadiness(repeated(20, 18, 2))).toBe("2 different pictures in 20 runs (18 + 2)");
    expect(steadiness(repeated(20, 18, 1))).toBe("2 different pictures in 19 of 20 runs (18 + 1)");
    expect(steadiness(repeated(20))).toBeNull();
    expect(steadiness(result("a"))).toBeNull();
  });
  test("its two pictures are shown only where every run gave one", () => {
    expect([varied(repeated(20, 18, 2)), varied(repeated(20, 18, 1)), varied(repeated(20, 20))]).toEqual([true, false, false]);
  });
});

test("stretches of one verdict are one, whatever baseline they had", () => {
  const history: Result["history"] = [["match", 4, "d1", "d4"], ["match", 10, "d5", "d14"], ["unstable", 1, "d15", "d15"], ["match", 3, "d16", "d18"]];
  expect(stretches(result("a", "match", { history }))).toEqual([["match", 14, "d1", "d14"], ["unstable", 1, "d15", "d15"], ["match", 3, "d16", "d18"]]);
});

test("the masked part of a picture is told in per cent, never as nothing", () => {
  const size = { width: 100, height: 100 };
  expect(maskedShare([], size)).toBe("0 %");
  expect(maskedShare([[0, 0, 5, 5]], size)).toBe("0.3 %");
  expect(maskedShare([[0, 0, 50, 50], [50, 50, 50, 50]], size)).toBe("50 %");
  expect(maskedShare([[0, 0, 100, 100], [0, 0, 100, 100]], size)).toBe("100 %");
});
