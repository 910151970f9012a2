import type { RefObject } from "preact";

import { IMPERATIVE, PAST_TENSE, type Decision, type Decisions } from "../decisions/decisions";
import type { DecisionActions } from "../hooks/use-decision-actions";
import type { List } from "../hooks/use-list";
import { acceptable, changeGroup } from "../model/results";
import { visible } from "../model/text";
import type { Result } from "../run";
import { Comment } from "./comment";
import { Icon } from "./icon";

/** A key on a button, for the eye: assistive technology knows it from `aria-keyshortcuts`. */
const KeyHint = ({ of }: { of: string }) => <kbd aria-hidden="true">{of}</kbd>;

function StepButtons({ list: { position, sequence, step } }: { list: List }) {
  return (
    <div class="steps">
      <button type="button" title="Key k" aria-label="Previous result" disabled={position <= 0} onClick={() => step(-1)}>‹</button>
      <span>{position < 0 ? "not listed" : `${position + 1} of ${sequence.length}`}</span>
      <button type="button" title="Key j" aria-label="Next result" disabled={position >= sequence.length - 1} onClick={() => step(1)}>›</button>
    </div>
  );
}

function DecisionButtons({ result, decision, actions, undoable }: {
  result: Result; decision: Decision | undefined; actions: DecisionActions; undoable: boolean;
}) {
  const able = acceptable(result);
  return (
    <div class="words" role="group" aria-label="This picture">
      {(["accept", "reject", "skip"] as const).map((word) => (
        <button type="button" class={word} aria-keyshortcuts={word[0]} aria-pressed={decision?.verdict === word} disabled={word === "accept" && !able}
          title={word === "accept" && !able ? result.refused === null ? `What is ${result.verdict} can't be accepted` : visible(result.refused) : `KeyHint ${word[0]}`} onClick={() => actions.decide(word)}>
          <Icon shape={word} /> {IMPERATIVE[word]} <KeyHint of={word[0]!} />
        </button>
      ))}
      <button type="button" title="Key u" aria-keyshortcuts="u" disabled={!undoable} onClick={actions.undo}>Undo <KeyHint of="u" /></button>
    </div>
  );
}

function GroupButtons({ of, actions }: { of: number; actions: DecisionActions }) {
  return (
    <div class="words" role="group" aria-label={`All ${of} with the same change`}>
      <button type="button" title="Key A" aria-keyshortcuts="Shift+A" onClick={() => actions.confirmGroup("accept")}><Icon shape="group" /> Accept all {of} <KeyHint of="A" /></button>
      <button type="button" title="Key R" aria-keyshortcuts="Shift+R" onClick={() => actions.confirmGroup("reject")}>Reject <KeyHint of="R" /></button>
    </div>
  );
}

function DecisionState({ decision }: { decision: Decision }) {
  return (
    <p class="state" data-decision={decision.verdict}>
      {PAST_TENSE[decision.verdict]}{decision.reviewer ? ` by ${visible(decision.reviewer)}` : ""}{decision.written ? ", baseline written" : ""}
    </p>
  );
}

interface Props {
  result: Result;
  list: List;
  actions: DecisionActions;
  decisions: Decisions;
  note: RefObject<HTMLTextAreaElement | null>;
  /** Keeps the result that is shown, whatever happens to the list. */
  onPin: () => void;
}

/** The buttons and the comment for a decision on the result that is shown. */
export function DecisionBar({ result, list, actions, decisions, note, onPin }: Props) {
  const decision = decisions.get(result.key);
  return (
    <section class="verdict" aria-label="Decide">
      <StepButtons list={list} />
      {result.status === "passed" ? <p class="soft">Needs no decision.</p> : (
        <>
          <DecisionButtons result={result} decision={decision} actions={actions} undoable={decisions.undoable} />
          {list.group.length > 1 && changeGroup(result) && <GroupButtons of={list.group.length} actions={actions} />}
          <Comment key={result.key} field={note} result={result} decisions={decisions} onBegin={onPin} />
        </>
      )}
      {decision && <DecisionState decision={decision} />}
    </section>
  );
}
