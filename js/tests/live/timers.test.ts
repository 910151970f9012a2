import { expect, test } from "vitest";

import { PendingTimers } from "../../src/live/timers";

test("a timer is unrest until it has fired", () => {
  const timers = new PendingTimers();
  timers.add(1, 20);
  timers.add(2, 1000);
  expect([timers.unrest, timers.size]).toEqual([2, 2]);
  timers.fire(1, () => undefined);
  expect([timers.unrest, timers.size]).toEqual([1, 1]);
});

test("a timer that is called off is none", () => {
  const timers = new PendingTimers();
  timers.add(1, 20);
  timers.add(2, 60_000);
  timers.forget(1);
  timers.forget(2);
  expect([timers.size, timers.takeSchedules()]).toEqual([0, []]);
});

test("what takes longer than a second is a schedule and no unrest", () => {
  const timers = new PendingTimers();
  timers.add(1, 1001);
  timers.add(2, 60_000);
  expect([timers.unrest, timers.size]).toEqual([0, 0]);
  let fired = 0;
  timers.fire(1, () => (fired += 1));
  expect(fired).toBe(1);
  expect(timers.takeSchedules()).toEqual([2]);
  expect(timers.takeSchedules()).toEqual([]);
});

test("a timer of some seconds is unrest where the notebook itself has set it, but not what that sets in turn", () => {
  const timers = new PendingTimers();
  timers.add(1, 3000, true);
  timers.add(2, 5001, true);
  expect(timers.unrest).toBe(1);
  timers.fire(1, () => timers.add(3, 3000, true));
  expect([timers.unrest, timers.takeSchedules()]).toEqual([0, [2, 3]]);
});

test("a timer that goes on setting itself is a loop after five generations", () => {
  const timers = new PendingTimers();
  const unrest: number[] = [];
  timers.add(0, 10);
  for (let id = 0; id < 6; id += 1) {
    timers.fire(id, () => timers.add(id + 1, 10));
    unrest.push(timers.unrest);
  }
  expect(unrest).toEqual([1, 1, 1, 0, 0, 0]);
  expect(timers.size).toBe(1);
});

test("a loop tells how long it is between two of its turns", () => {
  const timers = new PendingTimers();
  timers.add(0, 200);
  expect(timers.period).toBe(0);
  for (let id = 0; id < 6; id += 1) timers.fire(id, () => timers.add(id + 1, 200));
  expect([timers.unrest, timers.period]).toEqual([0, 200]);
  timers.forget(6);
  expect(timers.period).toBe(0);
});

test("what a loop has set says nothing of a timer that is set beside it", () => {
  const timers = new PendingTimers();
  timers.add(0, 10);
  for (let id = 0; id < 8; id += 1) timers.fire(id, () => timers.add(id + 1, 10));
  timers.add(100, 10);
  expect(timers.unrest).toBe(1);
});

test("a handler that raises leaves no generation behind", () => {
  const timers = new PendingTimers();
  timers.add(0, 10);
  for (let id = 0; id < 5; id += 1) {
    expect(() => timers.fire(id, () => {
      timers.add(id + 1, 10);
      throw new Error("broken");
    })).toThrow("broken");
  }
  timers.add(100, 10);
  expect(timers.unrest).toBe(1);
});
