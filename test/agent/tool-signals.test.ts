import { expect, test } from "vitest";
import { ModelRetry, ToolFailed } from "../../src/agent/tool-signals.ts";

test("a signal is one of its own class only, also one of another copy of the package", async () => {
  const retry = new ModelRetry("again");
  expect([retry instanceof ModelRetry, retry instanceof ToolFailed, retry instanceof Error]).toEqual([
    true,
    false,
    true,
  ]);
  expect([retry.name, new ToolFailed("no").name]).toEqual(["ModelRetry", "ToolFailed"]);
  const copy = { [Symbol.for("synapse-otp.tool-signal")]: "ToolFailed" };
  expect([
    copy instanceof ToolFailed,
    copy instanceof ModelRetry,
    (null as unknown as object) instanceof ModelRetry,
  ]).toEqual([true, false, false]);
});
