/** The trace of a result as lanes of a timeline, and as a list. */

import type { Moment, Span, TraceFile } from "../run";

/** An event at its time; `took` is null for what happened at once, or had not ended. */
export interface TraceEvent {
  lane: string;
  name: string;
  at: number;
  took: number | null;
  /** How it ended, or what it says. */
  detail: string;
  /** True for what failed, or never ended. */
  bad: boolean;
}

export interface Lane {
  title: string;
  events: TraceEvent[];
}

/** Words of a span that ended as it should. */
const GOOD = new Set(["", "ok", "answered"]);

const ofSpan = (lane: string) => ({ name, begin, duration, status }: Span): TraceEvent => ({
  lane, name, at: begin, took: duration, detail: status, bad: duration === null || !GOOD.has(status),
});
const ofMoment = (lane: string, bad: boolean) => ({ name, at, text }: Moment): TraceEvent => ({ lane, name, at, took: null, detail: text, bad });

/** What a trace has any of, in the order of the way to a shot. */
export function lanes(trace: TraceFile): Lane[] {
  const all: Lane[] = [
    { title: "Cells", events: trace.cells.map(ofSpan("Cell")) },
    { title: "Steps", events: trace.steps.map(ofSpan("Step")) },
    { title: "Shots", events: trace.shots.map(ofSpan("Shot")) },
    { title: "Stages", events: trace.stages.map(ofSpan("Stage")) },
    { title: "Requests", events: trace.requests.map(ofSpan("Request")) },
    { title: "Messages", events: trace.messages.map(ofMoment("Message", false)) },
    { title: "Errors", events: trace.console.map(ofMoment("Error", true)) },
  ];
  return all.filter(({ events }) => events.length);
}

/** All events, the earliest first. */
export const inOrder = (of: readonly Lane[]): TraceEvent[] => of.flatMap(({ events }) => events).sort((a, b) => a.at - b.at);

/** Where an event stands in a timeline, in per cent of it. What had not ended goes on to its end. */
export function extent({ at, took, lane }: TraceEvent, duration: number): { left: number; width: number } {
  const whole = Math.max(duration, Number.EPSILON);
  const isMoment = lane === "Message" || lane === "Error";
  const end = isMoment ? at : at + (took ?? Math.max(0, duration - at));
  const share = (time: number): number => Math.min(100, Math.max(0, (100 * time) / whole));
  return { left: share(at), width: share(end) - share(at) };
}
