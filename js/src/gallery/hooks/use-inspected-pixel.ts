import { useEffect, useState } from "preact/hooks";

import type { Box } from "../run";

/** A pixel of the canvas. */
export type Pixel = [x: number, y: number];

const ARROWS: Record<string, Pixel> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const FAR = 10;

interface Canvas {
  width: number;
  height: number;
}

/**
 * The pixel that is inspected: the one under the pointer or, while it is `held`, one that the arrow keys move.
 *
 * @param box Where a pixel is taken first when it is held.
 */
export function useInspectedPixel(held: boolean, box: Box, { width, height }: Canvas) {
  const [pixel, setPixel] = useState<Pixel | null>(null);
  useEffect(() => {
    if (!held) {
      setPixel(null);
      return;
    }
    const [x, y, w, h] = box;
    setPixel([Math.floor(Math.min(width - 1, x + w / 2)), Math.floor(Math.min(height - 1, y + h / 2))]);
    function press(event: KeyboardEvent) {
      const to = Object.hasOwn(ARROWS, event.key) ? ARROWS[event.key] : undefined;
      if (!to || event.target instanceof HTMLInputElement || event.target instanceof HTMLTextAreaElement) return;
      event.preventDefault();
      const far = event.shiftKey ? FAR : 1;
      setPixel((old) => {
        const [column, row] = old ?? [0, 0];
        return [Math.max(0, Math.min(width - 1, column + to[0] * far)), Math.max(0, Math.min(height - 1, row + to[1] * far))];
      });
    }
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, [held, box, width, height]);

  /** Follows the pointer, as long as nothing is held; null where it has left. */
  function point(to: Pixel | null) {
    if (held) return;
    setPixel(to && to[0] >= 0 && to[1] >= 0 && to[0] < width && to[1] < height ? to : null);
  }
  return { pixel, point };
}
