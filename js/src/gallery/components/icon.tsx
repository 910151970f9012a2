import type { DecisionVerdict } from "../decisions/decisions";
import type { Mark } from "../model/results";
import type { ComparedTarget, Verdict } from "../run";

/** One outline per verdict, mark and decision, distinguished by shape, so that colour is only a help. */
const SHAPES: Record<Verdict | Mark | DecisionVerdict | ComparedTarget["outcome"] | "renderer" | "group" | "fold", string> = {
  changed: "M3 6h10M3 10h10M10.5 3l-5 10",
  resized: "M9.5 3H13v3.5M13 3 9 7M6.5 13H3V9.5M3 13l4-4",
  new: "M8 3v10M3 8h10",
  unstable: "M2 9c1.5-5 3-5 4.5-1s3 4 4.5 0 2-3 3-2",
  broken: "M4 4l8 8M12 4l-8 8",
  match: "M3 8.5 6.5 12 13 4.5",
  quarantined: "M8 2a6 6 0 1 0 0 12A6 6 0 1 0 8 2M8 5v3.2l2 1.6",
  flaky: "M1.5 8.5h3l2-5 3 9 2-4h3",
  renderer: "M2 3h12v8H2zM5.5 14h5",
  differs: "M2 3h7v9H2zM7 5h7v9H7z",
  declared: "M2 3h12v8H7l-3 3v-3H2z",
  "not-compared": "M8 2a6 6 0 1 0 0 12A6 6 0 1 0 8 2M4 12l8-8",
  same: "M3 6h10M3 10h10",
  accept: "M2.5 8.5 6.5 12.5 13.5 3.5",
  reject: "M3.5 3.5l9 9M12.5 3.5l-9 9",
  skip: "M3 4l5 4-5 4M9 4l5 4-5 4",
  group: "M2 5h9v9H2zM5 2h9v9",
  fold: "M6 4l4 4-4 4",
};

export function Icon({ shape }: { shape: keyof typeof SHAPES }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path d={SHAPES[shape]} />
    </svg>
  );
}
