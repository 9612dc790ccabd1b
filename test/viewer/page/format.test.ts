import { expect, test } from "vitest";
import { bytes, clockTime, count, duration, short, stateName } from "../../../src/viewer/page/format.ts";

test("numbers are short and have their unit", () => {
  expect([count(1, "restart"), count(2, "restart"), count(1_234, "token")]).toEqual([
    "1 restart",
    "2 restarts",
    "1.2k tokens",
  ]);
  expect([short(999), short(9_999), short(999_499), short(1_500_000), short(25_000_000)]).toEqual([
    "999",
    "10k",
    "999k",
    "1.5M",
    "25M",
  ]);
  expect([duration(0.2), duration(45), duration(1_200), duration(61_000), duration(7_200_000)]).toEqual([
    "<1 ms",
    "45 ms",
    "1.2 s",
    "1 min",
    "2.0 h",
  ]);
  expect([bytes(2_048), bytes(57 * 1024 ** 2), bytes(1.5 * 1024 ** 3)]).toEqual(["2 KiB", "57 MiB", "1.5 GiB"]);
  expect(clockTime(Date.UTC(2026, 0, 1, 12, 34, 56, 7))).toMatch(/^\d\d:34:56\.007$/);
});

test("states are words", () => {
  expect([stateName("a"), stateName({ a: { b: "c" }, d: "e" }), stateName(undefined, "done")]).toEqual([
    "a",
    "a.b.c + d.e",
    "done",
  ]);
});
