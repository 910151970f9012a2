// What pages that others make say to their kernel: seen at their socket, from before any script of theirs runs.

import type { KernelMessage } from "@jupyterlab/services";
import { activity } from "../live/activity";
import { trace } from "../live/trace";
import { decoded } from "./message";

const KERNEL = /\/api\/kernels\/[\w-]+\/channels/;

/** The front end that a widget asks for. */
export interface FrontEnd {
  module: string;
  version: string;
}

/** What kernels say of widgets: of all that there are, and of one that is opened. */
interface WidgetData {
  method?: string;
  states?: Record<string, { model_module: string; model_module_version: string }>;
  state?: { _model_module?: string; _model_module_version?: string };
}

export class SocketKernel {
  /** Id of each widget that the kernel has told of. */
  readonly frontEnds = new Map<string, FrontEnd>();
  /** Called with the error that a callback has raised. */
  callbackRaised: (name: string, value: string) => void = () => undefined;
  readonly gone: Promise<"gone">;
  private lost!: (what: "gone") => void;
  /** Ids of requests that the kernel has not finished. */
  private readonly unanswered = new Set<string>();
  private waiting: (() => void)[] = [];

  constructor() {
    this.gone = new Promise((resolve) => (this.lost = resolve));
  }

  get owes(): boolean {
    return this.unanswered.size > 0;
  }

  /** See `PageKernel.answered`. */
  async answered(): Promise<void> {
    while (this.unanswered.size) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  /** Nobody else acts on the kernel: what it broadcasts comes of what this page has sent. */
  requestKernelInfo(): Promise<unknown> {
    return this.answered();
  }

  install(): void {
    const received = this.received.bind(this);
    const sent = this.sent.bind(this);
    const { lost } = this;
    window.WebSocket = class extends WebSocket {
      constructor(url: string | URL, protocols?: string | string[]) {
        super(url, protocols);
        if (!KERNEL.test(String(url))) return;
        this.addEventListener("message", ({ data }) => received(decoded(data, this.protocol)));
        this.addEventListener("close", () => lost("gone"));
        const send = this.send.bind(this);
        this.send = (data) => {
          sent(decoded(data, this.protocol));
          send(data);
        };
      }
    };
  }

  private sent(msg: KernelMessage.IMessage | undefined): void {
    if (!msg) return;
    trace.message(msg);
    if (msg.channel === "shell") this.unanswered.add(msg.header.msg_id);
  }

  private received(msg: KernelMessage.IMessage | undefined): void {
    if (!msg) return;
    trace.message(msg);
    if (msg.channel !== "iopub") return;
    const type = msg.header.msg_type;
    const { msg_id: id, msg_type: parent } = msg.parent_header as { msg_id?: string; msg_type?: string };
    if (type === "status") {
      const state = (msg.content as { execution_state: string }).execution_state;
      if (state === "dead") this.lost("gone");
      if (state !== "idle" || !this.unanswered.delete(id ?? "")) return;
      const { waiting } = this;
      this.waiting = [];
      for (const go of waiting) go();
      return;
    }
    activity.note({ code: "kernel-message", params: { type } });
    if (type.startsWith("comm_")) this.noteWidgets(msg.content as { comm_id: string; data?: WidgetData });
    if (parent !== "comm_msg" || type !== "error") return;
    const { ename, evalue } = msg.content as unknown as { ename: string; evalue: string };
    this.callbackRaised(ename, evalue);
  }

  private noteWidgets({ comm_id: id, data }: { comm_id: string; data?: WidgetData }): void {
    for (const [each, { model_module: module, model_module_version: version }] of Object.entries(data?.states ?? {})) {
      this.frontEnds.set(each, { module, version });
    }
    const { _model_module: module, _model_module_version: version = "" } = data?.state ?? {};
    if (module) this.frontEnds.set(id, { module, version });
  }
}
