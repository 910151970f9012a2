import { acceptable, changedPixels, maskedShare, steadiness } from "../model/results";
import { count, plain, quoted, seconds, visible } from "../model/text";
import type { Result } from "../run";
import { Command } from "./command";
import { Lines, Part, Timings } from "./part";
import { Renderer } from "./renderer";

const RULES = { strict: "compared strictly", perceptual: "compared perceptually", pixelmatch: "compared as pixelmatch does" };

function Traits({ result }: { result: Result }) {
  if (result.verdict !== "changed" && result.verdict !== "resized" && !result.traits.length) return null;
  return (
    <Part title="Widget traits">
      {result.traits.length ? (
        <ul class="traits">
          {result.traits.map(({ widget, trait, before, after }) => (
            <li>
              <b>{visible(`${widget}.${trait}`)}</b> <del>{visible(plain(before))}</del> <span aria-label="became">→</span> <ins>{visible(plain(after))}</ins>
            </li>
          ))}
        </ul>
      ) : (
        <p>No trait differs: a style or front-end change.</p>
      )}
    </Part>
  );
}

/** The facts of a result besides its sentence and its pictures. */
export function ResultFacts({ result }: { result: Result }) {
  const { changed_share, rule } = result.metrics;
  const changed = changedPixels(result);
  const share = 100 * (changed_share ?? 0);
  // The sentence comes first and says some of it in the same words.
  const unsaid = (words: string | null) => words && !result.sentence.includes(words) && words;
  const facts = [
    unsaid(steadiness(result)),
    changed > 0 && !result.sentence.includes(String(changed)) && `${count(changed, "pixel")} changed (${share < 0.01 ? "under 0.01" : share.toFixed(2)} %)`,
    `${result.theme} theme`, `viewport ${result.viewport.join(" × ")}`,
    rule && RULES[rule], unsaid(result.tolerance), seconds(result.duration),
  ];
  return <ul class="aside">{facts.map((fact) => fact && <li>{visible(fact)}</li>)}</ul>;
}

export function ResultError({ result: { error } }: { result: Result }) {
  if (!error) return null;
  return (
    <div class="error" role="note">
      <h3>{visible(error.type)}</h3>
      <pre tabIndex={0}>{visible(error.message)}</pre>
      {error.next && <><h3>Next</h3><Command text={error.next} /></>}
    </div>
  );
}

/** The evidence of why a result looks as it does. */
export function Explanation({ result }: { result: Result }) {
  const { timings } = result.metrics;
  return (
    <div class="parts">
      <Traits result={result} />
      <Lines title="Console errors" lines={result.console} />
      <Lines title="Blocked requests" lines={result.blocked} />
      {result.source && <Part title="Cell source"><pre tabIndex={0}>{visible(result.source)}</pre></Part>}
      <Renderer result={result} />
      {Object.keys(timings).length > 0 && (
        <Part title="Timings">
          <details><summary>{count(Object.keys(timings).length, "stage")}, {seconds(result.duration)}</summary><Timings timings={timings} /></details>
        </Part>
      )}
      {acceptable(result) && result.masks.length > 0 && (
        <Part title="Masks that accepting stores">
          <ul class="lines">
            {result.masks.map(({ place, reason, boxes }) => (
              <li><code>{visible(place)}</code>: {count(boxes.length, "box", "boxes")}, at most {maskedShare(boxes, result.pictures.shot!)} of the picture: {visible(reason)}</li>
            ))}
          </ul>
        </Part>
      )}
      {acceptable(result) && (
        <Part title="From a terminal">
          <Command text={`widgetshot approve ${quoted(result.key)}`} />
        </Part>
      )}
    </div>
  );
}
