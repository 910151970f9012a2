// What `overflow`, `clip` and `clip-path` leave of an element.

/** Sides of a rectangle in pixels of the viewport. */
export interface Clip {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

export function intersection(one: Clip, other: Clip): Clip {
  return {
    left: Math.max(one.left, other.left), top: Math.max(one.top, other.top),
    right: Math.min(one.right, other.right), bottom: Math.min(one.bottom, other.bottom),
  };
}

export const isEmpty = (clip: Clip): boolean => clip.left >= clip.right || clip.top >= clip.bottom;

/** The computed properties that can cut an element away. */
export type CuttingStyle = Pick<CSSStyleDeclaration, "clip" | "clipPath" | "position">;

/** Tell whether `clip` or `clip-path` leaves nothing of an element and of what is in it, as for text meant for screen readers. */
export function isCutAway(style: CuttingStyle, box: { width: number; height: number }): boolean {
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- what is deprecated is still how text is hidden from sight
  const sides = /^rect\((.*)\)$/.exec(style.clip)?.[1]!.split(/,\s*/);
  if (sides && (style.position === "absolute" || style.position === "fixed")) {
    const [top, right, bottom, left] = sides.map(Number.parseFloat); // "auto" is no number, and compares as false
    if (top! >= bottom! || left! >= right!) return true;
  }
  if (/^circle\(0(px|%)/.test(style.clipPath)) return true;
  const inset = /^inset\(([^)]*?)(?: round .*)?\)$/.exec(style.clipPath)?.[1]!.split(" ");
  if (!inset) return false;
  const [top, right = top, bottom = top, left = right] = inset;
  const part = (side: string, whole: number): number =>
    side.endsWith("%") ? (Number.parseFloat(side) / 100) * whole : Number.parseFloat(side);
  return (
    part(top!, box.height) + part(bottom!, box.height) >= box.height || part(left!, box.width) + part(right!, box.width) >= box.width
  );
}
