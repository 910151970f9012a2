// What the notebook has set going in its kernel and has not ended: asked on the control channel, where a kernel answers
// also while it is busy, and where nothing is taken for a request of the notebook's; see server/kernel_work.py.

import type { Kernel } from "@jupyterlab/services";
import { createMessage } from "@jupyterlab/services/lib/kernel/messages";
import { activity } from "./activity";
import type { PageKernel } from "./kernel";
import type { Unrest } from "./protocol";

/** A thread, timer or task of the notebook's own. */
interface Work {
  kind: "thread" | "timer" | "task" | "callback" | "work";
  name: string;
  function: string;
  line: number;
  /** Seconds until it begins; 0 where it has begun. */
  due: number;
}

/** A kernel that does not answer by then has nobody who would. */
const ANSWER_TIMEOUT_MS = 5000;

export class KernelWork {
  private isAsked = true;

  constructor(private readonly kernel: PageKernel) {}

  /**
   * Ask what goes on.
   *
   * @param within milliseconds; what begins later is not waited for
   * @returns what is still to end, or null
   */
  async goesOn(within: number): Promise<Unrest | null> {
    if (!this.isAsked || !this.kernel.hasExecuted) return null;
    const message = createMessage({
      msgType: "widgetshot_work_request" as never,
      channel: "control",
      username: "",
      session: this.kernel.clientId,
      content: {} as never,
    } as never);
    const send = this.kernel as unknown as { sendControlMessage(message: unknown, reply: boolean): Kernel.IFuture<never, never> };
    const future = send.sendControlMessage(message, true);
    let timer = 0;
    const late = new Promise((resolve) => {
      timer = activity.after(resolve, ANSWER_TIMEOUT_MS);
    });
    const reply = (await Promise.race([future.done, late])) as { content: { work?: Work[] } } | undefined;
    activity.cancel(timer);
    if (!reply) {
      this.isAsked = false;
      return null;
    }
    const work = (reply.content.work ?? []).find(({ due }) => due * 1000 < within);
    return work ? unrestOf(work) : null;
  }
}

function unrestOf({ kind, name, function: where, line }: Work): Unrest {
  return { code: "kernel-works", params: { kind, name, where: `${where}, line ${line}` } };
}
