import type { KernelMessage } from "@jupyterlab/services";
import { expect, test } from "vitest";

import { brief, Trace } from "../../src/live/trace";

const message = (channel: string, type: string, content: object): KernelMessage.IMessage =>
  ({ channel, header: { msg_type: type }, content }) as unknown as KernelMessage.IMessage;

test("all messages are counted, and the last ones are told in order, without those of kernels that are busy", () => {
  const trace = new Trace();
  for (let number = 0; number < 120; number += 1) {
    trace.message(message("iopub", "status", { execution_state: "busy" }));
    trace.message(message("iopub", "comm_msg", { comm_id: "x", data: { number } }));
  }
  trace.message(message("shell", "execute_request", { code: "1" }));
  const { counts, messages } = trace.answer();
  expect(counts).toEqual({ "iopub/status": 120, "iopub/comm_msg": 120, "shell/execute_request": 1 });
  expect(messages).toHaveLength(50);
  expect(messages.map(({ text }) => text)).toEqual([
    ...Array.from({ length: 49 }, (_, index) => `{"number":${71 + index}}`), '{"code":"1"}',
  ]);
  expect(messages.every(({ at, cut }) => at >= 0 && !cut)).toBe(true);
});

test("a cell runs until it has ended", () => {
  const trace = new Trace();
  const ended = trace.begin("a");
  trace.begin("b");
  ended("error");
  expect(trace.answer().cells.map(({ cell, status, duration }) => [cell, status, duration !== null])).toEqual([
    ["a", "error", true], ["b", "running", false],
  ]);
});

test("nothing is left of a notebook that the page shows no more", () => {
  const trace = new Trace();
  trace.begin("a");
  trace.message(message("iopub", "stream", { text: "x" }));
  trace.clear();
  expect(trace.answer()).toEqual({ cells: [], counts: {}, messages: [] });
});

test("of a content only its begin is told", () => {
  const text = brief({ data: { "text/plain": "x".repeat(10_000_000), "image/png": "y" } });
  expect(text).toHaveLength(200);
  expect(text.startsWith('{"data":{"text/plain":"xxx')).toBe(true);
});

test.each([
  [{ a: [1, null, true, "\"q\""], b: new ArrayBuffer(3) }, '{"a":[1,null,true,"\\"q\\""],"b":(3 bytes)}'],
  [undefined, "undefined"],
  ["x", '"x"'],
])("a short content is told whole", (value, text) => {
  expect(brief(value)).toBe(text);
});

test("a content that holds itself comes to an end, and no character is halved", () => {
  const ring: Record<string, unknown> = {};
  ring.self = ring;
  expect(brief(ring).length).toBeLessThanOrEqual(200);
  for (let before = 0; before < 4; before += 1) expect(brief("-".repeat(before) + "\u{1f600}".repeat(200))).not.toMatch(/[\ud800-\udbff]$/);
});
