import type { ComponentChildren } from "preact";

import { seconds, visible } from "../model/text";

export function Part({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <section class="part">
      <h3>{title}</h3>
      {children}
    </section>
  );
}

export function Lines({ title, lines }: { title: string; lines: string[] }) {
  if (!lines.length) return null;
  return (
    <Part title={`${title} (${lines.length})`}>
      <ul class="lines">{lines.map((line) => <li>{visible(line)}</li>)}</ul>
    </Part>
  );
}

export function Timings({ timings }: { timings: Record<string, number> }) {
  const longest = Math.max(...Object.values(timings), Number.EPSILON);
  return (
    <table class="timings">
      <tbody>
        {Object.entries(timings).map(([stage, time]) => (
          <tr>
            <th scope="row">{visible(stage)}</th>
            <td>{seconds(time)}</td>
            <td aria-hidden="true"><i style={{ width: `${(100 * time) / longest}%` }} /></td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
