// The camera's script in pages that others make: it watches from before any other script runs, and answers its questions.

import "../live/activity"; // watches from before any other module runs
import "../live/shadow"; // so does this
import { extent, look } from "../live/look";
import { ready } from "../live/ready";
import { secretPlaces } from "../live/secrets";
import { trace } from "../live/trace";
import { type StaticNotebook, StaticPage } from "./static";
import { VoilaPage } from "./voila";

const PAGES = { static: StaticPage, voila: VoilaPage };

/** What the server tells this script, see server/static_page.py. */
interface Told extends StaticNotebook {
  kind: keyof typeof PAGES;
}

const told = JSON.parse(document.currentScript!.dataset["told"]!) as Told;
const page = new PAGES[told.kind](told);

window.widgetshot = {
  execute: async (within) => JSON.stringify(await page.execute(performance.now() + within)),
  outputs: () => Promise.resolve("{}"),
  follow: () => Promise.reject(new Error("this page follows no other")),
  saved: () => Promise.reject(new Error("this page keeps no state")),
  arrange: () => false,
  ready: async (limit, maxSettle) => JSON.stringify(await ready(page, limit, maxSettle)),
  acting: () => {
    page.isActedOn = true;
  },
  look: async (scopes, styled) => JSON.stringify(await look(page, scopes, styled)),
  extent,
  secretPlaces,
  trace: () => JSON.stringify(trace.answer()),
  enter: () => Promise.resolve(false),
  leave: () => Promise.resolve(false),
};
