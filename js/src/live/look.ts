// What the camera asks about pictures when they are taken: what is shown, where, and whether it can be trusted.

import { LONGEST_URL } from "./blocked";
import { MissingGlyphs } from "./glyphs";
import { layout } from "./layout";
import type { Extent, Json, Look, Problem, Rect, Scope, Shown } from "./protocol";
import { describe } from "./state";
import { Styles } from "./styles";
import type { WatchedPage } from "./watched";

/**
 * Look at several scopes at once.
 *
 * @param styled whether styles of elements are told, too
 * @returns a `Look` of each; null for one that can't be told, unless it is the first
 */
export async function look(page: WatchedPage, scopes: Scope[], styled = false): Promise<(Look | null)[]> {
  const missing = new MissingGlyphs();
  const styles = styled ? new Styles() : null;
  const [first, ...rest] = scopes.map((scope) => lookAt(page, scope, missing, styles));
  const ahead = await Promise.allSettled(rest);
  return [await first!, ...ahead.map((seen) => (seen.status === "fulfilled" ? seen.value : null))];
}

/** Measure the whole page. */
export function extent(): Extent {
  const root = document.documentElement;
  return { width: Math.max(root.clientWidth, root.scrollWidth), height: Math.max(root.clientHeight, root.scrollHeight) };
}

async function lookAt(page: WatchedPage, [selector, masks]: Scope, missing: MissingGlyphs, styles: Styles | null): Promise<Look> {
  const scope = selector === null ? document.body : document.querySelector(selector)!;
  const problems = problemsIn(page, scope);
  const seen: Look = { problems, rect: selector === null ? null : overflowRect(scope), masks: [], invalid: null, shown: null };
  try {
    seen.masks = maskRects(selector === null ? document : scope, masks);
  } catch (error) {
    seen.invalid = error instanceof Error ? error.message : String(error);
  }
  if (!problems.length) seen.shown = { ...(await shownIn(page, scope, styles)), missing_glyphs: missing.in(scope, seen.masks.flat()) };
  return seen;
}

/** List what makes a picture of the scope untrustworthy. */
function problemsIn({ failedModules, manager, places, problems, uncaught }: WatchedPage, scope: Element): Problem[] {
  const found: Problem[] = [];
  for (const { element, model, problem } of [...problems, ...(manager?.problems ?? [])]) {
    const displayed = model ? [...places].flatMap(([place, id]) => (id === model && place.isConnected ? [place] : [])) : [];
    const concerns = displayed.length ? displayed.some((place) => scope.contains(place)) : element === null || !element.isConnected || scope.contains(element);
    if (concerns) found.push(problem);
  }
  // Of a view that could not be made it is not known whose it is; what its front end raised tells why.
  if (found.some(({ code }) => code === "widget-not-drawn")) {
    for (const { modules, message } of [...uncaught, ...failedModules]) found.push({ code: "front-end-failed", params: { module: modules[0]!, message } });
  }
  for (const [element, module] of manager?.drawn ?? []) {
    if (!scope.contains(element)) continue;
    for (const { modules, message } of uncaught) {
      if (modules.includes(module)) found.push({ code: "front-end-failed", params: { module, message } });
    }
  }
  if (!found.length && scope.querySelector(".jupyter-widgets-error-widget")) {
    found.push({ code: "widget-shows-error", params: {} });
  }
  for (const image of scope.querySelectorAll("img")) {
    // Images from elsewhere are listed as blocked; one of this machine that fails is missing.
    const local = image.src.startsWith(location.origin) || image.src.startsWith("data:");
    if (local && image.complete && !image.naturalWidth) {
      const url = image.src.slice(0, LONGEST_URL).replace(/\?.*/, "");
      found.push({ code: "image-missing", params: { url } });
    }
  }
  // Foreign text: ipywidgets draws it in place of a widget that it waits for, and nothing else tells it.
  if (/^\s*Loading widget\.\.\./m.test((scope as HTMLElement).innerText ?? "")) {
    found.push({ code: "widget-still-loading", params: {} });
  }
  return distinct(found);
}

function distinct(problems: Problem[]): Problem[] {
  return [...new Map(problems.map((problem) => [JSON.stringify(problem), problem])).values()];
}

function rectOf(element: Element): Rect {
  const box = element.getBoundingClientRect();
  return { x: box.x + scrollX, y: box.y + scrollY, width: box.width, height: box.height };
}

/** The box of a cell, with what sticks out of it at the right or the bottom. */
function overflowRect(element: Element): Rect {
  const box = rectOf(element);
  return { ...box, width: Math.max(box.width, element.scrollWidth), height: Math.max(box.height, element.scrollHeight) };
}

/** Boxes of what matches each of `masks` inside the scope. */
function maskRects(scope: ParentNode, masks: string[]): Rect[][] {
  return masks.map((mask) => [...scope.querySelectorAll(mask)].map(rectOf).filter((box) => box.width && box.height));
}

/** List the places of widgets that outputs display, in the order of the page; what stands in a widget belongs to that. */
function placesIn({ places }: WatchedPage, scope: Element): Element[] {
  const found = [...places.keys()].filter((place) => scope.contains(place));
  const outer = found.filter((place) => !found.some((other) => other !== place && other.contains(place)));
  return outer.sort((one, other) => (one.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_FOLLOWING ? -1 : 1));
}

/** Describe what is shown inside the scope: the widgets' state, the front ends that drew them, and where everything is. */
async function shownIn(page: WatchedPage, scope: Element, styles: Styles | null): Promise<Omit<Shown, "missing_glyphs">> {
  const known = await page.models();
  const seen = new Set<string>();
  const tree: Json[] = [];
  for (const place of placesIn(page, scope)) {
    const model = known.get(page.places.get(place)!);
    if (model) tree.push(describe(model, seen));
  }
  const modules: Record<string, string> = {};
  for (const id of [...seen]) {
    const model = known.get(id);
    if (model) modules[String(model.get("_model_module"))] = String(model.get("_model_module_version"));
  }
  return { tree, modules: Object.fromEntries(Object.entries(modules).sort()), layout: layout(scope, styles) };
}
