// What pages need that nbconvert and Voila make: the camera's script, and what they would fetch from elsewhere.

import { cp, mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const modules = join(here, "node_modules");

/** Of MathJax 2, what `config=TeX-AMS_CHTML-full,Safe` may ask for. */
const MATHJAX = [
  "MathJax.js", "config/TeX-AMS_CHTML-full.js", "config/Safe.js", "extensions/AssistiveMML.js", "extensions/MathEvents.js", "extensions/MathMenu.js",
  "extensions/MathZoom.js", "extensions/Safe.js", "extensions/TeX", "extensions/MathML", "extensions/a11y/accessibility-menu.js", "extensions/tex2jax.js",
  "extensions/toMathML.js", "jax/element", "jax/input/TeX", "jax/output/CommonHTML", "fonts/HTML-CSS/TeX/woff",
];
/** Of Font Awesome, what Voila's template names. Other formats of the fonts are for browsers that know no better. */
const FONT_AWESOME = [
  "css/all.min.css", "css/v4-shims.min.css", "webfonts/fa-brands-400.woff2", "webfonts/fa-regular-400.woff2", "webfonts/fa-solid-900.woff2",
];

/** Write the scripts and files into the folder `out`. */
export async function buildNotebookPages(out, licenses) {
  const { metafile } = await build({
    entryPoints: [join(here, "src", "camera", "index.ts")],
    outfile: join(out, "camera.js"),
    bundle: true,
    minify: true,
    format: "iife",
    target: "es2022",
    charset: "ascii",
    mainFields: ["browser", "module", "main"],
    logLevel: "warning",
    metafile: true,
    absWorkingDir: here,
  });
  licenses.addBuild(metafile, "camera.js");
  for (const [name, folder, files] of [["mathjax", "mathjax2", MATHJAX], ["@fortawesome/fontawesome-free", "fontawesome", FONT_AWESOME]]) {
    for (const file of files) await cp(join(modules, name, file), join(out, folder, file), { recursive: true });
    for (const file of await readdir(join(out, folder), { recursive: true, withFileTypes: true })) {
      if (file.isFile()) licenses.add(`node_modules/${name}`, relative(out, join(file.parentPath, file.name)).replaceAll("\\", "/"));
    }
  }
  await writeRenderer(out);
  licenses.add("node_modules/@jupyter-widgets/html-manager", "amd/embed-amd-render.js");
  const versions = {};
  for (const [called, name] of [["html-manager", "@jupyter-widgets/html-manager"], ["mathjax2", "mathjax"], ["fontawesome", "@fortawesome/fontawesome-free"]]) {
    versions[called] = JSON.parse(await readFile(join(modules, name, "package.json"), "utf8")).version;
  }
  // What the fingerprint of their pictures says.
  await writeFile(join(out, "notebook-pages.json"), JSON.stringify(versions, null, 1));
}

/**
 * Write what html-manager's `embed-amd.js` does besides defining the modules of `libembed-amd.js`: the two are one text of
 * megabytes but for the end.
 */
async function writeRenderer(out) {
  const dist = join(modules, "@jupyter-widgets", "html-manager", "dist");
  const library = (await readFile(join(dist, "libembed-amd.js"), "utf8")).trimEnd();
  const embed = await readFile(join(dist, "embed-amd.js"), "utf8");
  if (!embed.startsWith(library)) throw new Error("html-manager's embed-amd.js does not begin with its libembed-amd.js");
  const render = embed.slice(library.length).replace(/^\/\/# sourceMappingURL.*$/gm, "").replace(/^;?\s*/, "").trim();
  await mkdir(join(out, "amd"), { recursive: true });
  await writeFile(join(out, "amd", "embed-amd-render.js"), `${render}\n`);
}
