import { useState } from "preact/hooks";

import type { Question } from "../components/confirm";
import { PAST_TENSE, type DecisionVerdict, type Decisions, type Seen } from "../decisions/decisions";
import { following, settled } from "../model/listing";
import type { Overview } from "../model/overview";
import { acceptable, nameParts } from "../model/results";
import { count, visible } from "../model/text";
import type { Result } from "../run";
import type { List } from "./use-list";

/** A verdict that several results may be given at once. */
export type GroupVerdict = "accept" | "reject";

export interface DecisionActions {
  /** Decides on the current result. */
  decide: (verdict: DecisionVerdict) => void;
  undo: () => void;
  /** Asks before all of `results` are decided that can be. */
  confirm: (results: readonly Result[], verdict: GroupVerdict, what: string) => void;
  /** Asks about all that changed in the same way as the current result. */
  confirmGroup: (verdict: GroupVerdict) => void;
  question: Question | null;
  answer: (yes: boolean) => void;
}

const shotOf = (result: Result): string => visible(nameParts(result)[1]);

/** The actions by which a reviewer decides, with a notice on the outcome of each. */
export function useDecisionActions({ run, failed }: Overview, decisions: Decisions, list: List, notify: (sentence: string) => void): DecisionActions {
  const [question, setQuestion] = useState<Question | null>(null);
  const { current, group } = list;

  async function decideAll(chosen: readonly Result[], verdict: DecisionVerdict, seen?: Seen) {
    const able = verdict === "accept" ? chosen.filter(acceptable) : chosen;
    if (!able.length) {
      if (current) notify(`${shotOf(current)} can't be accepted: ${current.updated ? "its baseline was written by the run" : `it is ${current.verdict}`}.`);
      return;
    }
    const next = following(list, able, (key) => decisions.get(key));
    if (!(await decisions.decide(able, verdict, seen))) {
      notify("Nothing was decided.");
      return;
    }
    const what = able.length === 1 ? shotOf(able[0]!) : count(able.length, "picture");
    const wrote = decisions.live && verdict === "accept" ? " Its baseline is written." : "";
    const left = failed.filter(({ key }) => !settled(decisions.get(key))).length;
    notify(`${what} ${PAST_TENSE[verdict]}.${wrote} ${left ? `${left} left.` : "Everything is decided."}`);
    if (next) list.show(next);
  }
  async function undo() {
    const keys = await decisions.undo();
    if (!keys.length) {
      notify(decisions.problem ? "Nothing was undone." : "There is nothing to undo.");
      return;
    }
    const undone = run.tests.filter(({ key }) => keys.includes(key));
    notify(`Undone: ${keys.length === 1 && undone[0] ? shotOf(undone[0]) : count(keys.length, "decision")}.`);
    list.show(undone.find(({ key }) => key === keys[0]));
  }
  function confirm(results: readonly Result[], verdict: GroupVerdict, what: string) {
    const able = results.filter((result) => result.status !== "passed" && (verdict === "reject" || acceptable(result)));
    if (able.length) setQuestion({ verdict, results: able, seen: decisions.seen(able), what });
    else notify("There is nothing among them that could be accepted.");
  }
  function decide(verdict: DecisionVerdict) {
    if (!current) return;
    if (current.status === "passed") notify(`${shotOf(current)} needs no decision.`);
    else void decideAll([current], verdict);
  }
  function confirmGroup(verdict: GroupVerdict) {
    if (group.length < 2) {
      decide(verdict);
      return;
    }
    list.unfold(group[0]!);
    confirm(group, verdict, "All of them changed in the same way: the same sizes, the same colours.");
  }
  function answer(yes: boolean) {
    setQuestion(null);
    if (yes && question) void decideAll(question.results, question.verdict, question.seen);
  }
  return { decide, undo: () => void undo(), confirm, confirmGroup, question, answer };
}
