import { expect, test } from "vitest";

import { toJson } from "../../src/live/state";
import shortenedTexts from "./shortened-texts.json";

test("plain values stay as they are, and members are sorted", () => {
  const value = { b: [1, "two", null, true], a: { d: 0.5, c: undefined } };
  expect(JSON.stringify(toJson(value))).toBe('{"a":{"c":null,"d":0.5},"b":[1,"two",null,true]}');
});

test("what JSON has no word for is put in words", () => {
  class Chart {
    readonly canvas = {};
  }
  expect(toJson([NaN, Infinity, -Infinity])).toEqual(["NaN", "Infinity", "-Infinity"]);
  expect(toJson(new Uint8Array(3))).toBe("(3 bytes)");
  expect(toJson(new DataView(new ArrayBuffer(8)))).toBe("(8 bytes)");
  expect(toJson(new Date(0))).toBe("1970-01-01T00:00:00.000Z");
  expect(toJson(new Chart())).toBe("(Chart)");
  expect(toJson(10n)).toBe("10");
});

test("of a long text the beginning is kept, and a digest tells a change at its end", () => {
  expect(toJson("x".repeat(400))).toBe("x".repeat(400));
  const [one, other] = ["a", "b"].map((end) => toJson("x".repeat(1000) + end));
  expect(one).toMatch(/^x{400}\.\.\. \(1001 characters, digest [0-9a-f]{8}\)$/);
  expect(other).not.toBe(one);
  expect(toJson("x".repeat(1000) + "a")).toBe(one);
});

test.each(shortenedTexts)("a long text is written as sidecars have it: digest $digest", ({ text, shortened }) => {
  expect(toJson(text)).toBe(shortened);
});
