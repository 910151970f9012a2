// Builds everything that the wheel ships for browsers into src/widgetshot/static/.

import { cp, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, transform } from "esbuild";
import { buildGallery } from "./build-gallery.mjs";
import { buildNotebookPages } from "./build-notebook-pages.mjs";
import { about, buildPage } from "./build-page.mjs";
import { Licenses } from "./licenses.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const modules = join(here, "node_modules");
const out = join(here, "..", "src", "widgetshot", "static");

const FONTS = {
  "noto-sans-400.ttf": { postscript: "NotoSans-Regular", source: "@expo-google-fonts/noto-sans/400Regular/NotoSans_400Regular.ttf" },
  "noto-sans-400-italic.ttf": { postscript: "NotoSans-Italic", source: "@expo-google-fonts/noto-sans/400Regular_Italic/NotoSans_400Regular_Italic.ttf" },
  "noto-sans-700.ttf": { postscript: "NotoSans-Bold", source: "@expo-google-fonts/noto-sans/700Bold/NotoSans_700Bold.ttf" },
  "noto-emoji-400.ttf": { postscript: "NotoEmoji-Regular", source: "@expo-google-fonts/noto-emoji/400Regular/NotoEmoji_400Regular.ttf" },
  "dejavu-sans-mono-400.ttf": { postscript: "DejaVuSansMono", source: "dejavu-fonts-ttf/ttf/DejaVuSansMono.ttf" },
  "dejavu-sans-mono-700.ttf": { postscript: "DejaVuSansMono-Bold", source: "dejavu-fonts-ttf/ttf/DejaVuSansMono-Bold.ttf" },
  "dejavu-sans-400.ttf": { postscript: "DejaVuSans", source: "dejavu-fonts-ttf/ttf/DejaVuSans.ttf" },
  "dejavu-serif-400.ttf": { postscript: "DejaVuSerif", source: "dejavu-fonts-ttf/ttf/DejaVuSerif.ttf" },
  "dejavu-serif-700.ttf": { postscript: "DejaVuSerif-Bold", source: "dejavu-fonts-ttf/ttf/DejaVuSerif-Bold.ttf" },
};

await rm(out, { recursive: true, force: true });
await mkdir(join(out, "fonts"), { recursive: true });
await mkdir(join(out, "licenses"), { recursive: true });

// Each font is also looked for by its PostScript name: in a browser that has been given these very files as its system's
// fonts, they need not be fetched and checked.
const page = await readFile(join(here, "src", "live", "page.css"), "utf8");
await writeFile(join(out, "page.css"), page);
const installed = page.replace(/url\(fonts\/([\w-]+\.ttf)\)/g, (url, file) => `local("${FONTS[file].postscript}"), ${url}`);
await writeFile(join(out, "page-installed.css"), installed);

// For pages that others make: the fonts, and nothing else of ours.
await writeFile(join(out, "fonts.css"), page.match(/^@font-face .*$/gm).join("\n"));
// Inside of applications they have the fonts of our page, and what is left away of their frames.
const faces = installed.match(/@font-face\s*\{[^}]*\}/g).join("\n").replaceAll("url(fonts/", "url(../fonts/");
await mkdir(join(out, "lab"), { recursive: true });
await writeFile(join(out, "lab", "inside.css"), `${faces}\n${await readFile(join(here, "src", "lab", "frame.css"), "utf8")}`);

const licenses = new Licenses();
const drawing = await buildPage(out, licenses);

// html-manager's AMD build, and the icon fonts where its style sheet will ask for them: beside the module.
const manager = join(modules, "@jupyter-widgets", "html-manager", "dist");
const embed = await readFile(join(manager, "libembed-amd.js"), "utf8");
// In ASCII, so that the server can call it something that Chromium does not compile ahead, see extension.py.
const { code } = await transform(embed, { charset: "ascii", minify: true, legalComments: "inline" });
await mkdir(join(out, "amd"), { recursive: true });
// Only comments have other letters left.
await writeFile(join(out, "amd", "libembed-amd.js"), code.replace(/[^\x00-\x7f]/g, "?"));
for (const file of await readdir(manager)) {
  if (/\.(woff2?|ttf)$/.test(file)) await cp(join(manager, file), join(out, "amd", "@jupyter-widgets", file));
}
licenses.add("node_modules/@jupyter-widgets/html-manager", "amd/libembed-amd.js");
await licenses.addSourceMap("node_modules/@jupyter-widgets/html-manager/dist/embed.js.map", "amd/libembed-amd.js");
await cp(join(modules, "requirejs", "require.js"), join(out, "require.js"));
licenses.add("node_modules/requirejs", "require.js");

const digest = createHash("sha256");
for (const [name, { source }] of Object.entries(FONTS).sort()) {
  await cp(join(modules, source), join(out, "fonts", name));
  digest.update(name).update(await readFile(join(modules, source)));
  licenses.add(`node_modules/${/^(?:@[^/]+\/)?[^/]+/.exec(source)[0]}`, `fonts/${name}`);
}
await buildNotebookPages(out, licenses);
await buildGallery(out, licenses);

// `sheet` in whatever function it is put into: pages are left as they are. Nothing but our own is in it.
await build({
  absWorkingDir: here,
  entryPoints: [join(here, "src", "sheet", "index.ts")],
  bundle: true,
  minify: true,
  format: "iife",
  globalName: "sheet",
  target: "es2022",
  charset: "ascii",
  outfile: join(out, "sheet.js"),
  logLevel: "warning",
});
await licenses.write(join(out, "licenses", "bundled.txt"));

// What the fingerprint of every picture says about its front end.
await writeFile(
  join(out, "frontend.json"),
  JSON.stringify(
    {
      ...drawing,
      mathjax: (await about("mathjax-full")).version,
      fonts: digest.digest("hex").slice(0, 16),
    },
    null,
    1,
  ),
);
