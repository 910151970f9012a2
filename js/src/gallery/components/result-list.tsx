import { useEffect, useRef } from "preact/hooks";

import { PAST_TENSE, type Decision, type Decisions } from "../decisions/decisions";
import type { List } from "../hooks/use-list";
import type { Section } from "../model/listing";
import { changedPixels, ended, MARKS, nameParts } from "../model/results";
import { count, visible } from "../model/text";
import type { Result, Run } from "../run";
import { Icon } from "./icon";

interface RowProps {
  run: Run;
  result: Result;
  decision: Decision | undefined;
  current: boolean;
  inside?: boolean;
  onPick: (result: Result) => void;
}

function Row({ run, result, decision, current, inside, onPick }: RowProps) {
  const [path, shot] = nameParts(result);
  const changed = changedPixels(result);
  return (
    <button type="button" class={`row ${inside ? "inside" : ""}`} data-key={result.key} data-verdict={result.verdict}
      aria-current={current ? "true" : undefined} onClick={() => onPick(result)}>
      <Icon shape={result.verdict} />
      <span class="what">
        <bdi class="shot">{visible(shot)}</bdi>
        <bdi class="path">{visible(path)}</bdi>
      </span>
      <span class="hidden">, {result.verdict}{result.updated ? ", baseline updated" : ""}</span>
      {MARKS.flaky.has(result) && <span title="Was flaky lately"><Icon shape="flaky" /><span class="hidden">, was flaky lately</span></span>}
      {result.quarantine && <span title={ended(result, run) ? "Its quarantine has ended" : "In quarantine"}><Icon shape="quarantined" /></span>}
      {decision ? (
        <span class="decision" data-decision={decision.verdict}><Icon shape={decision.verdict} /> {PAST_TENSE[decision.verdict]}</span>
      ) : changed > 0 ? <span class="size" title={count(changed, "pixel")}>{short(changed)} px</span> : null}
    </button>
  );
}

const short = (n: number): string => (n < 10_000 ? n.toLocaleString("en") : `${Math.round(n / 1000).toLocaleString("en")}k`);

interface Props {
  run: Run;
  list: List;
  decisions: Decisions;
}

function Group({ group, props: { run, list, decisions } }: { group: Result[]; props: Props }) {
  const first = group[0]!;
  const row = (result: Result, inside?: boolean) => (
    <Row run={run} result={result} decision={decisions.get(result.key)} current={result === list.current} onPick={list.show} {...(inside ? { inside } : {})} />
  );
  if (group.length === 1) return <li>{row(first)}</li>;
  const unfolded = list.unfolded.has(first.key);
  return (
    <li class="group">
      <button type="button" class="same" aria-expanded={unfolded} onClick={() => list.toggleGroup(first)}>
        <Icon shape="fold" /><Icon shape="group" /> {group.length} with the same change
      </button>
      <ul>{(unfolded ? group : group.slice(0, 1)).map((result) => <li key={result.key}>{row(result, true)}</li>)}</ul>
    </li>
  );
}

function ListSection({ section, props }: { section: Section; props: Props }) {
  const n = section.groups.reduce((sum, group) => sum + group.length, 0);
  if (!n) return null;
  return (
    <section class={section.id}>
      <h2>
        <button type="button" class="fold" aria-expanded={section.open} onClick={() => props.list.toggleSection(section)}>
          <Icon shape="fold" /> {section.title} <small>{n.toLocaleString("en")}</small>
        </button>
      </h2>
      {section.open && section.note && <p class="note">{section.note}</p>}
      {section.open && <ul>{section.groups.map((group) => <Group key={group[0]!.key} group={group} props={props} />)}</ul>}
    </section>
  );
}

export function ResultList(props: Props) {
  const list = useRef<HTMLElement>(null);
  const current = props.list.current?.key;
  useEffect(() => {
    const row = list.current!.querySelector<HTMLElement>("[aria-current]");
    row?.scrollIntoView({ block: "nearest" });
    // Whoever walks the list with the keyboard stays on the row that is shown.
    if (row && list.current!.contains(document.activeElement)) row.focus({ preventScroll: true });
  }, [current]);
  return (
    <nav ref={list} class="list" aria-label="Results">
      {props.list.sections.map((section) => <ListSection key={section.id} section={section} props={props} />)}
    </nav>
  );
}
