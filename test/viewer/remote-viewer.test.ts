import { randomUUID } from "node:crypto";
import { afterEach, beforeAll, expect, test } from "vitest";
import { buildIfStale } from "../../scripts/build-if-stale.ts";
import { askSystem, findSystem } from "../../src/control/client.ts";
import { defineAgent } from "../../src/index.ts";
import { silentLogger } from "../../src/logger.ts";
import { startSystem } from "../../src/start-system.ts";
import { createFakeLauncher } from "../../src/testing/index.ts";
import { startRemoteViewer } from "../../src/viewer/remote-viewer.ts";
import { readViewer } from "./page-reader.ts";

beforeAll(() => buildIfStale());

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** A system, and a viewer that reaches it over its control socket alone. */
async function start() {
  const name = `s-${randomUUID()}`;
  const launcher = createFakeLauncher();
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

test("a system that does not answer has no viewer", async () => {
  const look = () => Promise.reject(new Error("it is gone"));
  await expect(startRemoteViewer({ look, act: look })).rejects.toThrow("it is gone");
});
