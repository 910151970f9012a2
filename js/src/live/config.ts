// What the server tells a page, in its head.

const ELEMENT = "widgetshot-config";

export interface Config {
  baseUrl: string;
  token: string;
  /** Empty in the page that only loads what the others need. */
  kernelId: string;
  kernelName: string;
  /** Whether the kernel can tell what the notebook has set going in it. */
  asksKernel: boolean;
  amdUrl: string;
  /** AMD name of each installed front end -> its address, without `.js`. */
  frontEnds: Record<string, string>;
  mathUrl: string;
}

export function configOf(page: Document): Config {
  return JSON.parse(page.getElementById(ELEMENT)!.textContent) as Config;
}

export function storeConfig(page: Document, config: Config): void {
  page.getElementById(ELEMENT)!.textContent = JSON.stringify(config);
}
