/** Values, counts and commands as a person would write them. */

import type { Fingerprint } from "../run";

export const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

/** `{a: {b: 1}}` becomes `[["a.b", "1"]]`, so that two fingerprints compare line by line. */
export function flatten(facts: Fingerprint | null | undefined, prefix = ""): [string, string][] {
  return Object.entries(facts ?? {}).flatMap(([name, value]): [string, string][] =>
    value !== null && typeof value === "object" && !Array.isArray(value)
      ? flatten(value as Fingerprint, `${prefix}${name}.`)
      : [[prefix + name, plain(value)]],
  );
}

/** A JSON value as a person would write it: strings bare, everything else as JSON. */
export const plain = (value: unknown): string =>
  typeof value === "string" ? value : value === undefined ? "none" : JSON.stringify(value);

export const count = (n: number, one: string, many = `${one}s`): string => `${n.toLocaleString("en")} ${n === 1 ? one : many}`;
export const seconds = (n: number): string => (n < 60 ? `${n.toFixed(n < 10 ? 2 : 1)} s` : `${Math.floor(n / 60)} min ${Math.round(n % 60)} s`);

/** POSIX shell quoting: the command is meant to be pasted, whatever a notebook is called. */
export const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

const COLOURS = /\u001b\[[0-9;]*m/g;
// As _INVISIBLE of errors.py; a page minds neither carriage returns nor half surrogate pairs.
const INVISIBLE =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;

/** Characters that reorder or hide text are spelt out, so that what is read is what is there. Tracebacks lose their terminal colours. */
export const visible = (text: string): string =>
  text
    .replace(COLOURS, "")
    .replace(INVISIBLE, (char) => `⟨U+${char.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}⟩`);
