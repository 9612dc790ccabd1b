/** A browser for the tests: the machine's own Chromium, or Debian's, which is installed where that is allowed. */

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterEach } from "vitest";

/** A browser that can be started, or why there is none. */
export type FoundBrowser = { readonly path: string } | { readonly path: undefined; readonly why: string };

const places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const installMs = 300_000;
const open = new Set<Browser>();

// Hooks run in reverse order, and before what a test gives to onTestFinished: this one before the harness looks for what is left.
afterEach(async () => {
  const browsers = [...open];
  open.clear();
  await Promise.all(browsers.map((browser) => browser.close()));
});

/** Where pictures of the page are kept; ignored by git. */
export const pictures = resolve(import.meta.dirname, "..", "..", ".bench", "pictures");

/** Finds a browser; where there is none, and this is root on Debian, installs it. */
export function findBrowser(): FoundBrowser {
  const found = places.find((path) => existsSync(path));
  if (found !== undefined) return { path: found };
  const isRoot = process.getuid?.() === 0;
  if (!isRoot || !existsSync("/usr/bin/apt-get"))
    return { path: undefined, why: "no Chromium, and no right to install it" };
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  for (const words of [["update"], ["install", "-y", "--no-install-recommends", "chromium"]]) {
    const { status } = spawnSync("apt-get", words, { env, timeout: installMs, stdio: "ignore" });
    if (status !== 0) return { path: undefined, why: `no Chromium, and apt-get ${words[0]} fails` };
  }
  return existsSync("/usr/bin/chromium")
    ? { path: "/usr/bin/chromium" }
    : { path: undefined, why: "no Chromium in apt's packages" };
}

/** An empty page of 1280 × 800, without a window, in a browser of its own, which is closed when the test ends. */
export async function openPage(path: string): Promise<Page> {
  mkdirSync(pictures, { recursive: true });
  // Its sandbox needs rights that containers do not give; it is shown this machine's own pages only.
  const browser = await chromium.launch({ executablePath: path, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
  open.add(browser);
  return await browser.newPage({ viewport: { width: 1_280, height: 800 } });
}

/** Where a picture is kept. */
export function pictureOf(name: string): string {
  return join(pictures, `${name}.png`);
}
