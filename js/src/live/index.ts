// The script of the live widget page: executes the notebook, draws what comes of it, and answers the camera's questions.

import "./activity"; // watches from before any other module runs
import "./shadow"; // so does this
import * as base from "@jupyter-widgets/base";
import * as controls from "@jupyter-widgets/controls";
import { configOf } from "./config";
import { Federation } from "./federation";
import { extent, look } from "./look";
import { Typesetter } from "./math";
import { WidgetPage } from "./page";
import { ready } from "./ready";
import { enter, leave } from "./reuse";
import { LazyScripts } from "./scripts";
import { secretPlaces } from "./secrets";
import { PageSnapshot } from "./snapshot";
import { trace } from "./trace";

// Front ends for the classic notebook ask require.js for these, and must get the ones that draw here.
const SHARED = { "@jupyter-widgets/base": base, "@jupyter-widgets/controls": controls };
for (const [name, module] of Object.entries(SHARED)) window.define(name, () => module);

const config = configOf(document);
const lazy = new LazyScripts(`${config.staticUrl}/lazy`);
const math = new Typesetter(lazy);
math.install();
const page = new WidgetPage(config, math, new Federation(lazy), lazy);
page.start();
const snapshot = new PageSnapshot(new Set(Object.keys(SHARED)));

window.widgetshot = {
  execute: async (within, until) => JSON.stringify(await page.execute(within, until)),
  outputs: async () => JSON.stringify(await page.outputs()),
  saved: async () => JSON.stringify(await page.saved()),
  follow: (outputs) => page.follow(JSON.parse(outputs) as object),
  ready: async (limit, maxSettle) => JSON.stringify(await ready(page, limit, maxSettle)),
  acting: () => {
    page.isActedOn = true;
  },
  look: async (scopes, styled) => JSON.stringify(await look(page, scopes, styled)),
  extent,
  secretPlaces,
  trace: () => JSON.stringify(trace.answer()),
  enter: (url) => enter(page, snapshot, url),
  leave: () => leave(page, snapshot),
};
