import { render } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

import { Card, Command, Icon, Timings } from "./card";
import { MODES, ZOOMS, type Mode, type View } from "./pictures";
import { acceptable, byUrgency, count, flatten, MARKS, passes, seconds, VERDICTS, visible, type Filter, type Mark, type Run } from "./run";

const run = JSON.parse(document.getElementById("run")!.textContent!) as Run;
const results = byUrgency(run.tests);
const failed = results.filter((result) => result.status === "failed").length;
const quarantined = results.filter(MARKS.quarantined.has).length;
const ALL: Filter = { verdicts: new Set(), marks: new Set(), text: "" };
const marks = (Object.keys(MARKS) as Mark[]).filter((mark) => results.some(MARKS[mark].has));
const still = matchMedia("(prefers-reduced-motion: reduce)").matches;

const KEYS: [string, string][] = [
  ["j, k", "next, previous result"],
  ["Enter", "fold or unfold the result"],
  ["1 to 4", Object.values(MODES).join(", ").toLowerCase()],
  ["b", "blink, in the onion skin"],
  ["+, -, 0", "zoom in, out, fit"],
  ["r, m", "show regions, masks"],
  ["/", "search"],
  ["?", "this help"],
];

/** Moves the focus to the next card, counted from the focused one or, once that is out of sight, from what is on screen. */
function move(step: 1 | -1) {
  const top = Math.max(0, document.querySelector(".toolbar")!.getBoundingClientRect().bottom);
  const cards = [...document.querySelectorAll<HTMLElement>(".card")];
  const inSight = (card: HTMLElement) => card.getBoundingClientRect().bottom > top && card.getBoundingClientRect().top < innerHeight;
  const focused = cards.findIndex((card) => card.contains(document.activeElement) && inSight(card));
  const first = cards.findIndex((card) => card.getBoundingClientRect().bottom > top);
  const next = cards[focused >= 0 ? focused + step : step > 0 ? first : first - 1];
  next?.querySelector<HTMLElement>(".heading")!.focus({ preventScroll: true });
  next?.scrollIntoView({ block: "start" });
}

function Theme() {
  const [theme, setTheme] = useState("system");
  const next = { system: "light", light: "dark", dark: "system" }[theme]!;
  function toggle() {
    document.documentElement.dataset["theme"] = next;
    setTheme(next);
  }
  return <button type="button" onClick={toggle} aria-label={`Theme: ${theme}. Change to ${next}`}>Theme: {theme}</button>;
}

function About() {
  const { environment, timings, unused } = run;
  const facts = flatten({ ...environment, widgetshot: run.tool.version });
  return (
    <details class="about">
      <summary>About this run{unused?.length ? `, ${count(unused.length, "unused baseline")}` : ""}</summary>
      <div class="parts">
        <section class="part">
          <h2>Environment</h2>
          <div class="scroll"><table class="facts"><tbody>
            {facts.map(([name, value]) => <tr><th scope="row">{visible(name)}</th><td>{visible(value)}</td></tr>)}
          </tbody></table></div>
        </section>
        <section class="part"><h2>Time spent</h2><Timings timings={timings} /></section>
        {unused && unused.length > 0 && (
          <section class="part">
            <h2>Baselines that no notebook declares</h2>
            <ul class="lines">{unused.map((key) => <li>{visible(key)}</li>)}</ul>
          </section>
        )}
      </div>
    </details>
  );
}

function headline(): string {
  if (!results.length) return "This run took no pictures";
  const known = quarantined ? `, ${quarantined} in quarantine` : "";
  if (!failed) return `Nothing to decide: ${count(results.length - quarantined, "picture")}${quarantined ? "" : ","} as approved${known}`;
  return `${failed} of ${count(results.length, "picture")} ${failed === 1 ? "needs" : "need"} a decision${known}`;
}

function Header() {
  const repeat = run.repeat ?? 1;
  const steady = results.filter((result) => result.repeat?.counts[0] === repeat).length;
  return (
    <header>
      <div class="top">
        <p class="product">widgetshot <span>{visible(run.project)}</span></p>
        <Theme />
      </div>
      <h1>{headline()}</h1>
      <dl class="meta">
        <div><dt>Commit</dt><dd><code title={visible(run.commit ?? "")}>{run.commit ? visible(run.commit.slice(0, 10)) : "none"}</code></dd></div>
        <div><dt>Started</dt><dd><time dateTime={run.started}>{visible(run.started.slice(0, 16).replace("T", " "))} UTC</time></dd></div>
        <div><dt>Took</dt><dd>{seconds(run.summary.duration_seconds)}</dd></div>
        <div><dt>Environment</dt><dd>{visible(run.environment.name)}</dd></div>
        {repeat > 1 && <div><dt>Repeated</dt><dd>{repeat} runs: {steady} of {count(results.length, "target")} gave one picture</dd></div>}
      </dl>
      {!run.complete && <p class="notice">This run did not finish: results may be missing.</p>}
      {results.some(acceptable) && (
        <div class="approve">
          <span>Once you have looked at {count(results.filter(acceptable).length, "picture")} that may become a baseline:</span>
          <Command text="widgetshot approve --all" />
        </div>
      )}
      <About />
    </header>
  );
}

function App() {
  const [filter, setFilter] = useState(ALL);
  const [view, setView] = useState<View>({ mode: "side", zoom: 0, regions: true, masks: true, blink: false });
  const [unfolded, setUnfolded] = useState(failed + quarantined === 0);
  const search = useRef<HTMLInputElement>(null);
  const help = useRef<HTMLDialogElement>(null);

  /** Whoever filters wants to see what is left, folded or not. */
  function narrow(next: Filter) {
    setFilter(next);
    setUnfolded(next.verdicts.size + next.marks.size > 0 || next.text !== "" || failed + quarantined === 0);
  }
  function toggled<T>(set: ReadonlySet<T>, one: T): Set<T> {
    const changed = new Set(set);
    if (!changed.delete(one)) changed.add(one);
    return changed;
  }
  const change = (part: Partial<View>) => setView((old) => ({ ...old, ...part }));
  const zoom = (step: number) =>
    setView((old) => ({ ...old, zoom: ZOOMS[ZOOMS.findIndex((level) => level === old.zoom) + step] ?? old.zoom }));

  useEffect(() => {
    const actions: Record<string, () => void> = {
      j: () => move(1),
      k: () => move(-1),
      b: () => setView((old) => ({ ...old, mode: "onion", blink: !still && !old.blink })),
      r: () => setView((old) => ({ ...old, regions: !old.regions })),
      m: () => setView((old) => ({ ...old, masks: !old.masks })),
      "+": () => zoom(1),
      "-": () => zoom(-1),
      "0": () => change({ zoom: 0 }),
      "/": () => search.current!.focus(),
      "?": () => help.current!.showModal(),
    };
    Object.keys(MODES).forEach((mode, i) => (actions[i + 1] = () => change({ mode: mode as Mode })));
    function press(event: KeyboardEvent) {
      const typing = event.target === search.current;
      if (event.ctrlKey || event.metaKey || event.altKey || typing || help.current!.open || !Object.hasOwn(actions, event.key)) return;
      event.preventDefault();
      actions[event.key]!();
    }
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, []);

  const shown = results.filter((result) => passes(result, filter));
  const open = shown.filter((result) => result.status === "failed");
  const known = shown.filter((result) => result.status === "quarantined");
  const folded = shown.filter((result) => result.status === "passed");
  const cards = (list: typeof results) => list.map((result) => <Card key={result.key} result={result} run={run} view={view} />);
  return (
    <>
      <Header />
      <section class="toolbar" aria-label="Filter and view">
        <div class="chips" role="group" aria-label="Show only">
          {VERDICTS.map((verdict) => {
            const n = results.filter((result) => result.verdict === verdict).length;
            return (
              <button type="button" class="chip" data-verdict={verdict} disabled={n === 0} aria-pressed={filter.verdicts.has(verdict)}
                onClick={() => narrow({ ...filter, verdicts: toggled(filter.verdicts, verdict) })}>
                <Icon shape={verdict} /> {verdict} <b>{n}</b>
              </button>
            );
          })}
          {marks.map((mark) => (
            <button type="button" class="chip mark" aria-pressed={filter.marks.has(mark)}
              onClick={() => narrow({ ...filter, marks: toggled(filter.marks, mark) })}>
              <Icon shape={mark} /> {MARKS[mark].label} <b>{results.filter(MARKS[mark].has).length}</b>
            </button>
          ))}
        </div>
        <input ref={search} type="search" placeholder="Search  /" aria-label="Search names and sentences" value={filter.text}
          onInput={(event) => narrow({ ...filter, text: event.currentTarget.value })}
          onKeyDown={(event) => event.key === "Escape" && event.currentTarget.blur()} />
        <div class="looks">
          <div class="segments" role="group" aria-label="How to look">
            {Object.entries(MODES).map(([mode, label], i) => (
              <button type="button" aria-pressed={view.mode === mode} title={`Key ${i + 1}`} onClick={() => change({ mode: mode as Mode })}>{label}</button>
            ))}
          </div>
          {view.mode === "onion" && (
            <button type="button" aria-pressed={view.blink} disabled={still} title={still ? "Your system asks for reduced motion" : "Key b"} onClick={() => change({ blink: !view.blink })}>Blink</button>
          )}
          <div class="segments" role="group" aria-label="Zoom">
            <button type="button" aria-label="Zoom out" disabled={view.zoom === 0} onClick={() => zoom(-1)}>−</button>
            <button type="button" aria-label={view.zoom ? `${view.zoom * 100} %, back to fit` : "Fit"} title="Key 0" onClick={() => change({ zoom: 0 })}>{view.zoom ? `${view.zoom * 100} %` : "Fit"}</button>
            <button type="button" aria-label="Zoom in" disabled={view.zoom === ZOOMS.at(-1)} onClick={() => zoom(1)}>+</button>
          </div>
          <button type="button" aria-pressed={view.regions} onClick={() => change({ regions: !view.regions })}>Regions</button>
          <button type="button" aria-pressed={view.masks} onClick={() => change({ masks: !view.masks })}>Masks</button>
          <button type="button" aria-label="Help: keys" onClick={() => help.current!.showModal()}>?</button>
        </div>
      </section>
      <main>
        <p class="hidden" role="status">Showing {shown.length} of {results.length}</p>
        {open.length > 0 && <section class="decide"><h2>To decide <small>{open.length}</small></h2>{cards(open)}</section>}
        {known.length > 0 && (
          <section class="decide known">
            <h2>In quarantine <small>{known.length}</small></h2>
            <p>Known, and allowed to fail for now.</p>
            {cards(known)}
          </section>
        )}
        {folded.length > 0 && (
          <details class="passed" open={unfolded} onToggle={(event) => setUnfolded(event.currentTarget.open)}>
            <summary><h2>Passed <small>{folded.length}</small></h2></summary>
            {unfolded && cards(folded)}
          </details>
        )}
        {shown.length === 0 && results.length > 0 && (
          <p class="empty">Nothing fits this filter. <button type="button" onClick={() => narrow(ALL)}>Show all</button></p>
        )}
      </main>
      <dialog ref={help} aria-labelledby="help">
        <h2 id="help">Keys</h2>
        <dl>{KEYS.map(([keys, what]) => <div><dt><kbd>{keys}</kbd></dt><dd>{what}</dd></div>)}</dl>
        <form method="dialog"><button>Close</button></form>
      </dialog>
    </>
  );
}

document.title = `${failed ? `${failed} to decide` : quarantined ? "Nothing to decide" : "All as approved"} · ${visible(run.project)}`;
render(<App />, document.getElementById("app")!);
