import { MODES } from "../model/view";
import { Dialog } from "./dialog";

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
  [["f"], "results, or what differs between front ends"],
  [["/"], "search"],
  [["?"], "this help"],
];

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
