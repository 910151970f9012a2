import type { RefObject } from "preact";
import { useEffect } from "preact/hooks";

import type { Decisions } from "../decisions/decisions";
import type { Result } from "../run";

/** The comment on one result; give it the result's key, so that two results never share a field. */
export function Comment({ result, decisions, field, onBegin }: {
  result: Result; decisions: Decisions; field: RefObject<HTMLTextAreaElement | null>; onBegin: () => void;
}) {
  // Its field goes without a word when another result is shown.
  useEffect(() => () => void decisions.commitComment(result), [decisions, result]);
  return (
    <textarea ref={field} rows={1} placeholder="Comment  c" aria-label="Comment on this picture" value={decisions.comment(result.key)}
      onFocus={onBegin}
      onInput={(event) => decisions.editComment(result.key, event.currentTarget.value)}
      onBlur={() => void decisions.commitComment(result)}
      onKeyDown={(event) => event.key === "Escape" && event.currentTarget.blur()} />
  );
}
