// How elements are drawn, for telling why two front ends draw them differently.

import type { ElementStyle, Font } from "./protocol";

const SAMPLE = "Hamburgefonstiv 0123456789";
/** Pixels. Of what is drawn this large, rounding is no part. */
const SAMPLE_SIZE = 100;
/** Names of fonts that a style sheet leaves to the browser. */
const GENERIC = /^(serif|sans-serif|monospace|cursive|fantasy|system-ui|ui-\w+(-\w+)?|math|emoji|fangsong|-apple-system|blinkmacsystemfont)$/i;
/** A font that has either of these widths is none of its own: what stands behind it in the list was drawn. */
const STAND_INS = ["monospace", "serif"];
/** What a browser may have taken where it was left to it, or where the system gives another font under the name of one that it lacks. */
const USUAL = ["Noto Sans", "DejaVu Sans", "Liberation Sans", "Roboto", "DejaVu Sans Mono", "Liberation Mono", "DejaVu Serif", "Noto Serif"];

const TOOLBAR = "[role='toolbar'], .bk-toolbar, .modebar, [class*='toolbar' i]";
const SIDES = ["top", "right", "bottom", "left"] as const;
const TRANSPARENT = /^(transparent|rgba\(.*, 0\)|color\(.* \/ 0\))$/;

/** Reads styles for one question of the camera: fonts may come and go between two of them. */
export class Styles {
  private readonly context = document.createElement("canvas").getContext("2d")!;
  private readonly widths = new Map<string, number>();
  private readonly drawn = new Map<string, string>();

  /** @param says whether it shows text of its own */
  of(element: Element, style: CSSStyleDeclaration, says: boolean): ElementStyle {
    return {
      font: says ? this.fontOf(style) : null,
      background: backgroundOf(element),
      border: sides((side) => {
        const width = style.getPropertyValue(`border-${side}-width`);
        const line = style.getPropertyValue(`border-${side}-style`);
        return line === "none" || width === "0px" ? "none" : `${width} ${line} ${style.getPropertyValue(`border-${side}-color`)}`;
      }, " / "),
      padding: sides((side) => style.getPropertyValue(`padding-${side}`), " "),
      part: partOf(element),
    };
  }

  private fontOf(style: CSSStyleDeclaration): Font {
    const family = this.familyOf(style.fontFamily);
    return {
      family,
      advance: this.width(quoted(family)),
      size: parseFloat(style.fontSize),
      weight: style.fontWeight,
      line: style.lineHeight,
      colour: style.color,
    };
  }

  /** The first of a list of fonts that the browser has, by the name of what it stands for as far as that is known. */
  private familyOf(list: string): string {
    let family = this.drawn.get(list);
    if (family === undefined) {
      family = this.firstOf(namesIn(list));
      this.drawn.set(list, family);
    }
    return family;
  }

  private firstOf(names: string[]): string {
    const drawn = names.find((name) => GENERIC.test(name) || this.has(name)) ?? names[0] ?? "";
    return USUAL.find((usual) => this.has(usual) && this.width(quoted(usual)) === this.width(quoted(drawn))) ?? drawn;
  }

  private has(name: string): boolean {
    return STAND_INS.some((other) => this.width(`${quoted(name)}, ${other}`) !== this.width(other));
  }

  private width(font: string): number {
    let width = this.widths.get(font);
    if (width === undefined) {
      this.context.font = `${SAMPLE_SIZE}px ${font}`;
      ({ width } = this.context.measureText(SAMPLE));
      this.widths.set(font, width);
    }
    return width;
  }
}

const namesIn = (list: string): string[] =>
  [...list.matchAll(/\s*("[^"]*"|'[^']*'|[^,]+)\s*(?:,|$)/g)].map(([, name]) => name!.trim().replace(/^["']|["']$/g, ""));

const quoted = (name: string): string => (GENERIC.test(name) ? name : `"${name.replaceAll('"', "")}"`);

/** A value of each side, as short as it can be said. */
function sides(of: (side: string) => string, between: string): string {
  const [top, ...rest] = SIDES.map(of) as [string, ...string[]];
  return rest.every((side) => side === top) ? top : [top, ...rest].join(between);
}

/** The colour that an element stands on: its own, or that of what it stands in. */
function backgroundOf(element: Element): string {
  for (let one: Element | null = element; one; one = one.parentElement ?? hostOf(one)) {
    const style = getComputedStyle(one);
    if (style.backgroundImage !== "none") return "a picture";
    if (!TRANSPARENT.test(style.backgroundColor)) return style.backgroundColor;
  }
  return "rgb(255, 255, 255)";
}

const hostOf = (element: Element): Element | null => {
  const root = element.getRootNode();
  return root instanceof ShadowRoot ? root.host : null;
};

/** What a person would call the part of a widget that an element belongs to; "" where there is no word for it. */
function partOf(element: Element): string {
  for (let one: Element | null = element; one; one = hostOf(one)) if (one.closest(TOOLBAR)) return "toolbar";
  return "";
}
