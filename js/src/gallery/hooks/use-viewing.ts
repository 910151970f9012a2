import { useState } from "preact/hooks";

import type { Address } from "../model/address";
import { ZOOMS, type View } from "../model/view";
import type { Result } from "../run";

/** A region of at most that many pixels is too small to be seen as it is. */
const SMALL = 24;
/** Pixels on the screen that a small region is enlarged to, at most. */
const LARGE = 240;

export interface Viewing {
  view: View;
  /** The region that is looked at; -1 for none yet. */
  region: number;
  /** True where the reader's system asks for it. */
  reducedMotion: boolean;
  change: (part: Partial<View>) => void;
  zoom: (by: 1 | -1) => void;
  /** Go to another region, and enlarge it where it is too small to be seen. */
  step: (by: 1 | -1) => void;
  /** Forget which region was looked at. */
  reset: () => void;
}

const REDUCED_MOTION = matchMedia("(prefers-reduced-motion: reduce)").matches;

/** The way in which the current result's pictures are looked at. */
export function useViewing({ mode, zoom }: Address, onNavigate: (part: Partial<Address>) => void, current: Result | null): Viewing {
  const [rest, setRest] = useState<Omit<View, "mode" | "zoom">>({ regions: true, masks: true, blinking: !REDUCED_MOTION, over: false, inspect: false });
  // With the result it is of: another one begins anew.
  const [looked, setLooked] = useState({ at: "", region: -1 });
  const region = looked.at === current?.key ? looked.region : -1;

  function change({ mode: otherMode, zoom: otherZoom, ...part }: Partial<View>) {
    if (otherMode !== undefined) onNavigate({ mode: otherMode });
    if (otherZoom !== undefined) onNavigate({ zoom: otherZoom });
    setRest((old) => ({ ...old, ...part }));
  }
  function step(by: 1 | -1) {
    const boxes = current?.metrics.regions ?? [];
    if (!current || !boxes.length) return;
    const next = region < 0 ? (by > 0 ? 0 : boxes.length - 1) : (region + by + boxes.length) % boxes.length;
    setLooked({ at: current.key, region: next });
    const [, , width, height] = boxes[next]!;
    const near = ZOOMS.filter((level) => Math.max(width, height) * level <= LARGE).at(-1);
    if (zoom === 0 && near && Math.max(width, height) < SMALL) change({ zoom: near });
  }
  return {
    view: { mode, zoom, ...rest },
    region,
    reducedMotion: REDUCED_MOTION,
    change,
    zoom: (by) => change({ zoom: ZOOMS[ZOOMS.findIndex((level) => level === zoom) + by] ?? zoom }),
    step,
    reset: () => setLooked({ at: "", region: -1 }),
  };
}
