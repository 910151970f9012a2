// The application's own connection to the notebook's kernel, watched: what the kernel still owes the page.

import type { Kernel, KernelMessage } from "@jupyterlab/services";
import { trace } from "../live/trace";

/** See `KernelWork`. */
const QUESTION = "widgetshot_work_request";

/** Private members of JupyterLab's connection that are overridden here. */
interface Internals {
  _handleMessage(msg: KernelMessage.IMessage): Promise<void>;
  _updateStatus(status: string): void;
}

export class WatchedKernel {
  hasExecuted = false;
  /** Settled when the kernel is gone, or the server. */
  readonly gone: Promise<"gone">;
  /** Ids of requests whose outputs an Output widget shows. */
  readonly captured = new Set<string>();
  private readonly unanswered = new Set<Promise<unknown>>();

  constructor(readonly connection: Kernel.IKernelConnection) {
    this.gone = new Promise((resolve) => {
      const look = (): void => {
        if (connection.isDisposed || connection.status === "dead" || connection.connectionStatus === "disconnected") resolve("gone");
      };
      connection.statusChanged.connect(look);
      connection.connectionStatusChanged.connect(look);
      connection.disposed.connect(() => resolve("gone"));
      look();
    });
    connection.anyMessage.connect((_, { msg }) => trace.message(msg));
    this.watchRequests();
    this.watchHooks();
    this.hideQuestions();
  }

  get clientId(): string {
    return this.connection.clientId;
  }

  get owes(): boolean {
    return this.unanswered.size > 0;
  }

  async answered(): Promise<void> {
    while (this.unanswered.size) await Promise.all(this.unanswered);
  }

  requestKernelInfo(): Promise<unknown> {
    return this.connection.requestKernelInfo();
  }

  requestExecute(content: KernelMessage.IExecuteRequestMsg["content"]): ReturnType<Kernel.IKernelConnection["requestExecute"]> {
    return this.connection.requestExecute(content);
  }

  /** As `sendControlMessage` of the connection, which no interface names for messages of other kinds. */
  sendControlMessage(message: KernelMessage.IControlMessage, expectsReply: boolean): Kernel.IControlFuture {
    return this.connection.sendControlMessage(message, expectsReply);
  }

  private watchRequests(): void {
    const { connection } = this;
    const send = connection.sendShellMessage.bind(connection) as (...args: unknown[]) => Kernel.IShellFuture;
    (connection as { sendShellMessage: unknown }).sendShellMessage = (msg: KernelMessage.IShellMessage, ...rest: unknown[]) => {
      if (msg.header.msg_type === "execute_request") this.hasExecuted = true;
      const future = send(msg, ...rest);
      const done: Promise<unknown> = future.done.then(
        () => this.unanswered.delete(done),
        () => this.unanswered.delete(done),
      );
      this.unanswered.add(done);
      return future;
    };
  }

  /** Let the application not see that the kernel answers our own questions: it would show that it is busy, each time. */
  private hideQuestions(): void {
    const inner = this.connection as unknown as Partial<Internals>;
    if (!inner._handleMessage || !inner._updateStatus) return;
    const handle = inner._handleMessage.bind(inner);
    const update = inner._updateStatus.bind(inner);
    let isOurs = false;
    // One message after the other.
    inner._handleMessage = async (msg) => {
      isOurs = (msg.parent_header as { msg_type?: string }).msg_type === QUESTION;
      await handle(msg);
      isOurs = false;
    };
    inner._updateStatus = (status) => {
      if (!isOurs) update(status);
    };
  }

  /** An Output widget hears the messages of a request before the request's cell. */
  private watchHooks(): void {
    const { connection } = this;
    const register = connection.registerMessageHook.bind(connection);
    (connection as { registerMessageHook: unknown }).registerMessageHook = (...args: Parameters<typeof register>) => {
      this.captured.add(args[0]);
      register(...args);
    };
  }
}
