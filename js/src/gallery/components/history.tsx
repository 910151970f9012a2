import { useId } from "preact/hooks";

import { stretches } from "../model/results";
import { count, visible } from "../model/text";
import type { Result } from "../run";
import { Icon } from "./icon";

/** Stretches that a card shows; the file remembers a few more. */
const STRETCHES = 8;

/** The verdicts of the last runs. Nothing of a first run, which has no past. */
export function History({ result }: { result: Result }) {
  const all = stretches(result);
  const shown = all.slice(-STRETCHES);
  const id = useId();
  if (all.length < 2 && (all[0]?.[1] ?? 0) < 2) return null;
  const day = (time: string) => visible(time.slice(0, 10));
  return (
    <div class="history">
      <span id={id}>History</span>
      <ol aria-labelledby={id}>
        {all.length > shown.length && <li>… <span class="hidden">{count(all.length - shown.length, "earlier stretch", "earlier stretches")}</span></li>}
        {shown.map(([verdict, times, first, last]) => {
          const when = day(first) === day(last) ? day(last) : `${day(first)} to ${day(last)}`;
          return (
            <li data-verdict={verdict} title={`${count(times, "run")}, ${when}`}>
              <Icon shape={verdict} /> {visible(verdict)} ×{times}<span class="hidden">, {when}</span>
            </li>
          );
        })}
      </ol>
    </div>
  );
}
