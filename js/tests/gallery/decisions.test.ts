import { expect, test } from "vitest";

import { decisionsFile, type Decision } from "../../src/gallery/decisions";
import { picture, result, run } from "./builders";

const TIME = "2026-11-21T10:00:00Z";

test("decisions.json binds what was accepted and rejected to the pictures that were looked at", () => {
  const pictures = { shot: picture("a1"), baseline: picture("b1") };
  const reviewed = run(
    result("yes", "changed", { pictures, baseline_sha256: "b1" }), result("no", "broken"), result("later", "new"), result("untouched", "new"),
  );
  const decided = new Map<string, Decision>([
    [reviewed.tests[0]!.key, { verdict: "accept", time: TIME }],
    [reviewed.tests[1]!.key, { verdict: "reject", time: TIME }],
    [reviewed.tests[2]!.key, { verdict: "skip", time: TIME }],
  ]);
  const text = decisionsFile(reviewed, {
    reviewer: "Ada",
    get: (key) => decided.get(key),
    comment: (key) => (key.endsWith("no") ? "raises" : ""),
  });
  expect(text.endsWith("\n")).toBe(true);
  expect(JSON.parse(text)).toEqual({
    format: 1,
    run: reviewed.id,
    commit: reviewed.commit,
    reviewer: "Ada",
    decisions: [
      { key: reviewed.tests[0]!.key, verdict: "accept", baseline_sha256: "b1", shot_sha256: "a1", comment: "", time: TIME },
      { key: reviewed.tests[1]!.key, verdict: "reject", baseline_sha256: null, shot_sha256: null, comment: "raises", time: TIME },
    ],
  });
});
