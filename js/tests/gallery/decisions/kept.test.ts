import { expect, test } from "vitest";

import { parseKept, type Kept } from "../../../src/gallery/decisions/kept";

const kept: Kept = {
  decisions: { "e/a": { verdict: "accept", time: "2026-11-21T10:00:00Z" }, "e/b": { verdict: "skip", time: "2026-11-21T10:01:00Z" } },
  comments: { "e/a": "as agreed" },
  steps: [[["e/a", null]], [["e/b", { verdict: "reject", time: "2026-11-21T10:00:30Z" }]]],
};

test("what was kept comes back", () => {
  expect(parseKept(JSON.stringify(kept))).toEqual(kept);
});

test.each([null, "", "null", "5", '"text"', "[]", "{", "\u0000"])("nothing is read from %j", (text) => {
  expect(parseKept(text)).toBeNull();
});

test("a member of another form is as if it were not there", () => {
  const empty = { decisions: {}, comments: {}, steps: [] };
  for (const member of [null, 5, "text", [1], {}, undefined])
    expect(parseKept(JSON.stringify({ decisions: member, comments: member, steps: member }))).toEqual(empty);
  expect(parseKept("{}")).toEqual(empty);
});

test("of what is kept, what does not fit is left out", () => {
  const damaged = {
    decisions: { ...kept.decisions, "e/c": null, "e/d": { verdict: "toString", time: "" }, "e/f": { verdict: "accept" }, "e/g": "accept" },
    comments: { ...kept.comments, "e/c": 5, "e/d": null },
    steps: [...kept.steps, null, ["e/a"], [["e/a"]], [[5, null]], [["e/a", { verdict: "lovely", time: "" }]]],
  };
  expect(parseKept(JSON.stringify(damaged))).toEqual(kept);
});
