/** The ways in which pictures are looked at. */

export const MODES = {
  side: "Side by side", slider: "Slider", onion: "Onion skin", blink: "Blink", diff: "Diff", actual: "Only actual",
} as const;
export type Mode = keyof typeof MODES;
/** 0 fits the picture into its place, never enlarging it. */
export const ZOOMS = [0, 1, 2, 4, 8, 16] as const;

export interface View {
  mode: Mode;
  zoom: number;
  regions: boolean;
  masks: boolean;
  /** True while the blink goes on by itself. */
  blinking: boolean;
  /** True where a blink that stands still shows the later picture. */
  over: boolean;
  /** True while one pixel is held, and its colours are shown. */
  inspect: boolean;
}
