import { expect, test } from "vitest";
import { describeSize } from "../../src/worker/environment-size.ts";

test("the size is told in bytes, with the name of the largest variable and not its value", () => {
  expect(describeSize({ SMALL: "1", LARGE: "caf\u00e9" })).toBe("its environment has 18 bytes, 11 of them in LARGE");
});
