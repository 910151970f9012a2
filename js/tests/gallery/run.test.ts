import { describe, expect, test } from "vitest";

import {
  acceptable, ALL, count, earlier, ended, flatten, grouped, changeGroup, passes, plain, quoted, seconds, sorted, steadiness, stretches, varied,
  VERDICTS, visible, type Band, type Filter, type Result,
} from "../../src/gallery/run";
import { picture, result, run, shots } from "./builders";

const metrics = (changed_pixels: number, change_group: string | null = null): Pick<Result, "metrics"> => ({
  metrics: { changed_pixels, change_group },
});

describe("order", () => {
  const results = [
    result("b10", "match", { duration: 3 }), result("slight", "changed", metrics(5)), result("b9", "broken", { duration: 2 }),
    result("heavy", "changed", metrics(500)), result("new", "new"), result("equal", "changed", metrics(5)),
  ];

  test("the most urgent verdict first, then the largest change, then as declared", () => {
    expect(shots(sorted(results, "urgency"))).toEqual(["heavy", "slight", "equal", "new", "b9", "b10"]);
  });
  test("names with their numbers as numbers", () => {
    expect(shots(sorted(results, "name"))).toEqual(["b9", "b10", "equal", "heavy", "new", "slight"]);
  });
  test("the slowest first, and what is sorted stays as it was", () => {
    expect(shots(sorted(results, "time")).slice(0, 2)).toEqual(["b10", "b9"]);
    expect(shots(results)[0]).toBe("b10");
  });
});

describe("groups of the same change", () => {
  test("stand together where the first of them stands", () => {
    const results = [result("a", "changed", metrics(1, "f0")), result("b", "changed", metrics(1, "f1")), result("c", "changed", metrics(1, "f0"))];
    expect(grouped(results).map(shots)).toEqual([["a", "c"], ["b"]]);
  });
  test("hold new pictures that are the same file, and nothing that can't be accepted", () => {
    const same = { pictures: { shot: picture("d1") } };
    const results = [result("a", "new", same), result("b", "new", same), result("c", "unstable", same), result("d", "unstable", same)];
    expect(grouped(results).map(shots)).toEqual([["a", "b"], ["c"], ["d"]]);
  });
  test("never hold two environments or two verdicts", () => {
    const here = result("a", "changed", metrics(1, "f0"));
    const there = { ...here, key: here.key.replace("chromium", "firefox") };
    const resized = result("b", "resized", metrics(1, "f0"));
    expect(new Set([here, there, resized].map(changeGroup)).size).toBe(3);
  });
  test("a change without a group is one for itself", () => {
    expect(changeGroup(result("a"))).toBeNull();
  });
});

test("only what changed, was resized or is new can be accepted, and no baseline that the run wrote itself", () => {
  expect(VERDICTS.filter((verdict) => acceptable(result("a", verdict)))).toEqual(["changed", "resized", "new"]);
  expect(acceptable(result("a", "changed", { updated: true }))).toBe(false);
});

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

describe("where a box stands in the earlier picture", () => {
  const inserted: Band = { inserted: true, y: 100, at: 100, height: 20 };
  const removed: Band = { inserted: false, y: 100, at: 100, height: 20 };

  test.each<[string, [number, number], Band[], [number, number]]>([
    ["above rows that were inserted", [10, 20], [inserted], [10, 20]],
    ["below them", [150, 20], [inserted], [130, 20]],
    ["the rows themselves, which it has not", [100, 20], [inserted], [100, 0]],
    ["around them", [90, 40], [inserted], [90, 20]],
    ["above rows that were removed", [10, 20], [removed], [10, 20]],
    ["below them", [100, 20], [removed], [100, 40]],
    ["further below them", [150, 20], [removed], [170, 20]],
    ["below both", [200, 10], [inserted, { inserted: false, y: 130, at: 150, height: 5 }], [185, 10]],
    ["without bands", [7, 8], [], [7, 8]],
  ])("%s: %j", (_, [y, height], bands, [top, tall]) => {
    expect(earlier([1, y, 2, height], bands)).toEqual([1, top, 2, tall]);
  });
});

test("facts are flattened, so that two fingerprints compare line by line", () => {
  expect(flatten({ browser: { name: "chromium", version: 156 }, fonts: "4be1", list: [1, 2], none: null })).toEqual([
    ["browser.name", "chromium"], ["browser.version", "156"], ["fonts", "4be1"], ["list", "[1,2]"], ["none", "null"],
  ]);
  expect(flatten(null)).toEqual([]);
});

test("values, counts and times as a person would write them", () => {
  expect([plain("a"), plain({ a: 1 }), plain(null), plain(undefined)]).toEqual(["a", '{"a":1}', "null", "none"]);
  expect([count(1, "box", "boxes"), count(2, "box", "boxes"), count(12_345, "pixel")]).toEqual(["1 box", "2 boxes", "12,345 pixels"]);
  expect([seconds(0.126), seconds(12.34), seconds(61)]).toEqual(["0.13 s", "12.3 s", "1 min 1 s"]);
});

test("a command can be pasted, whatever a notebook is called", () => {
  expect(quoted("it's $(here)")).toBe(String.raw`'it'\''s $(here)'`);
});

test("what hides or reorders text is spelt out, and a terminal's colours are left out", () => {
  expect(visible("\u001b[31mred\u001b[0m \u202egpj.exe a\u200bb \u0000 é\n")).toBe("red ⟨U+202E⟩gpj.exe a⟨U+200B⟩b ⟨U+0000⟩ é\n");
});
