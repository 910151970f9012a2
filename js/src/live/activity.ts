// Knows whether anything on the page is still going on. Installed before any other script of the page runs,
// because a timer or request started earlier could not be seen afterwards.

/** Timers longer than this are schedules (polling, clocks), not a widget finishing its drawing. */
const LONGEST_TIMER_MS = 1000;
/** As good as never: what takes too long is for `ready` to say. */
const PATIENCE_MS = 3_600_000;
/** A timer that keeps re-arming itself is a loop; after this many generations it no longer counts. */
const DEEPEST_CHAIN = 5;

/** Our own rounding of cell heights (see `align`) is not the page's doing. */
function isAlignment(record: MutationRecord): boolean {
  return record.attributeName === "style" && (record.target as HTMLElement).dataset.cellId !== undefined;
}

export class Activity {
  /** Counts everything that may change pixels; equal before and after means quiet. */
  events = 0;
  /** What moved last, in words, for the message when the page never settles. */
  last = "";
  private timers = new Map<number, number>();
  private requests = 0;
  private images = new Set<HTMLImageElement>();
  private depth = 0;

  note(what: string): void {
    this.events += 1;
    this.last = what;
  }

  /** Timers that are about to fire and requests that are not answered yet. */
  get pending(): number {
    let close = 0;
    for (const depth of this.timers.values()) if (depth < DEEPEST_CHAIN) close += 1;
    for (const image of this.images) {
      // One that lost its address, or waits to be scrolled to, will never tell.
      if (!image.getAttribute("src") || !image.ownerDocument.defaultView || (image.loading === "lazy" && image.isConnected)) this.images.delete(image);
    }
    return close + this.requests + this.images.size;
  }

  /** `setTimeout` and `clearTimeout` as they were before: for our own deadlines, which are no unrest. */
  readonly after = window.setTimeout.bind(window);
  readonly cancel = window.clearTimeout.bind(window);

  install(): void {
    this.watchTimers();
    this.watchRequests();
    this.watchImages();
    this.liftDeadlines();
    const observer = new MutationObserver((records) => {
      if (!records.every(isAlignment)) this.note("the page's elements changed");
    });
    observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
  }

  private watchTimers(): void {
    const set = this.after;
    const patched = (handler: TimerHandler, delay?: number, ...rest: unknown[]): number => {
      if (typeof handler !== "function" || (delay ?? 0) > LONGEST_TIMER_MS) return set(handler, delay, ...rest);
      const depth = this.depth + 1;
      const id = set(() => {
        this.timers.delete(id);
        const outer = this.depth;
        this.depth = depth;
        try {
          handler(...rest);
        } finally {
          this.depth = outer;
        }
      }, delay);
      this.timers.set(id, depth);
      return id;
    };
    window.setTimeout = patched as typeof window.setTimeout;
    window.clearTimeout = (id?: number): void => {
      if (id !== undefined) this.timers.delete(id);
      this.cancel(id);
    };
  }

  /**
   * On a loaded machine a front end may take longer than it allows itself. anywidget then throws away every later
   * message of the kernel, and the widget still looks right.
   */
  private liftDeadlines(): void {
    const timeout = AbortSignal.timeout.bind(AbortSignal);
    AbortSignal.timeout = (delay) => timeout(delay > LONGEST_TIMER_MS ? Math.max(delay, PATIENCE_MS) : delay);
  }

  /** Images that no document shows: a front end that draws on a canvas loads its pictures so. */
  private watchImages(): void {
    const watch = (image: HTMLImageElement): void => {
      if (this.images.has(image)) return;
      this.images.add(image);
      const done = (): void => {
        image.removeEventListener("load", done);
        image.removeEventListener("error", done);
        this.images.delete(image);
        this.note("an image was loaded");
      };
      image.addEventListener("load", done);
      image.addEventListener("error", done);
    };
    const src = Object.getOwnPropertyDescriptor(HTMLImageElement.prototype, "src")!;
    Object.defineProperty(HTMLImageElement.prototype, "src", {
      ...src,
      set(this: HTMLImageElement, value: string) {
        watch(this);
        src.set!.call(this, value);
      },
    });
    const bitmap = window.createImageBitmap.bind(window) as (...args: unknown[]) => Promise<ImageBitmap>;
    window.createImageBitmap = (async (...args: unknown[]) => {
      this.requests += 1;
      try {
        return await bitmap(...args);
      } finally {
        this.requests -= 1;
        this.note("an image was loaded");
      }
    }) as typeof window.createImageBitmap;
    const activity = this;
    for (const name of ["readAsArrayBuffer", "readAsBinaryString", "readAsDataURL", "readAsText"] as const) {
      const read = FileReader.prototype[name] as (blob: Blob, encoding?: string) => void;
      FileReader.prototype[name] = function (blob: Blob, encoding?: string) {
        activity.requests += 1;
        const done = (): void => {
          activity.requests -= 1;
          activity.note("a file was read");
        };
        this.addEventListener("loadend", done, { once: true });
        try {
          read.call(this, blob, encoding);
        } catch (error) {
          this.removeEventListener("loadend", done);
          activity.requests -= 1;
          throw error;
        }
      };
    }
  }

  private watchRequests(): void {
    const fetch = window.fetch.bind(window);
    window.fetch = async (...args) => {
      this.requests += 1;
      try {
        return await fetch(...args);
      } finally {
        this.requests -= 1;
        this.note("a request was answered");
      }
    };
    const activity = this;
    const send = XMLHttpRequest.prototype.send;
    XMLHttpRequest.prototype.send = function (body) {
      activity.requests += 1;
      const done = (): void => {
        activity.requests -= 1;
        activity.note("a request was answered");
      };
      this.addEventListener("loadend", done, { once: true });
      try {
        send.call(this, body);
      } catch (error) {
        this.removeEventListener("loadend", done);
        activity.requests -= 1;
        throw error;
      }
    };
  }
}

/** Of this page. Watches from before the first other module runs, so this one is imported first. */
export const activity = new Activity();
activity.install();
