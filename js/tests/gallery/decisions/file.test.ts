import { expect, test } from "vitest";

import type { Decision } from "../../../src/gallery/decisions/decisions";
import { decisionsFile, reviewText, countsText, countDecisions } from "../../../src/gallery/decisions/file";
import { picture, result, run } from "../builders";

const TIME = "2026-11-21T10:00:00Z";

const pictures = { shot: picture("a1", { sidecar_sha256: "c1" }), baseline: picture("b1") };
const reviewed = run(
  result("yes", "changed", { pictures, baseline_sha256: "b1" }), result("no", "broken"), result("later", "new"), result("untouched", "new"), result("calm", "match"),
);
const decided = new Map<string, Decision>([
  [reviewed.tests[0]!.key, { verdict: "accept", time: TIME }],
  [reviewed.tests[1]!.key, { verdict: "reject", time: TIME }],
  [reviewed.tests[2]!.key, { verdict: "skip", time: TIME }],
]);
const decisions = (comment = "") => ({
  reviewer: "Ada",
  get: (key: string) => decided.get(key),
  comment: (key: string) => (key.endsWith("no") ? comment : ""),
});

test("decisions.json binds what was accepted and rejected to the pictures that were looked at", () => {
  const text = decisionsFile(reviewed, decisions("raises"));
  expect(text.endsWith("\n")).toBe(true);
  expect(JSON.parse(text)).toEqual({
    format: 1,
    run: reviewed.id,
    commit: reviewed.commit,
    reviewer: "Ada",
    decisions: [
      { key: reviewed.tests[0]!.key, verdict: "accept", baseline_sha256: "b1", shot_sha256: "a1", sidecar_sha256: "c1", comment: "", time: TIME },
      { key: reviewed.tests[1]!.key, verdict: "reject", baseline_sha256: null, shot_sha256: null, sidecar_sha256: null, comment: "raises", time: TIME },
    ],
  });
});

test("a skipped one is as undecided as one that nobody looked at", () => {
  const counts = countDecisions(reviewed, decisions());
  expect(countsText(counts)).toBe("1 accepted, 1 rejected, 2 left undecided");
});

test("the text for a pull request is a line for people, and the whole file", () => {
  const text = reviewText(reviewed, decisions("the label\n is `cut`"));
  expect(text.split("\n").slice(0, 3)).toEqual([
    "widgetshot review of `20261121T092500Z-3fa9c1`: 1 accepted, 1 rejected, 2 left undecided.",
    "- `notebooks/demo.ipynb::no`: `` the label is `cut` ``",
    "",
  ]);
  expect(text).toContain(decisionsFile(reviewed, decisions("the label\n is `cut`")));
});

test("nothing in a comment ends the fence around the file", () => {
  const text = reviewText(reviewed, decisions("```` @everyone"));
  const fences = text.split("\n").filter((line) => /^`+/.test(line));
  expect(fences).toEqual(["`````json", "`````"]);
});
