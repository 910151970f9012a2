// Builds the live page: its script, the scripts that few notebooks need, JupyterLab's styles and themes.

import { readFile, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const modules = join(here, "node_modules");
const live = join(here, "src", "live");
const lazy = JSON.parse(await readFile(join(here, "lazy.json"), "utf8"));

/** Packages whose styles JupyterLab shows outputs with, in the order in which it loads them. */
const STYLED = ["application", "apputils", "codemirror", "json-extension", "mermaid", "notebook", "vega5-extension"].map((name) => `@jupyterlab/${name}`);

/** Return the package.json of a package. */
export async function about(name) {
  return JSON.parse(await readFile(join(modules, name, "package.json"), "utf8"));
}

/** Files that a style sheet may name. Other formats of icon fonts are for browsers that know no better. */
const FILES = {
  loader: { ".woff2": "file", ".woff": "file", ".svg": "dataurl", ".png": "dataurl", ".gif": "dataurl" },
  assetNames: "webfonts/[name]",
  external: ["*.eot", "*.eot?#iefix", "*.svg#fontawesome", "*.ttf"],
};

/** JupyterLab's style sheets name packages as webpack does. */
const tilde = {
  name: "tilde",
  setup(build) {
    build.onResolve({ filter: /^~/ }, ({ path, resolveDir, kind }) => build.resolve(path.slice(1), { resolveDir, kind }));
  },
};

/**
 * List the style sheets of some packages, each once and at its first place: so JupyterLab loads them, while a browser
 * would take the last place of one that is imported again.
 */
async function sheetsOf(names, found = []) {
  for (const name of names) {
    const index = await readFile(join(modules, name, "style", "index.css"), "utf8").catch(() => "");
    for (const [, path] of index.matchAll(/@import (?:url\()?'([^']+)'/g)) {
      const [, other] = /^~((?:@[^/]+\/)?[^/]+)\/style\/index\.css$/.exec(path) ?? [];
      if (other) await sheetsOf([other], found);
      else {
        const sheet = path.startsWith("~") ? path.slice(1) : `${name}/style/${path.replace("./", "")}`;
        if (!found.includes(sheet)) found.push(sheet);
      }
    }
    if (!index) throw new Error(`${name} has no style`);
  }
  return found;
}

const SCRIPT = {
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  charset: "ascii",
  // Styles are those of lab.css.
  loader: { ".css": "empty", ".svg": "text", ".woff": "empty", ".woff2": "empty", ".ttf": "empty", ".eot": "empty" },
  // What is only said to who debugs it would be carried to the camera with each connection.
  pure: ["console.debug"],
  mainFields: ["browser", "module", "main"],
  logLevel: "warning",
};

// What the page's script is given that few pages need; see renderers.ts.
const LATER = /^@jupyterlab\/(codemirror|mermaid)$/;
const withoutLater = {
  name: "without-later",
  setup(build) {
    build.onResolve({ filter: LATER }, ({ path, kind }) => (kind === "entry-point" ? undefined : { path, namespace: "later" }));
    build.onLoad({ filter: /.*/, namespace: "later" }, () => ({ contents: "module.exports = { IEditorLanguageRegistry: null, IMermaidMarkdown: null };" }));
  },
};

/** In the scripts that are loaded later, what is loaded before is taken from there. */
function loadedBefore(shared, needed) {
  return {
    name: "loaded-before",
    setup(build) {
      build.onResolve({ filter: /^[@a-z]/ }, ({ path, kind }) => {
        if (kind === "entry-point") return undefined;
        if (needed.has(path)) return { path, namespace: "needed" };
        return shared.has(path) ? { path, namespace: "shared" } : undefined;
      });
      build.onLoad({ filter: /.*/, namespace: "shared" }, ({ path }) => ({ contents: `module.exports = window.widgetshotShared["${path}"];` }));
      build.onLoad({ filter: /.*/, namespace: "needed" }, ({ path }) => ({ contents: `module.exports = window.widgetshotLazy["${path}"];` }));
    },
  };
}

/** Write everything that a live page is made of, and return the versions of what draws in it. */
export async function buildPage(out, licenses) {
  const source = await readFile(join(live, "shared.ts"), "utf8");
  const shared = new Set([...source.matchAll(/^ {2}"([^"]+)": \w+,$/gm)].map(([, name]) => name));
  const frame = /const FRAME = (\[.*\]);/.exec(source)[1];
  const versions = {};
  const named = [...shared, ...JSON.parse(frame).map((name) => `@jupyterlab/${name}`), ...lazy.ui.packages, ...lazy.datagrid.packages];
  for (const name of named) versions[name] = (await about(name)).version;
  // As webpack does it, which JupyterLab is built with.
  const define = { __dirname: "\"/\"", "process.env.NODE_ENV": '"production"', global: "window", define: "undefined" };

  const made = async (options) => {
    const { metafile } = await build({ ...options, metafile: true, absWorkingDir: here });
    licenses.addBuild(metafile, relative(out, options.outfile));
  };
  const bundle = (options) => made({ ...SCRIPT, ...options });
  await bundle({
    entryPoints: [join(live, "index.ts")],
    plugins: [withoutLater],
    define: { ...define, PACKAGE_VERSIONS: JSON.stringify(versions) },
    outfile: join(out, "live.js"),
  });
  await bundle({ entryPoints: [join(here, "src", "lab", "index.ts")], define, outfile: join(out, "lab", "inside.js") });
  for (const [name, { needs, packages: given }] of Object.entries(lazy)) {
    const needed = new Set(needs.flatMap((need) => lazy[need].packages));
    const imports = given.map((each, index) => `import * as m${index} from "${each}";`).join("\n");
    const modules = given.map((each, index) => `"${each}": m${index}`).join(", ");
    await bundle({
      stdin: { contents: `${imports}\nObject.assign(window.widgetshotLazy, { ${modules} });`, resolveDir: here },
      plugins: [loadedBefore(shared, needed)],
      define,
      outfile: join(out, "lazy", `${name}.js`),
    });
  }

  const sheets = [...(await sheetsOf(STYLED)), "@jupyter-widgets/base/css/index.css", "@jupyter-widgets/controls/css/widgets-base.css"];
  const lab = sheets.map((sheet) => `@import "${sheet}";`).join("\n");
  const style = { bundle: true, minifyWhitespace: true, plugins: [tilde], logLevel: "warning", ...FILES };
  await made({ ...style, stdin: { contents: lab, loader: "css", resolveDir: here }, outfile: join(out, "lab.css"), external: [...FILES.external, "*.woff"] });
  await made({ ...style, entryPoints: [join(modules, "@jupyterlab/mathjax-extension/style/base.css")], outfile: join(out, "lazy", "mathjax.css"), assetNames: "fonts/[name]" });
  for (const theme of ["light", "dark"]) {
    await made({ ...style, entryPoints: [join(modules, `@jupyterlab/theme-${theme}-extension/style/theme.css`)], outfile: join(out, `theme-${theme}.css`) });
  }
  await writeFile(join(out, "lazy", "README"), "Scripts and styles of the live page that are loaded when a notebook needs them.\n");
  return { jupyterlab: (await about("@jupyterlab/outputarea")).version, "jupyterlab-manager": (await about("@jupyter-widgets/jupyterlab-manager")).version };
}
