// Waiting with an end, by a timer of ours, which is no unrest of the page.

import { activity } from "./activity";

/** Wait for something, but no longer than so many milliseconds. */
export async function within<T>(limit: number, done: Promise<T>): Promise<T | "late"> {
  let timer = 0;
  const late = new Promise<"late">((resolve) => {
    timer = activity.after(() => resolve("late"), limit);
  });
  try {
    return await Promise.race([done, late]);
  } finally {
    activity.cancel(timer);
  }
}
