import { useState } from "preact/hooks";

import type { Decisions } from "../decisions/decisions";
import { settled } from "../model/listing";
import { headline, type Overview } from "../model/overview";
import { count, seconds, visible } from "../model/text";
import type { Run } from "../run";
import { About } from "./about";

const NEXT = { system: "light", light: "dark", dark: "system" } as const;

function Theme() {
  const [theme, setTheme] = useState<keyof typeof NEXT>("system");
  const next = NEXT[theme];
  function toggle() {
    document.documentElement.dataset["theme"] = next;
    setTheme(next);
  }
  return <button type="button" onClick={toggle} aria-label={`Theme: ${theme}. Change to ${next}`}>Theme: {theme}</button>;
}

function Progress({ of, done }: { of: number; done: number }) {
  return (
    <div class="progress">
      <div role="progressbar" aria-label="Decided" aria-valuemin={0} aria-valuemax={of} aria-valuenow={done}
        aria-valuetext={`${done} of ${of}`}><i style={{ width: `${(100 * done) / of}%` }} /></div>
      <span>{done === of ? "Everything is decided" : `${done} decided`}</span>
    </div>
  );
}

function Meta({ run }: { run: Run }) {
  // Pictures of Python tests are taken once.
  const repeated = run.tests.filter((result) => result.repeat);
  const steady = repeated.filter((result) => result.repeat!.counts[0] === run.repeat).length;
  const left = run.changed?.not_run.length ?? 0;
  return (
    <dl class="meta">
      <div><dt>Commit</dt><dd><code title={visible(run.commit ?? "")}>{run.commit ? visible(run.commit.slice(0, 10)) : "none"}</code></dd></div>
      <div><dt>Started</dt><dd><time dateTime={run.started}>{visible(run.started.slice(0, 16).replace("T", " "))} UTC</time></dd></div>
      <div><dt>Took</dt><dd>{seconds(run.summary.duration_seconds)}</dd></div>
      <div><dt>Environment</dt><dd>{visible(run.environment.name)}</dd></div>
      {run.shard && <div><dt>Shard</dt><dd>{run.shard.number} of {run.shard.count}: other pictures are in the others</dd></div>}
      {left > 0 && <div><dt>Not run</dt><dd>{count(left, "picture")}: nothing changed since {left === 1 ? "it" : "they"} passed</dd></div>}
      {run.repeat > 1 && <div><dt>Repeated</dt><dd>{run.repeat} runs: {steady} of {count(repeated.length, "target")} gave one picture</dd></div>}
    </dl>
  );
}

export function Header({ overview, decisions, onFinish, onHelp }: {
  overview: Overview; decisions: Decisions; onFinish: () => void; onHelp: () => void;
}) {
  const { run, failed } = overview;
  return (
    <header>
      <div class="top">
        <p class="product">widgetshot <span>{visible(run.project)}</span>{decisions.live && <em>live</em>}</p>
        <div class="actions">
          <button type="button" aria-label="Help: keys" title="Key ?" onClick={onHelp}>?</button>
          <Theme />
          <button type="button" class="main" title="Key d" onClick={onFinish}>{decisions.live ? "Finish" : "Download decisions"}</button>
        </div>
      </div>
      <h1>{headline(overview)}</h1>
      {failed.length > 0 && <Progress of={failed.length} done={failed.filter(({ key }) => settled(decisions.get(key))).length} />}
      <Meta run={run} />
      {!run.complete && <p class="notice">This run did not finish: results may be missing.</p>}
      {decisions.problem && <p class="notice bad" role="alert">{visible(decisions.problem)}</p>}
      <About run={run} />
    </header>
  );
}
