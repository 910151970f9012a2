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
  // Escape closes it by way of the page's state, in the same moment: a key behind it may open the dialog again, which
  // the browser's word that it has closed, coming later, must not undo.
  function cancel(event: Event) {
    if (event.target !== dialog.current) return;
    event.preventDefault();
    onClose();
  }
  return (
    <dialog ref={dialog} class={wide ? "wide" : ""} aria-label={title} onCancel={cancel}
      onClose={() => open && !dialog.current!.open && onClose()}
      onClick={(event) => event.target === dialog.current && onClose()}>
      {open && <div class="inner"><h2>{title}</h2>{children}</div>}
    </dialog>
  );
}
