// What of the application is shown: outputs alone, the notebook with its code, or the whole window.

import type { NotebookPanel } from "./application";

/** As `capture` of a shot. */
export type Capture = "cell" | "cell-with-code" | "page" | "window";

const script = document.currentScript as HTMLScriptElement;
const CLASSES = ["widgetshot-outputs", "widgetshot-notebook"] as const;
let opened: Element[] = [];

/** Give the page our fonts, and the styles of what is shown; behind all of the application's own. */
export function takeFonts(): void {
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = `${script.dataset.static}/inside.css`;
  document.body.append(link);
}

/**
 * Show of the application what a picture shows.
 *
 * @param panel the notebook; none where it is to be closed
 * @returns whether anything is shown otherwise than before
 */
export function arrange(capture: Capture, panel?: NotebookPanel): boolean {
  const { classList } = document.body;
  const wanted = capture === "window" ? null : capture === "cell" ? CLASSES[0] : CLASSES[1];
  if (CLASSES.every((name) => classList.contains(name) === (name === wanted))) return false;
  classList.remove(...CLASSES, "widgetshot-open");
  for (const element of opened) element.classList.remove("widgetshot-open", "widgetshot-cells");
  opened = [];
  if (wanted && panel) {
    const cells = panel.content.widgets[0]!.node.parentElement!;
    cells.classList.add("widgetshot-cells");
    for (let element: Element = cells; element !== document.documentElement; element = element.parentElement!) {
      element.classList.add("widgetshot-open");
      opened.push(element);
    }
    classList.add(wanted);
  }
  scrollTo(0, 0);
  window.dispatchEvent(new Event("resize"));
  return true;
}
