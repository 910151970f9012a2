/** Rows that one picture has and the other lacks, see `bands` in run.json. */

import type { Band, Box } from "../run";

/**
 * Where a box of the later picture stands in the earlier one. What was inserted comes out without height, and a seam
 * as high as the rows that are gone there.
 */
export function earlier([x, y, width, height]: Box, bands: readonly Band[]): Box {
  const top = rowBefore(y, bands, (at) => at < y);
  return [x, top, width, rowBefore(y + height, bands, (at) => at <= y + height) - top];
}

/** Bands are in the order of the picture, so the last one above the row decides. */
function rowBefore(y: number, bands: readonly Band[], below: (at: number) => boolean): number {
  let row = y;
  for (const band of bands)
    if (band.inserted) {
      if (y >= band.y) row = band.at + Math.max(0, y - band.y - band.height);
    } else if (below(band.at)) row = band.y + band.height + y - band.at;
  return row;
}
