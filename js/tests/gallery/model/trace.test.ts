import { expect, test } from "vitest";

import { extent, inOrder, lanes } from "../../../src/gallery/model/trace";
import type { TraceFile } from "../../../src/gallery/run";

const trace: TraceFile = {
  format: 1,
  duration: 10,
  cells: [{ name: "a", begin: 1, duration: 2, status: "ok" }, { name: "b", begin: 4, duration: null, status: "running" }],
  stages: [],
  steps: [],
  shots: [],
  requests: [{ name: "GET http://x/", begin: 0, duration: 0.5, status: "failed" }],
  console: [{ name: "error", at: 5, text: "boom" }],
  messages: [],
  counts: {},
};

test("there is a lane for everything that happened, and what went wrong is marked", () => {
  expect(lanes(trace).map(({ title, events }) => [title, events.map(({ name, bad }) => [name, bad])])).toEqual([
    ["Cells", [["a", false], ["b", true]]],
    ["Requests", [["GET http://x/", true]]],
    ["Errors", [["error", true]]],
  ]);
});

test("the list is in the order of time", () => {
  expect(inOrder(lanes(trace)).map(({ name }) => name)).toEqual(["GET http://x/", "a", "b", "error"]);
});

test("what had not ended goes on to the end, and a moment has no width", () => {
  const [request, a, b, error] = inOrder(lanes(trace)).map((event) => extent(event, trace.duration));
  expect([request, a, b, error]).toEqual([
    { left: 0, width: 5 }, { left: 10, width: 20 }, { left: 40, width: 60 }, { left: 50, width: 0 },
  ]);
  expect(extent(inOrder(lanes(trace))[3]!, 0)).toEqual({ left: 100, width: 0 });
});
