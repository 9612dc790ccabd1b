import { expect, test } from "vitest";
import { exit } from "../../../src/otp/process/link.ts";
import { Registry } from "../../../src/otp/registry/registry.ts";
import { spawn } from "../../../src/otp/start/spawn.ts";
import { createKernel, quiet } from "../kernel.ts";

test("a listener whose name service throws is nobody: registrations are made, given back, and told to the others", async () => {
  const { runtime, letters } = createKernel();
  const got: unknown[] = [];
  const listener = spawn(
    async ({ receive }) => {
      for (;;) got.push((await receive<{ type: string }>()).type);
    },
    { runtime },
  );
  const broken = {
    key: "broken",
    via: {
      whereisName: () => {
        throw new Error("a name service that cannot look its key up");
      },
      registerName: () => undefined,
    },
  };
  const registry = Registry.start({ keys: "duplicate", listeners: [broken, listener], runtime });
  const holder = spawn(({ receive }) => receive(), { runtime });
  for (const key of ["a", "b"]) registry.register(key, 1, holder);
  exit(holder, "kill");
  await quiet();
  expect(registry.count()).toBe(0);
  expect(got).toEqual(["registry.register", "registry.register", "registry.unregister", "registry.unregister"]);
  expect(letters()).toHaveLength(4);
});
