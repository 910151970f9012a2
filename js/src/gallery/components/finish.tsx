import { useEffect, useRef, useState } from "preact/hooks";

import type { Decisions } from "../decisions/decisions";
import { decisionsFile, reviewText, countsText, countDecisions } from "../decisions/file";
import type { Run } from "../run";
import { Command } from "./command";
import { Dialog } from "./dialog";

/** Hands a file to the browser, which saves it as any download. */
function download(text: string, name: string) {
  const link = document.createElement("a");
  const address = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  link.href = address;
  link.download = name;
  link.click();
  URL.revokeObjectURL(address);
}

/** The way out of the page: a file for `widgetshot approve`, or the same as text. */
export function Finish({ open, onClose, run, decisions }: { open: boolean; onClose: () => void; run: Run; decisions: Decisions }) {
  const [said, setSaid] = useState("");
  const text = useRef<HTMLTextAreaElement>(null);
  const counts = countDecisions(run, decisions);
  const nothing = counts.accepted.length + counts.rejected.length === 0;
  useEffect(() => setSaid(""), [open]);

  function save() {
    download(decisionsFile(run, decisions), "decisions.json");
    setSaid("decisions.json was handed to your browser.");
  }
  async function copy() {
    const comment = reviewText(run, decisions);
    try {
      await navigator.clipboard.writeText(comment);
      setSaid("Copied: paste it into a comment.");
    } catch {
      // A browser may refuse the clipboard to a page from disk: leave the text selected for the person's own copy.
      text.current!.hidden = false;
      text.current!.value = comment;
      text.current!.select();
      setSaid("This browser keeps the clipboard to itself: the text is selected, copy it with Ctrl+C.");
    }
  }
  return (
    <Dialog open={open} onClose={onClose} title="Finish the review">
      <p class="tally">{countsText(counts)}</p>
      <label>Your name, counts with the decisions
        <input type="text" value={decisions.reviewer} autocomplete="name" onInput={(event) => decisions.rename(event.currentTarget.value)} />
      </label>
      <div class="buttons start">
        <button type="button" class="main" disabled={nothing} onClick={save}>Download decisions</button>
        <button type="button" disabled={nothing} onClick={() => void copy()}>Copy for a comment</button>
      </div>
      <textarea ref={text} hidden readOnly rows={6} aria-label="Decisions as text" />
      <p role="status" class="soft">{said}</p>
      {decisions.live ? <p>What you accepted is written already: <code>git add baselines</code> comes next.</p> : (
        <>
          <p>Where the run is, this applies them:</p>
          <Command text="widgetshot approve --decisions decisions.json" />
        </>
      )}
      <div class="buttons"><button type="button" onClick={onClose}>Close</button></div>
    </Dialog>
  );
}
