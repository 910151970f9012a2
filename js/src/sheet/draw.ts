// Draws the calibration sheet into an empty page.

import { BOX, EDITION, type Primitive, PRIMITIVES } from "./primitives";

const COLUMNS = 10;

/** Where a primitive is on the sheet, in CSS pixels. */
export interface Place {
  name: string;
  x: number;
  y: number;
  width: number;
  height: number;
}

/** All that the sheet says of itself. */
export interface Drawn {
  edition: number;
  places: Place[];
}

/** Draw every primitive, each in a box that nothing of another one reaches; the answer comes when all are drawn. */
export async function draw(): Promise<Drawn> {
  document.body.style.cssText = "margin:0;background:#fff;color:#000";
  const places = Object.entries(PRIMITIVES).map(([name, primitive], index) => {
    const place = { name, x: (index % COLUMNS) * BOX.width, y: Math.floor(index / COLUMNS) * BOX.height, ...BOX };
    document.body.append(boxOf(primitive, place));
    return place;
  });
  await Promise.all([...document.images].map((image) => image.decode()));
  await document.fonts.ready;
  return { edition: EDITION, places };
}

function boxOf(primitive: Primitive, { x, y, width, height }: Place): HTMLElement {
  const box = document.createElement("div");
  box.style.cssText = `position:absolute;left:${x}px;top:${y}px;width:${width}px;height:${height}px;overflow:hidden;contain:strict;isolation:isolate;background:#fff`;
  if (typeof primitive === "string") box.innerHTML = primitive;
  else {
    const canvas = document.createElement("canvas");
    Object.assign(canvas, { width, height });
    box.append(canvas);
    primitive(canvas);
  }
  return box;
}
