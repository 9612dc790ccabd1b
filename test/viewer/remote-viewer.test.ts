import { randomUUID } from "node:crypto";
import { afterEach, beforeAll, expect, test } from "vitest";
import { buildIfStale } from "../../scripts/build-if-stale.ts";
import { askSystem, findSystem } from "../../src/control/client.ts";
import { defineAgent } from "../../src/index.ts";
import { silentLogger } from "../../src/logger.ts";
import { startSystem } from "../../src/start-system.ts";
import { createFakeLauncher, type FakeWorkerScript } from "../../src/testing/index.ts";
import { startRemoteViewer } from "../../src/viewer/remote-viewer.ts";
import { startViewer } from "../../src/viewer/viewer.ts";
import { readViewer } from "./page-reader.ts";

beforeAll(() => buildIfStale());

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** A system, and a viewer that reaches it over its control socket alone. */
async function start(script: FakeWorkerScript = {}) {
  const name = `s-${randomUUID()}`;
  const launcher = createFakeLauncher({ script });
  const children = [defineAgent({ id: "poet", entry: "poet.py:agent" })];
  const system = await startSystem({ name, control: true, children, logger: silentLogger }, { launcher });
  ends.push(() => system.stop());
  await system.whenReady();
  const found = await findSystem(name);
  const viewer = await startRemoteViewer({
    look: (viewer) => askSystem(found, { type: "look", viewer }, 5_000),
    act: (agentId, type) =>
      type === "restart"
        ? askSystem(found, { type, agentId, graceful: false }, 5_000)
        : askSystem(found, { type, agentId }, 5_000),
  });
  ends.push(() => viewer.stop());
  const { origin, search } = new URL(viewer.address);
  const press = (id: string, action: string) =>
    fetch(`${origin}/agents/${id}/${action}${search}`, { method: "POST", headers: { "X-Synapse-Viewer": "1" } });
  return { name, system, launcher, viewer, press };
}

test("a page of another process shows the tree, the charts and what happens, and its buttons act", async () => {
  const { name, system, viewer, press } = await start();
  const page = await readViewer(viewer.address);
  const poet = () => page.world.nodes.get(`${name}/poet`);
  await expect.poll(poet).toMatchObject({ kind: "agent", state: "ready", restarts: 0 });
  expect(page.world.byPath.get(`${name}/poet`)?.definition).toContain("crashed");
  expect((await press("poet", "kill")).status).toBe(202);
  await expect.poll(poet).toMatchObject({ state: "ready", restarts: 1 });
  expect(page.world.crashes("poet").length).toBe(1);
  expect((await press("poet", "stop")).status).toBe(202);
  await expect.poll(() => poet()?.state).toBe("stopped");
  const refused = await press("poet", "kill");
  expect([refused.status, await refused.text()]).toEqual([409, '[not_found] agent "poet" has no worker now\n']);
  expect((await press("nobody", "stop")).status).toBe(409);
  expect((await press("poet", "restart")).status).toBe(202);
  await expect.poll(() => system.agent("poet").state).toBe("ready");
  page.leave();
});

test("two pages are each told all, and both end with the system", async () => {
  const { name, system, viewer } = await start();
  const pages = await Promise.all([readViewer(viewer.address), readViewer(viewer.address)]);
  for (const { world } of pages) await expect.poll(() => world.nodes.get(`${name}/poet`)?.state).toBe("ready");
  await system.stop();
  await Promise.all(pages.map(({ ended }) => ended));
});

test("a page shows the runs that wait, in this process and in another", async () => {
  const { system, viewer } = await start({
    answer: async ({ waitFor }) => String(await waitFor("reason")),
  });
  const local = await startViewer(system);
  const pages = await Promise.all([readViewer(viewer.address), readViewer(local.address)]);
  const run = system.agent("poet").start("x", { mayWait: true });
  for (const { world } of pages) {
    await expect
      .poll(() => world.runs.waiting)
      .toMatchObject([{ runId: run.runId, agentId: "poet", told: { kept: true, waits: [{ name: "reason" }] } }]);
  }
  await system.agent("poet").answer(system.agent("poet").waits[0]?.token ?? "", "why");
  for (const { world, leave } of pages) {
    await expect.poll(() => world.runs.all).toMatchObject([{ state: "completed" }]);
    leave();
  }
});

test("the look with which it starts is shown to the first page, and the system is looked at once for each", async () => {
  const names: string[] = [];
  const header = { type: "header", version: 1, system: "house", atMs: 1 } as const;
  const look = async (name: string) => {
    names.push(name);
    const opening = names.filter((other) => other === name).length === 1;
    return { opening, messages: opening ? [{ ...header, system: `house ${new Set(names).size}` }] : [] };
  };
  const viewer = await startRemoteViewer({ look, act: () => Promise.resolve() });
  ends.push(() => viewer.stop());
  const first = await readViewer(viewer.address);
  await expect.poll(() => first.world.system).toBe("house 1");
  const second = await readViewer(viewer.address);
  await expect.poll(() => second.world.system).toBe("house 2");
  for (const page of [first, second]) page.leave();
});

test("its options are checked before the system is asked anything, and as many pages may look as at one of this process", async () => {
  let looks = 0;
  const look = async () => {
    looks += 1;
    return { opening: true, messages: [] };
  };
  const system = { look, act: () => Promise.resolve() };
  await expect(startRemoteViewer(system, { port: -1 })).rejects.toThrow("options.port is -1");
  expect(looks).toBe(0);
  const viewer = await startRemoteViewer(system);
  ends.push(() => viewer.stop());
  const pages = await Promise.all(Array.from({ length: 16 }, () => readViewer(viewer.address)));
  await expect(readViewer(viewer.address)).rejects.toThrow("503");
  for (const page of pages) page.leave();
});

test("a system that does not answer has no viewer", async () => {
  const look = () => Promise.reject(new Error("it is gone"));
  await expect(startRemoteViewer({ look, act: look })).rejects.toThrow("it is gone");
});
