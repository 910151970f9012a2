/** The pictures that the page carries, by their sha256. */

import type { Result } from "./run";

const encoded = JSON.parse(document.getElementById("pictures")!.textContent) as Record<string, string>;
const urls = new Map<string, string>();

/** Addresses that are kept; what is on the screen keeps its pixels without one. */
const ADDRESSES = 300;

function blob(sha256: string): Blob {
  return new Blob([Uint8Array.from(atob(encoded[sha256]!), (char) => char.charCodeAt(0))], { type: "image/png" });
}

/** A picture's bytes become a blob on first use: decoding hundreds at start would freeze the page. */
export function url(sha256: string): string {
  let known = urls.get(sha256);
  if (!known) {
    known = URL.createObjectURL(blob(sha256));
    urls.set(sha256, known);
    for (const [oldest, address] of urls) {
      if (urls.size <= ADDRESSES) break;
      urls.delete(oldest);
      URL.revokeObjectURL(address);
    }
  }
  return known;
}

/** Decode a result's pictures ahead, so that moving on to it shows them at once. */
export function preload(result: Result | undefined): void {
  for (const picture of Object.values(result?.pictures ?? {})) {
    if (picture.absent !== null) continue;
    const image = new Image();
    image.src = url(picture.sha256);
    // One that can't be decoded is seen to be broken where it is shown.
    image.decode().catch(() => undefined);
  }
}

const decoded = new Map<string, Promise<ImageData>>();
/** Pictures whose pixels are kept for the inspector. */
const DECODED = 6;

/** A picture's pixels as they are in the file: no colour management, no smoothing. */
export function pictureData(sha256: string): Promise<ImageData> {
  let known = decoded.get(sha256);
  if (!known) {
    known = (async () => {
      const bitmap = await createImageBitmap(blob(sha256), { premultiplyAlpha: "none", colorSpaceConversion: "none" });
      const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d")!;
      context.drawImage(bitmap, 0, 0);
      return context.getImageData(0, 0, bitmap.width, bitmap.height);
    })();
    decoded.set(sha256, known);
    if (decoded.size > DECODED) decoded.delete(decoded.keys().next().value!);
  }
  return known;
}
