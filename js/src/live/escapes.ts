// Text as others escape it, as escapes.py has it: what a script of the page may have made of a secret before it shows it.

const MAX_STEPS = 4;
const MAX_READINGS = 24;
const NAMES: Record<string, string> = {
  amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", sol: "/", bsol: "\\", plus: "+", equals: "=", percnt: "%", num: "#", colon: ":",
  semi: ";", comma: ",", period: ".", quest: "?", excl: "!", commat: "@", dollar: "$", lpar: "(", rpar: ")", lowbar: "_", ast: "*", nbsp: "\u00a0",
};
const LETTERS: Record<string, string> = { n: "\n", t: "\t", r: "\r", b: "\b", f: "\f", v: "\v" };

const character = (digits: string, base: number): string => {
  const code = parseInt(digits, base);
  return code <= 0x10ffff ? String.fromCodePoint(code) : "";
};

const STEPS: ((text: string) => string)[] = [
  (text) =>
    text.replace(/\\(?:u([\da-f]{4})|u\{([\da-f]+)\}|x([\da-f]{2})|\r?\n|([^]))/gi, (_, four?: string, any?: string, two?: string, one?: string) => {
      const digits = four ?? any ?? two;
      return digits === undefined ? (LETTERS[one ?? ""] ?? one ?? "") : character(digits, 16);
    }),
  (text) =>
    text.replace(/&(?:#(\d+)|#x([\da-f]+)|(\w+));?/gi, (all, decimal?: string, hexadecimal?: string, name?: string) => {
      if (name !== undefined) return NAMES[name] ?? all;
      return decimal === undefined ? character(hexadecimal ?? "", 16) : character(decimal, 10);
    }),
  (text) =>
    text.replace(/(?:%[\da-f]{2})+/gi, (all) => {
      try {
        return decodeURIComponent(all);
      } catch {
        // Characters of Latin 1.
        return all.replace(/%(..)/g, (_, digits: string) => character(digits, 16));
      }
    }),
];

/** All that a text may say, itself first: one kind of escape is undone in each step. */
export function readings(text: string): string[] {
  const found = [text];
  if (!/[\\&%]/.test(text)) return found;
  for (let begin = 0, step = 0; step < MAX_STEPS && begin < found.length; step++) {
    const before = found.slice(begin);
    begin = found.length;
    for (const each of before) {
      for (const undo of STEPS) {
        const after = undo(each);
        if (!found.includes(after) && found.length < MAX_READINGS) found.push(after);
      }
    }
  }
  return found;
}
