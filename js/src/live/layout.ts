// What is visible and where, in the words of somebody who points at it: `button 'Run'`, `row 'a 1'`, `slider`.

/** Left, top, width and height in page coordinates. */
export interface Place {
  name: string;
  depth: number;
  box: [number, number, number, number];
}

const LONGEST_TEXT = 40;
/** A page of a thousand rows is described by its first ones; the picture shows the rest. */
const MOST = 400;

const TAGS: Record<string, string> = {
  a: "link", button: "button", canvas: "drawing", hr: "line", iframe: "frame", img: "image", select: "menu",
  svg: "drawing", table: "table", textarea: "field", tr: "row", video: "video",
};
const CLASSES: [RegExp, string][] = [
  [/\bnoUi-handle\b/, "handle"],
  [/\bprogress-bar\b/, "bar"],
  [/\bwidget-(h|v)?progress\b/, "progress"],
  [/\bwidget-(h|v)slider\b/, "slider"],
  [/\bwidget-readout\b/, "readout"],
  [/\bwidget-toggle-buttons\b/, "buttons"],
  [/\bwidget-(tab|accordion|stack|dropdown|select|checkbox|radio-buttons|colorpicker|datepicker|upload)\b/, ""],
  [/\bjupyter-widget-(tab|accordion)\b/, ""],
  [/\b(lm|p)-TabBar-tab\b/, "tab"],
  [/\bwidget-gridbox\b/, "grid"],
  [/\bwidget-hbox\b/, "horizontal box"],
  [/\bwidget-(vbox|box)\b/, "box"],
];
const INPUTS: Record<string, string> = { checkbox: "checkbox", radio: "radio button", range: "slider", button: "button", submit: "button" };

function kindOf(element: Element): string {
  const tag = element.localName;
  if (tag === "input") return INPUTS[(element as HTMLInputElement).type] ?? "field";
  if (tag in TAGS) return TAGS[tag]!;
  const classes = element.getAttribute("class") ?? "";
  for (const [pattern, kind] of CLASSES) {
    const found = pattern.exec(classes);
    if (found) return kind || found[1]!.replaceAll("-", " ");
  }
  return ownText(element) && !element.closest("tr") ? "text" : "";
}

function ownText(element: Element): string {
  let text = "";
  for (const node of element.childNodes) if (node.nodeType === Node.TEXT_NODE) text += node.nodeValue;
  return text.trim();
}

/** What the element says: a button's or row's whole text, everything else's own. */
function textOf(element: Element, kind: string): string {
  const whole = kind === "button" || kind === "row" || kind === "link" || kind === "tab";
  const text =
    kind === "image" ? (element as HTMLImageElement).alt
    : kind === "menu" ? ((element as HTMLSelectElement).selectedOptions[0]?.text ?? "")
    // Sidecars are committed: what is typed in secret stays out of them.
    : kind === "field" ? ((element as HTMLInputElement).type === "password" ? "" : (element as HTMLInputElement).value)
    : whole ? ((element as HTMLElement).innerText ?? "")
    : kind === "text" || kind === "readout" ? ownText(element)
    : "";
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > LONGEST_TEXT ? `${line.slice(0, LONGEST_TEXT - 1)}…` : line;
}

/** The visible elements inside `scope` that have a name, parents before children. */
export function layout(scope: Element): Place[] {
  const found: Place[] = [];
  const visit = (element: Element, depth: number): void => {
    if (found.length >= MOST) return;
    if (!element.checkVisibility({ visibilityProperty: true, opacityProperty: true })) {
      // A hidden parent may have a visible child; one that is not laid out has none.
      if (getComputedStyle(element).display === "none") return;
    } else {
      const box = element.getBoundingClientRect();
      const kind = box.width && box.height ? kindOf(element) : "";
      if (kind) {
        const text = textOf(element, kind);
        found.push({
          name: text ? `${kind} '${text}'` : kind,
          depth,
          box: [box.x + scrollX, box.y + scrollY, box.width, box.height],
        });
        depth += 1;
        if (kind === "drawing" || kind === "button" || kind === "menu") return;
      }
    }
    for (const child of element.children) visit(child, depth);
  };
  for (const child of scope.children) visit(child, 0);
  return found;
}
