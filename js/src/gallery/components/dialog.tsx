import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

export function Dialog({ open, onClose, title, wide, children }: {
  open: boolean; onClose: () => void; title: string; wide?: boolean; children: ComponentChildren;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  // At once: keys typed behind the one that opens it are meant for the dialog.
  useLayoutEffect(() => {
    if (open && !dialog.current!.open) {
      dialog.current!.showModal();
      dialog.current!.querySelector<HTMLElement>("[data-first]")?.focus();
    }
    if (!open) dialog.current!.close();
  }, [open]);
  return (
    <dialog ref={dialog} class={wide ? "wide" : ""} aria-label={title} onClose={onClose}
      onClick={(event) => event.target === dialog.current && onClose()}>
      {open && <div class="inner"><h2>{title}</h2>{children}</div>}
    </dialog>
  );
}
