// The primitives of the calibration sheet: each is a box of one size that shows one thing that browsers draw in their own
// way. Its name is `kind/detail`; uses.ts finds out which kinds a picture has.

import { DRAWINGS } from "./drawings";
import { JPEG, PNG, WEBP } from "./pictures";

/**
 * Goes up by one whenever a primitive comes to show something else, or another one is added: sheets of two editions can't
 * be compared.
 */
export const EDITION = 1;

/** Of each box, in CSS pixels. */
export const BOX = { width: 120, height: 60 };

/** A primitive: its HTML, or what draws it on a canvas. */
export type Primitive = string | ((canvas: HTMLCanvasElement) => void);

const SANS = "'Noto Sans', sans-serif";
const SERIF = "'DejaVu Serif', serif";
const MONO = "'DejaVu Sans Mono', monospace";
const SIZES = [9, 11, 13, 16, 21];

/** Texts of one font in several sizes, one above the other where there is room. */
function sizes(font: string, text: string, style = ""): string {
  let top = 0;
  return SIZES.map((size) => {
    const line = `<div style="position:absolute;left:2px;top:${top}px;font:${size}px/1 ${font};white-space:nowrap;${style}">${text}</div>`;
    top += size * 0.83;
    return line;
  }).join("");
}

/** A word that begins at fractions of a pixel, across and down. */
function offsets(font: string): string {
  return [0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875]
    .map((part, row) => `<div style="position:absolute;left:${2 + part + (row % 2) * 58}px;top:${(row >> 1) * 14 + part}px;font:12px/1.1 ${font}">Aglow fij</div>`)
    .join("");
}

const block = (style: string, inner = "") => `<div style="position:absolute;left:10px;top:8px;width:46px;height:34px;box-sizing:border-box;${style}">${inner}</div>`;
const second = (style: string, inner = "") => `<div style="position:absolute;left:66.5px;top:10.25px;width:44px;height:32px;box-sizing:border-box;${style}">${inner}</div>`;
const both = (one: string, other: string, inner = "") => block(one, inner) + second(other, inner);
const ground = "background:linear-gradient(90deg,#e33 50%,#36c 50%);";
const svg = (inner: string) => `<svg width="120" height="60" viewBox="0 0 120 60" style="position:absolute;inset:0">${inner}</svg>`;
const image = (source: string, width: number, height: number, style = "") =>
  `<img src="${source}" alt="" style="width:${width}px;height:${height}px;margin:2px;${style}">`;
const line = (style: string, text = "Handgloves fi") => `<div style="font:14px/1.4 ${SANS};padding-left:3px;white-space:nowrap;${style}">${text}</div>`;

const CONTROLS = `<input type=checkbox checked><input type=checkbox><input type=radio checked><input type=radio disabled>
  <progress value=.4 style="width:40px"></progress><input type=range style="width:50px;margin:0"><meter value=.7 style="width:40px"></meter>`;
const FIELDS = `<button style="font:11px ${SANS}">Run</button><select style="font:11px ${SANS}"><option>One</select>
  <input value="x 1" style="width:30px;font:11px ${SANS}"><textarea style="width:34px;height:18px;font:10px ${MONO}">ab</textarea>
  <input type=color value="#3366cc" style="width:26px;height:16px">`;

const MARKUP: Record<string, string> = {
  // Which place and size everything has; a box of its own colour is all that is drawn.
  "boxes/fractions": [0.2, 0.4, 0.5, 0.6, 0.8]
    .map((part, row) => `<div style="position:absolute;left:${4 + part + row * 22}px;top:${5 + part}px;width:${13 + part}px;height:${20 + part}px;background:#359;border:${1 + part}px solid #c60"></div>`)
    .join("") + `<div style="position:absolute;left:4px;top:40.5px;width:110.5px;height:.5px;background:#000"></div>`,
  "boxes/colours": ["hsl(200 60% 45%)", "oklch(.7 .15 140)", "color-mix(in srgb,#e33 30%,#36c)", "color(display-p3 .8 .3 .2)", "lab(60 40 -30)", "hwb(40 20% 10%)"]
    .map((colour, index) => `<div style="position:absolute;left:${index * 20}px;top:0;width:20px;height:60px;background:${colour}"></div>`)
    .join(""),
  "boxes/table": `<table style="border-collapse:collapse;font:0/0 a;width:111px;height:50px"><tr><td style="border:1px solid #888;width:33%"><td style="border:2px solid #333"><td style="border:1px solid #888"><tr><td style="border:1px solid #888"><td style="border:1px solid #888"><td style="border:3px solid #36c"></table>`,
  "boxes/measures": `<div style="font:13px/1.3 ${SANS};color:transparent;width:116px"><span style="background:#36c">Words that wrap</span> <span style="background:#c63;font-family:${SERIF}">where they must</span> <code style="background:#393;font-family:${MONO}">and &amp; stay</code></div>`,
  "text/sans": sizes(SANS, "Handgloves 0123"),
  "text/sans-bold": sizes(SANS, "Handgloves 0123", "font-weight:700"),
  "text/sans-italic": sizes(SANS, "Handgloves 0123", "font-style:italic"),
  "text/sans-bold-italic": sizes(SANS, "Handgloves 0123", "font-style:italic;font-weight:700"),
  "text/serif": sizes(SERIF, "Handgloves 012"),
  "text/serif-bold": sizes(SERIF, "Handgloves 012", "font-weight:700"),
  "text/serif-italic": sizes(SERIF, "Handgloves 012", "font-style:italic"),
  "text/mono": sizes(MONO, "x += f(0, 1)"),
  "text/mono-bold": sizes(MONO, "x += f(0, 1)", "font-weight:700"),
  "text/mono-italic": sizes(MONO, "x += f(0, 1)", "font-style:italic"),
  "text/offsets-sans": offsets(SANS),
  "text/offsets-mono": offsets(MONO),
  "text/spacing": line("letter-spacing:.2px") + line("letter-spacing:-.3px;word-spacing:1.3px") + line("font-kerning:none;font-variant-ligatures:none", "AVATAR To ffi"),
  "text/on-dark": `<div style="background:#111;height:60px">${line("color:#fff")}${line("color:#9cf;font-size:11px")}${line("color:#bbb8")}</div>`,
  "text/large": `<div style="font:700 52px/60px ${SANS}">Rag&amp;</div>`,
  "text/layered": `<div style="will-change:transform;position:absolute;inset:3px">${line("")}${line(`font-family:${SERIF}`)}</div>`,
  "text/scripts": line("", "Ξένος Привет") + line("", "é ñ ǖ Å ſ ¼ ½") + line("", "→ ∑ ∫ ■ ● ✓ √ ∞"),
  "text/stroke": `<div style="font:700 30px/50px ${SERIF};-webkit-text-stroke:1px #36c;color:#fc3">Stroke</div>`,
  "text/lists": `<ul style="margin:0;padding-left:20px;font:12px/1.2 ${SANS}"><li>disc<li style="list-style:circle">circle<li style="list-style:square">square</ul>`,
  "decorations/lines": line("text-decoration:underline", "gypsy jogging") + line("text-decoration:line-through 2px #c33") + line("text-decoration:wavy underline #36c"),
  "decorations/dotted": line("text-decoration:dotted underline") + line("text-decoration:dashed overline 1.5px") + line("text-decoration:double underline"),
  "emoji/sizes": `<div style="font:14px/1.2 ${SANS}">😀 👍🏽 🎉 ⚠️ ❤️</div><div style="font:26px/1.2 ${SANS}">😀🚀👩‍💻</div>`,
  "curves/corners": both("border-radius:2px;background:#36c", "border-radius:8px 3px 12px 50%;background:#393"),
  "curves/ellipses": both("border-radius:50%;background:#c33", "border-radius:20px/9px;background:#639"),
  "curves/rings": both("border-radius:6px;border:1px solid #888", "border-radius:50%;border:3px solid #36c;outline:2px solid #fa0;outline-offset:2px"),
  "curves/mixed": both("border-radius:9px;border:4px solid;border-color:#c33 #36c #393 #fa0", "border-radius:5px;border-left:5px solid #36c;background:#eee"),
  "borders/dashed": both("border:1px dashed #333", "border:3px dashed #c33;border-radius:6px"),
  "borders/dotted": both("border:1px dotted #333", "border:4px dotted #36c"),
  "borders/relief": both("border:4px groove #69c", "border:5px outset #c96"),
  "borders/double": both("border:5px double #333", "border:3px inset #888"),
  "borders/corners": both("border:12px solid;border-color:#c33 #36c #393 #fa0", "width:0;height:0;border:16px solid transparent;border-left-color:#36c"),
  "gradients/linear": both("background:linear-gradient(#e33,#36c)", "background:linear-gradient(37deg,#fff,#000 30%,#fa0)"),
  "gradients/radial": both("background:radial-gradient(#fff,#36c)", "background:radial-gradient(circle at 30% 20%,#fa0,#c33 60%,#000)"),
  "gradients/conic": both("background:conic-gradient(#e33,#3c3,#36c,#e33)", "background:conic-gradient(from 40deg,#fff,#000)"),
  "gradients/repeating": both("background:repeating-linear-gradient(45deg,#fa0 0 4px,#036 4px 9px)", "background:repeating-radial-gradient(#fff 0 3px,#c33 5px)"),
  "gradients/alpha": both(`background:linear-gradient(90deg,#36c0,#36cf),#fd8`, "background:linear-gradient(in oklch,#36c8,#c338)"),
  "gradients/wide": `<div style="width:120px;height:60px;background:linear-gradient(90deg,#f7f7f7,#fefefe)"><div style="height:30px;background:linear-gradient(178deg,#1a1a1a,#222)"></div></div>`,
  "shadows/boxes": both("box-shadow:0 1px 2px #0006;background:#fff", "box-shadow:0 4px 10px 1px rgba(0,0,0,.35);background:#fff;border-radius:4px"),
  "shadows/wide": both("box-shadow:0 2px 4px -1px rgba(0,0,0,.2),0 4px 5px 0 rgba(0,0,0,.14),0 1px 10px 0 rgba(0,0,0,.12)", "box-shadow:0 0 18px 3px #36c;border-radius:50%"),
  "shadows/inner": both("box-shadow:inset 0 2px 4px #0008", "box-shadow:inset 0 0 9px 2px #c33;border-radius:8px"),
  "shadows/sharp": both("box-shadow:0 0 0 2px #fa0;border-radius:3px", "box-shadow:3px 3px 0 #0003,-2px -2px 1px #36c8"),
  "shadows/text": `<div style="font:700 22px/26px ${SANS};text-shadow:1px 1px 2px #0008">Shadow</div><div style="font:16px/22px ${SANS};color:#fff;text-shadow:0 0 5px #36c">Shadow</div>`,
  "filters/blur": both(`${ground}filter:blur(1.5px)`, `${ground}filter:blur(5px)`),
  "filters/colours": both(`${ground}filter:hue-rotate(40deg) saturate(1.6)`, `${ground}filter:grayscale(.6) contrast(1.3) brightness(.9)`),
  "filters/more": both(`${ground}filter:sepia(.7) invert(.2)`, "background:#fa0;border-radius:9px;filter:drop-shadow(2px 3px 2px #0007)"),
  "filters/behind": `<div style="position:absolute;inset:4px;${ground}"></div>${both("backdrop-filter:blur(3px);background:#fff4", "backdrop-filter:invert(.8)")}`,
  "opacity/groups": `<div style="position:absolute;inset:4px;${ground}"></div>${both("opacity:.5;background:#fff;border:4px solid #000", "opacity:.37;background:#393;color:#fff", "Ag")}`,
  "opacity/colours": `<div style="position:absolute;inset:4px;${ground}"></div>${both("background:rgba(255,255,255,.4)", "background:#0005;border:3px solid rgba(255,200,0,.6)")}`,
  "opacity/nested": `<div style="opacity:.7;position:absolute;inset:0">${both("background:#36c;opacity:.9", "background:#c336", `<b style="opacity:.38;font:13px ${SANS}">Ag</b>`)}</div>`,
  ...Object.fromEntries(
    [["multiply", "screen"], ["overlay", "difference"], ["soft-light", "luminosity"], ["color-dodge", "hue"]].map(([one, other]) => [
      `blending/${one!}`,
      `<div style="position:absolute;inset:4px;${ground}"></div>${both(`background:#c96;mix-blend-mode:${one!}`, `background:linear-gradient(#fa0,#06c);mix-blend-mode:${other!}`)}`,
    ]),
  ),
  "transforms/turned": both("background:#36c;transform:rotate(7deg)", "border:2px solid #c33;transform:rotate(-30deg) skewX(9deg)"),
  "transforms/scaled": both("background:#393;transform:scale(1.13,.87)", "border:1px solid #333;transform:translate(.3px,.7px) scale(.93)"),
  "transforms/depth": both("background:#36c;transform:perspective(90px) rotateY(38deg)", "background:#fa0;transform:perspective(120px) rotateX(25deg) rotateZ(4deg)"),
  "transforms/text": `${block("transform:rotate(-14deg)", line("", "Turned"))}${second("transform:scale(1.17)", line("", "Scale"))}`,
  "transforms/upright": `<div style="writing-mode:vertical-rl;font:13px/1.4 ${SANS};height:58px">Upright ab</div><div style="position:absolute;left:50px;top:8px;zoom:1.3;font:12px ${SANS};border:1px solid">Zoom</div>`,
  "clips/shapes": both(`${ground}clip-path:circle(40%)`, `${ground}clip-path:polygon(50% 0,100% 100%,0 70%)`),
  "clips/masks": both(`${ground}mask-image:linear-gradient(90deg,#000,#0000)`, `${ground}mask-image:radial-gradient(#000 40%,#0000 60%)`),
  "clips/rounded": block("border-radius:12px;overflow:hidden", `<div style="${ground}height:60px"></div>`) + second("border-radius:50%;overflow:hidden", `<div style="background:#c33;height:20px"></div>`),
  "svg/shapes": svg(`<circle cx="20" cy="20" r="14.3" fill="#36c"/><ellipse cx="60" cy="20" rx="20" ry="9" fill="none" stroke="#c33" stroke-width="1.5"/><path d="M85 8C110 0 90 50 115 40" fill="none" stroke="#393" stroke-width="2.3"/><polygon points="10,55 30,40 44,57" fill="#fa0"/><rect x="60.4" y="38.6" width="30" height="14" rx="3.5" fill="#639"/>`),
  "svg/strokes": svg(`<g fill="none" stroke="#333"><path d="M4 8L50 20L10 30" stroke-width="4" stroke-linejoin="round"/><path d="M60 6L110 18L66 28" stroke-width="5" stroke-linecap="round"/><path d="M4 40L116 44" stroke-dasharray="5 2.5"/><path d="M4 48.5H116" stroke-width=".7"/><path d="M4 55H116" shape-rendering="crispEdges"/></g>`),
  "svg/text": svg(`<text x="4.3" y="18" font-family="Noto Sans" font-size="13">Axis 0.25</text><text x="60" y="34" font-family="DejaVu Serif" font-size="15" text-anchor="middle" transform="rotate(-12 60 34)">label</text><text x="6" y="54" font-family="Noto Sans" font-size="11" fill="none" stroke="#36c" stroke-width=".6">outline</text>`),
  "svg/paints": svg(`<defs><linearGradient id="wsA"><stop stop-color="#e33"/><stop offset="1" stop-color="#36c" stop-opacity=".4"/></linearGradient><radialGradient id="wsB"><stop stop-color="#fff"/><stop offset="1" stop-color="#393"/></radialGradient><pattern id="wsC" width="7" height="7" patternUnits="userSpaceOnUse"><path d="M0 7L7 0" stroke="#c33"/></pattern></defs><rect x="4" y="6" width="34" height="44" fill="url(#wsA)"/><circle cx="60" cy="28" r="20" fill="url(#wsB)"/><rect x="84" y="6" width="32" height="44" fill="url(#wsC)"/>`),
  "svg/effects": svg(`<defs><filter id="wsD"><feGaussianBlur stdDeviation="2"/></filter><filter id="wsE"><feTurbulence baseFrequency=".2" numOctaves="2" seed="3"/></filter><clipPath id="wsF"><circle cx="100" cy="28" r="15"/></clipPath><mask id="wsG"><rect width="120" height="60" fill="url(#wsA)"/></mask></defs><rect x="8" y="12" width="24" height="30" fill="#36c" filter="url(#wsD)"/><rect x="42" y="8" width="34" height="40" filter="url(#wsE)"/><rect x="80" y="8" width="40" height="44" fill="#c96" clip-path="url(#wsF)"/><path d="M4 54H116" stroke="#000" stroke-width="4" opacity=".4"/>`),
  "controls/marks": CONTROLS,
  "controls/fields": FIELDS,
  "controls/dark-marks": `<div style="color-scheme:dark;background:#111;height:60px">${CONTROLS}</div>`,
  "controls/dark-fields": `<div style="color-scheme:dark;background:#111;height:60px">${FIELDS}</div>`,
  "controls/more": `<fieldset disabled style="margin:0;padding:2px;border:1px solid #aaa;font:11px ${SANS}"><button style="font:11px ${SANS}">Off</button><input type=range style="width:40px"></fieldset><details style="font:11px ${SANS}"><summary>More</summary></details><input type=checkbox checked style="accent-color:#c33"><input type=search value=q style="width:40px">`,
  "scrollbars/bars": `<div style="overflow:scroll;width:54px;height:50px;float:left"><div style="width:200px;height:200px;background:#eee"></div></div><div style="overflow:scroll;scrollbar-width:thin;scrollbar-color:#36c #ddd;width:54px;height:50px"><div style="width:200px;height:200px"></div></div>`,
  "images/png": image(PNG, 32, 24) + image(PNG, 51, 40) + image(PNG, 19, 13),
  "images/jpeg": image(JPEG, 32, 24) + image(JPEG, 47.5, 33.5) + image(JPEG, 15, 11),
  "images/webp": image(WEBP, 32, 24) + image(WEBP, 64, 48) + image(WEBP, 11, 9),
  "images/pixelated": image(PNG, 70, 52, "image-rendering:pixelated") + image(JPEG, 26, 40, "object-fit:cover"),
  "images/grounds": both(`background:url(${PNG}) 3.5px 2px/17px 11px`, `border:9px solid #000;border-image:url(${JPEG}) 6 round`),
};

/** By name, in the order of the sheet. */
export const PRIMITIVES: Readonly<Record<string, Primitive>> = { ...MARKUP, ...DRAWINGS };
