// What the server tells a page of the application of the notebook that it is to show, see server/applications.py.

export interface ShownDocument {
  id: string;
  path: string;
  /** As JupyterLab calls it. */
  theme: string;
  cells: { id: string; raises: boolean }[];
  /** Whether the kernel can tell what the notebook has set going in it. */
  asksKernel: boolean;
  /** Milliseconds that each cell may take. */
  timeout: number;
}

/** Return what stands in the page; null for a page without a notebook. */
export function documentInPage(): ShownDocument | null {
  const told = JSON.parse(document.getElementById("widgetshot-document")!.textContent) as Partial<ShownDocument>;
  return told.id ? (told as ShownDocument) : null;
}

interface PageConfig {
  baseUrl: string;
  token: string;
  notebookPage?: string;
}

function pageConfig(): PageConfig {
  return JSON.parse(document.getElementById("jupyter-config-data")!.textContent) as PageConfig;
}

/** Whether this is a page of Notebook 7 that shows the notebook of its address. */
export const isNotebookPage = (): boolean => pageConfig().notebookPage === "notebooks";

/** Tell the server that the page is to show another live page, or none, and return what it is to know of that. */
export async function show(id: string): Promise<ShownDocument | null> {
  const { baseUrl, token } = pageConfig();
  const answer = await fetch(`${baseUrl}widgetshot/shown`, {
    method: "PUT",
    headers: { Authorization: `token ${token}` },
    body: JSON.stringify({ id }),
  });
  if (!answer.ok) throw new Error(`the server answers ${answer.status} when it is asked for ${id}`);
  const told = (await answer.json()) as Partial<ShownDocument>;
  return told.id ? (told as ShownDocument) : null;
}
