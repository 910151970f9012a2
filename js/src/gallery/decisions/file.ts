/** The ways out of the page: decisions.json (docs/reference/decisions.md), and the same as text for a pull request. */

import type { Decision as Entry, DecisionsFile } from "../generated/decisions";
import { visible } from "../model/text";
import type { Result, Run } from "../run";
import type { Decisions, DecisionVerdict } from "./decisions";

type Decided = Pick<Decisions, "get" | "comment" | "reviewer">;

/** A decision, bound to the pictures that were looked at. */
export function decisionEntry(result: Result, verdict: Entry["verdict"], comment: string): Omit<Entry, "time"> {
  return {
    key: result.key,
    verdict,
    baseline_sha256: result.baseline_sha256,
    shot_sha256: result.pictures.shot?.sha256 ?? null,
    sidecar_sha256: result.pictures.shot?.sidecar_sha256 ?? null,
    comment,
  };
}

/** The text of decisions.json: what was accepted and rejected. */
export function decisionsFile(run: Run, decisions: Decided): string {
  const decided = run.tests.flatMap((result) => {
    const decision = decisions.get(result.key);
    if (!decision || decision.verdict === "skip") return [];
    return [{ ...decisionEntry(result, decision.verdict, decisions.comment(result.key)), time: decision.time }];
  });
  const file: DecisionsFile = { format: 1, run: run.id, commit: run.commit, reviewer: decisions.reviewer, decisions: decided };
  return `${JSON.stringify(file, null, 1)}\n`;
}

export interface DecisionCounts {
  accepted: Result[];
  rejected: Result[];
  /** The number of those that need a decision and have none. */
  left: number;
}

export function countDecisions(run: Run, decisions: Decided): DecisionCounts {
  const of = (verdict: DecisionVerdict) => run.tests.filter(({ key }) => decisions.get(key)?.verdict === verdict);
  const open = run.tests.filter(({ key, status }) => status === "failed" && (decisions.get(key)?.verdict ?? "skip") === "skip");
  return { accepted: of("accept"), rejected: of("reject"), left: open.length };
}

export const countsText = ({ accepted, rejected, left }: DecisionCounts): string =>
  `${accepted.length} accepted, ${rejected.length} rejected, ${left} left undecided`;

/** The text of a comment on a pull request: lines that a person reads, then what `widgetshot approve` reads. */
export function reviewText(run: Run, decisions: Decided): string {
  const counts = countDecisions(run, decisions);
  const file = decisionsFile(run, decisions);
  const lines = counts.rejected
    .filter(({ key }) => decisions.comment(key))
    .map((result) => `- ${inlineCode(result.name)}: ${inlineCode(decisions.comment(result.key).replace(/\s+/g, " "))}`);
  const fence = "`".repeat(Math.max(3, longestRun(file) + 1));
  return [`widgetshot review of ${inlineCode(run.id)}: ${countsText(counts)}.`, ...lines, "", `${fence}json`, file.trimEnd(), fence, ""].join("\n");
}

const longestRun = (text: string): number => Math.max(0, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length));

/** Markdown code of one line, whatever the text holds; a comment must not speak to others in a notebook's name. */
function inlineCode(text: string): string {
  const ticks = "`".repeat(longestRun(text) + 1);
  const space = /^`|`$/.test(text) ? " " : "";
  return `${ticks}${space}${visible(text)}${space}${ticks}`;
}
