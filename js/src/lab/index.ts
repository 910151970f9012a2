// The script that runs inside JupyterLab and Notebook 7: it has the application execute the notebook, and answers the
// camera's questions, as the script of our own page does.

import "../live/activity"; // watches from before any other module runs
import "../live/shadow"; // so does this
import { activity } from "../live/activity";
import { extent, look } from "../live/look";
import { ready } from "../live/ready";
import { secretPlaces } from "../live/secrets";
import { trace } from "../live/trace";
import { type Capture, arrange } from "./frame";
import { ApplicationPage } from "./page";

const page = new ApplicationPage();
page.start();

window.widgetshot = {
  execute: async (within, until) => JSON.stringify(await page.execute(within, until)),
  outputs: () => Promise.reject(new Error("another tab can't follow an application")),
  follow: () => Promise.reject(new Error("an application can't follow another tab")),
  saved: () => Promise.reject(new Error("an application saves for itself")),
  arrange: (capture) => arrange(capture as Capture, page.panel),
  ready: async (limit, maxSettle) => JSON.stringify(await ready(page, limit, maxSettle)),
  acting: () => {
    page.isActedOn = true;
  },
  look: async (scopes, styled) => JSON.stringify(await look(page, scopes, styled)),
  extent,
  secretPlaces,
  trace: () => JSON.stringify(trace.answer()),
  enter: async (url) => {
    await page.started;
    page.restart(new URL(url).pathname.split("/").at(-1)!);
    return true;
  },
  leave: async () => {
    const isClean = !page.uncaught.length && !page.problems.length && page.panel !== undefined;
    await page.close();
    activity.end();
    return isClean;
  },
};
