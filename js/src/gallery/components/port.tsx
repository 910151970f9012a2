import type { ComponentChildren } from "preact";

import { url } from "../embedded-pictures";
import { drag, panTogether } from "../hooks/panning";
import type { Pixel } from "../hooks/use-inspected-pixel";
import { earlier } from "../model/bands";
import type { Pane, Role } from "../model/panes";
import { visible } from "../model/text";
import type { View } from "../model/view";
import type { Box, Result } from "../run";

/** Height by which the comparison marks the place of rows that are gone. */
const SEAM = 2;

export const px = (n: number): string => `${n}px`;

/** The common properties of all panes of a result. Pictures of different sizes are aligned at the top left, as they were compared. */
export interface Canvas {
  result: Result;
  view: View;
  /** The region that is looked at; -1 for none yet. */
  region: number;
  width: number;
  height: number;
  scale: number;
  pixel: Pixel | null;
  onPoint: (pixel: Pixel | null) => void;
  onZoom: (step: 1 | -1) => void;
}

export function Image({ pane: { label, picture, at }, canvas: { result, scale } }: { pane: Pane; canvas: Canvas }) {
  if (picture.absent !== null) return <p class="absent">{picture.absent}</p>;
  return (
    <img
      class={scale * devicePixelRatio >= 1 ? "pixelated" : ""}
      src={url(picture.sha256)}
      alt={`${label}: ${visible(result.name)}`}
      draggable={false}
      style={{
        width: px(picture.width * scale), height: px(picture.height * scale), ...(at && { translate: `${px(at[0] * scale)} ${px(at[1] * scale)}` }),
      }}
    />
  );
}

/** Masks, regions and the inspected pixel, where they are in a picture of that role. */
function Outlines({ canvas: { result, view, region, scale, pixel }, role }: { canvas: Canvas; role: Role }) {
  const { bands, regions } = result.metrics;
  const here = (box: Box) => (role === "before" ? earlier(box, bands) : box);
  const place = ([x, y, w, h]: Box) => ({ left: px(x * scale), top: px(y * scale), width: px(w * scale), height: px(h * scale) });
  // A frame around nothing would hide what stands beside it; in the diff it shows the seam's own line.
  const seam = ([, , , height]: Box) => bands.length > 0 && role !== "diff" && height <= SEAM;
  return (
    <>
      {view.masks && role !== "seen" &&
        result.masks.flatMap(({ reason, boxes }) =>
          boxes.map(here).filter(([, , , height]) => height > 0).map((box) => (
            <div class="mask" style={place(box)} title={`Not compared: ${visible(reason)}`}>
              <span>{visible(reason)}</span>
            </div>
          )),
        )}
      {view.regions && role !== "aside" && role !== "seen" &&
        regions.map(here).map((box, i) => <div class={`region ${seam(box) ? "seam" : ""} ${i === region ? "here" : ""}`} style={place(box)} />)}
      {view.inspect && pixel && <div class="cross" style={place([...pixel, 1, 1])} aria-hidden="true" />}
    </>
  );
}

/** A scrollable window on the canvas. */
export function Port({ label, role = "after", canvas, children }: {
  label: string; role?: Role; canvas: Canvas; children: ComponentChildren;
}) {
  const { view, width, height, scale, onPoint, onZoom } = canvas;
  return (
    <div class="port" tabIndex={view.zoom ? 0 : undefined} role="group" aria-label={label} onScroll={panTogether} onPointerDown={drag}
      onWheel={(event) => {
        if (!event.ctrlKey) return;
        event.preventDefault();
        onZoom(event.deltaY < 0 ? 1 : -1);
      }}>
      <div class="stage" style={{ width: px(width * scale), height: px(height * scale) }}
        onPointerMove={(event) => {
          const box = event.currentTarget.getBoundingClientRect();
          onPoint([Math.floor((event.clientX - box.x) / scale), Math.floor((event.clientY - box.y) / scale)]);
        }}
        onPointerLeave={() => onPoint(null)}>
        {children}
        <Outlines canvas={canvas} role={role} />
      </div>
    </div>
  );
}
