import type { ComponentChildren } from "preact";

import { sorted } from "../model/listing";
import { count, flatten, seconds, sum, visible } from "../model/text";
import type { Run } from "../run";
import { Timings } from "./part";

/** Lines of one list among the facts of the run. */
const LONGEST = 50;
/** Lines of a list of the slowest. */
const SLOWEST = 5;

const longestFirst = (timings: Record<string, number>): Record<string, number> =>
  Object.fromEntries(Object.entries(timings).sort(([, a], [, b]) => b - a));

/** A list under a heading, as long as it holds anything. */
function FactList<T>({ title, of, most = LONGEST, countRest = true, line }: {
  title: string; of: readonly T[]; most?: number; countRest?: boolean; line: (one: T) => ComponentChildren;
}) {
  if (!of.length) return null;
  return (
    <section class="part">
      <h2>{title}</h2>
      <ul class="lines">{of.slice(0, most).map((one) => <li>{line(one)}</li>)}</ul>
      {countRest && of.length > most && <p class="soft">and {(of.length - most).toLocaleString("en")} more</p>}
    </section>
  );
}

function Environment({ run: { environment, tool, id, commit } }: { run: Run }) {
  const facts = flatten({ ...environment, widgetshot: tool.version, run: id, ...(commit ? { commit } : {}) });
  return (
    <section class="part">
      <h2>Environment</h2>
      <div class="scroll"><table class="facts"><tbody>
        {facts.map(([name, value]) => <tr><th scope="row">{visible(name)}</th><td>{visible(value)}</td></tr>)}
      </tbody></table></div>
    </section>
  );
}

function Time({ run: { timings, summary } }: { run: Run }) {
  return (
    <section class="part">
      <h2>Time spent</h2>
      <p class="soft">{seconds(sum(Object.values(timings)))} of work in {seconds(summary.duration_seconds)}; notebooks are worked on side by side.</p>
      <Timings timings={longestFirst(timings)} />
    </section>
  );
}

/** The facts of a run that no single result has. */
export function About({ run }: { run: Run }) {
  const { changed, notebooks, services, skipped, durations } = run;
  const unused = run.unused ?? [];
  const leftOut = skipped.length ? `, ${count(skipped.length, "notebook")} left out` : "";
  return (
    <details class="about">
      <summary>About this run{leftOut}{unused.length ? `, ${count(unused.length, "unused baseline")}` : ""}</summary>
      <div class="parts" tabIndex={0} role="group" aria-label="Facts of the run">
        <Environment run={run} />
        <Time run={run} />
        <FactList title="Slowest notebooks" of={notebooks} most={SLOWEST} countRest={false}
          line={({ notebook, seconds: all, timings }) => {
            const [longest] = Object.entries(longestFirst(timings));
            return <>{seconds(all)} {visible(notebook)}{longest && `, ${visible(longest[0])} ${seconds(longest[1])}`}</>;
          }} />
        {run.tests.length > 1 && (
          <FactList title="Slowest pictures" of={sorted(run.tests, "time")} most={SLOWEST} countRest={false}
            line={({ name, duration }) => <>{seconds(duration)} {visible(name)}</>} />
        )}
        <FactList title="Services" of={services} most={Infinity}
          line={({ name, seconds: all, instances, elsewhere }) => (
            <>{visible(name)}: {elsewhere ? "runs elsewhere" : `ready after ${seconds(all / instances)}`}{instances > 1 && `, started ${count(instances, "time")}`}</>
          )} />
        <FactList title="Measured by tests" of={durations} line={({ test, name, seconds: all }) => <>{seconds(all)} {visible(name)}, {visible(test)}</>} />
        <FactList title="Notebooks left out" of={skipped} line={({ notebook, reason }) => <>{visible(notebook)}: {visible(reason)}</>} />
        <FactList title="Run because" of={changed?.ran ?? []} line={({ name, why }) => <>{visible(name)}: {visible(why)}</>} />
        <FactList title="Not run: nothing changed since they passed" of={changed?.not_run ?? []}
          line={({ key, passed }) => <>{visible(key)}, {visible(passed.slice(0, 10))}</>} />
        <FactList title="Baselines that no notebook declares" of={unused} most={Infinity} line={(key) => visible(key)} />
      </div>
    </details>
  );
}
