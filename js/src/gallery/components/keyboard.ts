import type { DecisionActions } from "../hooks/use-decision-actions";
import type { FrontEnds } from "../hooks/use-front-ends";
import type { Actions } from "../hooks/use-keys";
import type { List } from "../hooks/use-list";
import type { Viewing } from "../hooks/use-viewing";
import { MODES, type Mode } from "../model/view";

interface KeyTargets {
  list: List;
  viewing: Viewing;
  actions: DecisionActions;
  find: () => void;
  comment: () => void;
  open: (dialog: "help" | "finish") => void;
}

/** The action of every key of the page; help.tsx lists them for people. */
export function keyActions({ list, viewing: { view, reducedMotion, change, zoom, step }, actions, find, comment, open }: KeyTargets): Actions {
  const modes = (Object.keys(MODES) as Mode[]).map((mode, i): [string, () => void] => [String(i + 1), () => change({ mode })]);
  return {
    ...Object.fromEntries(modes),
    j: () => list.step(1),
    k: () => list.step(-1),
    a: () => actions.decide("accept"),
    r: () => actions.decide("reject"),
    s: () => actions.decide("skip"),
    u: actions.undo,
    A: () => actions.confirmGroup("accept"),
    R: () => actions.confirmGroup("reject"),
    c: comment,
    d: () => open("finish"),
    b: () => change({ blinking: !reducedMotion && !view.blinking }),
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

/** The keys that mean something else where front ends are compared: nothing of that is a decision. */
export function frontEndKeys({ step }: FrontEnds, notify: (sentence: string) => void): Actions {
  const nothing = () => notify("A difference between front ends is no decision.");
  return {
    ...Object.fromEntries(["a", "r", "s", "u", "A", "R", "c", "/"].map((key) => [key, nothing])),
    j: () => step(1),
    k: () => step(-1),
  };
}
