// The licences of everything that is bundled, from what was bundled: each package with its texts, and the files it is in.

import { readFile, readdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const TEXT = /^(licen[sc]e|copying|notice|ofl)/i;
// Packages that come without the text of their licence; these are of the repositories that they are made in.
const ELSEWHERE = [
  [/^@jupyter-widgets\//, "ipywidgets"],
  [/^@jupyterlab\//, "jupyterlab"],
  [/^@lumino\//, "lumino"],
  [/^@microsoft\/fast-/, "fast"],
  [/^@jupyter\/(react|web)-components$/, "jupyter-ui-toolkit"],
  [/^@jupyter\/ydoc$/, "jupyter-ydoc"],
  [/^vega(-|$)/, "vega"],
  [/^requirejs$/, "requirejs"],
  [/^fastdom$/, "fastdom"],
  [/^json-schema-merge-allof$/, "json-schema-merge-allof"],
  [/^(css|style)-loader$/, "webpack-loaders"],
];
// Their runtime is in what html-manager's own build made, but they are not installed here.
const LOADERS = { "css-loader": "MIT", "style-loader": "MIT" };

const HEAD = `What widgetshot's front end is made of, besides its own code (see LICENSE): each package, and the files that it is in.
Icons in amd/ and webfonts/ are Font Awesome's. amd/libembed-amd.js is what html-manager's own build made; its parts may be of
other versions than are named here.
`;

/** Collects what is bundled while it is built. */
export class Licenses {
  /** Folder of a package (below js/) -> names of the files that it is in. */
  #folders = new Map();
  /** The same of packages that are known by their name alone, with their licences. */
  #named = new Map();

  add(folder, file) {
    if (!this.#folders.has(folder)) this.#folders.set(folder, new Set());
    this.#folders.get(folder).add(file);
  }

  /** Take what esbuild says of a build. What is in brackets was left out. */
  addBuild({ inputs }, file) {
    for (const input of Object.keys(inputs)) {
      const [folder] = /^(?!\()(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+\//.exec(input) ?? [];
      if (folder) this.add(folder.slice(0, -1), file);
    }
  }

  /** Take the sources of a bundle that others built: their versions are those of that build. */
  async addSourceMap(path, file) {
    const { sources } = JSON.parse(await readFile(join(here, path), "utf8"));
    for (const source of sources) {
      const [, name] = /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(source) ?? [];
      if (name in LOADERS) this.#named.set(name, { license: LOADERS[name], file });
      else if (name) this.add(`node_modules/${name}`, file);
    }
  }

  /** Write all of it. A package without a text ends the build. */
  async write(target) {
    const parts = [];
    for (const [folder, files] of this.#folders) {
      const { name, version, license } = JSON.parse(await readFile(join(here, folder, "package.json"), "utf8"));
      const names = (await readdir(join(here, folder))).filter((each) => TEXT.test(each) && !each.endsWith(".html")).sort();
      const texts = await Promise.all(names.map((each) => readFile(join(here, folder, each), "utf8")));
      parts.push(await this.#part(`${name} ${version}`, license, files, texts.length ? texts : [await elsewhere(name)]));
    }
    for (const [name, { license, file }] of this.#named) {
      parts.push(await this.#part(name, license, [file], [await elsewhere(name)]));
    }
    parts.sort();
    const line = `\n${"=".repeat(100)}\n`;
    await writeFile(target, [HEAD, ...parts].join(line));
  }

  async #part(title, license, files, texts) {
    const named = typeof license === "string" ? license : (license?.type ?? "see the text");
    return `${title}\nLicence: ${named}\nIn: ${[...files].sort().join(", ")}\n\n${texts.map((text) => text.replace(/\r\n/g, "\n").trim()).join("\n\n")}\n`;
  }
}

async function elsewhere(name) {
  const [, file] = ELSEWHERE.find(([pattern]) => pattern.test(name)) ?? [];
  if (!file) throw new Error(`${name} is bundled and has no text of its licence: put it into js/licenses and name it in js/licenses.mjs`);
  return readFile(join(here, "licenses", `${file}.txt`), "utf8");
}
