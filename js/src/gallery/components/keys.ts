import type { Deciding } from "../hooks/use-deciding";
import type { Actions } from "../hooks/use-keys";
import type { List } from "../hooks/use-list";
import type { Look } from "../hooks/use-look";
import { MODES, type Mode } from "../model/view";

interface Doors {
  list: List;
  look: Look;
  deciding: Deciding;
  find: () => void;
  comment: () => void;
  open: (dialog: "help" | "finish") => void;
}

/** What every key of the page does; told to people in help.tsx. */
export function keysOf({ list, look: { view, still, change, zoom, step }, deciding, find, comment, open }: Doors): Actions {
  const modes = (Object.keys(MODES) as Mode[]).map((mode, i): [string, () => void] => [String(i + 1), () => change({ mode })]);
  return {
    ...Object.fromEntries(modes),
    j: () => list.step(1),
    k: () => list.step(-1),
    a: () => deciding.judge("accept"),
    r: () => deciding.judge("reject"),
    s: () => deciding.judge("skip"),
    u: deciding.undo,
    A: () => deciding.askGroup("accept"),
    R: () => deciding.askGroup("reject"),
    c: comment,
    d: () => open("finish"),
    b: () => change({ blinking: !still && !view.blinking }),
    x: () => change({ blinking: false, over: !view.over }),
    i: () => change({ inspect: !view.inspect }),
    o: () => change({ regions: !view.regions }),
    m: () => change({ masks: !view.masks }),
    "[": () => step(-1),
    "]": () => step(1),
    "+": () => zoom(1),
    "=": () => zoom(1),
    "-": () => zoom(-1),
    "0": () => change({ zoom: 0 }),
    "/": find,
    "?": () => open("help"),
  };
}
