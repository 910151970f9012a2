import { useLayoutEffect, useMemo, useState } from "preact/hooks";

import { putAt } from "../hooks/panning";
import { useInspectedPixel } from "../hooks/use-inspected-pixel";
import { useWidth } from "../hooks/use-width";
import { arrange } from "../model/arrange";
import { selectPanes, type Panes } from "../model/panes";
import { count, visible } from "../model/text";
import type { View } from "../model/view";
import type { Box, Result } from "../run";
import { Alone, Blink, Onion, Slider } from "./figures";
import { Inspector } from "./inspector";
import type { Canvas } from "./port";

interface Props {
  result: Result;
  /** Pictures to show instead of the result's own. */
  chosen?: Panes;
  view: View;
  /** The region that is looked at; -1 for none yet. */
  region: number;
  onZoom: (step: 1 | -1) => void;
  onView: (change: Partial<View>) => void;
  /** True where the reader's system asks for it. */
  reducedMotion: boolean;
}

const NOWHERE: Box = [0, 0, 0, 0];

export function Pictures({ result, chosen, view, region, onZoom, onView, reducedMotion }: Props) {
  const { ref, width: space } = useWidth();
  const [slide, setSlide] = useState(50);
  const [fade, setFade] = useState(50);
  const { mode, all, pair, shown, compared } = useMemo(() => selectPanes(result, view.mode, chosen), [result, view.mode, chosen]);
  const { bands, regions } = result.metrics;
  const box = regions[Math.max(0, region)] ?? NOWHERE;

  const width = Math.max(1, ...shown.map(({ picture, at }) => picture.width + (at?.[0] ?? 0)));
  const height = Math.max(1, ...shown.map(({ picture, at }) => picture.height + (at?.[1] ?? 0)));
  const { columns, fit } = arrange(space, mode === "side" ? shown.length : 1, width, height);
  const { pixel, point } = useInspectedPixel(view.inspect, box, { width, height });
  const ready = space > 0;

  // Whoever enlarges wants to see what differs, not the top left corner.
  useLayoutEffect(() => {
    const [x, y, w, h] = box;
    if (view.zoom)
      for (const port of ref.current!.querySelectorAll(".port"))
        putAt(port, (x + w / 2) * view.zoom - port.clientWidth / 2, (y + h / 2) * view.zoom - port.clientHeight / 2);
    if (region >= 0) ref.current!.querySelector(".region.here")?.scrollIntoView({ block: "center", inline: "nearest" });
  }, [view.zoom, mode, region, box, ready, ref]);

  const canvas: Canvas = { result, view, region, width, height, scale: view.zoom || fit, pixel, onPoint: point, onZoom };
  const stacked = { under: pair[0]!, over: pair[1]!, canvas };
  return (
    <div class="pictures" ref={ref} data-mode={mode} style={{ "--columns": columns }}>
      {!shown.length && <p class="absent">No picture was taken.</p>}
      {ready && mode !== "slider" && mode !== "onion" && mode !== "blink" &&
        shown.map((pane) => <Alone key={pane.label} pane={pane} all={all} canvas={canvas} />)}
      {ready && mode === "slider" && <Slider {...stacked} at={slide} onMove={setSlide} />}
      {ready && mode === "onion" && <Onion {...stacked} at={fade} onMove={setFade} />}
      {ready && mode === "blink" && <Blink {...stacked} reducedMotion={reducedMotion} onView={onView} />}
      {ready && compared.length > 0 && <Inspector pixel={pixel} compared={compared} bands={bands} held={view.inspect} />}
      {view.masks && result.masks.length > 0 && (
        <ul class="legend">
          {result.masks.map((mask) => (
            <li><span class="hatch" aria-hidden="true" /> Not compared: {visible(mask.reason)} <small>{count(mask.boxes.length, "box", "boxes")}</small></li>
          ))}
        </ul>
      )}
    </div>
  );
}
