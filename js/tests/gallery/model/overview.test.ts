import { expect, test } from "vitest";

import { headline, overviewOf, title } from "../../../src/gallery/model/overview";
import { result, run } from "../builders";

const known = result("known", "broken", { status: "quarantined", quarantine: { reason: "later", until: "2026-12-31" } });

test.each([
  [[], "This run took no pictures", "All as approved · demo"],
  [[result("a", "match"), result("b", "match")], "Nothing to decide: 2 pictures, as approved", "All as approved · demo"],
  [[result("a", "match"), known], "Nothing to decide: 1 picture as approved, 1 in quarantine", "Nothing to decide · demo"],
  [[result("a"), result("b", "match")], "1 of 2 pictures needs a decision", "1 to decide · demo"],
  [[result("a"), result("b"), known], "2 of 3 pictures need a decision, 1 in quarantine", "2 to decide · demo"],
])("%#: how a run went, in one sentence", (results, sentence, short) => {
  const of = overviewOf(run(...results));
  expect([headline(of), title(of)]).toEqual([sentence, short]);
});

test("what can be chosen stands once, in the order of people", () => {
  const of = overviewOf(run(result("a", "match", { variant: "v10" }), result("b", "match", { variant: "v9" }), result("c", "match", { variant: "v9" }), result("d", "match")));
  expect(of.variants).toEqual([["plain", "plain"], ["v9", "v9"], ["v10", "v10"]]);
  expect(of.environments).toEqual([["page-chromium-linux", "page-chromium-linux"]]);
});
