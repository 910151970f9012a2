import { useLayoutEffect, useRef } from "preact/hooks";

export type Actions = Record<string, () => void>;

function isTyping(target: EventTarget | null): boolean {
  const field =
    (target instanceof HTMLInputElement && target.type !== "range") || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
  // A field of a dialog that has just been closed keeps the keyboard until the next frame.
  return field && !target.closest("dialog");
}

/** Do what a key stands for, unless it is typed into a field or meant for a dialog. */
export function useKeys(actions: Actions): void {
  const latest = useRef(actions);
  latest.current = actions;
  // Before the page is seen: whoever sees it may type.
  useLayoutEffect(() => {
    function press(event: KeyboardEvent) {
      if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]") || isTyping(event.target)) return;
      if (!Object.hasOwn(latest.current, event.key)) return;
      event.preventDefault();
      latest.current[event.key]!();
    }
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, []);
}
