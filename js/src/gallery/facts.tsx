import type { ComponentChildren } from "preact";
import { useId, useRef, useState } from "preact/hooks";

import type { Word } from "./decisions";
import {
  acceptable, count, flatten, plain, quoted, seconds, steadiness, stretches, visible,
  type Mark, type Result, type Verdict,
} from "./run";

/** One outline per verdict, mark and decision, told apart by shape, so that colour is only a help. */
const SHAPES: Record<Verdict | Mark | Word | "renderer" | "group" | "fold", string> = {
  changed: "M3 6h10M3 10h10M10.5 3l-5 10",
  resized: "M9.5 3H13v3.5M13 3 9 7M6.5 13H3V9.5M3 13l4-4",
  new: "M8 3v10M3 8h10",
  unstable: "M2 9c1.5-5 3-5 4.5-1s3 4 4.5 0 2-3 3-2",
  broken: "M4 4l8 8M12 4l-8 8",
  match: "M3 8.5 6.5 12 13 4.5",
  quarantined: "M8 2a6 6 0 1 0 0 12A6 6 0 1 0 8 2M8 5v3.2l2 1.6",
  flaky: "M1.5 8.5h3l2-5 3 9 2-4h3",
  renderer: "M2 3h12v8H2zM5.5 14h5",
  accept: "M2.5 8.5 6.5 12.5 13.5 3.5",
  reject: "M3.5 3.5l9 9M12.5 3.5l-9 9",
  skip: "M3 4l5 4-5 4M9 4l5 4-5 4",
  group: "M2 5h9v9H2zM5 2h9v9",
  fold: "M6 4l4 4-4 4",
};

const RULES = { strict: "compared strictly", perceptual: "compared perceptually", pixelmatch: "compared as pixelmatch does" };
/** Stretches that a card shows; the file remembers a few more. */
const STRETCHES = 8;

export function Icon({ shape }: { shape: keyof typeof SHAPES }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path d={SHAPES[shape]} />
    </svg>
  );
}

/** A command as it is typed, and a button that copies it unchanged. */
export function Command({ text }: { text: string }) {
  const [said, setSaid] = useState("Copy");
  const code = useRef<HTMLElement>(null);
  async function copy() {
    try {
      await navigator.clipboard.writeText(text);
      setSaid("Copied");
    } catch {
      // A browser may refuse the clipboard to a page from disk: leave the text selected for the person's own copy.
      getSelection()?.selectAllChildren(code.current!);
      setSaid("Selected");
    }
    setTimeout(() => setSaid("Copy"), 2000);
  }
  return (
    <div class="command">
      <code ref={code} tabIndex={0}>{visible(text)}</code>
      <button type="button" onClick={() => void copy()} aria-label={`${said} command`}>{said}</button>
      <span class="hidden" role="status">{said === "Copy" ? "" : said}</span>
    </div>
  );
}

export function Part({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <section class="part">
      <h3>{title}</h3>
      {children}
    </section>
  );
}

function Lines({ title, lines }: { title: string; lines: string[] }) {
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
            <th scope="row">{stage}</th>
            <td>{seconds(time)}</td>
            <td aria-hidden="true"><i style={{ width: `${(100 * time) / longest}%` }} /></td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

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

function Fingerprint({ result: { baseline_fingerprint: before, fingerprint: after, renderer } }: { result: Result }) {
  const old = new Map(flatten(before));
  const now = new Map(flatten(after));
  const names = [...new Set([...now.keys(), ...old.keys()])];
  const differs = (name: string) => before !== null && old.get(name) !== now.get(name);
  const differing = names.filter(differs).length;
  if (!names.length) return null;
  return (
    <Part title="Renderer">
      {renderer && renderer.length > 0 && <ul class="lines">{renderer.map((line) => <li>{visible(line)}</li>)}</ul>}
      {/* What differs is said above already, or does not make another renderer; an older run leaves it to the table. */}
      <details open={differing > 0 && !renderer}>
        <summary>
          {before === null ? "No baseline to compare with" : renderer?.length ? "All facts of both renderers"
            : !differing ? "The same as the baseline's"
            : renderer ? `The same as the baseline's; ${count(differing, "other fact differs", "other facts differ")}`
            : `Not the renderer of the baseline: ${count(differing, "part differs", "parts differ")}`}
        </summary>
        <div class="scroll">
          <table class="facts">
            <thead><tr><th scope="col">Part</th>{before && <th scope="col">Baseline</th>}<th scope="col">This run</th></tr></thead>
            <tbody>
              {names.map((name) => (
                <tr class={differs(name) ? "differs" : ""}>
                  <th scope="row">{visible(name)}{differs(name) && <span class="hidden"> (differs)</span>}</th>
                  {before && <td>{visible(old.get(name) ?? "none")}</td>}
                  <td>{visible(now.get(name) ?? "none")}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </Part>
  );
}

function Traits({ result }: { result: Result }) {
  if (result.verdict !== "changed" && result.verdict !== "resized" && !result.traits.length) return null;
  return (
    <Part title="Widget traits">
      {result.traits.length ? (
        <ul class="traits">
          {result.traits.map(({ widget, trait, before, after }) => (
            <li>
              <b>{visible(`${widget}.${trait}`)}</b> <del>{visible(plain(before))}</del> <span aria-label="became">→</span> <ins>{visible(plain(after))}</ins>
            </li>
          ))}
        </ul>
      ) : (
        <p>No trait differs: a style or front-end change.</p>
      )}
    </Part>
  );
}

/** What is known of a result besides its sentence and its pictures. */
export function Facts({ result }: { result: Result }) {
  const changed = result.metrics?.changed_pixels ?? 0;
  const share = 100 * (result.metrics?.changed_share ?? 0);
  const rule = result.metrics?.rule;
  // The sentence comes first and says some of it in the same words.
  const unsaid = (words: string | null) => words && !result.sentence.includes(words) && words;
  const facts = [
    unsaid(steadiness(result)),
    changed > 0 && !result.sentence.includes(String(changed)) && `${count(changed, "pixel")} changed (${share < 0.01 ? "under 0.01" : share.toFixed(2)} %)`,
    `${result.theme} theme`, `viewport ${result.viewport.join(" × ")}`,
    rule && RULES[rule], unsaid(result.tolerance), seconds(result.duration),
  ];
  return <ul class="aside">{facts.map((fact) => fact && <li>{visible(fact)}</li>)}</ul>;
}

export function Failure({ result: { error } }: { result: Result }) {
  if (!error) return null;
  return (
    <div class="error" role="note">
      <h3>{visible(error.type)}</h3>
      <pre tabIndex={0}>{visible(error.message)}</pre>
      {error.next && <><h3>Next</h3><Command text={error.next} /></>}
    </div>
  );
}

/** Why it looks as it does. */
export function Why({ result }: { result: Result }) {
  const timings = result.metrics?.timings ?? {};
  return (
    <div class="parts">
      <Traits result={result} />
      <Lines title="Console errors" lines={result.console} />
      <Lines title="Blocked requests" lines={result.blocked} />
      {result.source && <Part title="Cell source"><pre tabIndex={0}>{visible(result.source)}</pre></Part>}
      <Fingerprint result={result} />
      {Object.keys(timings).length > 0 && (
        <Part title="Timings">
          <details><summary>{count(Object.keys(timings).length, "stage")}, {seconds(result.duration)}</summary><Timings timings={timings} /></details>
        </Part>
      )}
      {acceptable(result) && (
        <Part title="From a terminal">
          <Command text={`widgetshot approve ${quoted(result.key)}`} />
        </Part>
      )}
    </div>
  );
}
