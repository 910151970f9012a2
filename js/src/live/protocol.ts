// What the camera and the script of a live page say to each other.
//
// The Python side is `LivePage` in src/widgetshot/ports.py; the codes, with the sentences that are made of them, are in
// src/widgetshot/conditions.py. tests/unit/test_conditions.py compares the two lists of codes.

type NoParams = Record<string, never>;

/** Why the page is not at rest: each code, with its parameters. */
export interface UnrestParams {
  "scripts-loading": NoParams;
  "widgets-loading": NoParams;
  "kernel-busy": NoParams;
  "kernel-works": { kind: string; name: string; where: string };
  "assets-loading": NoParams;
  "work-pending": NoParams;
  "elements-changing": NoParams;
  "image-loaded": NoParams;
  "file-read": NoParams;
  "request-answered": NoParams;
  "worker-answered": NoParams;
  "kernel-message": { type: string };
}

/** Why a picture of the page can't be trusted: each code, with its parameters. */
export interface ProblemParams {
  "callback-raised": { name: string; value: string };
  "front-end-broken": { module: string; version: string; cause: string };
  "front-end-failed": { module: string; message: string };
  "front-end-missing": { module: string; version: string };
  "image-missing": { url: string };
  "page-not-started": { cause: string };
  "renderer-missing": { type: string };
  "script-blocked": { url: string };
  "state-missing": { name: string };
  "widget-failed": { message: string };
  "widget-not-drawn": { cause: string };
  "widget-shows-error": NoParams;
  "widget-still-loading": NoParams;
  "widget-unknown": { id: string };
}

/** Why a notebook did not run to its end: each code, with its parameters. */
export interface ExecutionFailureParams {
  "cell-late": { seconds: string };
  "cell-not-run": { cause: string };
  "cell-raised": { error: string };
  "kernel-died": NoParams;
}

type Condition<Params> = { [Code in keyof Params]: { code: Code; params: Params[Code] } }[keyof Params];
export type Unrest = Condition<UnrestParams>;
export type Problem = Condition<ProblemParams>;
/** With the cell that is to blame, and the advice of the error that it raised, if that gave any. */
export type ExecutionFailure = Condition<ExecutionFailureParams> & { cell: string; nextStep: string };

/** In CSS pixels, from the page's top left corner. */
export interface Rect {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** The size of the whole page in CSS pixels. */
export interface Extent {
  width: number;
  height: number;
}

/** What a picture shows, as the selector of an element (null for the whole page), and the selectors of its masks. */
export type Scope = [selector: string | null, masks: string[]];

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** The font that text is drawn with. */
export interface Font {
  /** The one of the style sheet's list that the browser has. */
  family: string;
  /** Pixels that a sample of text takes in it at 100 pixels: fonts of two names that agree in it are one. */
  advance: number;
  /** CSS pixels. */
  size: number;
  weight: string;
  /** The height of a line, as CSS computes it. */
  line: string;
  colour: string;
}

/** How an element is drawn, in the words of CSS; of four sides one where they are equal. */
export interface ElementStyle {
  /** null where it shows no text of its own. */
  font: Font | null;
  /** The colour that it stands on. */
  background: string;
  border: string;
  padding: string;
  /** The part of a widget that it belongs to, such as `toolbar`; "" where there is no word for it. */
  part: string;
}

/** Something that a person would point at. */
export interface PageElement {
  name: string;
  /** How many of the other elements it stands in. */
  depth: number;
  /** Left, top, width and height in CSS pixels, from the page's top left corner. */
  box: [number, number, number, number];
  /** Only where somebody asked. */
  style?: ElementStyle;
}

export interface Layout {
  elements: PageElement[];
  /** Whether there were more than the list holds. */
  cut: boolean;
}

/** What is shown in a scope. */
export interface Shown {
  /** The state of the widgets. */
  tree: Json[];
  /** Module of each front end that drew them -> its version. */
  modules: Record<string, string>;
  layout: Layout;
  /** The characters that no font has, in the order of the page. */
  missing_glyphs: string[];
}

/** All that a picture of a scope depends on. */
export interface Look {
  problems: Problem[];
  /** Of what is captured; null for the whole page. */
  rect: Rect | null;
  /** Boxes of each mask. */
  masks: Rect[][];
  /** The browser's words on a mask's selector that it can't understand; null where all are valid. */
  invalid: string | null;
  /** null where there are problems. */
  shown: Shown | null;
}

/** What a page has noted of its notebook; see `PageTrace` in src/widgetshot/ports.py. */
export interface PageTrace {
  /** With seconds before the answer, and seconds; null while it runs. */
  cells: { cell: string; began: number; duration: number | null; status: string }[];
  /** Number of messages by channel and type. */
  counts: Record<string, number>;
  /** The last of them, with seconds before the answer; `cut` where only the begin of a content is told. */
  messages: { at: number; type: string; text: string; cut: boolean }[];
}

/** What JupyterLab would save of an executed notebook, with "save widget state automatically". */
export interface SavedNotebook {
  /** Name of each code cell that was executed -> its outputs, and the kernel's count of what it has executed. */
  cells: Record<string, { outputs: Json[]; count: number | null }>;
  /** The state of all widgets, as `metadata.widgets` holds it; null where there are none. */
  widgets: Json;
}

/** The questions that the camera asks. Long answers are JSON texts: Playwright takes ten times as long over an object. */
export interface LivePage {
  /**
   * Execute the cells that have not been executed yet.
   *
   * @param within milliseconds after which no further cell is begun
   * @param until name of the cell behind which none is begun either; "" for all
   * @returns JSON: whether all of these have run, or an `ExecutionFailure`
   */
  execute(within: number, until: string): Promise<string>;
  /** @returns JSON: what another page needs to show the same, for its `follow` */
  outputs(): Promise<string>;
  /** @returns JSON: a `SavedNotebook` */
  saved(): Promise<string>;
  /** Show what another page of the same kernel shows, instead of executing anything; again when that has executed more. */
  follow(outputs: string): Promise<void>;
  /**
   * Show what a picture shows, where a page has more than one way to show its notebook.
   *
   * @param capture as the option of a shot
   * @returns whether anything is shown otherwise than before
   */
  arrange?(capture: string): boolean;
  /**
   * Wait until the page is ready to be captured.
   *
   * @param limit milliseconds
   * @param maxSettle milliseconds after which a page that is drawn, but goes on moving, is good enough; null to insist
   * @returns JSON: an `Unrest`, which is what still moved when the limit was reached, or null when all is at rest
   */
  ready(limit: number, maxSettle: number | null): Promise<string>;
  /**
   * @param styled whether styles of elements are told, too
   * @returns JSON: a `Look` for each scope; null for one that can't be told, unless it is the first
   */
  look(scopes: Scope[], styled?: boolean): Promise<string>;
  /** Be told that somebody acts on the page from now on: what a callback raises then is a problem, and not only logged. */
  acting(): void;
  extent(): Extent;
  /** @returns boxes of everything that holds one of some texts */
  secretPlaces(forms: string[]): Rect[];
  /** @returns JSON: a `PageTrace` */
  trace(): string;
  /**
   * Show another live page in this page, which `leave` has emptied.
   *
   * @returns whether it is shown; if not, it needs a page of its own
   */
  enter(url: string): Promise<boolean>;
  /**
   * Take everything down that belongs to the live page.
   *
   * @returns whether the page is as good as a new one: no script but ours has run in it, and nothing is left of it
   */
  leave(): Promise<boolean>;
}

declare global {
  interface Window {
    widgetshot: LivePage;
  }
}
