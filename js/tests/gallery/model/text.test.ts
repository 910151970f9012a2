import { expect, test } from "vitest";

import { count, flatten, plain, quoted, seconds, visible } from "../../../src/gallery/model/text";

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
