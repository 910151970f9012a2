import { describe, expect, it } from "vitest";
import { raisedError } from "../../src/live/raised-error";

const RED = "\x1b[31m";
const OFF = "\x1b[39m";

describe("the error that a cell raised", () => {
  it("is what the kernel names", () => {
    expect(raisedError("ValueError", `${RED}no${OFF} number`, [`${RED}ValueError${OFF}: no number`])).toBe("ValueError: no number");
  });

  it("is what the traceback ends with where the kernel names none", () => {
    const traceback = ["----", `${RED}RecursionError${OFF}  Traceback (most recent call last)`, `File x\n\n${RED}RecursionError${OFF}: maximum recursion depth exceeded\n`];
    expect(raisedError("NoneType", "None", traceback)).toBe("RecursionError: maximum recursion depth exceeded");
    expect(raisedError("", "", traceback)).toBe("RecursionError: maximum recursion depth exceeded");
  });

  it("is what the kernel says where there is nothing else", () => {
    expect(raisedError("NoneType", "None", [])).toBe("NoneType: None");
  });
});
