// Which characters of a picture no font has. A browser draws the same box for each, its fonts' glyph for what is missing;
// so what it draws for a character is compared with what it draws for one that no font can have.

import { isCutAway } from "./clip";
import type { Rect } from "./protocol";

/** Every font of ours has what is below. */
const BEYOND_LATIN_1 = /[^\u0000-\u00ff]/;
/**
 * Spaces, controls, joiners and variation selectors, which show nothing; marks and skin tones, which are drawn as one with
 * what they stand behind.
 */
const NEVER_ALONE = /[\p{Z}\p{Cc}\p{Cf}\p{Cs}\p{M}\p{Default_Ignorable_Code_Point}\p{Emoji_Modifier}]/u;
/** It will never be a character. */
const NONCHARACTER = "\u{10ffff}";
/** Their text is not drawn, or is what is written into them. */
const UNREAD = /^(script|style|noscript|template|textarea|option|optgroup)$/;
/** Inputs that show no text of the page's, or hide it. */
const TEXTLESS = /^(password|hidden|checkbox|radio|range|color|file|image)$/;

/** As many characters, each in the font of its element, are looked up at a time. */
const MAX_LOOKUPS = 500;
/** As much text of a picture is read, in UTF-16 units; each piece, whose style has to be found out, counts as some more. */
const MAX_TEXT = 200_000;
const PIECE = 200;

/** Pixels. The glyphs that a font has do not depend on its size. */
const FONT_SIZE = 32;
const CANVAS = { width: 3 * FONT_SIZE, height: 2 * FONT_SIZE };

/** A font with those that stand in for it, and what is known of it. */
interface Font {
  /** What is drawn for a character that it lacks. */
  extent: string;
  pixels: Uint32Array;
  /** Character -> whether it lacks it. */
  lacks: Map<string, boolean>;
}

/** Finds characters without a glyph, for one question of the camera: fonts may come and go between two of them. */
export class MissingGlyphs {
  /** By what a canvas calls them. */
  private readonly fonts = new Map<string, Font>();
  private readonly cut = new Map<Element, boolean>();
  private context: CanvasRenderingContext2D | null | undefined;
  private lookups = MAX_LOOKUPS;

  /**
   * List the characters of the visible text in an element that are drawn as a box, in the order of the page.
   *
   * Texts in open shadow roots, form fields and SVG are read; those of frames, canvases and style sheets are not.
   *
   * @param covers what is not compared
   */
  in(scope: Element, covers: readonly Rect[]): string[] {
    const found = new Set<string>();
    let left = MAX_TEXT;
    for (const [node, whole] of textsIn(scope)) {
      if (left <= 0) break;
      const text = whole.slice(0, left);
      left -= text.length + PIECE;
      // As shaping does it: a font may have a syllable of Hangul, and not its parts.
      const characters = [...new Set(text.normalize())].filter((one) => BEYOND_LATIN_1.test(one) && !NEVER_ALONE.test(one));
      if (!characters.length) continue;
      const element = node instanceof Element ? node : (node.parentElement ?? (node.getRootNode() as ShadowRoot).host);
      const { fontFamily, fontStyle, fontWeight } = getComputedStyle(element);
      const css = `${fontStyle === "normal" ? "" : "italic "}${fontWeight} ${FONT_SIZE}px ${fontFamily}`;
      const missing = characters.filter((character) => !found.has(character) && this.lacks(css, character));
      if (missing.length && this.isVisible(node, element, covers)) for (const character of missing) found.add(character);
    }
    return [...found];
  }

  private isVisible(node: Node, element: Element, covers: readonly Rect[]): boolean {
    if (!element.checkVisibility({ visibilityProperty: true, opacityProperty: true }) || this.isCut(element)) return false;
    let boxes = [element.getBoundingClientRect()];
    if (node !== element) {
      const range = document.createRange();
      range.selectNodeContents(node);
      boxes = [...range.getClientRects()];
    }
    return boxes.some(({ x, y, width, height }) => {
      const left = x + scrollX;
      const top = y + scrollY;
      const inside = (cover: Rect): boolean =>
        cover.x <= left && cover.y <= top && left + width <= cover.x + cover.width && top + height <= cover.y + cover.height;
      // Nothing can be seen to the left of the page or above it.
      return width > 0 && height > 0 && left + width > 0 && top + height > 0 && !covers.some(inside);
    });
  }

  /** Tell whether an element, or what it stands in, is cut away, as formulas are that only screen readers read. */
  private isCut(element: Element): boolean {
    let cut = this.cut.get(element);
    if (cut === undefined) {
      const root = element.getRootNode();
      const outer = element.assignedSlot ?? element.parentElement ?? (root instanceof ShadowRoot ? root.host : null);
      cut = isCutAway(getComputedStyle(element), element.getBoundingClientRect()) || (outer !== null && this.isCut(outer));
      this.cut.set(element, cut);
    }
    return cut;
  }

  /** Tell whether a character is drawn as what is missing; one that is not looked up any more counts as being there. */
  private lacks(css: string, character: string): boolean {
    const known = this.fonts.get(css)?.lacks.get(character);
    if (known !== undefined || this.lookups <= 0) return known ?? false;
    this.lookups -= 1;
    // The canvas is in no document, so that nothing of the page changes.
    this.context ??= Object.assign(document.createElement("canvas"), CANVAS).getContext("2d", { willReadFrequently: true });
    const { context } = this;
    if (!context) return false;
    context.font = css;
    let font = this.fonts.get(css);
    if (!font) {
      font = { extent: extentOf(context, NONCHARACTER), pixels: pixelsOf(context, NONCHARACTER), lacks: new Map<string, boolean>() };
      this.fonts.set(css, font);
    }
    let lacks = extentOf(context, character) === font.extent;
    if (lacks) {
      const { pixels } = font;
      lacks = pixelsOf(context, character).every((pixel, index) => pixel === pixels[index]);
    }
    font.lacks.set(character, lacks);
    return lacks;
  }
}

function extentOf(context: CanvasRenderingContext2D, text: string): string {
  const box = context.measureText(text);
  return [box.width, box.actualBoundingBoxLeft, box.actualBoundingBoxRight, box.actualBoundingBoxAscent, box.actualBoundingBoxDescent].join();
}

function pixelsOf(context: CanvasRenderingContext2D, text: string): Uint32Array {
  context.clearRect(0, 0, CANVAS.width, CANVAS.height);
  context.fillText(text, FONT_SIZE / 2, 1.5 * FONT_SIZE);
  return new Uint32Array(context.getImageData(0, 0, CANVAS.width, CANVAS.height).data.buffer);
}

/** Yield the texts of an element that have more than Latin-1, each with the node or the field that shows it. */
function* textsIn(root: Element | ShadowRoot): Generator<[node: Element | Text, text: string]> {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
  for (let node: Node | null = root; node; node = walker.nextNode()) {
    if (node instanceof Text) {
      if (BEYOND_LATIN_1.test(node.data) && !UNREAD.test(node.parentElement?.localName ?? "")) yield [node, node.data];
    } else if (node instanceof Element) {
      const text = fieldText(node);
      if (BEYOND_LATIN_1.test(text)) yield [node, text];
      if (node.shadowRoot) yield* textsIn(node.shadowRoot);
    }
  }
}

/** The text that a form field shows; "" for other elements. */
function fieldText(element: Element): string {
  if (element instanceof HTMLSelectElement) {
    const shown = element.size > 1 || element.multiple ? [...element.options] : [...element.selectedOptions];
    return shown.map(({ label }) => label).join("\n");
  }
  if (element instanceof HTMLTextAreaElement) return element.value || element.placeholder;
  if (!(element instanceof HTMLInputElement) || TEXTLESS.test(element.type)) return "";
  return element.value || element.placeholder;
}
