import { describe, expect, test } from "vitest";

import { arrange } from "../../../src/gallery/model/arrange";
import { selectPanes, panes } from "../../../src/gallery/model/panes";
import { MODES, type Mode } from "../../../src/gallery/model/view";
import { picture, result } from "../builders";

const pictures = { shot: picture("s"), baseline: picture("b"), diff: picture("d") };
const changed = result("a", "changed", { pictures });

describe("pictures beside each other", () => {
  const labels = (...args: Parameters<typeof result>) => {
    const { all, pair } = panes(result(...args));
    return [all.map(({ label }) => label), pair.map(({ picture }) => picture.sha256)];
  };
  test("of a change, what was expected, what came, and the difference", () => {
    expect(labels("a", "changed", { pictures })).toEqual([["Expected", "Actual", "Diff"], ["b", "s"]]);
  });
  test("of a match, one for both", () => {
    expect(labels("a", "match", { pictures: { shot: picture("s") } })).toEqual([["Expected and actual"], []]);
  });
  test("of what never settled, its two pictures, which are compared with each other", () => {
    expect(labels("a", "unstable", { pictures: { ...pictures, second: picture("s2") } })).toEqual([
      ["Expected", "Actual, first picture", "Actual, second picture", "Diff"], ["s", "s2"],
    ]);
  });
  test("of what varied between runs, how often each came", () => {
    const repeat = { runs: 20, distinct: 2, counts: [18, 2] };
    expect(labels("a", "unstable", { repeat, pictures: { ...pictures, second: picture("s2") } })).toEqual([
      ["First picture (18 of 20 runs)", "Second picture (2 of 20 runs)", "Difference", "Expected"], ["s", "s2"],
    ]);
  });
  test("of what broke, none", () => {
    expect(labels("a", "broken")).toEqual([[], []]);
  });
  test("of what broke while a page was there, what that showed, which is compared with nothing", () => {
    expect(labels("a", "broken", { pictures: { seen: picture("x") } })).toEqual([["What was there"], []]);
  });
});

describe("the reader's way to look", () => {
  const modes = Object.keys(MODES) as Mode[];
  const seen = (of: typeof changed) => modes.map((mode) => selectPanes(of, mode).mode);

  test("is taken where there are two pictures", () => {
    expect(seen(changed)).toEqual(modes);
    expect(selectPanes(changed, "slider").shown.map(({ label }) => label)).toEqual(["Expected", "Actual"]);
    expect(selectPanes(changed, "diff").shown.map(({ label }) => label)).toEqual(["Diff"]);
  });
  test("falls back where there is nothing to lay over or no difference", () => {
    expect(seen(result("a", "new", { pictures: { shot: picture("s") } }))).toEqual(["side", "side", "side", "side", "side", "actual"]);
    const absent = { ...pictures, baseline: picture("b", { absent: "picture not recorded" }) };
    expect(seen(result("a", "changed", { pictures: absent }))).toEqual(["side", "side", "side", "side", "diff", "actual"]);
    expect(seen(result("a", "broken"))).toEqual(["side", "side", "side", "side", "side", "side"]);
  });
});

describe("columns", () => {
  test("wide, short pictures stand under each other at full size", () => {
    expect(arrange(1000, 3, 900, 100)).toEqual({ columns: 1, fit: 1 });
  });
  test("tall ones stand beside each other", () => {
    expect(arrange(1000, 3, 300, 900).columns).toBe(3);
  });
  test("what is small is never enlarged, and what is larger than its place is made to fit", () => {
    expect(arrange(1000, 2, 100, 50)).toEqual({ columns: 2, fit: 1 });
    expect(arrange(300, 1, 572, 100).fit).toBeCloseTo(0.5);
    expect(arrange(0, 3, 100, 100).columns).toBe(1);
  });
});
