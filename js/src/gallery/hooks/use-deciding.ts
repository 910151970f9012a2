import { useState } from "preact/hooks";

import type { Question } from "../components/confirm";
import { DONE, type Decisions, type Seen, type Word } from "../decisions/decisions";
import { following, settled } from "../model/listing";
import type { Overview } from "../model/overview";
import { acceptable, nameParts } from "../model/results";
import { count, visible } from "../model/text";
import type { Result } from "../run";
import type { List } from "./use-list";

export type Verdict = "accept" | "reject";

export interface Deciding {
  /** Decides on the current result. */
  judge: (verdict: Word) => void;
  undo: () => void;
  /** Asks before all of `results` are decided that can be. */
  ask: (results: readonly Result[], verdict: Verdict, what: string) => void;
  /** Asks about all that changed in the same way as the current result. */
  askGroup: (verdict: Verdict) => void;
  question: Question | null;
  answer: (yes: boolean) => void;
}

const shotOf = (result: Result): string => visible(nameParts(result)[1]);

/** What the reviewer can decide, and what they are told of it. */
export function useDeciding({ run, failed }: Overview, decisions: Decisions, list: List, say: (sentence: string) => void): Deciding {
  const [question, setQuestion] = useState<Question | null>(null);
  const { current, group } = list;

  async function decide(chosen: readonly Result[], verdict: Word, seen?: Seen) {
    const able = verdict === "accept" ? chosen.filter(acceptable) : chosen;
    if (!able.length) {
      if (current) say(`${shotOf(current)} can't be accepted: ${current.updated ? "its baseline was written by the run" : `it is ${current.verdict}`}.`);
      return;
    }
    const next = following(list, able, (key) => decisions.get(key));
    if (!(await decisions.decide(able, verdict, seen))) {
      say("Nothing was decided.");
      return;
    }
    const what = able.length === 1 ? shotOf(able[0]!) : count(able.length, "picture");
    const wrote = decisions.live && verdict === "accept" ? " Its baseline is written." : "";
    const left = failed.filter(({ key }) => !settled(decisions.get(key))).length;
    say(`${what} ${DONE[verdict]}.${wrote} ${left ? `${left} left.` : "Everything is decided."}`);
    if (next) list.show(next);
  }
  async function undo() {
    const keys = await decisions.undo();
    if (!keys.length) {
      say(decisions.trouble ? "Nothing was undone." : "There is nothing to undo.");
      return;
    }
    const undone = run.tests.filter(({ key }) => keys.includes(key));
    say(`Undone: ${keys.length === 1 && undone[0] ? shotOf(undone[0]) : count(keys.length, "decision")}.`);
    list.show(undone.find(({ key }) => key === keys[0]));
  }
  function ask(results: readonly Result[], verdict: Verdict, what: string) {
    const able = results.filter((result) => result.status !== "passed" && (verdict === "reject" || acceptable(result)));
    if (able.length) setQuestion({ verdict, results: able, seen: decisions.seen(able), what });
    else say("There is nothing among them that could be accepted.");
  }
  function judge(verdict: Word) {
    if (!current) return;
    if (current.status === "passed") say(`${shotOf(current)} needs no decision.`);
    else void decide([current], verdict);
  }
  function askGroup(verdict: Verdict) {
    if (group.length < 2) {
      judge(verdict);
      return;
    }
    list.unfold(group[0]!);
    ask(group, verdict, "All of them changed in the same way: the same sizes, the same colours.");
  }
  function answer(yes: boolean) {
    setQuestion(null);
    if (yes && question) void decide(question.results, question.verdict, question.seen);
  }
  return { judge, undo: () => void undo(), ask, askGroup, question, answer };
}
