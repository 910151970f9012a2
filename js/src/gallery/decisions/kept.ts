/** The form in which the browser keeps decisions, and its reader, which takes what others may have written there. */

import { PAST_TENSE, type Decision } from "./decisions";

/** Keys with the decisions on them before, which are taken back together. */
export type Step = [key: string, before: Decision | null][];

export interface Kept {
  decisions: Record<string, Decision>;
  comments: Record<string, string>;
  steps: Step[];
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);

const isDecision = (value: unknown): value is Decision =>
  isObject(value) && typeof value["verdict"] === "string" && Object.hasOwn(PAST_TENSE, value["verdict"]) && typeof value["time"] === "string";

const isStep = (value: unknown): value is Step =>
  Array.isArray(value) &&
  value.every((part: unknown) => Array.isArray(part) && typeof part[0] === "string" && (part[1] === null || isDecision(part[1])));

function only<T>(value: unknown, fits: (one: unknown) => one is T): Record<string, T> {
  if (!isObject(value)) return {};
  return Object.fromEntries(Object.entries(value).filter((entry): entry is [string, T] => fits(entry[1])));
}

/** Read what was kept; null for nothing. What is no decision, comment or step is left out. */
export function parseKept(text: string | null): Kept | null {
  let value: unknown;
  try {
    value = JSON.parse(text ?? "null");
  } catch {
    value = null;
  }
  if (!isObject(value)) return null;
  return {
    decisions: only(value["decisions"], isDecision),
    comments: only(value["comments"], (one) => typeof one === "string"),
    steps: Array.isArray(value["steps"]) ? value["steps"].filter(isStep) : [],
  };
}
