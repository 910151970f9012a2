import { count, flatten, visible } from "../model/text";
import type { Result } from "../run";
import { Part } from "./part";

/** The facts on which the look of a picture depends, and those in which it differs from its baseline. */
export function Renderer({ result: { baseline_fingerprint: before, fingerprint: after, renderer } }: { result: Result }) {
  const old = new Map(flatten(before));
  const now = new Map(flatten(after));
  const names = [...new Set([...now.keys(), ...old.keys()])];
  const differs = (name: string) => before !== null && old.get(name) !== now.get(name);
  const differing = names.filter(differs).length;
  if (!names.length) return null;
  return (
    <Part title="Renderer">
      {renderer.length > 0 && <ul class="lines">{renderer.map((line) => <li>{visible(line)}</li>)}</ul>}
      {/* What differs is said above already, or does not make another renderer. */}
      <details>
        <summary>
          {before === null ? "No baseline to compare with" : renderer.length ? "All facts of both renderers"
            : !differing ? "The same as the baseline's"
            : `The same as the baseline's; ${count(differing, "other fact differs", "other facts differ")}`}
        </summary>
        <div class="scroll">
          <table class="facts">
            <thead><tr><th scope="col">Part</th>{before && <th scope="col">Baseline</th>}<th scope="col">This run</th></tr></thead>
            <tbody>
              {names.map((name) => (
                <tr class={differs(name) ? "differs" : ""}>
                  <th scope="row">{visible(name)}{differs(name) && <span class="hidden"> (differs)</span>}</th>
                  {before && <td>{visible(old.get(name) ?? "none")}</td>}
                  <td>{visible(now.get(name) ?? "none")}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </Part>
  );
}
