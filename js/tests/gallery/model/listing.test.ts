import { describe, expect, test } from "vitest";

import type { Decision } from "../../../src/gallery/decisions/decisions";
import { ALL, type Filter } from "../../../src/gallery/model/filter";
import { following, grouped, leader, listing, sorted, type Folds } from "../../../src/gallery/model/listing";
import type { Result } from "../../../src/gallery/run";
import { metrics, picture, result, shots } from "../builders";

describe("order", () => {
  const results = [
    result("b10", "match", { duration: 3 }), result("slight", "changed", metrics({ changed_pixels: 5 })), result("b9", "broken", { duration: 2 }),
    result("heavy", "changed", metrics({ changed_pixels: 500 })), result("new", "new"), result("equal", "changed", metrics({ changed_pixels: 5 })),
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
    const results = [result("a", "changed", metrics({ changed_pixels: 1, change_group: "f0" })), result("b", "changed", metrics({ changed_pixels: 1, change_group: "f1" })), result("c", "changed", metrics({ changed_pixels: 1, change_group: "f0" }))];
    expect(grouped(results).map(shots)).toEqual([["a", "c"], ["b"]]);
  });
  test("hold new pictures that are the same file, and nothing that can't be accepted", () => {
    const same = { pictures: { shot: picture("d1") } };
    const results = [result("a", "new", same), result("b", "new", same), result("c", "unstable", same), result("d", "unstable", same)];
    expect(grouped(results).map(shots)).toEqual([["a", "b"], ["c"], ["d"]]);
  });
});

describe("list", () => {
  const alike = (shot: string) => result(shot, "changed", metrics({ change_group: "f0" }));
  const first = alike("a1");
  const results = [
    result("x"), first, alike("a2"), result("y"), alike("a3"),
    result("known", "broken", { status: "quarantined", quarantine: { reason: "later", until: "2026-12-31" } }), result("calm", "match"),
  ];
  const decided = new Map<string, Decision>();
  const list = (at = "", filter: Partial<Filter> = {}, folds: Partial<Folds> = {}) =>
    listing({ order: results, filter: { ...ALL, ...filter }, folds: { sections: {}, groups: new Set(), ...folds }, at, decision: (key) => decided.get(key) });
  const decide = (verdict: Decision["verdict"], ...all: Result[]) => all.forEach(({ key }) => decided.set(key, { verdict, time: "" }));

  test("what needs a decision, then what is in quarantine; what passed is folded", () => {
    const { sections, sequence, current, position } = list();
    expect(sections.map(({ id, open, groups }) => [id, open, groups.length])).toEqual([["decide", true, 3], ["known", true, 1], ["passed", false, 1]]);
    // A group that is folded is walked over by its first.
    expect(shots(sequence)).toEqual(["x", "a1", "y", "known"]);
    expect([current?.shot, position]).toEqual(["x", 0]);
  });
  test("what passed is open where nothing else is, and to whoever filters", () => {
    const calm = [result("calm", "match")];
    const open = (order: Result[], filter = ALL) => listing({ order, filter, folds: { sections: {}, groups: new Set() }, at: "", decision: () => undefined }).sections[2]!.open;
    expect([open(calm), open([...calm, result("x")]), open([...calm, result("x")], { ...ALL, text: "calm" })]).toEqual([true, false, true]);
  });
  test("folding is the reader's", () => {
    expect(shots(list("", {}, { sections: { decide: false, passed: true } }).sequence)).toEqual(["known", "calm"]);
    expect(shots(list("", {}, { groups: new Set([first.key]) }).sequence)).toEqual(["x", "a1", "a2", "a3", "y", "known"]);
  });
  test("what is shown stays, although a filter or a fold hides it", () => {
    const hidden = list(results[3]!.key, { text: "calm" });
    expect([hidden.current?.shot, hidden.position, shots(hidden.sequence)]).toEqual(["y", -1, ["calm"]]);
    const folded = list(results[4]!.key);
    expect([folded.current?.shot, folded.position, shots(folded.group), leader(folded, results[4]!)?.shot]).toEqual(["a3", -1, ["a1", "a2", "a3"], "a1"]);
    expect(list("nothing/of/that/name").current?.shot).toBe("x");
    expect(list("", { text: "nowhere" }).current).toBeNull();
  });
  test("what is undecided is what was not accepted or rejected", () => {
    decided.clear();
    decide("accept", results[0]!);
    decide("skip", results[3]!);
    expect(shots(list().open)).toEqual(["a1", "a2", "y", "a3"]);
  });
  test("after a decision comes the next undecided one, round the end, and what was skipped at the very end", () => {
    decided.clear();
    const next = (...of: Result[]) => following(list(), of, (key) => decided.get(key))?.shot;
    const [x, a1, a2, y, a3] = results as [Result, Result, Result, Result, Result];
    expect([next(x), next(a1, a2, a3), next(y)]).toEqual(["a1", "y", "x"]);
    decide("skip", x);
    decide("accept", a1, a2);
    expect([next(y), next(a3)]).toEqual(["a3", "y"]);
    decide("reject", a3);
    expect(next(y)).toBe("x");
    decide("accept", x);
    expect(next(y)).toBeUndefined();
  });
});
