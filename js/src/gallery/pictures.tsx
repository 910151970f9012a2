import type { ComponentChildren, TargetedEvent, TargetedPointerEvent } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

import { count, earlier, varied, visible, type Band, type Box, type Picture, type Result } from "./run";
import { MODES, type Mode, type View } from "./view";

const GAP = 16;
/** Height by which diff_picture.py marks the place of rows that are gone. */
const SEAM = 2;
/** Width of a pane's border and padding, in which frames at the picture's edge stand. */
const FRAME = 14;
const NARROWEST = 260;
const TALLEST = 640;
/** Leaving the row must show the pictures this much larger. */
const WORTH = 1.25;

const encoded = JSON.parse(document.getElementById("pictures")!.textContent) as Record<string, string>;
const urls = new Map<string, string>();

/** Addresses that are kept; what is on the screen keeps its pixels without one. */
const ADDRESSES = 300;

function blob(sha256: string): Blob {
  return new Blob([Uint8Array.from(atob(encoded[sha256]!), (char) => char.charCodeAt(0))], { type: "image/png" });
}

/** A picture's bytes become a blob on first use: decoding hundreds at start would freeze the page. */
function url(sha256: string): string {
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

/** Decodes a result's pictures ahead, so that moving on to it shows them at once. */
export function warm(result: Result | undefined): void {
  for (const picture of Object.values(result?.pictures ?? {})) {
    if (!picture || picture.absent !== null) continue;
    const image = new Image();
    image.src = url(picture.sha256);
    // One that can't be decoded is told where it is shown.
    image.decode().catch(() => undefined);
  }
}

const decoded = new Map<string, Promise<ImageData>>();
/** Pictures whose pixels are kept for the inspector. */
const DECODED = 6;

/** A picture's pixels as they are in the file: no colour management, no smoothing. */
function pixels(sha256: string): Promise<ImageData> {
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

const px = (n: number) => `${n}px`;

function useWidth() {
  const ref = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry!.contentRect.width)));
    setWidth(ref.current!.clientWidth);
    observer.observe(ref.current!);
    return () => observer.disconnect();
  }, []);
  return { ref, width };
}

/**
 * The columns that show `n` pictures largest without making the card taller than a screen: wide, short widgets
 * come out one under the other at full size, tall ones beside each other.
 */
function arrange(space: number, n: number, width: number, height: number): { columns: number; fit: number } {
  const fit = (columns: number) => Math.min(1, Math.max(1, (space - GAP * (columns - 1)) / columns - FRAME) / width);
  let best = Math.max(1, Math.min(n, Math.floor(space / NARROWEST)));
  for (let columns = best - 1; columns >= 1; columns--)
    if (fit(columns) > WORTH * fit(best) && Math.ceil(n / columns) * height * fit(columns) <= TALLEST) best = columns;
  return { columns: best, fit: fit(best) };
}

/** Where panes were put that nobody scrolled. */
const put = new WeakMap<Element, readonly [number, number]>();

function putAt(port: Element, left: number, top: number): void {
  port.scrollTo({ left, top, behavior: "instant" });
  put.set(port, [port.scrollLeft, port.scrollTop]);
}

/**
 * Panes of one result pan together. Events come a frame late: one of a pane that was put somewhere says nothing new,
 * and to follow it would take back what has happened to the pane under the pointer since.
 */
function panTogether({ currentTarget: led }: TargetedEvent<HTMLElement>) {
  const { scrollLeft, scrollTop } = led;
  const [left, top] = put.get(led) ?? [];
  if (left === scrollLeft && top === scrollTop) return;
  put.delete(led);
  for (const port of led.closest(".pictures")!.querySelectorAll(".port")) if (port !== led) putAt(port, scrollLeft, scrollTop);
}

/** `before` and `after` are the two that were compared; the diff picture stands in the place of the latter. */
type Role = "before" | "after" | "diff" | "aside";

interface Pane {
  label: string;
  picture: Picture;
  role: Role;
}

/** Pictures to put beside each other, and the two to lay over each other. */
function panes(result: Result): { all: Pane[]; pair: Pane[] } {
  const { shot, baseline, diff, second } = result.pictures;
  const pane = (label: string, picture: Picture | null | undefined, role: Role): Pane[] =>
    picture ? [{ label, picture, role }] : [];
  if (result.verdict === "match") return { all: pane("Expected and actual", shot, "after"), pair: [] };
  if (varied(result)) {
    const { counts, runs } = result.repeat!;
    const pair = [
      ...pane(`First picture (${counts[0]} of ${count(runs, "run")})`, shot, "before"),
      ...pane(`Second picture (${counts[1]} of ${count(runs, "run")})`, second, "after"),
    ];
    return { all: [...pair, ...pane("Difference", diff, "diff"), ...pane("Expected", baseline, "aside")], pair };
  }
  const expected = pane("Expected", baseline, "before");
  const actual = pane(second ? "Actual, first picture" : "Actual", shot, "after");
  const again = pane("Actual, second picture", second, "after");
  const all = [...expected, ...actual, ...again, ...pane("Diff", diff, "diff")];
  // What never settled is judged against itself: the baseline is not the question there.
  return { all, pair: second ? [...actual, ...again] : [...expected, ...actual] };
}

/** What the colours of a diff picture say, of those that this one can have. They are its palette's, see diff_picture.py. */
function Key({ result, all }: { result: Result; all: Pane[] }) {
  const bands = result.metrics?.bands ?? [];
  const sizes = all.filter(({ role }) => role === "before" || role === "after").map(({ picture }) => `${picture.width} ${picture.height}`);
  const colours: [string, string, boolean][] = [
    ["changed", "changed", true],
    ["inserted", "rows inserted", bands.some((band) => band.inserted)],
    ["removed", "rows removed here", bands.some((band) => !band.inserted)],
    ["padding", "only one picture reaches here", !bands.length && new Set(sizes).size > 1],
    ["masked", "not compared", result.masks.some((mask) => mask.boxes.length)],
  ];
  return (
    <ul class="key" aria-label="Colours of the diff">
      {colours.map(([name, words, possible]) => possible && <li><i class={name} aria-hidden="true" />{words}</li>)}
      {bands.length > 0 && <li>what only moved is not marked</li>}
    </ul>
  );
}

type Spot = [x: number, y: number];
type Colour = [red: number, green: number, blue: number, alpha: number];

const hex = (colour: Colour): string =>
  `#${(colour[3] === 255 ? colour.slice(0, 3) : colour).map((channel) => channel.toString(16).padStart(2, "0")).join("")}`;

/** The colour of one pixel in each of the pictures that are compared. */
function Inspector({ spot, compared, bands, held }: { spot: Spot | null; compared: Pane[]; bands: Band[]; held: boolean }) {
  const [told, setTold] = useState<(Colour | null)[]>([]);
  const at = spot?.join();
  useEffect(() => {
    let current = true;
    async function look() {
      const colours = await Promise.all(
        compared.map(async ({ picture, role }): Promise<Colour | null> => {
          if (!spot || picture.absent !== null) return null;
          const [x, y, , height] = role === "before" ? earlier([...spot, 1, 1], bands) : [...spot, 1, 1];
          const { data, width, height: rows } = await pixels(picture.sha256);
          // Rows that were inserted are not in the earlier picture.
          if (!height || x >= width || y >= rows) return null;
          const first = 4 * (y * width + x);
          return [...data.slice(first, first + 4)] as Colour;
        }),
      );
      if (current) setTold(colours);
    }
    void look();
    return () => {
      current = false;
    };
  }, [at, ...compared.map(({ picture }) => picture.sha256)]);
  const [one, other] = told;
  const step = one && other ? Math.max(...one.map((channel, i) => Math.abs(channel - other[i]!))) : 0;
  return (
    <div class="inspector" role="group" aria-label="Pixel inspector">
      <output aria-live={held ? "polite" : "off"}>
        {!spot ? <span class="soft">Point at a pixel to read its colours, or press i</span> : (
          <>
            <b>x {spot[0]}, y {spot[1]}</b>
            {compared.map(({ label }, i) => {
              const colour = told[i];
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

/** Drags what is enlarged; the slider's own handle is not a way to drag the picture. */
function drag(event: TargetedPointerEvent<HTMLElement>) {
  const port = event.currentTarget;
  if (event.button || event.pointerType === "touch" || port.tabIndex < 0 || event.target instanceof HTMLInputElement) return;
  event.preventDefault();
  port.focus({ preventScroll: true });
  port.setPointerCapture(event.pointerId);
  const [x, y, left, top] = [event.clientX, event.clientY, port.scrollLeft, port.scrollTop];
  const move = (to: PointerEvent) => port.scrollTo(left + x - to.clientX, top + y - to.clientY);
  port.addEventListener("pointermove", move);
  port.addEventListener("lostpointercapture", () => port.removeEventListener("pointermove", move), { once: true });
}

interface Props {
  result: Result;
  view: View;
  /** The region that is looked at; -1 for none yet. */
  region: number;
  onZoom: (step: 1 | -1) => void;
  onBlink: (change: Partial<View>) => void;
  still: boolean;
}

export function Pictures({ result, view, region, onZoom, onBlink, still }: Props) {
  const { ref, width: space } = useWidth();
  const [slide, setSlide] = useState(50);
  const [fade, setFade] = useState(50);
  const [spot, setSpot] = useState<Spot | null>(null);
  const { all, pair } = panes(result);
  const overlay = pair.length === 2 && pair.every(({ picture }) => picture.absent === null);
  const diff = all.filter(({ role }) => role === "diff");
  const actual = all.filter(({ role }) => role === "after").slice(0, 1);
  const single = { diff, actual: actual.length ? actual : all.slice(0, 1) };
  const mode: Mode =
    view.mode === "diff" || view.mode === "actual" ? (single[view.mode].length ? view.mode : "side") : overlay ? view.mode : "side";
  const shown = mode === "side" ? all : mode === "diff" || mode === "actual" ? single[mode] : pair;
  const compared = pair.length ? pair : actual;
  const stacked = mode === "slider" || mode === "onion" || mode === "blink";

  // Pictures of different sizes share one canvas, aligned at the top left, as the comparison padded them.
  const width = Math.max(1, ...shown.map(({ picture }) => picture.width));
  const height = Math.max(1, ...shown.map(({ picture }) => picture.height));
  const { columns, fit } = arrange(space, mode === "side" ? shown.length : 1, width, height);
  const scale = view.zoom || fit;
  const regions = result.metrics?.regions ?? [];
  const [x, y, w, h] = regions[Math.max(0, region)] ?? [0, 0, 0, 0];

  // Whoever enlarges wants to see what differs, not the top left corner.
  useLayoutEffect(() => {
    if (view.zoom)
      for (const port of ref.current!.querySelectorAll(".port"))
        putAt(port, (x + w / 2) * scale - port.clientWidth / 2, (y + h / 2) * scale - port.clientHeight / 2);
    if (region >= 0) ref.current!.querySelector(".region.here")?.scrollIntoView({ block: "center", inline: "nearest" });
  }, [view.zoom, mode, region, space > 0]);

  useEffect(() => {
    if (!view.inspect) {
      setSpot(null);
      return;
    }
    setSpot([Math.floor(Math.min(width - 1, x + w / 2)), Math.floor(Math.min(height - 1, y + h / 2))]);
    function press(event: KeyboardEvent) {
      const to = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (!to || event.target instanceof HTMLInputElement || event.target instanceof HTMLTextAreaElement) return;
      event.preventDefault();
      const far = event.shiftKey ? 10 : 1;
      setSpot((old) => {
        const [column, row] = old ?? [0, 0];
        return [Math.max(0, Math.min(width - 1, column + to[0]! * far)), Math.max(0, Math.min(height - 1, row + to[1]! * far))];
      });
    }
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, [view.inspect, region, width, height]);

  function point(event: TargetedPointerEvent<HTMLElement>) {
    if (view.inspect) return;
    const box = event.currentTarget.getBoundingClientRect();
    const at: Spot = [Math.floor((event.clientX - box.x) / scale), Math.floor((event.clientY - box.y) / scale)];
    setSpot(at[0] >= 0 && at[1] >= 0 && at[0] < width && at[1] < height ? at : null);
  }

  const image = ({ label, picture }: Pane) =>
    picture.absent === null ? (
      <img
        class={scale * devicePixelRatio >= 1 ? "pixelated" : ""}
        src={url(picture.sha256)}
        alt={`${label}: ${visible(result.name)}`}
        draggable={false}
        style={{ width: px(picture.width * scale), height: px(picture.height * scale) }}
      />
    ) : (
      <p class="absent">{picture.absent}</p>
    );

  const bands = result.metrics?.bands ?? [];
  const place = ([x, y, w, h]: Box) => ({ left: px(x * scale), top: px(y * scale), width: px(w * scale), height: px(h * scale) });
  // A frame around nothing would hide what stands beside it; in the diff it shows the seam's own line.
  const seam = ([, , , height]: Box, role: Role) => bands.length > 0 && role !== "diff" && height <= SEAM;
  const port = (label: string, children: ComponentChildren, role: Role = "after") => {
    const here = (box: Box) => (role === "before" ? earlier(box, bands) : box);
    return (
      <div class="port" tabIndex={view.zoom ? 0 : undefined} role="group" aria-label={label} onScroll={panTogether} onPointerDown={drag}
        onWheel={(event) => {
          if (!event.ctrlKey) return;
          event.preventDefault();
          onZoom(event.deltaY < 0 ? 1 : -1);
        }}>
        <div class="stage" style={{ width: px(width * scale), height: px(height * scale) }} onPointerMove={point}
          onPointerLeave={() => !view.inspect && setSpot(null)}>
          {children}
          {view.masks &&
            result.masks.flatMap((mask) =>
              mask.boxes.map(here).filter(([, , , height]) => height > 0).map((box) => (
                <div class="mask" style={place(box)} title={`Not compared: ${visible(mask.reason)}`}>
                  <span>{visible(mask.reason)}</span>
                </div>
              )),
            )}
          {view.regions && role !== "aside" &&
            regions.map(here).map((box, i) => <div class={`region ${seam(box, role) ? "seam" : ""} ${i === region ? "here" : ""}`} style={place(box)} />)}
          {view.inspect && spot && <div class="cross" style={place([...spot, 1, 1])} aria-hidden="true" />}
        </div>
      </div>
    );
  };

  const caption = ({ label, picture }: Pane) => (
    <>
      <span>{label}</span> <small>{picture.width} × {picture.height}</small>
    </>
  );

  const [under, over] = pair;
  const fadeTo = mode === "onion" ? fade : view.over ? 100 : 0;
  return (
    <div class="pictures" ref={ref} data-mode={mode} style={{ "--columns": columns }}>
      {!shown.length && <p class="absent">No picture was taken.</p>}
      {space > 0 && !stacked &&
        shown.map((pane) => (
          <figure key={pane.label}>
            <figcaption>{caption(pane)}</figcaption>
            {port(pane.label, image(pane), pane.role)}
            {pane.role === "diff" && pane.picture.absent === null && <Key result={result} all={all} />}
          </figure>
        ))}
      {space > 0 && mode === "slider" && (
        <figure>
          <figcaption class="ends"><span>{caption(under!)}</span><span>{caption(over!)}</span></figcaption>
          {port("Slider", <>
            {image(under!)}
            <div class="layer" style={{ clipPath: `inset(0 0 0 ${slide}%)` }}>{image(over!)}</div>
            <div class="divider" style={{ left: `${slide}%` }} />
            <input class="cover" type="range" min="0" max="100" step="0.5" value={slide}
              aria-label={`Divide between ${under!.label} and ${over!.label}`}
              onInput={(event) => setSlide(event.currentTarget.valueAsNumber)} />
          </>)}
        </figure>
      )}
      {space > 0 && (mode === "onion" || mode === "blink") && (
        <figure>
          <figcaption class="ends">
            <span>{caption(under!)}</span>
            {mode === "onion" ? (
              <input type="range" min="0" max="100" value={fade} aria-label={`Fade from ${under!.label} to ${over!.label}`}
                onInput={(event) => setFade(event.currentTarget.valueAsNumber)} />
            ) : (
              <span class="blinker">
                <button type="button" disabled={still} title={still ? "Your system asks for reduced motion" : "Key b"}
                  onClick={() => onBlink({ blinking: !view.blinking })}>{view.blinking ? "Pause" : "Play"}</button>
                <button type="button" title="Key x" onClick={() => onBlink({ blinking: false, over: !view.over })}>Swap</button>
                <span role="status">{view.blinking ? "Both in turn" : `Showing: ${(view.over ? over : under)!.label}`}</span>
              </span>
            )}
            <span>{caption(over!)}</span>
          </figcaption>
          {port(MODES[mode], <>
            {image(under!)}
            <div class={`layer ${mode === "blink" && view.blinking ? "blink" : ""}`} style={{ opacity: fadeTo / 100 }}>{image(over!)}</div>
          </>)}
        </figure>
      )}
      {space > 0 && compared.length > 0 && <Inspector spot={spot} compared={compared} bands={bands} held={view.inspect} />}
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

const THUMB = [168, 96] as const;

/** What changed, small: the surroundings of the largest region. */
export function Thumb({ result }: { result: Result }) {
  const { shot } = result.pictures;
  if (!shot || shot.absent !== null) return <span class="thumb" />;
  const [x, y, w, h] = result.metrics?.regions?.[0] ?? [0, 0, shot.width, shot.height];
  const [wide, tall] = THUMB;
  const scale = Math.min(1, wide / (w + 32), tall / (h + 32));
  const offset = (space: number, middle: number, size: number) =>
    size * scale <= space ? (space - size * scale) / 2 : Math.min(0, Math.max(space - size * scale, space / 2 - middle * scale));
  return (
    <span class="thumb" style={{ width: px(wide), height: px(tall) }}>
      <img src={url(shot.sha256)} alt="" loading="lazy"
        style={{
          width: px(shot.width * scale), height: px(shot.height * scale),
          left: px(offset(wide, x + w / 2, shot.width)), top: px(offset(tall, y + h / 2, shot.height)),
        }} />
    </span>
  );
}
