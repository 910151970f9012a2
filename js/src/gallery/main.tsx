/** The gallery's page: a run and its pictures, decided on in the browser alone or on a review server. */

import { render } from "preact";

import { App } from "./components/app";
import { ReviewApi, type Live } from "./decisions/api";
import { LiveDecisions } from "./decisions/live";
import { LocalDecisions } from "./decisions/local";
import { overview, title } from "./model/overview";
import type { Run } from "./run";

/** What `page` in Python has put into an element. */
const carried = (id: string): unknown => JSON.parse(document.getElementById(id)!.textContent);

const run = carried("run") as Run;
const live = carried("live") as Live | null;
const decisions = live ? new LiveDecisions(new ReviewApi(live), run) : new LocalDecisions(run);
const of = overview(run);

document.title = title(of);
render(<App of={of} decisions={decisions} />, document.getElementById("app")!);
