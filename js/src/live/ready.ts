// When a page is ready to be captured: its widgets are drawn, its kernel has dealt with everything, and nothing moves.

import { ALIGNED, activity } from "./activity";
import type { Unrest } from "./protocol";
import type { WatchedPage } from "./watched";

const LOADING: Unrest = { code: "widgets-loading", params: {} };

/** Between two questions whether the notebook's own work in the kernel has ended; nothing else tells. */
const WORK_INTERVAL_MS = 50;

class Deadline extends Error {}

export const nextFrame = (): Promise<void> => new Promise((resolve) => requestAnimationFrame(() => resolve()));

/** See `LivePage.ready`. */
export async function ready(page: WatchedPage, limit: number, maxSettle: number | null): Promise<Unrest | null> {
  const begin = performance.now();
  const eventsBefore = activity.events;
  let stage: Unrest = { code: "scripts-loading", params: {} };
  let timer = 0;
  const deadline = new Promise<never>((_, reject) => {
    timer = activity.after(() => reject(new Deadline()), limit);
  });
  let rounds = 0;
  const settle = async (): Promise<void> => {
    await page.started;
    for (; ; rounds += 1) {
      const past = performance.now() - begin;
      if (maxSettle !== null && rounds > 0 && past > maxSettle && (!hasEmptyView(page) || past > limit / 2)) throw new Deadline();
      stage = LOADING;
      await everythingDrawn(page);
      const before = activity.events;
      stage = { code: "kernel-busy", params: {} };
      // Whoever asked finds out what has died, and that the page shows a state that was left behind.
      if ((await Promise.race([kernelCaughtUp(page), page.kernel?.gone])) === "gone" && page.kernel?.owes) throw new Deadline();
      const work = await page.work?.goesOn(limit - past);
      if (work) {
        stage = work;
        // Anything may come of it; asking again soon costs the kernel a fraction of a millisecond.
        activity.note(work);
        await new Promise((resolve) => activity.after(resolve, WORK_INTERVAL_MS));
        continue;
      }
      stage = LOADING;
      await everythingDrawn(page);
      stage = { code: "assets-loading", params: {} };
      await assetsDrawn(page);
      const quiet = activity.events === before;
      const { quietLeft } = activity;
      if (quiet && quietLeft) {
        stage = { code: "work-pending", params: {} };
        await new Promise((resolve) => activity.after(resolve, quietLeft));
        if (activity.events !== before) continue;
      }
      if (quiet && activity.pending === 0 && (await messagesAnswered(page))) {
        // Some widgets draw nothing at all; they get half of the time to prove otherwise.
        if (!hasEmptyView(page) || performance.now() - begin > limit / 2) return;
      }
      stage = quiet ? { code: "work-pending", params: {} } : (activity.last ?? stage);
      await nextFrame();
    }
  };
  try {
    await Promise.race([settle(), deadline]);
    return null;
  } catch (error) {
    if (!(error instanceof Deadline)) throw error;
    // Where something moved meanwhile it is that which never rests, not what the last round waited for.
    return rounds > 1 || activity.events !== eventsBefore ? (activity.last ?? stage) : stage;
  } finally {
    activity.cancel(timer);
  }
}

/** Wait until every model is loaded, every state change applied and everything drawn, however deep it nests. */
async function everythingDrawn({ manager, renderers }: WatchedPage): Promise<void> {
  if (!manager || !renderers) return;
  const begun = (): number => manager.models.length + manager.views.size + renderers.begun;
  for (;;) {
    const before = begun();
    await renderers.idle();
    const models = await Promise.allSettled(manager.models);
    // A front end may fail at a change of state; what comes of that is seen in its view.
    await Promise.allSettled(models.flatMap((known) => (known.status === "fulfilled" ? [known.value.state_change as Promise<unknown>] : [])));
    await Promise.allSettled([...manager.views]);
    if (begun() === before) return;
  }
}

/** Wait until the kernel has dealt with what the page has sent to it. */
async function kernelCaughtUp({ kernel, isShared }: WatchedPage): Promise<void> {
  await kernel?.answered();
  // It answers after everything that another page has asked for before, and has broadcast all of that by then.
  if (isShared) await kernel?.requestKernelInfo();
}

async function messagesAnswered({ manager }: WatchedPage): Promise<boolean> {
  const known = await Promise.allSettled(manager?.models ?? []);
  return known.every((model) => model.status === "rejected" || !((model.value as unknown as { _pending_msgs: number })._pending_msgs > 0));
}

/** Wait until formulas, fonts and images are drawn, end animations, and give cells their heights. */
async function assetsDrawn({ math }: WatchedPage): Promise<void> {
  await math.idle;
  await document.fonts.ready;
  for (const image of document.images) {
    // A picture shows all of the page, also what nobody has scrolled to.
    if (image.loading === "lazy") image.loading = "eager";
  }
  await Promise.allSettled([...document.images].map((image) => image.decode()));
  for (const animation of document.getAnimations()) {
    const end = animation.effect?.getComputedTiming().endTime;
    if (end === undefined || end === Infinity) animation.cancel();
    else animation.finish();
  }
  alignCells();
  await nextFrame();
  await nextFrame();
}

/**
 * Give every cell a whole number of pixels of height, so that each cell begins on a pixel and looks the same
 * whatever stands above it.
 */
function alignCells(): void {
  const heights: [HTMLElement, number][] = [];
  for (const cell of document.querySelectorAll<HTMLElement>(ALIGNED)) {
    cell.style.height = "";
    heights.push([cell, cell.getBoundingClientRect().height]);
  }
  for (const [cell, height] of heights) {
    if (height % 1) cell.style.height = `${Math.ceil(height) - frameOf(cell)}px`;
  }
}

/** Pixels of a cell's height that its `height` does not count. */
function frameOf(cell: Element): number {
  const style = getComputedStyle(cell);
  if (style.boxSizing === "border-box") return 0;
  const parts = [style.paddingTop, style.paddingBottom, style.borderTopWidth, style.borderBottomWidth];
  return parts.reduce((sum, part) => sum + (parseFloat(part) || 0), 0);
}

/** Tell whether a view has drawn nothing so far: anywidget draws on its own time and keeps no promise of it. */
function hasEmptyView({ manager }: WatchedPage): boolean {
  for (const [element, module] of manager?.drawn ?? []) {
    if (module === "anywidget" && element.isConnected && !element.childElementCount && !element.shadowRoot?.childElementCount && !element.textContent) return true;
  }
  return false;
}
