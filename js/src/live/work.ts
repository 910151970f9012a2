// What the notebook has set going in its kernel and has not ended: asked on the control channel, where a kernel answers
// also while it is busy, and where nothing is taken for a request of the notebook's; see server/kernel_work.py.

import type { Kernel } from "@jupyterlab/services";
import { createMessage } from "@jupyterlab/services/lib/kernel/messages";
import type { Unrest } from "./protocol";
import { within } from "./within";

/** A thread, timer, task or process of the notebook's own. */
interface Work {
  kind: "thread" | "timer" | "task" | "callback" | "process" | "work";
  name: string;
  where: string;
  /** Seconds until it begins; 0 where it has begun. */
  due: number;
  /** Of a process: it is not waited for any more. */
  stays?: boolean;
}

/** A connection to a kernel, of any page. */
export interface AskedKernel {
  readonly clientId: string;
  /** Whether anything was executed; a kernel that has executed nothing is not ready to tell of its work. */
  readonly hasExecuted?: boolean;
}

/** A kernel that does not answer by then has nobody who would. */
const ANSWER_TIMEOUT_MS = 5000;

export class KernelWork {
  private isAsked = true;
  private readonly told = new Set<string>();

  constructor(private readonly kernel: AskedKernel) {}

  /**
   * Ask what goes on.
   *
   * @param limit milliseconds; what begins later is not waited for
   * @returns what is still to end, or null
   */
  async goesOn(limit: number): Promise<Unrest | null> {
    if (!this.isAsked || this.kernel.hasExecuted === false) return null;
    const message = createMessage({
      msgType: "widgetshot_work_request" as never,
      channel: "control",
      username: "",
      session: this.kernel.clientId,
      content: {} as never,
    } as never);
    const send = this.kernel as unknown as { sendControlMessage(message: unknown, reply: boolean): Kernel.IFuture<never, never> };
    const done = send.sendControlMessage(message, true).done as unknown as Promise<{ content: { work?: Work[] } } | undefined>;
    const reply = await within(ANSWER_TIMEOUT_MS, done);
    if (!reply || reply === "late") {
      this.isAsked = false;
      return null;
    }
    const all = reply.content.work ?? [];
    for (const { name, where, stays } of all) if (stays) this.tell(name, where);
    const work = all.find(({ due, stays }) => !stays && due * 1000 < limit);
    return work ? unrestOf(work) : null;
  }

  /** Note, once, that a process goes on: an error in the page's console is in the result. */
  private tell(name: string, program: string): void {
    const text = `the process '${name}' (${program}) goes on: what it prints from now on is in no picture (if that does not matter: stdout=subprocess.DEVNULL, and stderr)`;
    if (!this.told.has(text)) console.error(text);
    this.told.add(text);
  }
}

function unrestOf({ kind, name, where }: Work): Unrest {
  return { code: "kernel-works", params: { kind, name, where } };
}
