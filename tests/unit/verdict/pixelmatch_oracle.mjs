// Compares pairs of pictures with pixelmatch: jobs.json in the folder lists them, N.rgba holds both pictures of one.
// Writes N.mask, a byte per pixel, 1 where pixelmatch counts it; prints the counts.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import pixelmatch from "../../../js/node_modules/pixelmatch/index.js";

const folder = process.argv[2];
const jobs = JSON.parse(readFileSync(join(folder, "jobs.json"), "utf8"));

const answers = jobs.map(({ width, height, threshold }, index) => {
  // Copied, because pixelmatch reads it as 32-bit words, which must be aligned.
  const both = new Uint8Array(readFileSync(join(folder, `${index}.rgba`)));
  const length = width * height * 4;
  const [one, other] = [both.subarray(0, length), both.subarray(length)];
  const drawn = new Uint8Array(length);
  const count = pixelmatch(one, other, drawn, width, height, { threshold, diffMask: true });
  const everything = pixelmatch(one, other, null, width, height, { threshold, includeAA: true });
  const mask = new Uint8Array(width * height);
  for (let i = 0; i < mask.length; i++) mask[i] = drawn[4 * i + 3] === 0 ? 0 : 1;
  writeFileSync(join(folder, `${index}.mask`), mask);
  return { count, everything };
});
console.log(JSON.stringify(answers));
