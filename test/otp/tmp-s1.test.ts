import { expect, test } from "vitest";
import { exit } from "../../src/otp/link.ts";
import type { Supervisor } from "../../src/otp/supervisor.ts";
import { defineSupervisor } from "../../src/otp/start-supervisor.ts";
import { createWorld, quiet, until } from "./scripted.ts";

test("overlap", async () => {
  const w = createWorld();
  const a = w.script("a", { stopMs: 100 });
  const top = await w.supervise({ children: [defineSupervisor({ id: "m", children: [a.spec] })] });
  exit((top.whichChild("m").ref as Supervisor).process, "kill");
  await quiet();
  console.log(w.log, a.refs.map((r) => r.status));
  w.clock.advance(100);
  await quiet();
  console.log(w.log, a.refs.map((r) => r.status));
  const s = top.stop(); await quiet(); w.clock.advance(100); await s;
  expect(w.runtime.processCount).toBe(0);
});
test("hung nested start", async () => {
  const w = createWorld();
  const a = w.script("a");
  const hangs = { id: "hangs", start: () => new Promise<never>(() => undefined) };
  const top = await w.supervise({ children: [] });
  const starting = top.startChild(defineSupervisor({ id: "m", children: [a.spec, hangs] })).catch((e) => e.code);
  await quiet();
  exit(top.process, "kill");
  await quiet();
  console.log(await starting, w.log, w.runtime.processCount);
});
test("hung logic", async () => {
  const w = createWorld();
  const { fromGenServer } = await import("../../src/otp/gen-server.ts");
  const logic = fromGenServer({ init: () => new Promise<never>(() => undefined), trapExit: true });
  const top = await w.supervise({ children: [] });
  const starting = top.startChild({ id: "x", logic }).catch((e) => e.code);
  await quiet();
  exit(top.process, "kill");
  await quiet();
  console.log(await starting, w.log, w.runtime.processCount);
});
