import type { Viewing } from "../hooks/use-viewing";
import { ended, MARKS, nameParts } from "../model/results";
import { count, visible } from "../model/text";
import { MODES, ZOOMS, type Mode } from "../model/view";
import type { Result, Run } from "../run";
import { History } from "./history";
import { Icon } from "./icon";
import { Pictures } from "./pictures";
import { Timeline } from "./timeline";
import { ResultFacts, ResultError, Explanation } from "./explanation";

function Title({ result, over }: { result: Result; over: boolean }) {
  const { quarantine } = result;
  const [path, shot] = nameParts(result);
  return (
    <div class="title">
      <span class="badge"><Icon shape={result.verdict} /> {result.verdict}</span>
      {result.updated && <span class="badge plain">baseline updated</span>}
      {quarantine && (
        <span class="badge plain"><Icon shape="quarantined" /> {over ? "quarantine ended" : "in quarantine until"} {visible(quarantine.until)}</span>
      )}
      {MARKS.flaky.has(result) && <span class="badge plain"><Icon shape="flaky" /> was flaky lately</span>}
      {result.renderer.length > 0 && <span class="badge plain"><Icon shape="renderer" /> different renderer</span>}
      <h2 id="shown" class="name" tabIndex={-1}><bdi>{path && <span>{visible(path)}::</span>}{visible(shot)}</bdi></h2>
    </div>
  );
}

/** Buttons for the ways to look. */
export function ViewControls({ result, viewing: { view, region, change, zoom, step }, labels }: {
  result: Result; viewing: Viewing; labels?: Partial<Record<Mode, string>>;
}) {
  const regions = result.metrics.regions.length;
  const percent = `${view.zoom * 100} %`;
  return (
    <div class="looks">
      <div class="segments" role="group" aria-label="How to look">
        {Object.entries(MODES).map(([mode, label], i) => (
          <button type="button" aria-pressed={view.mode === mode} title={`Key ${i + 1}`} onClick={() => change({ mode: mode as Mode })}>{labels?.[mode as Mode] ?? label}</button>
        ))}
      </div>
      <div class="segments" role="group" aria-label="Zoom">
        <button type="button" aria-label="Zoom out" title="Key -" disabled={view.zoom === 0} onClick={() => zoom(-1)}>−</button>
        <button type="button" aria-label={view.zoom ? `${percent}, back to fit` : "Fit"} title="Key 0" onClick={() => change({ zoom: 0 })}>{view.zoom ? percent : "Fit"}</button>
        <button type="button" aria-label="Zoom in" title="Key +" disabled={view.zoom === ZOOMS.at(-1)} onClick={() => zoom(1)}>+</button>
      </div>
      {regions > 0 && (
        <div class="segments" role="group" aria-label="Regions of change">
          <button type="button" aria-label="Previous region" title="Key [" onClick={() => step(-1)}>‹</button>
          <button type="button" aria-pressed={view.regions} title="Key o: outlines" onClick={() => change({ regions: !view.regions })}>
            {region < 0 ? count(regions, "region") : `Region ${region + 1} of ${regions}`}
          </button>
          <button type="button" aria-label="Next region" title="Key ]" onClick={() => step(1)}>›</button>
        </div>
      )}
      {result.masks.length > 0 && <button type="button" aria-pressed={view.masks} title="Key m" onClick={() => change({ masks: !view.masks })}>Masks</button>}
      <button type="button" aria-pressed={view.inspect} title="Key i" onClick={() => change({ inspect: !view.inspect })}>Inspect</button>
    </div>
  );
}

/** Shows `result` as large as there is room, and why it is as it is. */
export function ResultCard({ run, result, viewing }: { run: Run; result: Result; viewing: Viewing }) {
  const { quarantine } = result;
  const over = ended(result, run);
  return (
    <article class="card" data-verdict={result.verdict} data-key={result.key} aria-labelledby="shown">
      <Title result={result} over={over} />
      <p class="sentence">{visible(result.sentence)}</p>
      {quarantine && !over && <p class="reason">In quarantine because: <bdi>{visible(quarantine.reason)}</bdi></p>}
      {result.refused !== null && <p class="reason">It can't be accepted: <bdi>{visible(result.refused)}</bdi></p>}
      <ResultFacts result={result} />
      <History result={result} />
      <ResultError result={result} />
      <ViewControls result={result} viewing={viewing} />
      <Pictures result={result} view={viewing.view} region={viewing.region} onZoom={viewing.zoom} onView={viewing.change} reducedMotion={viewing.reducedMotion} />
      <Explanation result={result} />
      <Timeline key={result.key} result={result} />
    </article>
  );
}
