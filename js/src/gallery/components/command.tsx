import { useRef, useState } from "preact/hooks";

import { visible } from "../model/text";

/** A command as it is typed, and a button that copies it unchanged. */
export function Command({ text }: { text: string }) {
  const [said, setSaid] = useState("Copy");
  const code = useRef<HTMLElement>(null);
  async function copy() {
    try {
      await navigator.clipboard.writeText(text);
      setSaid("Copied");
    } catch {
      // A browser may refuse the clipboard to a page from disk: leave the text selected for the person's own copy.
      getSelection()?.selectAllChildren(code.current!);
      setSaid("Selected");
    }
    setTimeout(() => setSaid("Copy"), 2000);
  }
  return (
    <div class="command">
      <code ref={code} tabIndex={0}>{visible(text)}</code>
      <button type="button" onClick={() => void copy()} aria-label={`${said} command`}>{said}</button>
      <span class="hidden" role="status">{said === "Copy" ? "" : said}</span>
    </div>
  );
}
