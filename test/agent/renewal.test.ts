import { mkdtempSync, realpathSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { startPoet } from "./fleet.ts";

test("an agent that is to be renewed for no reason keeps its worker", async () => {
  const fleet = await startPoet({ watch: false, recycle: {} });
  for (let run = 0; run < 20; run += 1) await fleet.agent().run("x");
  fleet.clock.advance(10_000_000);
  expect(fleet.launcher.workers).toHaveLength(1);
});

test("an agent that is watched gets the next worker when a file of the current one changes, and not when it is stopped", async () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "synapse-renewal-")));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "tools.py");
  writeFileSync(file, "1");
  utimesSync(file, new Date(1_000), new Date(1_000));
  const fleet = await startPoet({ watch: true }, { script: { imports: () => [file] } });
  const agent = fleet.agent();
  await agent.run("x");
  writeFileSync(file, "22");
  const { reason } = await fleet.whileTimePasses(fleet.report("agent.swapped"));
  expect(reason).toBe("tools.py changed");
  expect((await agent.run("x")).incarnation).toBe(2);
  await fleet.whileTimePasses(agent.stop());
  expect(fleet.clock.pending).toBe(0);
});
