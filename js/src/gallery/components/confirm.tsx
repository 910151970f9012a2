import { IMPERATIVE, type Seen } from "../decisions/decisions";
import { nameParts } from "../model/results";
import { count, visible } from "../model/text";
import type { Result } from "../run";
import { Dialog } from "./dialog";
import { Icon } from "./icon";
import { Thumb } from "./thumb";

/** Thumbnails in one dialog; a page of all of a thousand would say no more. */
const THUMBS = 60;

export interface Question {
  verdict: "accept" | "reject";
  results: Result[];
  /** The decisions on them when the question was asked. */
  seen: Seen;
  /** A sentence on what they have in common. */
  what: string;
}

/** Shows all that one keystroke would decide, and asks. */
export function Confirm({ question, onClose, onYes }: { question: Question | null; onClose: () => void; onYes: () => void }) {
  const n = question?.results.length ?? 0;
  const title = question ? `${IMPERATIVE[question.verdict]} ${count(n, "picture")}?` : "";
  return (
    <Dialog open={question !== null} onClose={onClose} title={title} wide>
      {question && (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            onYes();
          }}
        >
          <p class="soft">{question.what}</p>
          <ul class="thumbs">
            {question.results.slice(0, THUMBS).map((result) => {
              const [path, shot] = nameParts(result);
              return <li key={result.key}><Thumb result={result} /><bdi>{visible(shot)}</bdi><bdi class="path">{visible(path)}</bdi></li>;
            })}
          </ul>
          {n > THUMBS && <p>and {n - THUMBS} more</p>}
          <div class="buttons">
            <button type="button" onClick={onClose}>Cancel</button>
            <button type="submit" class={question.verdict} data-first><Icon shape={question.verdict} /> {IMPERATIVE[question.verdict]} {n}</button>
          </div>
        </form>
      )}
    </Dialog>
  );
}
