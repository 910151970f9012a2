import { expect, test } from "vitest";

import { format, parse, type Address } from "../../../src/gallery/model/address";
import { ALL } from "../../../src/gallery/model/filter";

const plain: Address = { filter: ALL, sort: "urgency", mode: "side", zoom: 0, at: "", view: "results", compared: "" };

test("a place that is as usual is an empty address", () => {
  expect(format(plain)).toBe("#");
  expect(parse("#")).toEqual(plain);
  expect(parse("")).toEqual(plain);
});

test("every part of a place comes back from its address", () => {
  const address: Address = {
    filter: {
      verdicts: new Set(["changed", "new"]), marks: new Set(["flaky"]), notebook: "notebooks/a & b.ipynb", environment: "page-firefox-linux",
      variant: "dark", decision: "open", text: "über #1 = 50%",
    },
    sort: "time", mode: "onion", zoom: 4, at: "page-chromium-linux/notebooks/it's/a[dark]",
    view: "front-ends", compared: "notebooks/it's.ipynb::a[dark]",
  };
  expect(parse(format(address))).toEqual(address);
});

test.each(["#verdict=lovely", "#mark=constructor", "#sort=__proto__&mode=toString", "#zoom=3", "#zoom=NaN", "#zoom=-1", "#decision=maybe", "#%E0%A4%A"])(
  "what an address can't mean is left out: %s", (hash) => {
    expect(parse(hash)).toEqual(plain);
  },
);

test("what it can mean is kept beside what it can't", () => {
  expect([...parse("#verdict=lovely,match,broken").filter.verdicts]).toEqual(["match", "broken"]);
});
