import { useEffect, useRef } from "preact/hooks";

import { DONE, type Decisions } from "./decisions";
import { Icon } from "./facts";
import { count, ended, MARKS, visible, type Result, type Run } from "./run";

export interface Section {
  id: "decide" | "known" | "passed";
  title: string;
  note?: string;
  groups: Result[][];
  open: boolean;
}

/** The name of a result in two parts: where it is, and what it is called. */
export function parts(result: Result): [path: string, shot: string] {
  const cut = result.name.lastIndexOf("::");
  return cut < 0 ? ["", result.name] : [result.name.slice(0, cut), result.name.slice(cut + 2)];
}

interface Props {
  run: Run;
  sections: Section[];
  current: string;
  open: ReadonlySet<string>;
  decisions: Decisions;
  onPick: (result: Result) => void;
  onOpen: (group: Result[]) => void;
  onSection: (id: Section["id"]) => void;
}

export function List({ run, sections, current, open, decisions, onPick, onOpen, onSection }: Props) {
  const list = useRef<HTMLElement>(null);
  useEffect(() => {
    const row = list.current!.querySelector<HTMLElement>("[aria-current]");
    row?.scrollIntoView({ block: "nearest" });
    // Whoever walks the list with the keyboard stays on the row that is shown.
    if (row && list.current!.contains(document.activeElement)) row.focus({ preventScroll: true });
  }, [current]);

  function row(result: Result, inside = "") {
    const decision = decisions.get(result.key);
    const [path, shot] = parts(result);
    const changed = result.metrics?.changed_pixels ?? 0;
    return (
      <button type="button" class={`row ${inside}`} data-key={result.key} data-verdict={result.verdict}
        aria-current={result.key === current ? "true" : undefined} onClick={() => onPick(result)}>
        <Icon shape={result.verdict} />
        <span class="what">
          <bdi class="shot">{visible(shot)}</bdi>
          <bdi class="path">{visible(path)}</bdi>
        </span>
        <span class="hidden">, {result.verdict}{result.updated ? ", baseline updated" : ""}</span>
        {MARKS.flaky.has(result) && <span title="Was flaky lately"><Icon shape="flaky" /><span class="hidden">, was flaky lately</span></span>}
        {result.quarantine && <span title={ended(result, run) ? "Its quarantine has ended" : "In quarantine"}><Icon shape="quarantined" /></span>}
        {decision ? (
          <span class="decision" data-decision={decision.verdict}><Icon shape={decision.verdict} /> {DONE[decision.verdict]}</span>
        ) : changed > 0 ? <span class="size" title={count(changed, "pixel")}>{short(changed)} px</span> : null}
      </button>
    );
  }

  return (
    <nav ref={list} class="list" aria-label="Results">
      {sections.map((section) => {
        const n = section.groups.reduce((sum, group) => sum + group.length, 0);
        if (!n) return null;
        return (
          <section key={section.id} class={section.id}>
            <h2>
              <button type="button" class="fold" aria-expanded={section.open} onClick={() => onSection(section.id)}>
                <Icon shape="fold" /> {section.title} <small>{n.toLocaleString("en")}</small>
              </button>
            </h2>
            {section.open && section.note && <p class="note">{section.note}</p>}
            {section.open && (
              <ul>
                {section.groups.map((group) => {
                  const [first] = group;
                  if (group.length === 1) return <li key={first!.key}>{row(first!)}</li>;
                  const unfolded = open.has(first!.key);
                  return (
                    <li key={first!.key} class="group">
                      <button type="button" class="same" aria-expanded={unfolded} onClick={() => onOpen(group)}>
                        <Icon shape="fold" /><Icon shape="group" /> {group.length} with the same change
                      </button>
                      <ul>{(unfolded ? group : group.slice(0, 1)).map((result) => <li key={result.key}>{row(result, "inside")}</li>)}</ul>
                    </li>
                  );
                })}
              </ul>
            )}
          </section>
        );
      })}
    </nav>
  );
}

const short = (n: number): string => (n < 10_000 ? n.toLocaleString("en") : `${Math.round(n / 1000).toLocaleString("en")}k`);
