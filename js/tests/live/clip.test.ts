import { describe, expect, test } from "vitest";

import { intersection, isCutAway, isEmpty } from "../../src/live/clip";

const BOX = { width: 100, height: 40 };
const style = (more: object) => ({ clip: "auto", clipPath: "none", position: "static", ...more });

test("what two boxes have in common may be nothing", () => {
  const one = { left: 0, top: 0, right: 50, bottom: 20 };
  expect(intersection(one, { left: 40, top: -5, right: 90, bottom: 10 })).toEqual({ left: 40, top: 0, right: 50, bottom: 10 });
  expect(isEmpty(intersection(one, { left: 40, top: -5, right: 90, bottom: 10 }))).toBe(false);
  expect(isEmpty(intersection(one, { left: 50, top: 0, right: 90, bottom: 20 }))).toBe(true);
  expect(isEmpty(intersection(one, { left: 0, top: 30, right: 50, bottom: 60 }))).toBe(true);
});

describe("clip", () => {
  test.each([
    ["rect(0px, 0px, 0px, 0px)", "absolute", true],
    ["rect(1px, 1px, 1px, 1px)", "fixed", true],
    ["rect(0px, 0px, 0px, 0px)", "static", false], // it has no effect there
    ["rect(0px, 50px, 20px, 0px)", "absolute", false],
    ["rect(auto, auto, auto, auto)", "absolute", false],
    ["auto", "absolute", false],
  ])("%s of an element whose position is %s", (clip, position, cut) => {
    expect(isCutAway(style({ clip, position }), BOX)).toBe(cut);
  });
});

describe("clip-path", () => {
  test.each([
    ["none", false],
    ["circle(0px at 50% 50%)", true],
    ["circle(0%)", true],
    ["circle(40%)", false],
    ["inset(50%)", true],
    ["inset(20px)", true], // above and below, of a height of 40
    ["inset(19px)", false],
    ["inset(0px 50%)", true],
    ["inset(0px 0px 100%)", true],
    ["inset(0px 0px 10% 99%)", false],
    ["inset(50% round 4px)", true],
    ["inset(5px round 4px)", false],
    ["polygon(0 0, 0 0)", false], // not looked into
  ])("%s", (clipPath, cut) => {
    expect(isCutAway(style({ clipPath }), BOX)).toBe(cut);
  });
});
