import type { TargetedEvent, TargetedPointerEvent } from "preact";

/** Scroll positions of panes that nobody scrolled by hand. */
const put = new WeakMap<Element, readonly [number, number]>();

export function putAt(port: Element, left: number, top: number): void {
  port.scrollTo({ left, top, behavior: "instant" });
  put.set(port, [port.scrollLeft, port.scrollTop]);
}

/**
 * Panes of one result pan together. Events come a frame late: one of a pane that was put somewhere says nothing new,
 * and to follow it would take back what has happened to the pane under the pointer since.
 */
export function panTogether({ currentTarget: led }: TargetedEvent<HTMLElement>): void {
  const { scrollLeft, scrollTop } = led;
  const [left, top] = put.get(led) ?? [];
  if (left === scrollLeft && top === scrollTop) return;
  put.delete(led);
  for (const port of led.closest(".pictures")!.querySelectorAll(".port")) if (port !== led) putAt(port, scrollLeft, scrollTop);
}

/** Drags what is enlarged; the slider's own handle is not a way to drag the picture. */
export function drag(event: TargetedPointerEvent<HTMLElement>): void {
  const port = event.currentTarget;
  if (event.button || event.pointerType === "touch" || port.tabIndex < 0 || event.target instanceof HTMLInputElement) return;
  event.preventDefault();
  port.focus({ preventScroll: true });
  port.setPointerCapture(event.pointerId);
  const [x, y, left, top] = [event.clientX, event.clientY, port.scrollLeft, port.scrollTop];
  const move = (to: PointerEvent) => port.scrollTo(left + x - to.clientX, top + y - to.clientY);
  port.addEventListener("pointermove", move);
  port.addEventListener("lostpointercapture", () => port.removeEventListener("pointermove", move), { once: true });
}
