// The cells of a notebook: JupyterLab's own output areas, in which the page executes them.

import type { IOutput } from "@jupyterlab/nbformat";
import { OutputArea, OutputAreaModel } from "@jupyterlab/outputarea";
import { MimeModel } from "@jupyterlab/rendermime";
import type { KernelMessage } from "@jupyterlab/services";
import { MessageLoop } from "@lumino/messaging";
import { Widget } from "@lumino/widgets";
import type { Cell } from "./config";
import { died, failureOf } from "./execution";
import type { PageKernel } from "./kernel";
import type { ExecutionFailure, SavedNotebook } from "./protocol";
import type { Renderers } from "./renderers";
import { trace } from "./trace";
import { within } from "./within";

/** The server puts the source of the cell that is named behind it in its place, see server/page_connection.py. */
const SOURCE_OF = "%widgetshot-cell ";
/** JupyterLab shows no more outputs of a cell until somebody asks for them. */
const MOST_OUTPUTS = 50;
/** A kernel that has executed a cell answers at once; a page that can't hear it goes on without. */
const LONGEST_ANSWER_MS = 10_000;
/** What a cell shows, so that another page can show the same and go on from there. */
interface CellOutputs {
  outputs: IOutput[];
  /** Id of the request that the cell was executed by. */
  request: string;
  /** Display id -> indices of outputs. */
  displays: [string, number[]][];
}

/** JupyterLab's private members that a second page needs to go on with an area. */
interface AreaInternals {
  _displayIdMap: Map<string, number[]>;
  _onIOPub(msg: KernelMessage.IIOPubMessage): void;
}

interface CodeCell {
  cell: Cell;
  area: OutputArea;
  request: string;
  /** The kernel's count of what it has executed. */
  count: number | null;
}

export class Cells {
  private readonly code = new Map<string, CodeCell>();
  private next = 0;
  /** Of a page that follows another one: id of the request that a cell was executed by -> where its outputs are shown. */
  private readonly followed = new Map<string, OutputArea>();

  constructor(
    private readonly cells: readonly Cell[],
    private readonly timeout: number,
    private readonly kernel: PageKernel | undefined,
    private readonly renderers: Renderers,
  ) {}

  /** Put the cells into the page, in order, without outputs. */
  place(main: Element): void {
    for (const cell of this.cells) {
      const section = document.createElement("section");
      section.className = "widgetshot-cell";
      section.dataset.cellId = cell.id;
      main.append(section);
      if (cell.type === "code") this.placeCode(cell, section);
      else if (cell.type === "markdown") this.placeMarkdown(cell, section);
    }
  }

  /** Tell the areas that they may have another size. */
  resize(): void {
    for (const { area } of this.code.values()) MessageLoop.postMessage(area, Widget.ResizeMessage.UnknownSize);
  }

  /**
   * Execute the cells that have not been executed yet, from top to bottom.
   *
   * @param deadline milliseconds since the page began; no cell is begun any more then
   * @param until name of the cell behind which none is begun; "" for all
   * @returns whether all of these have run, or why the notebook did not get there
   */
  async execute(deadline: number, until: string): Promise<boolean | ExecutionFailure> {
    const { kernel } = this;
    // It is shown as it was saved.
    if (!kernel) return true;
    const last = until ? this.cells.findIndex(({ id }) => id === until) : this.cells.length - 1;
    if (until && last < 0) throw new Error(`the notebook has no cell '${until}' any more`);
    while (this.next <= last) {
      const cell = this.cells[this.next]!;
      if (cell.type === "code") {
        // What the page itself has said meanwhile (outputs of an Output widget, the size of a figure) is heard first.
        await within(Math.min(this.timeout, LONGEST_ANSWER_MS), Promise.race([kernel.answered(), kernel.gone]));
        if (performance.now() > deadline) return false;
        const failure = await this.run(this.code.get(cell.id)!, kernel);
        if (failure) return failure;
      }
      this.next += 1;
    }
    return true;
  }

  /** Return what is shown, cell by cell. */
  outputs(): Record<string, CellOutputs> {
    return Object.fromEntries(
      [...this.code].map(([id, { area, request }]) => [
        id,
        { outputs: area.model.toJSON(), request, displays: [...(area as unknown as AreaInternals)._displayIdMap] },
      ]),
    );
  }

  /** Return what is saved of the cells that were executed. */
  saved(): SavedNotebook["cells"] {
    const executed = [...this.code].filter(([, { request }]) => request);
    return Object.fromEntries(executed.map(([id, { area, count }]) => [id, { outputs: area.model.toJSON() as never[], count }]));
  }

  /** Show outputs that were saved, cell by cell. */
  async show(saved: Record<string, IOutput[]>): Promise<void> {
    for (const [id, outputs] of Object.entries(saved)) {
      for (const { data } of outputs as { data?: Record<string, unknown> }[]) await this.renderers.prepareFor(data ?? {});
      this.code.get(id)!.area.model.fromJSON(outputs);
    }
  }

  /** Show what another page shows, and whatever the kernel adds to it. */
  async follow(shown: Record<string, CellOutputs>): Promise<void> {
    const { followed } = this;
    const isFirst = this.next < this.cells.length;
    for (const [id, { outputs, request, displays }] of Object.entries(shown)) {
      // What is followed already is kept up by the kernel's messages.
      if (!request || followed.has(request)) continue;
      const { area } = this.code.get(id)!;
      for (const { data } of outputs as { data?: Record<string, unknown> }[]) await this.renderers.prepareFor(data ?? {});
      area.model.fromJSON(outputs);
      (area as unknown as AreaInternals)._displayIdMap = new Map(displays);
      followed.set(request, area);
    }
    this.next = this.cells.length;
    if (!isFirst) return;
    this.kernel?.iopubMessage.connect((_, msg) => {
      const area = followed.get((msg.parent_header as { msg_id?: string }).msg_id ?? "") as unknown as AreaInternals | undefined;
      if (msg.header.msg_type === "update_display_data") for (const one of followed.values()) (one as unknown as AreaInternals)._onIOPub(msg);
      else area?._onIOPub(msg);
    });
  }

  dispose(): void {
    for (const { area } of this.code.values()) {
      area.dispose();
      area.model.dispose();
    }
    this.code.clear();
  }

  private placeCode(cell: Cell, section: HTMLElement): void {
    const body = element("div", "jp-Cell jp-CodeCell jp-Notebook-cell jp-mod-noOutputs", section);
    const host = element("div", "jp-Cell-outputWrapper", body);
    const model = new OutputAreaModel({ trusted: true });
    const area = new OutputArea({ model, rendermime: this.renderers, maxNumberOutputs: MOST_OUTPUTS });
    area.addClass("jp-Cell-outputArea");
    area.outputLengthChanged.connect(() => {
      body.classList.toggle("jp-mod-noOutputs", model.length === 0);
    });
    Widget.attach(area, host);
    this.code.set(cell.id, { cell, area, request: "", count: null });
  }

  private placeMarkdown({ source, attachments }: Cell, section: HTMLElement): void {
    const body = element("div", "jp-Cell jp-MarkdownCell jp-mod-rendered jp-Notebook-cell", section);
    const input = element("div", "jp-InputArea jp-Cell-inputArea", element("div", "jp-Cell-inputWrapper", body));
    const renderer = this.renderers.clone({ resolver: attachmentsOf(attachments) }).createRenderer("text/markdown") as Widget & {
      renderModel(model: MimeModel): Promise<void>;
    };
    renderer.addClass("jp-MarkdownOutput");
    Widget.attach(renderer, input);
    void this.renderers.follow(renderer.renderModel(new MimeModel({ data: { "text/markdown": source }, trusted: true })));
  }

  /** Execute a cell, as JupyterLab does; why the notebook can't go on, or null. */
  private async run(code: CodeCell, kernel: PageKernel): Promise<ExecutionFailure | null> {
    const { cell, area } = code;
    // Such a connection takes no requests.
    if (kernel.isDisposed) return died(cell.id);
    const request = { code: `${SOURCE_OF}${cell.id}`, stop_on_error: !cell.raises, allow_stdin: false };
    const future = kernel.requestExecute(request, false, { cellId: cell.id });
    code.request = future.msg.header.msg_id;
    area.future = future;
    const ended = trace.begin(cell.id);
    const reply = await within(this.timeout, Promise.race([future.done.catch(() => "gone" as const), kernel.gone]));
    ended(typeof reply === "string" ? reply : reply.content.status);
    if (typeof reply !== "string") code.count = (reply.content as { execution_count?: number }).execution_count ?? null;
    return failureOf(kernel, cell, this.timeout, reply);
  }
}

function element(tag: string, classes: string, parent: Element): HTMLElement {
  const made = document.createElement(tag);
  made.className = classes;
  parent.append(made);
  return made;
}

/** Let a text refer to files that are kept in its cell. */
function attachmentsOf(attachments: Cell["attachments"]) {
  const PREFIX = "attachment:";
  return {
    resolveUrl: (url: string): Promise<string> => Promise.resolve(url),
    getDownloadUrl: (url: string): Promise<string> => {
      const bundle = url.startsWith(PREFIX) ? attachments[decodeURIComponent(url.slice(PREFIX.length))] : undefined;
      const [type, data] = Object.entries(bundle ?? {})[0] ?? [];
      return Promise.resolve(type ? `data:${type};base64,${data}` : url);
    },
    isLocal: (url: string): boolean => url.startsWith(PREFIX),
  };
}
