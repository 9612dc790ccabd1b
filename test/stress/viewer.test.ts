import { pino } from "pino";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { buildIfStale } from "../../scripts/build-if-stale.ts";
import { fromGenServer } from "../../src/otp/server/gen-server.ts";
import { startSystem } from "../../src/start-system.ts";
import { startViewer } from "../../src/viewer/viewer.ts";
import { findBrowser, openPage, pictureOf } from "../e2e/browser.ts";

/** How many processes the page shows, and how soon, in milliseconds: in the gate only that it does. */
const isStress = process.env.STRESS_SEEDS !== undefined;
const processes = isStress ? 5_000 : 500;
const mostMs = isStress ? 2_000 : 30_000;

const found = findBrowser();
const why = found.path === undefined ? ` (skipped: ${found.why})` : "";
const server = fromGenServer({ name: "server", init: () => ({ state: { count: 0 } }) });

beforeAll(() => buildIfStale());

test.skipIf(found.path === undefined)(`the tree of ${processes} processes is there at once${why}`, async () => {
  const children = Array.from({ length: processes }, (_, index) => ({ id: `server-${index}`, logic: server }));
  const system = await startSystem({ name: "many", children, logger: pino({ level: "silent" }) });
  onTestFinished(() => system.stop());
  const viewer = await startViewer(system);
  const page = await openPage(found.path ?? "");
  await page.goto("about:blank");
  const startedMs = performance.now();
  await page.goto(viewer.address);
  const counter = page.locator(".count");
  const wanted = processes >= 1_000 ? `${((processes + 1) / 1_000).toFixed(1)}k shown` : `${processes + 1} shown`;
  await expect.poll(() => counter.textContent(), { timeout: 30_000, interval: 20 }).toBe(wanted);
  await page.locator('[role=treeitem][title="many/server-0"]').waitFor();
  const tookMs = Math.round(performance.now() - startedMs);
  console.log(`the tree of ${processes} processes was there after ${tookMs} ms`);
  // A virtual list: what is not in sight is not in the page.
  expect(await page.getByRole("treeitem").count()).toBeLessThan(60);
  await page.getByRole("tree").focus();
  await page.keyboard.press("End");
  await page.locator(`[role=treeitem][title="many/server-${processes - 1}"]`).waitFor();
  await page.screenshot({ path: pictureOf("many") });
  await page.getByRole("searchbox").fill(`server-${processes - 2}`);
  await expect.poll(() => counter.textContent()).toBe("1 found");
  expect(tookMs).toBeLessThan(mostMs);
});
