import { describe, expect, test } from "vitest";

import { ALL, narrows, passes, toggled, type Filter } from "../../../src/gallery/model/filter";
import { result, shots } from "../builders";

describe("filter", () => {
  const all = [
    result("slider", "changed"), result("dark", "match", { variant: "dark", flaky: true }),
    result("known", "broken", { status: "quarantined", quarantine: { reason: "its font loads late", until: "2026-12-31" } }),
    { ...result("other", "new"), key: "page-firefox-linux/notebooks/other/other", notebook: "notebooks/other.ipynb" },
  ];
  const left = (filter: Partial<Filter>, decided: Record<string, string> = {}) =>
    shots(all.filter((one) => passes(one, { ...ALL, ...filter }, decided[shots([one])[0]!])));

  test.each<[Partial<Filter>, string[]]>([
    [{}, ["slider", "dark", "known", "other"]],
    [{ verdicts: new Set(["changed", "new"]) }, ["slider", "other"]],
    [{ marks: new Set(["flaky"]) }, ["dark"]],
    [{ marks: new Set(["quarantined", "flaky"]) }, ["dark", "known"]],
    [{ notebook: "notebooks/other.ipynb" }, ["other"]],
    [{ environment: "page-firefox-linux" }, ["other"]],
    [{ variant: "plain" }, ["slider", "known", "other"]],
    [{ variant: "dark" }, ["dark"]],
    [{ text: "FONT known" }, ["known"]],
    [{ text: "  " }, ["slider", "dark", "known", "other"]],
    [{ text: "nowhere" }, []],
    [{ verdicts: new Set(["changed"]), text: "other" }, []],
  ])("%o leaves %j", (filter, names) => {
    expect(left(filter)).toEqual(names);
  });
  test("by decision, where what has none is open", () => {
    const decided = { slider: "accept", dark: "skip" };
    expect(left({ decision: "open" }, decided)).toEqual(["known", "other"]);
    expect(left({ decision: "accept" }, decided)).toEqual(["slider"]);
    expect(left({ decision: "skip" }, decided)).toEqual(["dark"]);
  });
});

test("a filter narrows as soon as any part of it is not as usual", () => {
  expect(narrows(ALL)).toBe(false);
  expect([narrows({ ...ALL, text: "a" }), narrows({ ...ALL, marks: new Set(["flaky"]) }), narrows({ ...ALL, decision: "open" })]).toEqual([true, true, true]);
});

test("what is toggled is a set of its own", () => {
  const set = new Set(["a", "b"]);
  expect([[...toggled(set, "a")], [...toggled(set, "c")], [...set]]).toEqual([["b"], ["a", "b", "c"], ["a", "b"]]);
});
