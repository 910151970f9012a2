import { expect, test } from "vitest";
import { readings } from "../../src/live/escapes";

const SECRET = "wJalr/K7+b&x";
const hex = (one: string, count: number): string => one.charCodeAt(0).toString(16).padStart(count, "0");
const each = (escape: (one: string) => string, text = SECRET): string => Array.from(text, escape).join("");

test.each([
  ["JSON", each((one) => `\\u${hex(one, 4)}`)],
  ["a slash in JSON", SECRET.replace("/", "\\/")],
  ["JavaScript", each((one) => `\\x${hex(one, 2)}`)],
  ["code points", each((one) => `\\u{${hex(one, 1)}}`)],
  ["HTML", each((one) => `&#${String(one.charCodeAt(0))};`)],
  ["HTML in hexadecimal digits", each((one) => `&#X${hex(one, 6)};`)],
  ["names", SECRET.replace("&", "&amp;").replace("/", "&sol;").replace("+", "&plus;")],
  ["a URL", each((one) => `%${hex(one, 2)}`)],
  ["JSON in HTML in a URL", encodeURIComponent(each((one) => `&#x${hex(one, 1)};`, SECRET.replace("/", "\\/")))],
])("one of the readings of %s is the text", (_, text) => {
  expect(text).not.toBe(SECRET);
  expect(readings(text)).toContain(SECRET);
});

test("characters of several bytes are read, and those of Latin 1", () => {
  expect(readings("%e6%97%a5")).toContain("\u65e5");
  expect(readings("%fc")).toContain("\u00fc");
});

test.each(["plain text", "100 %", "a & b", "&nothing;", "\\", "%zz", "&#1114112;"])("%s has few readings and itself first", (text) => {
  expect(readings(text)[0]).toBe(text);
  expect(readings(text).length).toBeLessThan(4);
});

test("readings have an end", () => {
  expect(readings("\\".repeat(4096) + "%25".repeat(999) + "&amp;".repeat(999)).length).toBeLessThanOrEqual(24);
});
