// What the server tells a page, in its head.

const ELEMENT = "widgetshot-config";

/** A prebuilt extension of JupyterLab. */
export interface LabExtension {
  name: string;
  /** Address of its script. */
  load: string;
  /** Names of its modules. */
  extension?: string;
  mimeExtension?: string;
  style?: string;
  /** Names of installed extensions whose modules it uses. */
  needs: string[];
}

export interface Cell {
  /** As targets call it. */
  id: string;
  type: "code" | "markdown" | "raw";
  /** Whether it may raise. */
  raises: boolean;
  /** Empty for code, which no page ever has: the server puts it into the request that names the cell. */
  source: string;
  /** Name of a file -> MIME type -> data. */
  attachments: Record<string, Record<string, string>>;
}

/** What is shown of a notebook that is not executed. */
export interface SavedState {
  /** Name of each code cell -> its outputs. */
  outputs: Record<string, object[]>;
  /** As `metadata.widgets` holds it; null where there is none. */
  widgets: object | null;
}

export interface Config {
  baseUrl: string;
  token: string;
  /** Empty in the page that only loads what the others need, and where the notebook is shown as it was saved. */
  kernelId: string;
  kernelName: string;
  /** Whether the kernel can tell what the notebook has set going in it. */
  asksKernel: boolean;
  cells: Cell[];
  /** Instead of executing the notebook; null to execute it. */
  saved: SavedState | null;
  /** Milliseconds that each cell may take. */
  timeout: number;
  amdUrl: string;
  /** AMD name of each installed front end -> its address, without `.js`. */
  frontEnds: Record<string, string>;
  labExtensions: LabExtension[];
  /** Address of the folder of our own scripts. */
  staticUrl: string;
}

/** Ask the server for the extensions in whose scripts a text stands. */
export async function extensionsNaming({ baseUrl, token }: Config, text: string): Promise<string[]> {
  const headers = { Authorization: `token ${token}` };
  const answer = await fetch(`${baseUrl}widgetshot/api/labextensions?naming=${encodeURIComponent(text)}`, { headers });
  if (!answer.ok) throw new Error(`the server answers ${answer.status} when it is asked for extensions`);
  return ((await answer.json()) as { names: string[] }).names;
}

export function configOf(page: Document): Config {
  return JSON.parse(page.getElementById(ELEMENT)!.textContent) as Config;
}

export function storeConfig(page: Document, config: Config): void {
  page.getElementById(ELEMENT)!.textContent = JSON.stringify(config);
}
