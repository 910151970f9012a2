/** How pictures are looked at. */

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
  /** Whether the blink goes on by itself, and which picture it shows while it does not. */
  blinking: boolean;
  over: boolean;
  /** Whether one pixel is held on to, and told. */
  inspect: boolean;
}
