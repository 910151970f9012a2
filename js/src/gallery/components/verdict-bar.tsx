import type { RefObject } from "preact";

import { DO, DONE, type Decision, type Decisions } from "../decisions/decisions";
import type { Deciding } from "../hooks/use-deciding";
import type { List } from "../hooks/use-list";
import { acceptable, changeGroup } from "../model/results";
import { visible } from "../model/text";
import type { Result } from "../run";
import { Comment } from "./comment";
import { Icon } from "./icon";

/** What is on the button is read out; its key is for the eye, and told to assistive technology as one. */
const Key = ({ of }: { of: string }) => <kbd aria-hidden="true">{of}</kbd>;

function Steps({ list: { place, walk, step } }: { list: List }) {
  return (
    <div class="steps">
      <button type="button" title="Key k" aria-label="Previous result" disabled={place <= 0} onClick={() => step(-1)}>‹</button>
      <span>{place < 0 ? "not listed" : `${place + 1} of ${walk.length}`}</span>
      <button type="button" title="Key j" aria-label="Next result" disabled={place >= walk.length - 1} onClick={() => step(1)}>›</button>
    </div>
  );
}

function Words({ result, decision, deciding, undoable }: {
  result: Result; decision: Decision | undefined; deciding: Deciding; undoable: boolean;
}) {
  const able = acceptable(result);
  return (
    <div class="words" role="group" aria-label="This picture">
      {(["accept", "reject", "skip"] as const).map((word) => (
        <button type="button" class={word} aria-keyshortcuts={word[0]} aria-pressed={decision?.verdict === word} disabled={word === "accept" && !able}
          title={word === "accept" && !able ? `What is ${result.verdict} can't be accepted` : `Key ${word[0]}`} onClick={() => deciding.judge(word)}>
          <Icon shape={word} /> {DO[word]} <Key of={word[0]!} />
        </button>
      ))}
      <button type="button" title="Key u" aria-keyshortcuts="u" disabled={!undoable} onClick={deciding.undo}>Undo <Key of="u" /></button>
    </div>
  );
}

function GroupWords({ of, deciding }: { of: number; deciding: Deciding }) {
  return (
    <div class="words" role="group" aria-label={`All ${of} with the same change`}>
      <button type="button" title="Key A" aria-keyshortcuts="Shift+A" onClick={() => deciding.askGroup("accept")}><Icon shape="group" /> Accept all {of} <Key of="A" /></button>
      <button type="button" title="Key R" aria-keyshortcuts="Shift+R" onClick={() => deciding.askGroup("reject")}>Reject <Key of="R" /></button>
    </div>
  );
}

function State({ decision }: { decision: Decision }) {
  return (
    <p class="state" data-decision={decision.verdict}>
      {DONE[decision.verdict]}{decision.reviewer ? ` by ${visible(decision.reviewer)}` : ""}{decision.written ? ", baseline written" : ""}
    </p>
  );
}

interface Props {
  result: Result;
  list: List;
  deciding: Deciding;
  decisions: Decisions;
  note: RefObject<HTMLTextAreaElement | null>;
  /** Keeps the result that is shown, whatever happens to the list. */
  onPin: () => void;
}

/** What can be decided on the result that is shown, and what was. */
export function VerdictBar({ result, list, deciding, decisions, note, onPin }: Props) {
  const decision = decisions.get(result.key);
  return (
    <section class="verdict" aria-label="Decide">
      <Steps list={list} />
      {result.status === "passed" ? <p class="soft">Needs no decision.</p> : (
        <>
          <Words result={result} decision={decision} deciding={deciding} undoable={decisions.undoable} />
          {list.group.length > 1 && changeGroup(result) && <GroupWords of={list.group.length} deciding={deciding} />}
          <Comment key={result.key} field={note} result={result} decisions={decisions} onBegin={onPin} />
        </>
      )}
      {decision && <State decision={decision} />}
    </section>
  );
}
