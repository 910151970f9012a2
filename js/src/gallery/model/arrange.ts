/** The size and the columns in which pictures are shown. */

const GAP = 16;
/** Width of a pane's border and padding, in which frames at the picture's edge stand. */
const FRAME = 14;
const NARROWEST = 260;
const TALLEST = 640;
/** Leaving the row must show the pictures this much larger. */
const WORTH = 1.25;

/**
 * The columns that show `n` pictures largest without making the card taller than a screen: wide, short widgets
 * come out one under the other at full size, tall ones beside each other.
 */
export function arrange(space: number, n: number, width: number, height: number): { columns: number; fit: number } {
  const fit = (columns: number) => Math.min(1, Math.max(1, (space - GAP * (columns - 1)) / columns - FRAME) / width);
  let best = Math.max(1, Math.min(n, Math.floor(space / NARROWEST)));
  for (let columns = best - 1; columns >= 1; columns--)
    if (fit(columns) > WORTH * fit(best) && Math.ceil(n / columns) * height * fit(columns) <= TALLEST) best = columns;
  return { columns: best, fit: fit(best) };
}
