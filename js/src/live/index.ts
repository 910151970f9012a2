// The script of the live widget page: draws the notebook's widgets, and answers the camera's questions.

import "./activity"; // watches from before any other module runs
import * as base from "@jupyter-widgets/base";
import * as controls from "@jupyter-widgets/controls";
import { configOf } from "./config";
import { extent, look } from "./look";
import { Typesetter } from "./math";
import { WidgetPage } from "./page";
import { ready } from "./ready";
import { enter, leave } from "./reuse";
import { secretPlaces } from "./secrets";
import { PageSnapshot } from "./snapshot";

// Front ends of third parties ask require.js for these, and must get the ones that draw here.
const SHARED = { "@jupyter-widgets/base": base, "@jupyter-widgets/controls": controls };
for (const [name, module] of Object.entries(SHARED)) window.define(name, () => module);

const config = configOf(document);
const math = new Typesetter(config.mathUrl);
math.install();
const page = new WidgetPage(config, math);
page.start();
const snapshot = new PageSnapshot(new Set(Object.keys(SHARED)));

window.widgetshot = {
  ready: async (limit, maxSettle) => JSON.stringify(await ready(page, limit, maxSettle)),
  look: async (scopes) => JSON.stringify(await look(page, scopes)),
  extent,
  secretPlaces,
  enter: (url) => enter(page, snapshot, url),
  leave: () => leave(page, snapshot),
};
