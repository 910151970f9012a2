// Which kinds of primitives a picture of a page has, as far as its elements' computed styles tell.
//
// It is about what could be drawn in another way, so whatever is not known for certain counts as all of them: null.

/** In CSS pixels, from the page's top left corner. */
interface Area {
  x: number;
  y: number;
  width: number;
  height: number;
}

const MAX_ELEMENTS = 20_000;
/** What is drawn by something else than styles, or in a document of its own. */
const OPAQUE = /^(iframe|frame|object|embed|video|audio|math|portal|fencedframe)$/;
const CONTROLS = /^(input|button|select|textarea|progress|meter|details|summary|fieldset)$/;
const VECTOR = /\.svgz?([?#]|$)|^data:image\/svg|image\/svg/i;
const PIXELS = /-?[\d.]+px/g;
const EMOJI = /\p{Extended_Pictographic}|\p{Regional_Indicator}/u;
const SIDES = ["Top", "Right", "Bottom", "Left"] as const;
const PLAIN = /^(none|hidden|solid)$/;
/** Of a computed colour that lets something through, but not everything. */
const ALPHA = /(?:rgba\(.*, |\/ )(0?\.\d+|\d*\.?\d+e-\d+)\)/;

class Unsure extends Error {}

/** The kinds that one picture has; a single primitive of a kind by its whole name. */
class Uses {
  readonly kinds = new Set<string>(["boxes"]);

  add(kind: string, when: boolean): void {
    if (when) this.kinds.add(kind);
  }

  /** What the styles of an element, or of what stands before or behind it, let be drawn. */
  style(style: CSSStyleDeclaration): void {
    const sides = SIDES.map((side) => [style[`border${side}Style`], style[`border${side}Width`], style[`border${side}Color`]] as const);
    const drawn = sides.filter(([kind, width]) => kind !== "none" && kind !== "hidden" && width !== "0px");
    // Of two colours or widths the corners are cut at a slant.
    const uneven = new Set(drawn.map((side) => side.join())).size > 1;
    this.add("borders", uneven || drawn.some(([kind]) => kind !== "solid") || !PLAIN.test(style.outlineStyle) || !PLAIN.test(style.columnRuleStyle));
    const corners = [style.borderTopLeftRadius, style.borderTopRightRadius, style.borderBottomLeftRadius, style.borderBottomRightRadius];
    const round = corners.some((corner) => !/^0(px|%)?( 0(px|%)?)?$/.test(corner));
    this.add("curves", round);
    // Of this kind it is the one primitive.
    this.add("clips/rounded", round && style.overflow !== "visible");
    this.add("shadows", style.boxShadow !== "none" || style.textShadow !== "none" || /drop-shadow/.test(style.filter));
    this.add("filters", style.filter !== "none" || (style.backdropFilter || "none") !== "none");
    this.add("opacity", style.opacity !== "1" || [style.color, style.backgroundColor, style.outlineColor, style.boxShadow, ...drawn.map((side) => side[2])].some((colour) => ALPHA.test(colour)));
    this.add("blending", style.mixBlendMode !== "normal" || /[^normal, ]/.test(style.backgroundBlendMode));
    this.add("transforms", [style.transform, style.rotate, style.scale, style.translate, style.perspective, style.offsetPath].some((value) => (value || "none") !== "none"));
    this.add("transforms", Number(style.zoom || 1) !== 1 || (style.writingMode || "horizontal-tb") !== "horizontal-tb");
    this.add("clips", (style.clipPath || "none") !== "none" || (style.maskImage || "none") !== "none");
    this.add("text", style.display === "list-item" && (style.listStyleType !== "none" || style.listStyleImage !== "none"));
    this.add("scrollbars", /scroll|auto/.test(style.overflow));
    this.add("decorations", (style.textDecorationLine || "none") !== "none");
    for (const image of [style.backgroundImage, style.maskImage, style.borderImageSource, style.listStyleImage, style.content]) this.image(image || "none");
  }

  private image(value: string): void {
    if (value === "none" || value === "normal") return;
    this.add("gradients", value.includes("gradient("));
    if (VECTOR.test(value)) throw new Unsure();
    this.add("images", /url\(|image-set\(|element\(|cross-fade\(/.test(value));
    if (/paint\(|element\(/.test(value)) throw new Unsure();
  }

  text(text: string): void {
    if (!text.trim()) return;
    this.kinds.add("text");
    this.add("emoji", EMOJI.test(text));
  }

  element(element: Element, style: CSSStyleDeclaration): void {
    const tag = element.localName;
    // A custom element that nobody sees into may hold anything.
    if (OPAQUE.test(tag) || (tag.includes("-") && customElements.get(tag) && !element.shadowRoot)) throw new Unsure();
    if (element.namespaceURI === "http://www.w3.org/2000/svg") {
      if (/^(foreignObject|image|feImage)$/.test(tag)) throw new Unsure();
      this.kinds.add("svg");
      for (const paint of [style.fill, style.stroke]) this.add("gradients", paint.startsWith("url("));
    }
    if (tag === "canvas") {
      this.kinds.add("canvas");
      this.kinds.add("webgl");
    }
    if (element instanceof HTMLImageElement) {
      this.kinds.add("images");
      if (VECTOR.test(element.currentSrc) || !/^data:image\/(png|jpe?g|webp|gif)|\.(png|jpe?g|webp|gif)([?#]|$)/i.test(element.currentSrc)) throw new Unsure();
      if (element.alt) this.text(element.alt);
    }
    if (CONTROLS.test(tag)) this.control(element, style);
  }

  private control(element: Element, style: CSSStyleDeclaration): void {
    if (element instanceof HTMLInputElement && element.type === "hidden") return;
    // What a browser draws itself has parts whose styles it does not tell.
    const plain = /^(button|fieldset)$/.test(element.localName) && style.appearance === "none";
    for (const kind of plain ? [] : ["controls", "curves"]) this.kinds.add(kind);
    if (element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement || element instanceof HTMLSelectElement) {
      this.kinds.add("text");
      this.text(element.value);
      if ("placeholder" in element) this.text(element.placeholder);
      this.pseudo(element, ["::placeholder"]);
    }
  }

  /** What stands before and behind an element, or in the middle of one that the browser draws. */
  pseudo(element: Element, names = ["::before", "::after"]): void {
    for (const name of names) {
      const style = getComputedStyle(element, name);
      if (name !== "::placeholder" && (style.content === "none" || style.content === "normal")) continue;
      this.style(style);
      this.text(style.content.replace(/^"|"$/g, "") || "");
    }
  }
}

/**
 * List the kinds of primitives that are drawn in a part of the page, of some kinds the one primitive; null where that is not known for certain.
 *
 * Open shadow roots are looked into; frames and closed ones can't be.
 *
 * @param area what the picture shows; null for the whole page
 */
export function usesIn(area: Area | null): string[] | null {
  const uses = new Uses();
  let seen = 0;
  const visit = (element: Element): boolean => {
    if (++seen > MAX_ELEMENTS) throw new Unsure();
    const style = getComputedStyle(element);
    if (style.display === "none") return false;
    const reached = reaches(element, style, area);
    // Where these are is not told.
    uses.pseudo(element);
    if (reached) {
      uses.element(element, style);
      for (const node of (element.shadowRoot ?? element).childNodes) if (node.nodeType === Node.TEXT_NODE) uses.text(node.nodeValue ?? "");
    }
    // What was given to slots, too.
    const children = [...(element.shadowRoot?.children ?? []), ...element.children];
    const within = children.map(visit).includes(true);
    // What an element does to all that is in it, wherever that is.
    if (reached || within) uses.style(style);
    return reached || within;
  };
  try {
    visit(document.documentElement);
  } catch (error) {
    if (error instanceof Unsure) return null;
    throw error;
  }
  return [...uses.kinds].sort();
}

/** Whether an element may draw into an area: its box and what shadows, blur and outlines add to it. */
function reaches(element: Element, style: CSSStyleDeclaration, area: Area | null): boolean {
  if (!area) return true;
  const box = element.getBoundingClientRect();
  // What is laid out without a box of its own (`display: contents`) still styles its text.
  if (style.display === "contents") return true;
  const texts = [...(element.shadowRoot ?? element).childNodes].some((node) => node.nodeType === Node.TEXT_NODE);
  const told = [style.boxShadow, style.textShadow, style.filter, style.outlineWidth, style.outlineOffset, style.textIndent, style.textUnderlineOffset];
  const lengths = told.flatMap((value) => value.match(PIXELS) ?? []);
  // A blur is seen as far as three times its standard deviation.
  const reach = (texts ? parseFloat(style.fontSize) : 0) + 3 * lengths.reduce((sum, length) => sum + Math.abs(parseFloat(length)), 0);
  const [left, top] = [box.left + scrollX, box.top + scrollY];
  // What does not fit into a box is drawn beyond it.
  const [width, height] = [Math.max(box.width, element.scrollWidth), Math.max(box.height, element.scrollHeight)];
  return meet(left - reach, left + width + reach, area.x, area.x + area.width) && meet(top - reach, top + height + reach, area.y, area.y + area.height);
}

/** Whether two spans share a pixel. */
const meet = (from: number, to: number, otherFrom: number, otherTo: number) => Math.floor(from) < Math.ceil(otherTo) && Math.floor(otherFrom) < Math.ceil(to);
