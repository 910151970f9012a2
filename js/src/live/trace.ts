// What has happened on the page: its cells, and its messages with the kernel. Noted always, since what went wrong can't be
// asked afterwards; so it must cost next to nothing and keep nothing large alive.

import type { KernelMessage } from "@jupyterlab/services";
import type { PageTrace } from "./protocol";

const MOST_CELLS = 1000;
const MOST_TYPES = 100;
const LONGEST_TYPE = 100;
const LAST_MESSAGES = 50;
/** Characters of a message's content. */
const LONGEST_TEXT = 200;
const DEEPEST = 8;

interface NotedCell {
  cell: string;
  begin: number;
  end: number | null;
  status: string;
}

interface NotedMessage {
  at: number;
  type: string;
  text: string;
}

export class Trace {
  private cells: NotedCell[] = [];
  private counts = new Map<string, number>();
  private last: NotedMessage[] = [];
  /** Where the next message goes: in place of the oldest, once there are enough. */
  private next = 0;

  /** Note that a cell begins; what is returned is to be called with its status when it has ended. */
  begin(cell: string): (status: string) => void {
    const noted: NotedCell = { cell, begin: performance.now(), end: null, status: "running" };
    if (this.cells.length < MOST_CELLS) this.cells.push(noted);
    return (status) => {
      noted.end = performance.now();
      noted.status = status;
    };
  }

  /** Note a message, sent or received. */
  message(msg: KernelMessage.IMessage): void {
    const kind = msg.header.msg_type;
    const type = `${msg.channel}/${kind}`.slice(0, LONGEST_TYPE);
    const count = this.counts.get(type);
    if (count !== undefined || this.counts.size < MOST_TYPES) this.counts.set(type, (count ?? 0) + 1);
    // Every request has two of these, which would leave no place for others.
    if (kind === "status") return;
    const content = msg.content as { data?: unknown };
    this.last[this.next] = { at: performance.now(), type, text: brief(kind.startsWith("comm_") ? content.data : content) };
    this.next = (this.next + 1) % LAST_MESSAGES;
  }

  clear(): void {
    this.cells = [];
    this.counts = new Map();
    this.last = [];
    this.next = 0;
  }

  /** Tell what was noted; see `LivePage.trace`. */
  answer(): PageTrace {
    const now = performance.now();
    const ago = (time: number): number => (now - time) / 1000;
    return {
      cells: this.cells.map(({ cell, begin, end, status }) => ({
        cell, began: ago(begin), duration: end === null ? null : (end - begin) / 1000, status,
      })),
      counts: Object.fromEntries(this.counts),
      messages: [...this.last.slice(this.next), ...this.last.slice(0, this.next)].map(({ at, type, text }) => ({
        at: ago(at), type, text, cut: text.length >= LONGEST_TEXT - 1,
      })),
    };
  }
}

/** The begin of a value as JSON: no more of it is looked at than is written, since a picture may be many megabytes. */
export function brief(value: unknown): string {
  let text = "";
  const isFull = (): boolean => text.length >= LONGEST_TEXT;
  const write = (part: unknown, depth: number): void => {
    if (isFull()) return;
    if (typeof part === "string") text += JSON.stringify(part.slice(0, LONGEST_TEXT - text.length));
    else if (part instanceof ArrayBuffer || ArrayBuffer.isView(part)) text += `(${part.byteLength} bytes)`;
    else if (typeof part !== "object" || part === null) text += String(part);
    else if (depth > DEEPEST) text += "...";
    else if (Array.isArray(part)) {
      text += "[";
      for (let index = 0; index < part.length && !isFull(); index += 1) {
        if (index) text += ",";
        write(part[index], depth + 1);
      }
      text += "]";
    } else {
      text += "{";
      let isFirst = true;
      for (const key in part) {
        if (isFull()) break;
        text += `${isFirst ? "" : ","}${JSON.stringify(key.slice(0, LONGEST_TEXT))}:`;
        isFirst = false;
        write((part as Record<string, unknown>)[key], depth + 1);
      }
      text += "}";
    }
  };
  write(value, 0);
  // Half a character is no text.
  return text.slice(0, LONGEST_TEXT).replace(/[\ud800-\udbff]$/, "");
}

/** Of this page. */
export const trace = new Trace();
