import { render } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";

import { Comment } from "./comment";
import { DO, DONE, type Decisions, type Seen, type Word } from "./decisions";
import { Confirm, Finish, Help, type Question } from "./dialogs";
import { Facts, Failure, History, Icon, Timings, Why } from "./facts";
import { List, parts, type Section } from "./list";
import { LiveDecisions, type Live } from "./live-decisions";
import { LocalDecisions } from "./local-decisions";
import { Pictures, warm } from "./pictures";
import {
  acceptable, ALL, count, ended, environment, flatten, grouped, changeGroup, MARKS, passes, seconds, SORTS, sorted, sum, variant, VERDICTS, visible,
  type Filter, type Mark, type Result, type Run, type Sort,
} from "./run";
import { format, parse } from "./state";
import { MODES, ZOOMS, type Mode, type View } from "./view";

const run = JSON.parse(document.getElementById("run")!.textContent) as Run;
const live = JSON.parse(document.getElementById("live")!.textContent) as Live | null;
const decisions: Decisions = live ? new LiveDecisions(live, run) : new LocalDecisions(run);
const results = run.tests;
const byKey = new Map(results.map((result) => [result.key, result]));
const failed = results.filter((result) => result.status === "failed");
const quarantined = results.filter(MARKS.quarantined.has).length;
const marks = (Object.keys(MARKS) as Mark[]).filter((mark) => results.some(MARKS[mark].has));
const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
const began = parse(location.hash);


/** Browsers ignore a page that writes its address too often; 200 times in 30 seconds is one's limit. */
const WRITES = 150;
const WITHIN_MS = 30_000;
let writes: number[] = [];
let later = 0;

function remember(hash: string): void {
  const now = performance.now();
  writes = writes.filter((time) => now - time < WITHIN_MS);
  clearTimeout(later);
  if (writes.length >= WRITES) {
    later = setTimeout(() => remember(hash), 1000);
    return;
  }
  writes.push(now);
  history.replaceState(null, "", hash);
}

/** Draws anew whenever the decisions change: also where they did between the first drawing and the first listening. */
function useDecisions(): void {
  const [, drawn] = useState(decisions.revision);
  useLayoutEffect(() => {
    const follow = () => drawn(decisions.revision);
    follow();
    return decisions.subscribe(follow);
  }, []);
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

const longestFirst = (timings: Record<string, number>): Record<string, number> =>
  Object.fromEntries(Object.entries(timings).sort(([, a], [, b]) => b - a));

/** Lines of one list among the facts of the run. */
const LISTED = 50;

const Rest = ({ of }: { of: readonly unknown[] }) =>
  of.length > LISTED ? <p class="soft">and {(of.length - LISTED).toLocaleString("en")} more</p> : null;

function About() {
  const { environment, timings, unused, changed, notebooks = [], services = [], skipped = [], durations = [] } = run;
  const facts = flatten({ ...environment, widgetshot: run.tool.version, run: run.id, ...(run.commit ? { commit: run.commit } : {}) });
  const slowest = sorted(results, "time").slice(0, 5);
  return (
    <details class="about">
      <summary>About this run{skipped.length ? `, ${count(skipped.length, "notebook")} left out` : ""}{unused?.length ? `, ${count(unused.length, "unused baseline")}` : ""}</summary>
      <div class="parts" tabIndex={0} role="group" aria-label="Facts of the run">
        <section class="part">
          <h2>Environment</h2>
          <div class="scroll"><table class="facts"><tbody>
            {facts.map(([name, value]) => <tr><th scope="row">{visible(name)}</th><td>{visible(value)}</td></tr>)}
          </tbody></table></div>
        </section>
        <section class="part">
          <h2>Time spent</h2>
          <p class="soft">{seconds(sum(Object.values(timings)))} of work in {seconds(run.summary.duration_seconds)}; notebooks are worked on side by side.</p>
          <Timings timings={longestFirst(timings)} />
        </section>
        {notebooks.length > 0 && (
          <section class="part">
            <h2>Slowest notebooks</h2>
            <ul class="lines">
              {notebooks.slice(0, 5).map(({ notebook, seconds: all, timings }) => {
                const [longest] = Object.entries(longestFirst(timings));
                return <li>{seconds(all)} {visible(notebook)}{longest && `, ${visible(longest[0])} ${seconds(longest[1])}`}</li>;
              })}
            </ul>
          </section>
        )}
        {slowest.length > 1 && (
          <section class="part">
            <h2>Slowest pictures</h2>
            <ul class="lines">{slowest.map((result) => <li>{seconds(result.duration)} {visible(result.name)}</li>)}</ul>
          </section>
        )}
        {services.length > 0 && (
          <section class="part">
            <h2>Services</h2>
            <ul class="lines">
              {services.map(({ name, seconds: all, instances, elsewhere }) => (
                <li>{visible(name)}: {elsewhere ? "runs elsewhere" : `ready after ${seconds(all / instances)}`}{instances > 1 && `, started ${count(instances, "time")}`}</li>
              ))}
            </ul>
          </section>
        )}
        {durations.length > 0 && (
          <section class="part">
            <h2>Measured by tests</h2>
            <ul class="lines">{durations.slice(0, LISTED).map(({ test, name, seconds: all }) => <li>{seconds(all)} {visible(name)}, {visible(test)}</li>)}</ul>
            <Rest of={durations} />
          </section>
        )}
        {skipped.length > 0 && (
          <section class="part">
            <h2>Notebooks left out</h2>
            <ul class="lines">{skipped.slice(0, LISTED).map(({ notebook, reason }) => <li>{visible(notebook)}: {visible(reason)}</li>)}</ul>
            <Rest of={skipped} />
          </section>
        )}
        {changed && changed.ran.length > 0 && (
          <section class="part">
            <h2>Run because</h2>
            <ul class="lines">{changed.ran.slice(0, LISTED).map(({ name, why }) => <li>{visible(name)}: {visible(why)}</li>)}</ul>
            <Rest of={changed.ran} />
          </section>
        )}
        {changed && changed.not_run.length > 0 && (
          <section class="part">
            <h2>Not run: nothing changed since they passed</h2>
            <ul class="lines">{changed.not_run.slice(0, LISTED).map(({ key, passed }) => <li>{visible(key)}, {visible(passed.slice(0, 10))}</li>)}</ul>
            <Rest of={changed.not_run} />
          </section>
        )}
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
  const n = failed.length;
  if (!n) return `Nothing to decide: ${count(results.length - quarantined, "picture")}${quarantined ? "" : ","} as approved${known}`;
  return `${n} of ${count(results.length, "picture")} ${n === 1 ? "needs" : "need"} a decision${known}`;
}

/** Whether there is nothing left to say about it; a skipped one was only put off. */
const settled = ({ key }: Result): boolean => {
  const word = decisions.get(key)?.verdict;
  return word === "accept" || word === "reject";
};

function Header({ onFinish, onHelp }: { onFinish: () => void; onHelp: () => void }) {
  const repeat = run.repeat ?? 1;
  // Pictures of Python tests are taken once.
  const repeated = results.filter((result) => result.repeat);
  const steady = repeated.filter((result) => result.repeat!.counts[0] === repeat).length;
  const done = failed.filter(settled).length;
  const left = run.changed?.not_run.length ?? 0;
  return (
    <header>
      <div class="top">
        <p class="product">widgetshot <span>{visible(run.project)}</span>{live && <em>live</em>}</p>
        <div class="actions">
          <button type="button" aria-label="Help: keys" title="Key ?" onClick={onHelp}>?</button>
          <Theme />
          <button type="button" class="main" title="Key d" onClick={onFinish}>{live ? "Finish" : "Download decisions"}</button>
        </div>
      </div>
      <h1>{headline()}</h1>
      {failed.length > 0 && (
        <div class="progress">
          <div role="progressbar" aria-label="Decided" aria-valuemin={0} aria-valuemax={failed.length} aria-valuenow={done}
            aria-valuetext={`${done} of ${failed.length}`}><i style={{ width: `${(100 * done) / failed.length}%` }} /></div>
          <span>{done === failed.length ? "Everything is decided" : `${done} decided`}</span>
        </div>
      )}
      <dl class="meta">
        <div><dt>Commit</dt><dd><code title={visible(run.commit ?? "")}>{run.commit ? visible(run.commit.slice(0, 10)) : "none"}</code></dd></div>
        <div><dt>Started</dt><dd><time dateTime={run.started}>{visible(run.started.slice(0, 16).replace("T", " "))} UTC</time></dd></div>
        <div><dt>Took</dt><dd>{seconds(run.summary.duration_seconds)}</dd></div>
        <div><dt>Environment</dt><dd>{visible(run.environment.name)}</dd></div>
        {left > 0 && <div><dt>Not run</dt><dd>{count(left, "picture")}: nothing changed since {left === 1 ? "it" : "they"} passed</dd></div>}
        {repeat > 1 && <div><dt>Repeated</dt><dd>{repeat} runs: {steady} of {count(repeated.length, "target")} gave one picture</dd></div>}
      </dl>
      {!run.complete && <p class="notice">This run did not finish: results may be missing.</p>}
      {decisions.trouble && <p class="notice bad" role="alert">{visible(decisions.trouble)}</p>}
      <About />
    </header>
  );
}

interface Choice {
  label: string;
  value: string;
  options: [value: string, label: string][];
  onPick: (value: string) => void;
}

/** What is on the button is read out; its key is for the eye, and told to assistive technology as one. */
const Key = ({ of }: { of: string }) => <kbd aria-hidden="true">{of}</kbd>;

function Choose({ label, value, options, onPick }: Choice) {
  return (
    <select aria-label={label} value={value} onChange={(event) => onPick(event.currentTarget.value)} class={value ? "set" : ""}>
      <option value="">{label}</option>
      {options.map(([value, text]) => <option value={value}>{text}</option>)}
    </select>
  );
}

const distinct = (of: (result: Result) => string): [string, string][] =>
  [...new Set(results.map(of))].sort((a, b) => a.localeCompare(b, "en", { numeric: true })).map((name) => [name, visible(name)]);
const NOTEBOOKS = distinct(({ notebook }) => notebook);
const ENVIRONMENTS = distinct(environment);
const VARIANTS = distinct(variant);

function Filters({ filter, sort, shown, onFilter, onSort, search }: {
  filter: Filter; sort: Sort; shown: number; onFilter: (filter: Filter) => void; onSort: (sort: Sort) => void;
  search: { current: HTMLInputElement | null };
}) {
  const change = (part: Partial<Filter>) => onFilter({ ...filter, ...part });
  function toggled<T>(set: ReadonlySet<T>, one: T): Set<T> {
    const changed = new Set(set);
    if (!changed.delete(one)) changed.add(one);
    return changed;
  }
  return (
    <section class="filters" aria-label="Filter">
      <div class="chips" role="group" aria-label="Show only">
        {VERDICTS.map((verdict) => {
          const n = results.filter((result) => result.verdict === verdict).length;
          return (
            <button type="button" class="chip" data-verdict={verdict} disabled={n === 0} aria-pressed={filter.verdicts.has(verdict)}
              onClick={() => change({ verdicts: toggled(filter.verdicts, verdict) })}>
              <Icon shape={verdict} /> {verdict} <b>{n.toLocaleString("en")}</b>
            </button>
          );
        })}
        {marks.map((mark) => (
          <button type="button" class="chip mark" aria-pressed={filter.marks.has(mark)}
            onClick={() => change({ marks: toggled(filter.marks, mark) })}>
            <Icon shape={mark} /> {MARKS[mark].label} <b>{results.filter(MARKS[mark].has).length}</b>
          </button>
        ))}
      </div>
      <input ref={search} type="search" placeholder="Search  /" aria-label="Search names and sentences" value={filter.text}
        onInput={(event) => change({ text: event.currentTarget.value })}
        onKeyDown={(event) => event.key === "Escape" && event.currentTarget.blur()} />
      <div class="choices">
        {NOTEBOOKS.length > 1 && <Choose label="All notebooks" value={filter.notebook} options={NOTEBOOKS} onPick={(notebook) => change({ notebook })} />}
        {ENVIRONMENTS.length > 1 && <Choose label="All environments" value={filter.environment} options={ENVIRONMENTS} onPick={(environment) => change({ environment })} />}
        {VARIANTS.length > 1 && <Choose label="All variants" value={filter.variant} options={VARIANTS} onPick={(variant) => change({ variant })} />}
        {failed.length > 0 && (
          <Choose label="Decided or not" value={filter.decision} onPick={(word) => change({ decision: word as Filter["decision"] })}
            options={[["open", "Not decided"], ["accept", "Accepted"], ["reject", "Rejected"], ["skip", "Skipped"]]} />
        )}
        <select aria-label="Sort" value={sort} onChange={(event) => onSort(event.currentTarget.value as Sort)}>
          {Object.entries(SORTS).map(([value, text]) => <option value={value}>{text}</option>)}
        </select>
      </div>
      <p class="hidden" role="status">Showing {shown} of {results.length}</p>
    </section>
  );
}

/** Shows `result` as large as there is room, and why it is as it is. */
function Desk({ result, view, region, onView, onZoom, onRegion }: {
  result: Result; view: View; region: number;
  onView: (change: Partial<View>) => void; onZoom: (step: 1 | -1) => void; onRegion: (step: 1 | -1) => void;
}) {
  const { quarantine } = result;
  const over = ended(result, run);
  const regions = result.metrics?.regions?.length ?? 0;
  const [path, shot] = parts(result);
  return (
    <article class="card" data-verdict={result.verdict} data-key={result.key} aria-labelledby="shown">
      <div class="title">
        <span class="badge"><Icon shape={result.verdict} /> {result.verdict}</span>
        {result.updated && <span class="badge plain">baseline updated</span>}
        {quarantine && (
          <span class="badge plain"><Icon shape="quarantined" /> {over ? "quarantine ended" : "in quarantine until"} {visible(quarantine.until)}</span>
        )}
        {MARKS.flaky.has(result) && <span class="badge plain"><Icon shape="flaky" /> was flaky lately</span>}
        {!!result.renderer?.length && <span class="badge plain"><Icon shape="renderer" /> different renderer</span>}
        <h2 id="shown" class="name" tabIndex={-1}><bdi>{path && <span>{visible(path)}::</span>}{visible(shot)}</bdi></h2>
      </div>
      <p class="sentence">{visible(result.sentence)}</p>
      {quarantine && !over && <p class="reason">In quarantine because: <bdi>{visible(quarantine.reason)}</bdi></p>}
      <Facts result={result} />
      <History result={result} />
      <Failure result={result} />
      <div class="looks">
        <div class="segments" role="group" aria-label="How to look">
          {Object.entries(MODES).map(([mode, label], i) => (
            <button type="button" aria-pressed={view.mode === mode} title={`Key ${i + 1}`} onClick={() => onView({ mode: mode as Mode })}>{label}</button>
          ))}
        </div>
        <div class="segments" role="group" aria-label="Zoom">
          <button type="button" aria-label="Zoom out" title="Key -" disabled={view.zoom === 0} onClick={() => onZoom(-1)}>−</button>
          <button type="button" aria-label={view.zoom ? `${view.zoom * 100} %, back to fit` : "Fit"} title="Key 0" onClick={() => onView({ zoom: 0 })}>{view.zoom ? `${view.zoom * 100} %` : "Fit"}</button>
          <button type="button" aria-label="Zoom in" title="Key +" disabled={view.zoom === ZOOMS.at(-1)} onClick={() => onZoom(1)}>+</button>
        </div>
        {regions > 0 && (
          <div class="segments" role="group" aria-label="Regions of change">
            <button type="button" aria-label="Previous region" title="Key [" onClick={() => onRegion(-1)}>‹</button>
            <button type="button" aria-pressed={view.regions} title="Key o: outlines" onClick={() => onView({ regions: !view.regions })}>
              {region < 0 ? count(regions, "region") : `Region ${region + 1} of ${regions}`}
            </button>
            <button type="button" aria-label="Next region" title="Key ]" onClick={() => onRegion(1)}>›</button>
          </div>
        )}
        {result.masks.length > 0 && <button type="button" aria-pressed={view.masks} title="Key m" onClick={() => onView({ masks: !view.masks })}>Masks</button>}
        <button type="button" aria-pressed={view.inspect} title="Key i" onClick={() => onView({ inspect: !view.inspect })}>Inspect</button>
      </div>
      <Pictures result={result} view={view} region={region} onZoom={onZoom} onBlink={onView} still={still} />
      <Why result={result} />
    </article>
  );
}

function App() {
  useDecisions();
  const [filter, setFilter] = useState(began.filter);
  const [sort, setSort] = useState(began.sort);
  const [at, setAt] = useState(began.at);
  const [view, setView] = useState<View>({
    mode: began.mode, zoom: began.zoom, regions: true, masks: true, blinking: !still, over: false, inspect: false,
  });
  const [looked, setLooked] = useState({ at: "", region: -1 });
  const [unfolded, setUnfolded] = useState<ReadonlySet<string>>(new Set());
  const [folds, setFolds] = useState<Partial<Record<Section["id"], boolean>>>({});
  const [dialog, setDialog] = useState<"" | "help" | "finish">("");
  const [question, setQuestion] = useState<Question | null>(null);
  const [said, setSaid] = useState("");
  const [rail, setRail] = useState(false);
  const search = useRef<HTMLInputElement>(null);
  const note = useRef<HTMLTextAreaElement>(null);

  const narrowed = filter.verdicts.size + filter.marks.size > 0 || [filter.text, filter.notebook, filter.environment, filter.variant, filter.decision].some(Boolean);
  const order = useMemo(() => sorted(results, sort), [sort]);
  const shown = order.filter((result) => passes(result, filter, decisions.get(result.key)?.verdict));
  const asking = failed.length + quarantined > 0;
  const section = (id: Section["id"], title: string, status: Result["status"], open: boolean, more?: string): Section => ({
    id, title, groups: grouped(shown.filter((result) => result.status === status)), open: folds[id] ?? open, ...(more ? { note: more } : {}),
  });
  const sections = [
    section("decide", "To decide", "failed", true),
    section("known", "In quarantine", "quarantined", true, "Known, and allowed to fail for now."),
    // Whoever filters wants to see what is left, folded or not.
    section("passed", "Passed", "passed", narrowed || !asking),
  ];
  const members = (group: Result[]) => (group.length === 1 || unfolded.has(group[0]!.key) ? group : group.slice(0, 1));
  const walk = sections.flatMap(({ open, groups }) => (open ? groups.flatMap(members) : []));
  // What is shown stays, although a filter or a fold hides it from the list; without it, the first.
  const current = byKey.get(at) ?? walk[0] ?? shown[0] ?? null;
  const group = current ? (sections.flatMap(({ groups }) => groups).find((found) => found.includes(current)) ?? [current]) : [];
  const open = shown.filter((result) => result.status === "failed" && !settled(result));
  const place = current ? walk.indexOf(current) : -1;
  const region = looked.at === current?.key ? looked.region : -1;
  const setRegion = (next: number) => setLooked({ at: current?.key ?? "", region: next });

  // At once: a reload shows the same, however soon it comes.
  useLayoutEffect(() => {
    remember(format({ filter, sort, mode: view.mode, zoom: view.zoom, at: current?.key ?? "" }));
  }, [filter, sort, view.mode, view.zoom, current?.key]);
  // Before the page is seen, as all that listens: what happens meanwhile would be missed.
  useLayoutEffect(() => {
    function follow() {
      const to = parse(location.hash);
      setFilter(to.filter);
      setSort(to.sort);
      setAt(to.at);
      setView((old) => ({ ...old, mode: to.mode, zoom: to.zoom }));
    }
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  useEffect(() => {
    const gone = setTimeout(() => setSaid(""), 6000);
    return () => clearTimeout(gone);
  }, [said]);
  useEffect(() => {
    const ahead = requestIdleCallback(() => warm(walk[walk.indexOf(current!) + 1]));
    return () => cancelIdleCallback(ahead);
  }, [current?.key]);

  function show(result: Result | undefined) {
    if (!result) return;
    setAt(result.key);
    setLooked({ at: "", region: -1 });
    const home = sections.flatMap(({ groups }) => groups).find((found) => found.includes(result));
    if (home && home[0] !== result) setUnfolded((old) => new Set(old).add(home[0]!.key));
    document.querySelector(".desk")?.scrollTo({ top: 0 });
  }
  const step = (by: 1 | -1) => show(walk[place < 0 ? (by > 0 ? 0 : walk.length - 1) : Math.max(0, Math.min(walk.length - 1, place + by))]);
  const change = (part: Partial<View>) => setView((old) => ({ ...old, ...part }));
  const zoom = (by: 1 | -1) =>
    setView((old) => ({ ...old, zoom: ZOOMS[ZOOMS.findIndex((level) => level === old.zoom) + by] ?? old.zoom }));

  /** Jumps to a region, near enough to be seen. */
  function look(by: 1 | -1) {
    const boxes = current?.metrics?.regions ?? [];
    if (!boxes.length) return;
    const next = region < 0 ? (by > 0 ? 0 : boxes.length - 1) : (region + by + boxes.length) % boxes.length;
    setRegion(next);
    const [, , width, height] = boxes[next]!;
    const near = ZOOMS.filter((level) => Math.max(width, height) * level <= 240).at(-1);
    if (view.zoom === 0 && near && Math.max(width, height) < 24) change({ zoom: near });
  }

  /** The next that nobody decided: behind this one, or else before it; at the very end what was skipped. */
  function following(decided: readonly Result[]): Result | undefined {
    const all = sections.flatMap(({ id, groups }) => (id === "decide" ? groups.flat() : []));
    const from = Math.max(...decided.map((result) => all.indexOf(result)));
    const round = [...all.slice(from + 1), ...all.slice(0, from + 1)].filter((result) => !decided.includes(result));
    return round.find(({ key }) => !decisions.get(key)) ?? round.find((result) => !settled(result));
  }

  async function decide(chosen: readonly Result[], verdict: Word, seen?: Seen) {
    const able = verdict === "accept" ? chosen.filter(acceptable) : chosen;
    if (!able.length) {
      if (current) setSaid(`${parts(current)[1]} can't be accepted: ${current.updated ? "its baseline was written by the run" : `it is ${current.verdict}`}.`);
      return;
    }
    const next = following(able);
    if (!(await decisions.decide(able, verdict, seen))) {
      setSaid("Nothing was decided.");
      return;
    }
    const what = able.length === 1 ? parts(able[0]!)[1] : count(able.length, "picture");
    const wrote = live && verdict === "accept" ? " Its baseline is written." : "";
    const left = failed.filter((result) => !settled(result)).length;
    setSaid(`${visible(what)} ${DONE[verdict]}.${wrote} ${left ? `${left} left.` : "Everything is decided."}`);
    if (next) show(next);
  }
  async function undo() {
    const keys = await decisions.undo();
    if (!keys.length) {
      setSaid(decisions.trouble ? "Nothing was undone." : "There is nothing to undo.");
      return;
    }
    setSaid(`Undone: ${keys.length === 1 ? visible(parts(byKey.get(keys[0]!)!)[1]) : count(keys.length, "decision")}.`);
    show(byKey.get(keys[0]!));
  }
  function ask(chosen: readonly Result[], verdict: "accept" | "reject", what: string) {
    const able = chosen.filter((result) => result.status !== "passed" && (verdict === "reject" || acceptable(result)));
    if (able.length) setQuestion({ verdict, results: able, seen: decisions.seen(able), what });
    else setSaid("There is nothing among them that could be accepted.");
  }
  function askGroup(verdict: "accept" | "reject") {
    if (group.length < 2) {
      judge(verdict)();
      return;
    }
    setUnfolded((old) => new Set(old).add(group[0]!.key));
    ask(group, verdict, "All of them changed in the same way: the same sizes, the same colours.");
  }
  const judge = (verdict: Word) => () => {
    if (!current) return;
    if (current.status === "passed") setSaid(`${parts(current)[1]} needs no decision.`);
    else void decide([current], verdict);
  };
  const actions: Record<string, () => void> = {
    j: () => step(1),
    k: () => step(-1),
    a: judge("accept"),
    r: judge("reject"),
    s: judge("skip"),
    u: () => void undo(),
    A: () => askGroup("accept"),
    R: () => askGroup("reject"),
    c: () => note.current?.focus(),
    d: () => setDialog("finish"),
    b: () => change({ blinking: !still && !view.blinking }),
    x: () => change({ blinking: false, over: !view.over }),
    i: () => change({ inspect: !view.inspect }),
    o: () => change({ regions: !view.regions }),
    m: () => change({ masks: !view.masks }),
    "[": () => look(-1),
    "]": () => look(1),
    "+": () => zoom(1),
    "=": () => zoom(1),
    "-": () => zoom(-1),
    "0": () => change({ zoom: 0 }),
    "/": () => {
      setRail(true);
      // On a narrow screen it is hidden until then.
      requestAnimationFrame(() => search.current!.focus());
    },
    "?": () => setDialog("help"),
  };
  Object.keys(MODES).forEach((mode, i) => (actions[i + 1] = () => change({ mode: mode as Mode })));
  const latest = useRef(actions);
  latest.current = actions;
  // Before the page is seen: whoever sees it may type.
  useLayoutEffect(() => {
    function press(event: KeyboardEvent) {
      const { target } = event;
      if (document.querySelector("dialog[open]")) return;
      const field = (target instanceof HTMLInputElement && target.type !== "range") || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
      // A field of a dialog that has just been closed keeps the keyboard until the next frame.
      const typing = field && !target.closest("dialog");
      if (event.ctrlKey || event.metaKey || event.altKey || typing || !Object.hasOwn(latest.current, event.key)) return;
      event.preventDefault();
      latest.current[event.key]!();
    }
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, []);

  // A dialog tells that it closed when another one may be open already.
  const closed = (which: "help" | "finish") => setDialog((old) => (old === which ? "" : old));

  const decision = current ? decisions.get(current.key) : undefined;
  const able = current ? acceptable(current) : false;
  const likewise = group.length > 1 ? group.length : 0;
  return (
    <>
      <Header onFinish={() => setDialog("finish")} onHelp={() => setDialog("help")} />
      <div class="review">
        <button type="button" class="drawer" aria-expanded={rail} onClick={() => setRail(!rail)}>
          <Icon shape="fold" /> List and filters <small>{shown.length === results.length ? "" : `${shown.length} of `}{count(results.length, "result")}</small>
        </button>
        <aside class={`rail ${rail ? "open" : ""}`} aria-label="Results and filters">
          <Filters filter={filter} sort={sort} shown={shown.length} onFilter={setFilter} onSort={setSort} search={search} />
          {open.length > 1 && (
            <div class="bulk" role="group" aria-label="All that is listed and undecided">
              <span>{open.length.toLocaleString("en")} undecided</span>
              <button type="button" onClick={() => ask(open, "accept", "All that is listed and can be accepted.")}>Accept all</button>
              <button type="button" onClick={() => ask(open, "reject", "All that is listed.")}>Reject all</button>
            </div>
          )}
          <List run={run} sections={sections} current={current?.key ?? ""} open={unfolded} decisions={decisions} onPick={show}
            onOpen={([first]) => setUnfolded((old) => { const next = new Set(old); if (!next.delete(first!.key)) next.add(first!.key); return next; })}
            onSection={(id) => setFolds((old) => ({ ...old, [id]: !sections.find((found) => found.id === id)!.open }))} />
          {shown.length === 0 && results.length > 0 && (
            <p class="empty">Nothing fits this filter. <button type="button" onClick={() => setFilter(ALL)}>Show all</button></p>
          )}
        </aside>
        <main class="desk" tabIndex={-1}>
          {current && <Desk key={current.key} result={current} view={view} region={region} onView={change} onZoom={zoom} onRegion={look} />}
        </main>
      </div>
      {current && (
        <section class="verdict" aria-label="Decide">
          <div class="steps">
            <button type="button" title="Key k" aria-label="Previous result" disabled={place <= 0} onClick={() => step(-1)}>‹</button>
            <span>{place < 0 ? "not listed" : `${place + 1} of ${walk.length}`}</span>
            <button type="button" title="Key j" aria-label="Next result" disabled={place >= walk.length - 1} onClick={() => step(1)}>›</button>
          </div>
          {current.status === "passed" ? <p class="soft">Needs no decision.</p> : (
            <>
              <div class="words" role="group" aria-label="This picture">
                {(["accept", "reject", "skip"] as const).map((word) => (
                  <button type="button" class={word} aria-keyshortcuts={word[0]} aria-pressed={decision?.verdict === word} disabled={word === "accept" && !able}
                    title={word === "accept" && !able ? `What is ${current.verdict} can't be accepted` : `Key ${word[0]}`} onClick={judge(word)}>
                    <Icon shape={word} /> {DO[word]} <Key of={word[0]!} />
                  </button>
                ))}
                <button type="button" title="Key u" aria-keyshortcuts="u" disabled={!decisions.undoable} onClick={() => void undo()}>Undo <Key of="u" /></button>
              </div>
              {likewise > 0 && changeGroup(current) && (
                <div class="words" role="group" aria-label={`All ${likewise} with the same change`}>
                  <button type="button" title="Key A" aria-keyshortcuts="Shift+A" onClick={() => askGroup("accept")}><Icon shape="group" /> Accept all {likewise} <Key of="A" /></button>
                  <button type="button" title="Key R" aria-keyshortcuts="Shift+R" onClick={() => askGroup("reject")}>Reject <Key of="R" /></button>
                </div>
              )}
              <Comment key={current.key} field={note} result={current} decisions={decisions} onBegin={() => setAt(current.key)} />
            </>
          )}
          {decision && (
            <p class="state" data-decision={decision.verdict}>
              {DONE[decision.verdict]}{decision.reviewer ? ` by ${visible(decision.reviewer)}` : ""}{decision.written ? ", baseline written" : ""}
            </p>
          )}
        </section>
      )}
      <p class="toast" role="status">{said}</p>
      <Help open={dialog === "help"} onClose={() => closed("help")} />
      <Finish open={dialog === "finish"} onClose={() => closed("finish")} run={run} decisions={decisions} />
      <Confirm question={question} onClose={() => setQuestion(null)} onYes={({ results, verdict, seen }) => { setQuestion(null); void decide(results, verdict, seen); }} />
    </>
  );
}

document.title = `${failed.length ? `${failed.length} to decide` : quarantined ? "Nothing to decide" : "All as approved"} · ${visible(run.project)}`;
render(<App />, document.getElementById("app")!);
