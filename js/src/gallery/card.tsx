import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";

import { Pictures, type View } from "./pictures";
import {
  acceptable, count, ended, flatten, MARKS, plain, quoted, seconds, steadiness, stretches, visible,
  type Mark, type Result, type Run, type Verdict,
} from "./run";

/** One outline per verdict and mark, told apart by shape, so that colour is only a help. */
const SHAPES: Record<Verdict | Mark | "renderer", string> = {
  changed: "M3 6h10M3 10h10M10.5 3l-5 10",
  resized: "M9.5 3H13v3.5M13 3 9 7M6.5 13H3V9.5M3 13l4-4",
  new: "M8 3v10M3 8h10",
  unstable: "M2 9c1.5-5 3-5 4.5-1s3 4 4.5 0 2-3 3-2",
  broken: "M4 4l8 8M12 4l-8 8",
  match: "M3 8.5 6.5 12 13 4.5",
  quarantined: "M8 2a6 6 0 1 0 0 12A6 6 0 1 0 8 2M8 5v3.2l2 1.6",
  wavering: "M1.5 8.5h3l2-5 3 9 2-4h3",
  renderer: "M2 3h12v8H2zM5.5 14h5",
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
      <button type="button" onClick={copy} aria-label={`${said} command`}>{said}</button>
      <span class="hidden" role="status">{said === "Copy" ? "" : said}</span>
    </div>
  );
}

function Part({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <section class="part">
      <h4>{title}</h4>
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
function History({ result }: { result: Result }) {
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

function Body({ result, view }: { result: Result; view: View }) {
  const timings = result.metrics?.timings ?? {};
  const changed = result.metrics?.changed_pixels ?? 0;
  const share = 100 * (result.metrics?.changed_share ?? 0);
  const regions = result.metrics?.regions?.length ?? 0;
  const rule = result.metrics?.rule;
  const steady = steadiness(result);
  // The sentence comes first and says some of it in the same words.
  const unsaid = (words: string | null) => words && !result.sentence.includes(words) && words;
  const facts = [
    unsaid(steady),
    changed > 0 && `${count(changed, "pixel")} changed (${share < 0.01 ? "under 0.01" : share.toFixed(2)} %)`,
    regions > 0 && count(regions, "region"),
    `${result.theme} theme`, `viewport ${result.viewport.join(" × ")}`,
    rule && RULES[rule], unsaid(result.tolerance), seconds(result.duration),
  ];
  return (
    <>
      <ul class="aside">{facts.map((fact) => fact && <li>{visible(fact)}</li>)}</ul>
      {result.error && (
        <div class="error" role="note">
          <h4>{visible(result.error.type)}</h4>
          <pre tabIndex={0}>{visible(result.error.message)}</pre>
          {result.error.next && <><h4>Next</h4><Command text={result.error.next} /></>}
        </div>
      )}
      <Pictures result={result} view={view} />
      {acceptable(result) && (
        <div class="approve">
          <span>If this is how it should look:</span>
          <Command text={`widgetshot approve ${quoted(result.key)}`} />
        </div>
      )}
      <div class="parts">
        {result.source && <Part title="Cell source"><pre tabIndex={0}>{visible(result.source)}</pre></Part>}
        <Traits result={result} />
        <Lines title="Console errors" lines={result.console} />
        <Lines title="Blocked requests" lines={result.blocked} />
        <Fingerprint result={result} />
        {Object.keys(timings).length > 0 && (
          <Part title="Timings">
            <details><summary>{count(Object.keys(timings).length, "stage")}</summary><Timings timings={timings} /></details>
          </Part>
        )}
      </div>
    </>
  );
}

/** One result. Its inside is built when it comes near the screen and kept from then on. */
export function Card({ result, run, view }: { result: Result; run: Run; view: View }) {
  const [open, setOpen] = useState(result.status === "failed");
  const [seen, setSeen] = useState(false);
  const article = useRef<HTMLElement>(null);
  const id = useId();
  useEffect(() => {
    const observer = new IntersectionObserver(
      (entries) => {
        if (!entries.some((entry) => entry.isIntersecting)) return;
        observer.disconnect();
        setSeen(true);
      },
      { rootMargin: "600px" },
    );
    observer.observe(article.current!);
    return () => observer.disconnect();
  }, []);
  const cut = result.name.lastIndexOf("::") + 1;
  const { quarantine } = result;
  const over = ended(result, run);
  const wavering = MARKS.wavering.has(result);
  return (
    <article ref={article} class="card" data-verdict={result.verdict} data-key={result.key} aria-labelledby={`${id}-name`}>
      <h3>
        <button type="button" class="heading" aria-expanded={open} onClick={() => setOpen(!open)}>
          <span class="badge"><Icon shape={result.verdict} /> {result.verdict}</span>
          {result.updated && <span class="badge plain">baseline updated</span>}
          {quarantine && (
            <span class="badge plain"><Icon shape="quarantined" /> {over ? "quarantine ended" : "in quarantine until"} {visible(quarantine.until)}</span>
          )}
          {wavering && <span class="badge plain"><Icon shape="wavering" /> was unsteady lately</span>}
          {!!result.renderer?.length && <span class="badge plain"><Icon shape="renderer" /> different renderer</span>}
          <bdi id={`${id}-name`} class="name">
            {cut > 0 && <span>{visible(result.name.slice(0, cut + 1))}</span>}
            {visible(result.name.slice(cut && cut + 1))}
          </bdi>
        </button>
      </h3>
      <p class="sentence">{visible(result.sentence)}</p>
      {quarantine && !over && <p class="reason">In quarantine because: <bdi>{visible(quarantine.reason)}</bdi></p>}
      {(open || wavering || result.status === "quarantined") && <History result={result} />}
      {open && <div class="body">{seen ? <Body result={result} view={view} /> : <div class="unseen" />}</div>}
    </article>
  );
}
