import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

import { decisionsFile, DO, type Decisions, type Seen, type Word } from "./decisions";
import { Command, Icon } from "./facts";
import { parts } from "./list";
import { Thumb } from "./pictures";
import { count, visible, type Result, type Run } from "./run";
import { MODES } from "./view";

const KEYS: [keys: string[], what: string][] = [
  [["j", "k"], "next, previous result"],
  [["a"], "accept"],
  [["r"], "reject"],
  [["s"], "skip"],
  [["u"], "undo the last decision"],
  [["A", "R"], "accept, reject all with the same change"],
  [["c"], "comment"],
  [["d"], "finish: download or copy the decisions"],
  [["1", "6"], Object.values(MODES).join(", ").toLowerCase()],
  [["[", "]"], "previous, next region of change"],
  [["+", "-", "0"], "zoom in, out, fit"],
  [["b", "x"], "blink: pause, swap"],
  [["i"], "inspect a pixel: arrows move, Shift by ten"],
  [["o", "m"], "outlines of regions, masks"],
  [["/"], "search"],
  [["?"], "this help"],
];

/** Thumbnails in one dialog; a page of all of a thousand would say no more. */
const THUMBS = 60;

function Dialog({ open, onClose, title, wide, children }: {
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

export function Help({ open, onClose }: { open: boolean; onClose: () => void }) {
  return (
    <Dialog open={open} onClose={onClose} title="Keys">
      <dl class="keys">
        {KEYS.map(([keys, what]) => (
          <div>
            <dt>{keys.map((key, i) => <>{i > 0 && (key === "6" ? " to " : " ")}<kbd>{key}</kbd></>)}</dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <p class="soft">After a decision the next undecided picture is shown; how you look at it stays.</p>
      <div class="buttons"><button type="button" onClick={onClose}>Close</button></div>
    </Dialog>
  );
}

export interface Question {
  verdict: "accept" | "reject";
  results: Result[];
  /** The decisions on them when the question was asked. */
  seen: Seen;
  /** What they have in common, in words. */
  what: string;
}


/** Shows all that one keystroke would decide, and asks. */
export function Confirm({ question, onClose, onYes }: { question: Question | null; onClose: () => void; onYes: (question: Question) => void }) {
  const n = question?.results.length ?? 0;
  const title = question ? `${DO[question.verdict]} ${count(n, "picture")}?` : "";
  return (
    <Dialog open={question !== null} onClose={onClose} title={title} wide>
      {question && (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            onYes(question);
          }}
        >
          <p class="soft">{question.what}</p>
          <ul class="thumbs">
            {question.results.slice(0, THUMBS).map((result) => {
              const [path, shot] = parts(result);
              return <li key={result.key}><Thumb result={result} /><bdi>{visible(shot)}</bdi><bdi class="path">{visible(path)}</bdi></li>;
            })}
          </ul>
          {n > THUMBS && <p>and {n - THUMBS} more</p>}
          <div class="buttons">
            <button type="button" onClick={onClose}>Cancel</button>
            <button type="submit" class={question.verdict} data-first><Icon shape={question.verdict} /> {DO[question.verdict]} {n}</button>
          </div>
        </form>
      )}
    </Dialog>
  );
}

/** The way out of the page: a file for `widgetshot approve`, or the same as text. */
export function Finish({ open, onClose, run, decisions }: { open: boolean; onClose: () => void; run: Run; decisions: Decisions }) {
  const [said, setSaid] = useState("");
  const text = useRef<HTMLTextAreaElement>(null);
  const file = open ? decisionsFile(run, decisions) : "";
  const of = (verdict: Word) => run.tests.filter(({ key }) => decisions.get(key)?.verdict === verdict);
  const [accepted, rejected] = [of("accept"), of("reject")];
  const left = run.tests.filter((result) => result.status === "failed" && (decisions.get(result.key)?.verdict ?? "skip") === "skip").length;
  const told = [`${accepted.length} accepted`, `${rejected.length} rejected`, `${left} left undecided`].join(", ");
  useEffect(() => setSaid(""), [open]);

  /** For a pull request: a line a person reads, then what `approve` reads. */
  function comment(): string {
    const lines = rejected.filter(({ key }) => decisions.comment(key)).map((result) =>
      `- ${code(result.name)}: ${code(decisions.comment(result.key).replace(/\s+/g, " "))}`);
    const fence = "`".repeat(Math.max(3, ...[...file.matchAll(/`+/g)].map(([run]) => run.length + 1)));
    return [`widgetshot review of ${code(run.id)}: ${told}.`, ...lines, "", `${fence}json`, file.trimEnd(), fence, ""].join("\n");
  }
  function download() {
    const link = document.createElement("a");
    const address = URL.createObjectURL(new Blob([file], { type: "application/json" }));
    link.href = address;
    link.download = "decisions.json";
    link.click();
    URL.revokeObjectURL(address);
    setSaid("decisions.json was handed to your browser.");
  }
  async function copy() {
    try {
      await navigator.clipboard.writeText(comment());
      setSaid("Copied: paste it into a comment.");
    } catch {
      // A browser may refuse the clipboard to a page from disk: leave the text selected for the person's own copy.
      text.current!.hidden = false;
      text.current!.value = comment();
      text.current!.select();
      setSaid("This browser keeps the clipboard to itself: the text is selected, copy it with Ctrl+C.");
    }
  }
  return (
    <Dialog open={open} onClose={onClose} title="Finish the review">
      <p class="tally">{told}</p>
      <label>Your name, told with the decisions
        <input type="text" value={decisions.reviewer} autocomplete="name" onInput={(event) => (decisions.reviewer = event.currentTarget.value)} />
      </label>
      <div class="buttons start">
        <button type="button" class="main" disabled={accepted.length + rejected.length === 0} onClick={download}>Download decisions</button>
        <button type="button" disabled={accepted.length + rejected.length === 0} onClick={() => void copy()}>Copy for a comment</button>
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

/** Markdown code of one line, whatever the text holds; a comment must not speak to others in a notebook's name. */
function code(text: string): string {
  const ticks = "`".repeat(Math.max(1, ...[...text.matchAll(/`+/g)].map(([run]) => run.length + 1)));
  const space = /^`|`$/.test(text) ? " " : "";
  return `${ticks}${space}${visible(text)}${space}${ticks}`;
}
