import { useLayoutEffect, useState } from "preact/hooks";

import type { Decisions } from "../decisions/decisions";

/** Draw anew whenever the decisions change: also where they did between the first drawing and the first listening. */
export function useDecisions(decisions: Decisions): void {
  const [, drawn] = useState(decisions.revision);
  useLayoutEffect(() => {
    const follow = () => drawn(decisions.revision);
    follow();
    return decisions.subscribe(follow);
  }, [decisions]);
}
