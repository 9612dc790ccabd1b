/** What the viewer's page costs a browser that shows a busy system for long. */

import { readFileSync } from "node:fs";
import { setTimeout as pass } from "node:timers/promises";
import { pino } from "pino";
import type { CDPSession, Page } from "playwright-core";
import { beforeAll, expect, test } from "vitest";
import { assign, createMachine } from "xstate";
import { buildIfStale } from "../../scripts/build-if-stale.ts";
import type { Process } from "../../src/otp/process/process.ts";
import { send } from "../../src/otp/request/call.ts";
import { startSystem } from "../../src/start-system.ts";
import { startViewer } from "../../src/viewer/viewer.ts";
import { findBrowser, openPage, pictureOf } from "../e2e/browser.ts";
import { controllable } from "../e2e/support.ts";

/** How long it is looked at, in seconds; the gate goes without. `STRESS_VIEWER_RATE` plays hours in minutes. */
const seconds = Number(process.env.STRESS_VIEWER_SECONDS ?? 0);
const eventsPerSecond = Number(process.env.STRESS_VIEWER_RATE ?? 200);
const mostBytes = 200e6;
/** How often more events are sent, how often the page is measured, and how often a worker is killed, in milliseconds. */
const stepMs = 50;
const measureMs = 15_000;
const killMs = 60_000;

const found = findBrowser();
const lamp = createMachine({
  id: "lamp",
  initial: "off",
  // As much as an agent of a service has in it.
  context: {
    pressed: 0,
    order: {
      id: "order-17",
      items: [
        { name: "lamp", price: 17 },
        { name: "bulb", price: 3 },
      ],
    },
    notes: "n".repeat(200),
  },
  on: { press: { actions: assign({ pressed: ({ context }) => context.pressed + 1 }) } },
  states: { off: { on: { toggle: "on" } }, on: { on: { toggle: "off" } } },
});

beforeAll(() => buildIfStale());

test.skipIf(found.path === undefined || seconds === 0)(
  `${seconds} s of ${eventsPerSecond} events a second leave the page below ${mostBytes / 1e6} MB`,
  { timeout: seconds * 1_000 + 120_000 },
  async () => {
    const lamps = Array.from({ length: 20 }, (_, index) => ({ id: `lamp-${index}`, logic: lamp }));
    const agents = [controllable({ id: "ctl" }), controllable({ id: "helper" })];
    const children = [...agents, ...lamps];
    await using system = await startSystem({ name: "busy", children, logger: pino({ level: "silent" }) });
    await system.whenReady();
    const viewer = await startViewer(system);
    const page = await openPage(found.path ?? "");
    await page.goto(viewer.address);
    await page.locator('[role=treeitem][title="busy/ctl"]').click();
    const meter = await createMeter(page);

    let events = 0;
    await system.inspect(({ type }) => {
      if (type === "@xstate.event") events += 1;
    });
    const targets = lamps.map(({ id }) => system.whereis(id) as Process);
    const beganMs = performance.now();
    const since = () => performance.now() - beganMs;
    let most = { heapBytes: 0, privateBytes: 0 };
    let [measuredMs, killedMs, asked, next] = [0, 0, 0, 0];
    while (since() < seconds * 1_000) {
      for (let missing = (since() / 1_000) * eventsPerSecond - events; missing > 0; missing -= 1) {
        next = (next + 1) % targets.length;
        send(targets[next] as Process, { type: next % 2 === 0 ? "press" : "toggle" });
      }
      if (since() > asked * 500) {
        asked += 1;
        const agent = system.agent(asked % 2 === 0 ? "ctl" : "helper");
        agent.run(asked % 10 === 0 ? "stderr:a word" : "stream:3:10").catch(() => undefined); // Killed with its worker.
      }
      if (since() - killedMs > killMs) {
        killedMs = since();
        system.agent("ctl").kill();
      }
      if (since() - measuredMs > measureMs) {
        measuredMs = since();
        const now = await meter();
        most = {
          heapBytes: Math.max(most.heapBytes, now.heapBytes),
          privateBytes: Math.max(most.privateBytes, now.privateBytes),
        };
        const rate = await page.locator("header").textContent();
        console.log(
          `${Math.round(since() / 1_000)} s, ${events} events: heap ${mb(now.heapBytes)}, private ${mb(now.privateBytes)} (${rate})`,
        );
      }
      await pass(stepMs);
    }
    await page.screenshot({ path: pictureOf("long") });
    console.log(`at most: heap ${mb(most.heapBytes)}, private ${mb(most.privateBytes)}`);
    expect(most.privateBytes).toBeLessThan(mostBytes);
  },
);

const mb = (bytes: number) => `${Math.round(bytes / 1e6)} MB`;

/** Measures the page: what its scripts hold, and what its process has for itself. */
async function createMeter(page: Page): Promise<() => Promise<{ heapBytes: number; privateBytes: number }>> {
  const session = await page.context().newCDPSession(page);
  const browser = await page.context().browser()?.newBrowserCDPSession();
  if (browser === undefined) throw new Error("the page has no browser");
  await session.send("Performance.enable");
  return async () => ({ heapBytes: await heapBytes(session), privateBytes: await rendererBytes(browser) });
}

async function heapBytes(session: CDPSession): Promise<number> {
  const { metrics } = await session.send("Performance.getMetrics");
  return metrics.find(({ name }) => name === "JSHeapUsedSize")?.value ?? Number.NaN;
}

/** Of the process that draws the page: of the browser's renderers the one that has most; the others are spare. */
async function rendererBytes(browser: CDPSession): Promise<number> {
  const { processInfo } = await browser.send("SystemInfo.getProcessInfo");
  return Math.max(...processInfo.flatMap(({ type, id }) => (type === "renderer" ? [privateBytes(id)] : [])));
}

function privateBytes(pid: number): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  return [...text.matchAll(/^Private_(?:Clean|Dirty): +(\d+) kB$/gm)].reduce(
    (sum, [, kb]) => sum + Number(kb) * 1_024,
    0,
  );
}
