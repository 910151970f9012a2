// A page that is used again for another notebook, where nothing of the one before can be left in it.

import { activity } from "./activity";
import { configOf, storeConfig } from "./config";
import type { WidgetPage } from "./page";
import { nextFrame } from "./ready";
import type { PageSnapshot } from "./snapshot";

/** Elements that do more than be there, or that a parser treats otherwise when a page loads. */
const LIVELY =
  "iframe, frame, object, embed, video, audio, base, meta, link, noscript, portal, template, [autofocus], " +
  "script:not([type='application/json'])";

// The server lets the browser tell of every script that is not ours, see server/handlers.py.
let foreignScript = false;
document.addEventListener("securitypolicyviolation", () => {
  foreignScript = true;
});

/**
 * Whether something of that kind was shown and is gone: a refresh is still due then, a referrer policy still holds.
 *
 * What is there at the end is looked at then, so that only what was removed must be.
 */
let livelyGone = false;
new MutationObserver((records) => {
  if (livelyGone) return;
  livelyGone = records.some(
    ({ target, removedNodes }) =>
      // There we replace style sheets ourselves; whatever else is done to it a snapshot tells.
      target !== document.head &&
      [...removedNodes].some((node) => node instanceof Element && (node.matches(LIVELY) || node.querySelector(LIVELY) !== null)),
  );
}).observe(document, { subtree: true, childList: true });

/** See `LivePage.enter`. */
export async function enter(page: WidgetPage, snapshot: PageSnapshot, url: string): Promise<boolean> {
  const answer = await fetch(url);
  if (!answer.ok) return false;
  const next = new DOMParser().parseFromString(await answer.text(), "text/html");
  history.replaceState(null, "", url);
  document.title = next.title;
  const config = configOf(next);
  storeConfig(document, config);
  await takeStyleSheets(next, snapshot);
  for (const begin of window[Symbol.for("widgetshot.begin")] ?? []) begin();
  for (const { name, value } of next.body.attributes) document.body.setAttribute(name, value);
  document.body.replaceChildren(...[...next.body.childNodes].map((node) => document.importNode(node, true)));
  page.restart(config);
  return true;
}

/** See `LivePage.leave`. */
export async function leave(page: WidgetPage, snapshot: PageSnapshot): Promise<boolean> {
  if (!page.kernel || !page.manager || foreignScript || livelyGone || page.uncaught.length || !isInert(document.body)) return false;
  const models = await Promise.allSettled(page.manager.models);
  await Promise.allSettled(models.map(async (known) => known.status === "fulfilled" && known.value.close(true)));
  (document.activeElement as HTMLElement | null)?.blur();
  page.clear();
  document.body.replaceChildren();
  for (const { name } of [...document.body.attributes]) document.body.removeAttribute(name);
  scrollTo(0, 0);
  await nextFrame();
  return activity.end() && !foreignScript && snapshot.matches();
}

/** Tell whether there is nothing in a page's body that could run, or would be another thing in a page that loads. */
export function isInert(body: Element): boolean {
  if (body.querySelector(LIVELY)) return false;
  for (const element of body.querySelectorAll("*")) {
    for (const { name, value } of element.attributes) {
      if (/^on/i.test(name) || /^\s*javascript:/i.test(value)) return false;
    }
  }
  return true;
}

/** Take the style sheets of another page: those of its theme. */
async function takeStyleSheets(next: Document, snapshot: PageSnapshot): Promise<void> {
  const theirs = [...next.querySelectorAll<HTMLLinkElement>("head link[rel=stylesheet]")];
  const ours = [...document.querySelectorAll<HTMLLinkElement>("head link[rel=stylesheet]")];
  const changes = theirs.map(async (link, index) => {
    const old = ours[index]!;
    if (old.getAttribute("href") === link.getAttribute("href")) return;
    const fresh = document.importNode(link);
    await new Promise((resolve, reject) => {
      fresh.onload = resolve;
      fresh.onerror = reject;
      old.replaceWith(fresh);
    });
    snapshot.replace(old, fresh);
  });
  await Promise.all(changes);
}
