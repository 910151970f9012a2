import { describe, expect, test } from "vitest";

import { earlier } from "../../../src/gallery/model/bands";
import type { Band } from "../../../src/gallery/run";

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
