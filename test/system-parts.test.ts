import { expect, test } from "vitest";
import { startSystem } from "../src/start-system.ts";
import { checkSystemParts } from "../src/system-parts.ts";
import { createFakeLauncher, createVirtualClock } from "../src/testing/index.ts";
import { rejection } from "./rpc/agent-server.ts";

const launcher = createFakeLauncher();

test("parts are a launcher, an interpreter, a clock and a listener, each or none", () => {
  for (const parts of [{}, { launcher, interpreter: "none", clock: createVirtualClock(), onReport: () => undefined }]) {
    expect(() => checkSystemParts(parts)).not.toThrow();
  }
});

test.each<[unknown, string]>([
  [null, "parts"],
  [launcher, "parts.kind"],
  [{ laucher: launcher }, "parts.laucher"],
  [{ launcher: null }, "parts.launcher"],
  [{ launcher: "zygote" }, "parts.launcher"],
  [{ launcher: { launch: () => undefined } }, "parts.launcher.close"],
  [{ interpreter: "" }, "parts.interpreter"],
  [{ interpreter: null }, "parts.interpreter"],
  [{ clock: null }, "parts.clock"],
  [{ clock: Date }, "parts.clock"],
  [{ onReport: {} }, "parts.onReport"],
])("a part that breaks its rule is refused by name before anything starts: %#", async (parts, field) => {
  const listeners = process.listenerCount("exit");
  expect(await rejection(startSystem({}, parts as never))).toMatchObject({ code: "invalid_argument", field });
  expect(process.listenerCount("exit")).toBe(listeners);
});
