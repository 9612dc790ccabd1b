import { getEventListeners } from "node:events";
import { expect, test } from "vitest";
import { onAbort } from "../../../src/otp/scheduler/abort.ts";

test("many are told of one abort by one listener, in their order, but for those that have forgotten it", () => {
  const abort = new AbortController();
  const told: number[] = [];
  const forget = [1, 2, 3, 4].map((number) => onAbort(abort.signal, () => told.push(number)));
  forget[1]?.();
  expect(getEventListeners(abort.signal, "abort")).toHaveLength(1);
  abort.abort();
  forget[0]?.();
  expect([told, getEventListeners(abort.signal, "abort")]).toEqual([[1, 3, 4], []]);
});

test("one that is told may forget the others, and each signal has its own", () => {
  const [one, other] = [new AbortController(), new AbortController()];
  const told: string[] = [];
  onAbort(other.signal, () => told.push("other"));
  onAbort(one.signal, () => {
    told.push("first");
    forget();
  });
  const forget = onAbort(one.signal, () => told.push("second"));
  one.abort();
  expect(told).toEqual(["first", "second"]);
});
