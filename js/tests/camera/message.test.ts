import { expect, test } from "vitest";

import { decoded } from "../../src/camera/message";

const BINARY = "v1.kernel.websocket.jupyter.org";
const PARTS = [{ msg_type: "comm_msg", msg_id: "1" }, { msg_id: "0" }, {}, { comm_id: "größe" }];

/** A message in Jupyter Server's binary form, with a buffer behind it, at some place in a larger one. */
function encoded(place: number): Uint8Array {
  const texts = ["iopub", ...PARTS.map((part) => JSON.stringify(part))].map((text) => new TextEncoder().encode(text));
  const parts = [...texts, new Uint8Array([1, 2, 3])];
  const offsets = [8 * (parts.length + 2)];
  for (const part of parts) offsets.push(offsets.at(-1)! + part.length);
  const whole = new Uint8Array(place + offsets.at(-1)!);
  const view = new DataView(whole.buffer, place);
  [offsets.length, ...offsets].forEach((number, index) => view.setBigUint64(8 * index, BigInt(number), true));
  parts.forEach((part, index) => whole.set(part, place + offsets[index]!));
  return whole.subarray(place);
}

test.each([0, 24])("a binary message is read, wherever it lies (at %i)", (place) => {
  const { channel, header, parent_header: parent, content } = decoded(encoded(place), BINARY)!;
  expect([channel, header, parent, content]).toEqual(["iopub", PARTS[0], PARTS[1], PARTS[3]]);
});

test("a message is read from a buffer of its own, and from the older form, which is text", () => {
  expect(decoded(encoded(0).slice().buffer, BINARY)?.header.msg_type).toBe("comm_msg");
  expect(decoded(JSON.stringify({ channel: "shell", header: { msg_id: "7" } }), "")?.header.msg_id).toBe("7");
});

test("what has another form is passed over", () => {
  expect(decoded(encoded(0), "")).toBeUndefined();
  expect(decoded(new Blob([]), BINARY)).toBeUndefined();
});
