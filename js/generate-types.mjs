// Writes the gallery's types of the documents that Python writes and reads, from their JSON Schemas in docs/reference.
// With --check it writes nothing, and fails where what is committed is not what would be written.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

import { compile } from "json-schema-to-typescript";

const here = fileURLToPath(new URL(".", import.meta.url));
const reference = join(here, "..", "docs", "reference");
const out = join(here, "src", "gallery", "generated");

/** Documents the gallery reads or writes. What Python writes has every member, also one that a reader could do without. */
const SCHEMAS = [
  { name: "run", complete: false },
  { name: "trace", complete: false },
  { name: "decisions", complete: false },
  { name: "review-request", complete: false },
  { name: "review-refusal", complete: true },
];

/** Makes a schema one whose TypeScript can be used: bounds and patterns are for validators. */
function simplified(schema, complete) {
  if (Array.isArray(schema)) return schema.map((part) => simplified(part, complete));
  if (schema === null || typeof schema !== "object") return schema;
  const made = Object.fromEntries(Object.entries(schema).map(([name, part]) => [name, simplified(part, complete)]));
  if (made.minItems !== made.maxItems) {
    delete made.minItems;
    delete made.maxItems;
  }
  if (made.type === "object") {
    if (made.properties) {
      made.additionalProperties = false;
      if (complete) made.required = Object.keys(made.properties);
    } else made.additionalProperties ??= {};
  }
  return made;
}

async function typesOf({ name, complete }) {
  const file = join(reference, `${name}.schema.json`);
  const schema = simplified(JSON.parse(await readFile(file, "utf8")), complete);
  // Of the definition it is, not of its title, which is a sentence for people.
  if (schema.$ref) schema.title = basename(schema.$ref);
  return compile(schema, schema.title, {
    bannerComment: `// Made from ${relative(join(here, ".."), file)} by \`npm run types\`: don't edit.`,
    style: { printWidth: 140 },
  });
}

const check = process.argv.includes("--check");
const stale = [];
await mkdir(out, { recursive: true });
for (const schema of SCHEMAS) {
  const file = join(out, `${schema.name}.d.ts`);
  const text = await typesOf(schema);
  const committed = await readFile(file, "utf8").catch(() => "");
  if (text === committed) continue;
  if (check) stale.push(relative(here, file));
  else await writeFile(file, text);
}
if (stale.length) {
  console.error(`Out of date: ${stale.join(", ")}. Next: make reference`);
  process.exitCode = 1;
}
