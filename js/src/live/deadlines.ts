// The time limits that front ends set themselves. They are the machine's, and not the widget's.

import { isSchedule } from "./timers";

/** As good as never: what takes too long is for `ready` to say. */
const LIFTED_MS = 3_600_000;

/** Is told why a module that a front end has put together could not be run. */
type Failed = (error: unknown) => void;

type After = (call: () => void, delay: number) => unknown;

/** A limit that was lifted. */
interface Lifted {
  /** Resolved when it would have passed. */
  passed: Promise<void>;
  end: () => void;
}

/**
 * Lift limits: on a loaded machine a front end may take longer than it allows itself. anywidget then throws away every
 * later message of the kernel, and the widget still looks right.
 *
 * It also learns by its limit alone that a widget's module could not be run, and keeps back the kernel's messages until
 * then: such a limit ends when it says.
 *
 * @param after `setTimeout` as it was before anybody watched it
 */
export function liftDeadlines(after: After, failed: Failed): void {
  /** Set by the script that runs now. */
  let current: Lifted[] = [];
  const timeout = AbortSignal.timeout.bind(AbortSignal);
  AbortSignal.timeout = (delay) => {
    if (!isSchedule(delay)) return timeout(delay);
    const controller = new AbortController();
    const end = (): void => controller.abort(new DOMException("signal timed out", "TimeoutError"));
    after(end, Math.max(delay, LIFTED_MS));
    if (!current.length) queueMicrotask(() => (current = []));
    current.push({ passed: new Promise((resolve) => after(resolve, delay)), end });
    return controller.signal;
  };
  const create = URL.createObjectURL.bind(URL);
  URL.createObjectURL = (object) => {
    const url = create(object);
    const limits = current;
    if (limits.length && object instanceof Blob && /\bjavascript\b/.test(object.type)) {
      // Once the front end has begun to import it: a module runs once, however often it is imported.
      queueMicrotask(() => {
        import(url).catch((error: unknown) => {
          failed(error);
          for (const { passed, end } of limits) void passed.then(end);
        });
      });
    }
    return url;
  };
}
