import { useState } from "preact/hooks";

import { extent, inOrder, lanes, type Lane, type TraceEvent } from "../model/trace";
import { count, seconds, visible } from "../model/text";
import type { Result, TraceFile } from "../run";

const words = ({ name, took, detail }: TraceEvent): string =>
  visible([name, detail, took !== null && seconds(took)].filter(Boolean).join(", "));

/** Lanes with a bar for whatever took its time. To assistive technology it is one picture: the list below says the same. */
function Graph({ of, duration }: { of: Lane[]; duration: number }) {
  const label = `Timeline of ${seconds(duration)}: ${of.map(({ title, events }) => `${title} ${events.length}`).join(", ")}`;
  return (
    <div class="timeline" role="img" aria-label={label}>
      {of.map(({ title, events }) => (
        <div class="lane">
          <span>{title}</span>
          <div>
            {events.map((event) => {
              const { left, width } = extent(event, duration);
              return <i class={event.bad ? "bad" : ""} style={{ left: `${left}%`, width: `${width}%` }} title={words(event)} />;
            })}
          </div>
        </div>
      ))}
      <div class="lane scale"><span /><div><span>0 s</span><span>{seconds(duration)}</span></div></div>
    </div>
  );
}

function List({ of }: { of: Lane[] }) {
  return (
    <div class="scroll" tabIndex={0} role="group" aria-label="What happened, as a list">
      <table class="facts events">
        <thead><tr>{["At", "Took", "What", "Name", "Outcome or content"].map((name) => <th scope="col">{name}</th>)}</tr></thead>
        <tbody>
          {inOrder(of).map(({ lane, name, at, took, detail, bad }) => (
            <tr>
              <td>{seconds(at)}</td><td>{took === null ? "" : seconds(took)}</td><td>{lane}</td>
              <td>{visible(name)}</td><td class={bad ? "bad" : ""}>{visible(detail)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Content({ trace }: { trace: TraceFile }) {
  const [open, setOpen] = useState(false);
  const of = lanes(trace);
  const events = of.reduce((sum, lane) => sum + lane.events.length, 0);
  const counts = Object.entries(trace.counts).sort(([, a], [, b]) => b - a);
  return (
    <>
      <Graph of={of} duration={trace.duration} />
      {counts.length > 0 && <p class="soft">Messages in all: {counts.map(([type, number]) => `${visible(type)} ${number.toLocaleString("en")}`).join(", ")}</p>}
      <details onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>{count(events, "event")} as a list</summary>
        {open && <List of={of} />}
      </details>
    </>
  );
}

/** What happened until the result was known. */
export function Timeline({ result: { trace } }: { result: Result }) {
  if (!trace) return null;
  return (
    <section class="trace" aria-label="What happened">
      <h3>What happened</h3>
      {trace.content ? <Content trace={trace.content} /> : <p class="soft">{visible(trace.absent ?? "")}</p>}
    </section>
  );
}
