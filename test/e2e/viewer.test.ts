import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";
import { beforeAll, describe, expect, test } from "vitest";
import { buildIfStale } from "../../scripts/build-if-stale.ts";
import { defineSupervisor } from "../../src/index.ts";
import { startViewer } from "../../src/viewer/viewer.ts";
import { findBrowser, openPage, pictureOf } from "./browser.ts";
import { controllable, pidOf, watch } from "./support.ts";

const found = findBrowser();
const why = found.path === undefined ? ` (skipped: ${found.why})` : "";
const deadlineMs = 30_000;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

beforeAll(() => buildIfStale());

/** A system with two agents, and its viewer in a browser. */
async function open() {
  const children = [controllable(), defineSupervisor({ id: "team", children: [controllable({ id: "helper" })] })];
  const watched = await watch(children, { name: "house" });
  await watched.system.whenReady();
  const viewer = await startViewer(watched.system);
  const page = await openPage(found.path ?? "");
  page.setDefaultTimeout(deadlineMs);
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") errors.push(message.text());
  });
  await page.goto(viewer.address);
  await row(page, "ctl").waitFor();
  return { ...watched, viewer, page, errors };
}

/** The panes of which something is cut off at the side. */
const widerThanItsPane = `[...document.querySelectorAll(".content, .tabs, .bar, header")]
  .filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth)
  .map(({ className }) => className)`;

const row = (page: Page, id: string) => page.locator(`[role=treeitem][title$="/${id}"]`);
const stateOf = (page: Page, id: string) => row(page, id).locator(".state").textContent();
const showsState = (page: Page, id: string, state: string) =>
  expect.poll(() => stateOf(page, id), { timeout: deadlineMs }).toBe(state);

/** The states that the events pane has shown, in their order. */
async function statesShown(page: Page): Promise<string[]> {
  const said = await page.locator(".events .visually-hidden").allTextContents();
  return said.flatMap((text) => /, now (\w+)$/.exec(text)?.[1] ?? []);
}

interface AxeFinding {
  readonly impact: string;
  readonly id: string;
  readonly nodes: readonly { readonly html: string }[];
}

/** What axe holds against the page that keeps people from using it. */
async function seriousFaults(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  const violations = await page.evaluate("axe.run().then(({ violations }) => violations)");
  return (violations as AxeFinding[])
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`);
}

describe.skipIf(found.path === undefined)("the viewer in a browser", () => {
  test(`an agent that is killed by the button is seen to crash and to come back${why}`, {
    timeout: 120_000,
  }, async () => {
    const { page, system, report, errors } = await open();
    const agent = system.agent("ctl");
    await row(page, "ctl").click();
    await showsState(page, "ctl", "ready");
    const lit = () => page.locator(".box.active text").allTextContents();
    await expect.poll(lit).toEqual(["ready"]);
    const first = pidOf(agent);
    const run = agent.run("sleep:60").catch((error: unknown) => error);
    await showsState(page, "ctl", "busy");
    await expect.poll(lit).toEqual(["busy"]);
    await page.screenshot({ path: pictureOf("busy") });

    await page.getByRole("button", { name: "Kill" }).click();
    const dialog = page.getByRole("dialog");
    expect(await dialog.textContent()).toContain("Kill agent “ctl”?");
    expect(agent.pid).toBe(first);
    await dialog.getByRole("button", { name: "Kill" }).click();
    await report("agent.crashed");
    expect(await run).toMatchObject({ code: "worker_exited" });
    await expect
      .poll(() => statesShown(page), { timeout: deadlineMs })
      .toEqual(["busy", "crashed", "restarting", "starting", "ready"]);
    await showsState(page, "ctl", "ready");

    await page.getByRole("tab", { name: /Crashes/ }).click();
    const record = page.getByRole("tabpanel");
    await expect
      .poll(() => record.textContent(), { timeout: deadlineMs })
      .toMatch(/SIGKILL[\s\S]*restart: restart 1 of 3/);
    await page.getByRole("tab", { name: /Policy/ }).click();
    expect(await record.textContent()).toContain("restart 1 of 3 allowed within 5000 ms");
    await page.getByRole("tab", { name: "Runs" }).click();
    expect(await record.textContent()).toContain("failed: worker_exited");
    await agent.run("stderr:a word for the log");
    await page.getByRole("tab", { name: "Logs" }).click();
    await expect.poll(() => record.textContent(), { timeout: deadlineMs }).toContain("a word for the log");

    await page.getByRole("button", { name: "To the crash before" }).click();
    await showsState(page, "ctl", "crashed");
    expect(await page.getByRole("button", { name: "Kill" }).count()).toBe(0);
    await page.screenshot({ path: pictureOf("past") });
    await page.getByRole("button", { name: "To newest" }).click();
    await showsState(page, "ctl", "ready");
    expect(errors).toEqual([]);
  });

  test(`it can be used by keyboard and by a screen reader, in light and dark${why}`, { timeout: 120_000 }, async () => {
    const { page, system, errors } = await open();
    await system.agent("ctl").run("echo:hello");
    await system
      .agent("helper")
      .run("raise:for the table of runs")
      .catch(() => undefined);
    await page.getByRole("searchbox").press("Tab");
    const focused = () => page.evaluate("document.activeElement.getAttribute('role')");
    expect(await focused()).toBe("tree");
    const selected = () => page.getByRole("treeitem", { selected: true }).getAttribute("title");
    await page.keyboard.press("Home");
    await expect.poll(selected).toBe("house");
    await page.keyboard.press("ArrowLeft");
    await expect.poll(() => page.getByRole("treeitem").count()).toBe(1);
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("End");
    await expect.poll(selected).toBe("house/team/helper");
    await page.getByRole("tab", { name: "State" }).focus();
    await page.keyboard.press("ArrowRight");
    await expect.poll(() => page.getByRole("tab", { selected: true }).textContent()).toBe("Runs");
    await page.getByRole("searchbox").fill("helper ready");
    await expect.poll(() => page.getByRole("treeitem").count()).toBe(1);

    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      await page.getByRole("searchbox").fill("");
      for (const tab of ["State", "Runs", "Crashes", "Logs", "Policy"]) {
        await page.getByRole("tab", { name: tab }).click();
        expect(await seriousFaults(page), `${colorScheme}, ${tab}`).toEqual([]);
        expect(await page.evaluate(widerThanItsPane), tab).toEqual([]);
      }
      await page.screenshot({ path: pictureOf(colorScheme) });
    }
    await page.getByRole("button", { name: "Stop" }).click();
    expect(await seriousFaults(page), "the question").toEqual([]);
    await page.keyboard.press("Escape");
    expect(system.agent("helper").state).toBe("ready");
    // Everything is in sight at 1280 × 800.
    expect(await page.evaluate("document.documentElement.scrollHeight <= innerHeight")).toBe(true);
    expect(errors).toEqual([]);
  });
});
