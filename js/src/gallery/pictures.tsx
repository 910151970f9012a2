import type { ComponentChildren, TargetedEvent } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";

import { count, earlier, varied, visible, type Box, type Picture, type Result } from "./run";

export const MODES = { side: "Side by side", slider: "Slider", onion: "Onion skin", diff: "Diff" } as const;
export type Mode = keyof typeof MODES;
/** 0 fits the picture into its place, never enlarging it. */
export const ZOOMS = [0, 1, 2, 4, 8] as const;

export interface View {
  mode: Mode;
  zoom: number;
  regions: boolean;
  masks: boolean;
  blink: boolean;
}

const GAP = 16;
/** Height by which compare.py marks the place of rows that are gone. */
const SEAM = 2;
const NARROWEST = 260;
const TALLEST = 640;
/** Leaving the row must show the pictures this much larger. */
const WORTH = 1.25;

const encoded = JSON.parse(document.getElementById("pictures")!.textContent!) as Record<string, string>;
const urls = new Map<string, string>();

/** A picture's bytes become a blob on first use: decoding hundreds at start would freeze the page. */
function url(sha256: string): string {
  let known = urls.get(sha256);
  if (!known) {
    const bytes = Uint8Array.from(atob(encoded[sha256]!), (char) => char.charCodeAt(0));
    known = URL.createObjectURL(new Blob([bytes], { type: "image/png" }));
    urls.set(sha256, known);
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
  const fit = (columns: number) => Math.min(1, Math.max(1, (space - GAP * (columns - 1)) / columns - 2) / width);
  let best = Math.max(1, Math.min(n, Math.floor(space / NARROWEST)));
  for (let columns = best - 1; columns >= 1; columns--)
    if (fit(columns) > WORTH * fit(best) && Math.ceil(n / columns) * height * fit(columns) <= TALLEST) best = columns;
  return { columns: best, fit: fit(best) };
}

/** Panes of one result pan together. Setting an equal offset fires no event, so this can't echo for ever. */
function panTogether(event: TargetedEvent<HTMLElement>) {
  const { scrollLeft, scrollTop } = event.currentTarget;
  for (const port of event.currentTarget.closest(".pictures")!.querySelectorAll(".port"))
    port.scrollTo({ left: scrollLeft, top: scrollTop, behavior: "instant" });
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

/** What the colours of a diff picture say, of those that this one can have. They are its palette's, see compare.py. */
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

export function Pictures({ result, view }: { result: Result; view: View }) {
  const { ref, width: space } = useWidth();
  const [slide, setSlide] = useState(50);
  const [fade, setFade] = useState(50);
  const { all, pair } = panes(result);
  const overlay = pair.length === 2 && pair.every(({ picture }) => picture.absent === null);
  const single = all.filter(({ role }) => role === "diff");
  const mode = view.mode === "diff" ? (single.length ? "diff" : "side") : overlay ? view.mode : "side";
  const shown = mode === "side" ? all : mode === "diff" ? single : pair;

  // Pictures of different sizes share one canvas, aligned at the top left, as the comparison padded them.
  const width = Math.max(1, ...shown.map(({ picture }) => picture.width));
  const height = Math.max(1, ...shown.map(({ picture }) => picture.height));
  const { columns, fit } = arrange(space, mode === "side" ? shown.length : 1, width, height);
  const scale = view.zoom || fit;

  // Whoever enlarges wants to see what differs, not the top left corner.
  useLayoutEffect(() => {
    const [x, y, w, h] = result.metrics?.regions?.[0] ?? [0, 0, 0, 0];
    for (const port of view.zoom ? ref.current!.querySelectorAll(".port") : [])
      port.scrollTo((x + w / 2) * scale - port.clientWidth / 2, (y + h / 2) * scale - port.clientHeight / 2);
  }, [view.zoom, mode, space > 0]);

  const image = ({ label, picture }: Pane) =>
    picture.absent === null ? (
      <img
        class={scale * devicePixelRatio >= 1 ? "pixelated" : ""}
        src={url(picture.sha256)}
        alt={`${label}: ${visible(result.name)}`}
        decoding="async"
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
      <div class="port" tabIndex={view.zoom ? 0 : undefined} role="group" aria-label={label} onScroll={panTogether}>
        <div class="stage" style={{ width: px(width * scale), height: px(height * scale) }}>
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
            result.metrics?.regions?.map(here).map((box) => <div class={`region ${seam(box, role) ? "seam" : ""}`} style={place(box)} />)}
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
  return (
    <div class="pictures" ref={ref} data-mode={mode} style={{ "--columns": columns }}>
      {!shown.length && <p class="absent">No picture was taken.</p>}
      {space > 0 && (mode === "side" || mode === "diff") &&
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
      {space > 0 && mode === "onion" && (
        <figure>
          <figcaption class="ends">
            <span>{caption(under!)}</span>
            <input type="range" min="0" max="100" value={fade} disabled={view.blink}
              aria-label={`Fade from ${under!.label} to ${over!.label}`}
              onInput={(event) => setFade(event.currentTarget.valueAsNumber)} />
            <span>{caption(over!)}</span>
          </figcaption>
          {port("Onion skin", <>
            {image(under!)}
            <div class={`layer ${view.blink ? "blink" : ""}`} style={{ opacity: fade / 100 }}>{image(over!)}</div>
          </>)}
        </figure>
      )}
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
