// The widget tree as plain JSON for the baseline's sidecar: names instead of ids, only what is not a default,
// so that the file is the same in every run and its diff can be read.

import type { WidgetModel } from "@jupyter-widgets/base";

/** Traits that say how a widget is transported or where it is focused, not what it shows. */
const HIDDEN = /^(_model_.*|_view_.*|_dom_classes|comm_id|msg_id|tabbable|_esm|_css|_anywidget_id)$/;
const LONGEST_TEXT = 400;

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Describe a widget and what it holds. */
export function describe(model: WidgetModel, seen = new Set<string>()): Json {
  if (seen.has(model.model_id)) return { widget: nameOf(model), again: true };
  seen.add(model.model_id);
  const description: { [key: string]: Json } = { widget: nameOf(model) };
  const defaults = model.defaults() as Record<string, unknown>;
  for (const trait of Object.keys(model.attributes).sort()) {
    if (HIDDEN.test(trait)) continue;
    const plain = plainly(model.attributes[trait], seen);
    // A layout or style all of whose traits are defaults says nothing.
    if (isBare(plain) || JSON.stringify(plain) === JSON.stringify(plainly(defaults[trait], seen))) continue;
    description[trait] = plain;
  }
  return description;
}

function nameOf(model: WidgetModel): string {
  return String(model.get("_model_name") ?? model.name ?? "Widget").replace(/Model$/, "");
}

function isBare(value: Json): boolean {
  return (
    value === null ||
    (typeof value === "object" && !Array.isArray(value) && "widget" in value && Object.keys(value).length === 1 &&
      /(Layout|Style)$/.test(String(value.widget)))
  );
}

function isWidget(value: object): value is WidgetModel {
  return "model_id" in value && "attributes" in value;
}

// Not `model.serialize`: front ends may fail at serializing what the kernel sent them.
function plainly(value: unknown, seen: Set<string>): Json {
  if (value === null || value === undefined) return null;
  if (typeof value === "string") {
    return value.length > LONGEST_TEXT ? `${value.slice(0, LONGEST_TEXT)}... (${value.length} characters)` : value;
  }
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (typeof value === "boolean") return value;
  if (Array.isArray(value)) return value.map((item) => plainly(item, seen));
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return `(${value.byteLength} bytes)`;
  if (value instanceof Date) return value.toISOString();
  if (typeof value !== "object") return String(value);
  if (isWidget(value)) return describe(value, seen);
  // Anything with a class of its own is a front end's working object, not state.
  if (Object.getPrototypeOf(value) !== Object.prototype) return `(${value.constructor?.name ?? "object"})`;
  const plain: { [key: string]: Json } = {};
  for (const key of Object.keys(value).sort()) plain[key] = plainly((value as Record<string, unknown>)[key], seen);
  return plain;
}
