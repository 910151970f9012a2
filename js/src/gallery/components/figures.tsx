import type { Pane } from "../model/panes";
import { MODES, type View } from "../model/view";
import type { Result } from "../run";
import { Image, Port, type Canvas } from "./port";

function Caption({ pane: { label, picture } }: { pane: Pane }) {
  return (
    <>
      <span>{label}</span> <small>{picture.width} × {picture.height}</small>
    </>
  );
}

/** The colours of a diff picture in words, of those that this one can have. They are its palette's, see `PALETTE` in Python. */
function ColourKey({ result, all }: { result: Result; all: Pane[] }) {
  const { bands } = result.metrics;
  const sizes = all.filter(({ role }) => role === "before" || role === "after").map(({ picture }) => `${picture.width} ${picture.height}`);
  const colours: [string, string, boolean][] = [
    ["changed", "changed", true],
    ["inserted", "rows inserted", bands.some((band) => band.inserted)],
    ["removed", "rows removed here", bands.some((band) => !band.inserted)],
    ["padding", "only one picture reaches here", !bands.length && new Set(sizes).size > 1 && !all.some(({ at }) => at)],
    ["masked", "not compared", result.masks.some((mask) => mask.boxes.length)],
  ];
  return (
    <ul class="key" aria-label="Colours of the diff">
      {colours.map(([name, words, possible]) => possible && <li><i class={name} aria-hidden="true" />{words}</li>)}
      {bands.length > 0 && <li>what only moved is not marked</li>}
    </ul>
  );
}

/** One picture for itself. */
export function Alone({ pane, all, canvas }: { pane: Pane; all: Pane[]; canvas: Canvas }) {
  return (
    <figure>
      <figcaption><Caption pane={pane} /></figcaption>
      {pane.role === "seen" && <p class="note">What was there when this result came about, for your eyes only: it can't be accepted.</p>}
      <Port label={pane.label} role={pane.role} canvas={canvas}><Image pane={pane} canvas={canvas} /></Port>
      {pane.role === "diff" && pane.picture.absent === null && <ColourKey result={canvas.result} all={all} />}
    </figure>
  );
}

interface Stacked {
  under: Pane;
  over: Pane;
  canvas: Canvas;
}

/** Two pictures whose control stands at so many per cent. */
interface Controlled extends Stacked {
  at: number;
  onMove: (at: number) => void;
}

/** Two pictures over each other, the upper one as far as a divider. */
export function Slider({ under, over, canvas, at, onMove }: Controlled) {
  return (
    <figure>
      <figcaption class="ends"><span><Caption pane={under} /></span><span><Caption pane={over} /></span></figcaption>
      <Port label="Slider" canvas={canvas}>
        <Image pane={under} canvas={canvas} />
        <div class="layer" style={{ clipPath: `inset(0 0 0 ${at}%)` }}><Image pane={over} canvas={canvas} /></div>
        <div class="divider" style={{ left: `${at}%` }} />
        <input class="cover" type="range" min="0" max="100" step="0.5" value={at}
          aria-label={`Divide between ${under.label} and ${over.label}`}
          onInput={(event) => onMove(event.currentTarget.valueAsNumber)} />
      </Port>
    </figure>
  );
}

/** Two pictures over each other, the upper one as clear as a control says. */
export function Onion({ under, over, canvas, at, onMove }: Controlled) {
  return (
    <figure>
      <figcaption class="ends">
        <span><Caption pane={under} /></span>
        <input type="range" min="0" max="100" value={at} aria-label={`Fade from ${under.label} to ${over.label}`}
          onInput={(event) => onMove(event.currentTarget.valueAsNumber)} />
        <span><Caption pane={over} /></span>
      </figcaption>
      <Port label={MODES.onion} canvas={canvas}>
        <Image pane={under} canvas={canvas} />
        <div class="layer" style={{ opacity: at / 100 }}><Image pane={over} canvas={canvas} /></div>
      </Port>
    </figure>
  );
}

/** Two pictures in turn. */
export function Blink({ under, over, canvas, reducedMotion, onView }: Stacked & { reducedMotion: boolean; onView: (change: Partial<View>) => void }) {
  const { view } = canvas;
  return (
    <figure>
      <figcaption class="ends">
        <span><Caption pane={under} /></span>
        <span class="blinker">
          <button type="button" disabled={reducedMotion} title={reducedMotion ? "Your system asks for reduced motion" : "Key b"}
            onClick={() => onView({ blinking: !view.blinking })}>{view.blinking ? "Pause" : "Play"}</button>
          <button type="button" title="Key x" onClick={() => onView({ blinking: false, over: !view.over })}>Swap</button>
          <span role="status">{view.blinking ? "Both in turn" : `Showing: ${(view.over ? over : under).label}`}</span>
        </span>
        <span><Caption pane={over} /></span>
      </figcaption>
      <Port label={MODES.blink} canvas={canvas}>
        <Image pane={under} canvas={canvas} />
        <div class={`layer ${view.blinking ? "blink" : ""}`} style={{ opacity: view.over ? 1 : 0 }}><Image pane={over} canvas={canvas} /></div>
      </Port>
    </figure>
  );
}
