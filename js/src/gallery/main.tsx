/** The gallery's page: a run and its pictures, decided on in the browser alone or on a review server. */

import { render } from "preact";

import { App } from "./components/app";
import { ReviewApi, type Live } from "./decisions/api";
import { LiveDecisions } from "./decisions/live";
import { LocalDecisions } from "./decisions/local";
import { overviewOf, title } from "./model/overview";
import type { Run } from "./run";

/** The JSON that Python has put into an element of the page, see report/gallery.py. */
const embedded = (id: string): unknown => JSON.parse(document.getElementById(id)!.textContent);

const run = embedded("run") as Run;
const live = embedded("live") as Live | null;
const decisions = live ? new LiveDecisions(new ReviewApi(live), run) : new LocalDecisions(run);
const overview = overviewOf(run);

document.title = title(overview);
render(<App overview={overview} decisions={decisions} />, document.getElementById("app")!);
