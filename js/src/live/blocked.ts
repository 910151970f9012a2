// Scripts from elsewhere, which no page of ours gets.

import type { PlacedProblem } from "./watched";

export const LONGEST_URL = 200;

/** Tell of a script from elsewhere that could not be loaded, with the outputs that name its address. */
export function blockedScript(target: EventTarget | null): PlacedProblem[] {
  if (!(target instanceof HTMLScriptElement) || !target.src || target.src.startsWith(location.origin)) return [];
  const { origin, pathname } = new URL(target.src);
  const problem = { code: "script-blocked", params: { url: target.src.slice(0, LONGEST_URL) } } as const;
  // Scripts are put together of a base and the name of a package.
  const name = pathname.split("/").find((part) => part && part !== "npm")?.split("@")[0] ?? "";
  const places = [...document.querySelectorAll("[data-cell-id]")].filter(
    ({ innerHTML: html }) => html.includes(target.src) || (html.includes(origin) && html.includes(name)),
  );
  return (places.length ? places : [null]).map((element) => ({ element, problem }));
}
