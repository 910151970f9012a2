import { useEffect, useState } from "preact/hooks";

import { pictureData } from "../embedded-pictures";
import type { Pixel } from "../hooks/use-inspected-pixel";
import { earlier } from "../model/bands";
import type { Pane } from "../model/panes";
import { count } from "../model/text";
import type { Band } from "../run";

type Colour = [red: number, green: number, blue: number, alpha: number];

const hex = (colour: Colour): string =>
  `#${(colour[3] === 255 ? colour.slice(0, 3) : colour).map((channel) => channel.toString(16).padStart(2, "0")).join("")}`;

/** The colour of a pixel of a pane; null where the picture has none. */
async function colourOf({ picture, role, at = [0, 0] }: Pane, pixel: Pixel, bands: readonly Band[]): Promise<Colour | null> {
  if (picture.absent !== null) return null;
  const [x, y, , height] = role === "before" ? earlier([...pixel, 1, 1], bands) : [...pixel, 1, 1];
  const { data, width, height: rows } = await pictureData(picture.sha256);
  const [column, row] = [x - at[0], y - at[1]];
  // Rows that were inserted are not in the earlier picture.
  if (!height || column < 0 || row < 0 || column >= width || row >= rows) return null;
  const first = 4 * (row * width + column);
  return [...data.slice(first, first + 4)] as Colour;
}

/** Colours with the pixel they belong to, since reading them takes its time. */
interface Reading {
  pixel: Pixel;
  colours: (Colour | null)[];
}

function useReading(pixel: Pixel | null, compared: Pane[], bands: readonly Band[]): Reading | null {
  const [reading, setReading] = useState<Reading | null>(null);
  useEffect(() => {
    let current = true;
    async function read(pixel: Pixel) {
      const colours = await Promise.all(compared.map((pane) => colourOf(pane, pixel, bands)));
      if (current) setReading({ pixel, colours });
    }
    if (pixel) void read(pixel);
    else setReading(null);
    return () => {
      current = false;
    };
  }, [pixel, compared, bands]);
  return pixel && (reading ?? { pixel, colours: [] });
}

/** The colour of one pixel in each of the pictures that are compared. */
export function Inspector({ pixel, compared, bands, held }: { pixel: Pixel | null; compared: Pane[]; bands: readonly Band[]; held: boolean }) {
  const reading = useReading(pixel, compared, bands);
  const [one, other] = reading?.colours ?? [];
  const step = one && other ? Math.max(...one.map((channel, i) => Math.abs(channel - other[i]!))) : 0;
  return (
    <div class="inspector" role="group" aria-label="Pixel inspector">
      <output aria-live={held ? "polite" : "off"}>
        {!reading ? <span class="soft">Point at a pixel to read its colours, or press i</span> : (
          <>
            <b>x {reading.pixel[0]}, y {reading.pixel[1]}</b>
            {compared.map(({ label }, i) => {
              const colour = reading.colours[i];
              return (
                <span key={label}>
                  {label} {colour ? <><i style={{ background: hex(colour) }} aria-hidden="true" /><code>{hex(colour)}</code></> : <em>nothing</em>}
                </span>
              );
            })}
            {one && other && <span class="soft">{step ? `${count(step, "step")} apart` : "equal"}</span>}
          </>
        )}
      </output>
    </div>
  );
}
