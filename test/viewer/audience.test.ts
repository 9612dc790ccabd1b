import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import type { WatchMessage } from "../../src/inspect/watch.ts";
import { Audience } from "../../src/viewer/audience.ts";
import { readViewer } from "./page-reader.ts";

const node = (path: string, state: string) => ({ path, id: path, kind: "process", state, restarts: 0 }) as const;
const nodes = (state: string): WatchMessage => ({ type: "nodes", atMs: 1, nodes: [node("a", state)], removed: [] });
const line = (text: string): WatchMessage => ({
  type: "line",
  atMs: 1,
  agentId: "a",
  incarnation: 1,
  level: "info",
  text,
});

async function serve(audience: Audience): Promise<string> {
  const server: Server = createServer((_request, response) => audience.join(response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    await audience.close();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

test("what happens while somebody is told how all are is told afterwards, once", async () => {
  const audience = new Audience();
  audience.showFrom(function* () {
    yield [nodes("old")];
    audience.tell([nodes("new"), line("in the second part")]);
    yield [line("in the second part")];
    audience.tell([line("after it")]);
  });
  const page = await readViewer(await serve(audience));
  await expect.poll(() => page.messages.length).toBe(4);
  expect(page.world.nodes.get("a")?.state).toBe("new");
  expect(page.world.lines.get("a")?.map(({ text }) => text)).toEqual(["in the second part", "after it"]);
  audience.tell([line("live")]);
  await expect.poll(() => page.messages.length).toBe(5);
  page.leave();
});

test("its size is told when somebody comes or goes, and the seventeenth is sent away", async () => {
  const audience = new Audience();
  const sizes: number[] = [];
  audience.onSize = (size) => sizes.push(size);
  const address = await serve(audience);
  const pages = await Promise.all(Array.from({ length: 16 }, () => readViewer(address)));
  await expect(readViewer(address)).rejects.toThrow("503");
  for (const page of pages) page.leave();
  await expect.poll(() => sizes.at(-1)).toBe(0);
  expect(Math.max(...sizes)).toBe(16);
});

test("a page that reads nothing makes nobody wait, and is told how all are when it reads again", async () => {
  const audience = new Audience();
  let openings = 0;
  audience.showFrom(() => {
    openings += 1;
    return [[nodes(`opening ${openings}`)]];
  });
  const address = await serve(audience);
  const stuck = await fetch(address);
  await expect.poll(() => openings).toBe(1);
  const text = "x".repeat(100_000);
  // More than the sockets' own buffers and what may wait take.
  for (let told = 0; told < 300; told += 1) {
    audience.tell([line(text)]);
    if (told % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  let bytes = 0;
  const reader = stuck.body?.getReader();
  const reading = (async () => {
    for (let part = await reader?.read(); part?.done === false; part = await reader?.read()) bytes += part.value.length;
  })();
  await expect
    .poll(() => {
      audience.tell([line("more")]);
      return openings;
    })
    .toBeGreaterThan(1);
  await reader?.cancel();
  await reading;
  expect(bytes).toBeLessThan(300 * text.length);
});
