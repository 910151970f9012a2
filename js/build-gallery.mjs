// Builds the gallery's template: one HTML file with its style and script inside and places for data.
// `page` (src/widgetshot/report/gallery.py) fills these in; it never touches what the hashes below cover.
import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));
const hash = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

async function bundle(entry, licenses) {
  const { outputFiles, metafile } = await build({
    metafile: true,
    absWorkingDir: here,
    entryPoints: [entry],
    bundle: true,
    minify: true,
    write: false,
    format: "iife",
    target: "es2022",
    charset: "utf8",
    legalComments: "none",
    jsx: "automatic",
    jsxImportSource: "preact",
  });
  licenses?.addBuild(metafile, "gallery.html");
  const text = outputFiles[0].text.trim();
  // Inside HTML these would end or hide the element, and the hash would no longer fit.
  if (/<\/(script|style)|<!--|\r/i.test(text)) throw new Error(`${entry}: its bundle can't stand inside an HTML element`);
  return text;
}

/** Writes `gallery.html` into the folder `outdir`, which is made if need be; notes what is in it with the licences. */
export async function buildGallery(outdir, licenses) {
  const [style, script] = await Promise.all([bundle("src/gallery/gallery.css", licenses), bundle("src/gallery/main.tsx", licenses)]);
  const policy = [
    "default-src 'none'",
    `script-src ${hash(script)}`,
    `style-src ${hash(style)}`,
    "img-src data: blob:",
    // 'none' in a file; 'self' where a review server takes the decisions.
    "connect-src @@widgetshot-connect@@",
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  await mkdir(outdir, { recursive: true });
  await writeFile(
    join(outdir, "gallery.html"),
    `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width">
<meta name="referrer" content="no-referrer">
<link rel="icon" href="data:,">
<title>widgetshot</title>
<style>${style}</style>
</head>
<body>
<div id="app"></div>
<noscript>This page shows the pictures of a run with the script it carries inside. Please allow scripts for it.</noscript>
<script type="application/json" id="live">@@widgetshot-live@@</script>
<script type="application/json" id="run">@@widgetshot-run@@</script>
<script type="application/json" id="pictures">@@widgetshot-pictures@@</script>
<script>${script}</script>
</body>
</html>
`,
  );
}
