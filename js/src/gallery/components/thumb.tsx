import { url } from "../embedded-pictures";
import type { Result } from "../run";
import { px } from "./port";

const SIZE = [168, 96] as const;
/** Surroundings of the region that stay visible, in pixels. */
const AROUND = 32;

/** A thumbnail of what changed: the surroundings of the largest region. */
export function Thumb({ result }: { result: Result }) {
  const { shot } = result.pictures;
  if (!shot || shot.absent !== null) return <span class="thumb" />;
  const [x, y, w, h] = result.metrics.regions[0] ?? [0, 0, shot.width, shot.height];
  const [wide, tall] = SIZE;
  const scale = Math.min(1, wide / (w + AROUND), tall / (h + AROUND));
  const offset = (space: number, middle: number, size: number) =>
    size * scale <= space ? (space - size * scale) / 2 : Math.min(0, Math.max(space - size * scale, space / 2 - middle * scale));
  return (
    <span class="thumb" style={{ width: px(wide), height: px(tall) }}>
      <img src={url(shot.sha256)} alt="" loading="lazy"
        style={{
          width: px(shot.width * scale), height: px(shot.height * scale),
          left: px(offset(wide, x + w / 2, shot.width)), top: px(offset(tall, y + h / 2, shot.height)),
        }} />
    </span>
  );
}
