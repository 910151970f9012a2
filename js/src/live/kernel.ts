// The page's connection to its kernel, which knows what the kernel still owes it.

import type { KernelMessage } from "@jupyterlab/services";
import { CommsOverSubshells } from "@jupyterlab/services/lib/kernel/comm";
import { KernelConnection } from "@jupyterlab/services/lib/kernel/default";
import { ServerConnection } from "@jupyterlab/services/lib/serverconnection";
import type { Config } from "./config";
import { trace } from "./trace";

/** Private members of JupyterLab's connection that are overridden here. */
interface Internals {
  _handleMessage(msg: KernelMessage.IMessage): Promise<void>;
}

export class PageKernel extends KernelConnection {
  /** Called before a message is dealt with; the message, and those behind it, wait for what it returns. */
  before: (msg: KernelMessage.IMessage) => Promise<void> | undefined = () => undefined;
  /** Whether anything was executed; a kernel that has executed nothing is not ready to tell of its work. */
  hasExecuted = false;
  /** Settled when the kernel is gone, or the server, also where the page was not connected to it yet. */
  readonly gone: Promise<"gone">;
  private readonly unanswered = new Set<Promise<unknown>>();

  constructor({ baseUrl, kernelId, kernelName, token }: Config) {
    let lost!: (what: "gone") => void;
    const gone = new Promise<"gone">((resolve) => (lost = resolve));
    // JupyterLab's connection tries for minutes to have another socket, and tells nobody that it never had one.
    class Socket extends WebSocket {
      constructor(url: string | URL, protocols?: string | string[]) {
        super(url, protocols);
        this.addEventListener("close", () => lost("gone"));
      }
    }
    super({
      model: { id: kernelId, name: kernelName },
      serverSettings: ServerConnection.makeSettings({
        baseUrl: location.origin + baseUrl,
        wsUrl: location.origin.replace(/^http/, "ws") + baseUrl,
        token,
        appendToken: true,
        WebSocket: Socket,
      }),
      // Comm messages that take turns with everything else are dealt with when the kernel answers a request.
      commsOverSubshells: CommsOverSubshells.Disabled,
    });
    this.gone = gone;
    this.statusChanged.connect((_, status) => {
      if (status === "dead") lost("gone");
    });
    const internals = this as unknown as Internals;
    const handle = internals._handleMessage.bind(this);
    internals._handleMessage = async (msg) => {
      trace.message(msg);
      const waiting = this.before(msg);
      if (waiting) await waiting;
      await handle(msg);
    };
  }

  override sendShellMessage: KernelConnection["sendShellMessage"] = ((...args: Parameters<KernelConnection["sendShellMessage"]>) => {
    trace.message(args[0]);
    if (args[0].header.msg_type === "execute_request") this.hasExecuted = true;
    const future = super.sendShellMessage(...args);
    const done: Promise<unknown> = future.done.then(
      () => this.unanswered.delete(done),
      () => this.unanswered.delete(done),
    );
    this.unanswered.add(done);
    return future;
  }) as KernelConnection["sendShellMessage"];

  /** Whether the kernel has still to deal with something that the page has sent to it. */
  get owes(): boolean {
    return this.unanswered.size > 0;
  }

  /**
   * Wait until the kernel has dealt with everything that the page has sent to it.
   *
   * Nothing is sent for it: what a thread prints belongs to the request that the kernel saw last.
   */
  async answered(): Promise<void> {
    while (this.unanswered.size) await Promise.all(this.unanswered);
  }
}
