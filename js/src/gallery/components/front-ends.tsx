import { useEffect, useRef } from "preact/hooks";

import type { FrontEnds } from "../hooks/use-front-ends";
import type { Viewing } from "../hooks/use-viewing";
import { frontEndsHeadline, type Compared } from "../model/front-ends";
import { visible } from "../model/text";
import type { ComparedTarget, Comparisons } from "../run";
import { Icon } from "./icon";
import { Pictures } from "./pictures";
import { ViewControls } from "./result-card";

const OUTCOMES: Record<ComparedTarget["outcome"], string> = {
  differs: "differs", declared: "differs as declared", "not-compared": "not compared", same: "the same",
};

function nameParts(name: string): [path: string, shot: string] {
  const cut = name.lastIndexOf("::");
  return cut < 0 ? ["", name] : [name.slice(0, cut), name.slice(cut + 2)];
}

function Row({ target, current, onPick }: { target: ComparedTarget; current: boolean; onPick: () => void }) {
  const [path, shot] = nameParts(target.name);
  return (
    <button type="button" class="row" data-outcome={target.outcome} data-target={target.name} aria-current={current ? "true" : undefined} onClick={onPick}>
      <Icon shape={target.outcome} />
      <span class="what">
        <bdi class="shot">{visible(shot)}</bdi>
        <bdi class="path">{visible(path)}</bdi>
      </span>
      <span class="hidden">, {OUTCOMES[target.outcome]}</span>
    </button>
  );
}

/** The targets that were drawn in both front ends, by what differs. */
export function FrontEndList({ comparisons, fronts }: { comparisons: Comparisons; fronts: FrontEnds }) {
  const list = useRef<HTMLElement>(null);
  const current = fronts.current?.target;
  useEffect(() => {
    const row = list.current!.querySelector<HTMLElement>("[aria-current]");
    row?.scrollIntoView({ block: "nearest" });
    // Whoever walks the list with the keyboard stays on the row that is shown.
    if (row && list.current!.contains(document.activeElement)) row.focus({ preventScroll: true });
  }, [current]);
  return (
    <nav ref={list} class="list" aria-label="Front ends">
      <p class="note">{visible(frontEndsHeadline(comparisons))}. What differs is told, and nothing of it is to be decided.</p>
      {fronts.groups.map((group) => (
        <section key={group.id}>
          <h2>
            <button type="button" class="fold" aria-expanded={!group.folded} onClick={() => fronts.toggle(group)}>
              <Icon shape="fold" /> {visible(group.title)} <small>{group.targets.length.toLocaleString("en")}</small>
            </button>
          </h2>
          {!group.folded && group.note && <p class="note">{group.note}</p>}
          {!group.folded && (
            <ul>
              {group.targets.map((target) => (
                <li key={target.name}><Row target={target} current={target === current} onPick={() => fronts.show(target)} /></li>
              ))}
            </ul>
          )}
        </section>
      ))}
    </nav>
  );
}

/** One target in two front ends. */
export function FrontEndCard({ compared: { target, result, panes }, viewing }: { compared: Compared; viewing: Viewing }) {
  const [path, shot] = nameParts(target.name);
  const more = target.differences.length > 1;
  const other = target.results[1].frontend;
  return (
    <article class="card" data-outcome={target.outcome} data-target={target.name} aria-labelledby="shown">
      <div class="title">
        <span class="badge"><Icon shape={target.outcome} /> {OUTCOMES[target.outcome]}</span>
        <h2 id="shown" class="name" tabIndex={-1}><bdi>{path && <span>{visible(path)}::</span>}{visible(shot)}</bdi></h2>
      </div>
      <p class="sentence">{visible(more ? target.differences[0]!.sentence : target.sentence)}</p>
      {more && (
        <ul class="causes" aria-label="What differs besides">
          {target.differences.slice(1).map(({ sentence }) => <li>{visible(sentence)}</li>)}
        </ul>
      )}
      {target.reason !== null && <p class="reason">Declared to differ because: <bdi>{visible(target.reason)}</bdi></p>}
      <ViewControls result={result} viewing={viewing} labels={{ actual: `Only ${other}` }} />
      <Pictures result={result} chosen={panes} view={viewing.view} region={viewing.region} onZoom={viewing.zoom} onView={viewing.change} reducedMotion={viewing.reducedMotion} />
    </article>
  );
}

/** What stands in the place of the buttons that decide. */
export function FrontEndBar({ fronts: { position, sequence, step } }: { fronts: FrontEnds }) {
  return (
    <section class="verdict" aria-label="Move">
      <div class="steps">
        <button type="button" title="Key k" aria-label="Previous cell" disabled={position <= 0} onClick={() => step(-1)}>‹</button>
        <span>{position < 0 ? "not listed" : `${position + 1} of ${sequence.length}`}</span>
        <button type="button" title="Key j" aria-label="Next cell" disabled={position >= sequence.length - 1} onClick={() => step(1)}>›</button>
      </div>
      <p class="soft">A difference between front ends is no decision: there is nothing to accept or reject.</p>
    </section>
  );
}

/** Switches between what is to be decided and what differs between front ends. */
export function ViewSwitch({ comparisons, view, onPick }: {
  comparisons: Comparisons; view: "results" | "front-ends"; onPick: (view: "results" | "front-ends") => void;
}) {
  const differing = comparisons.targets.filter(({ outcome }) => outcome === "differs").length;
  return (
    <div class="segments switch" role="group" aria-label="What to look at">
      <button type="button" title="Key f" aria-pressed={view === "results"} onClick={() => onPick("results")}>Results</button>
      <button type="button" title="Key f" aria-pressed={view === "front-ends"} onClick={() => onPick("front-ends")}>
        Front ends <small>{differing.toLocaleString("en")}</small>
      </button>
    </div>
  );
}
