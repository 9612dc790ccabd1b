import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { build } from "esbuild";
import type { Page } from "playwright-core";
import { afterEach, expect, test } from "vitest";
import type { FetchOptions } from "../../src/agent/fetch-options.ts";
import type { Agent } from "../../src/agent/handle.ts";
import type { AgentSpec } from "../../src/agent/spec.ts";
import { tool } from "../../src/agent/tool.ts";
import { toNodeHandler } from "../../src/http/index.ts";
import { findBrowser, openPage } from "./browser.ts";
import { testAgent, watch } from "./support.ts";

const browser = findBrowser();
const without = browser.path === undefined ? ` (skipped: ${browser.why})` : "";
const pages = join(import.meta.dirname, "..", "fixtures", "front-ends");
const servers = new Set<ReturnType<typeof createServer>>();

afterEach(async () => {
  for (const server of servers) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  servers.clear();
});

/** How the routes "/api/<mode>" answer. */
const modes: Readonly<Record<string, FetchOptions>> = {
  plain: {},
  server: { conversation: "server" },
  detached: { conversation: "server", detached: true },
};

/** A service with an agent behind its routes, and a page in front of them. */
async function serve(agent: Agent, pageFile: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(pages, pageFile)],
    bundle: true,
    format: "esm",
    write: false,
    define: { "process.env.NODE_ENV": '"production"' },
  });
  const script = outputFiles[0]?.text ?? "";
  const handlers = Object.entries(modes).map(
    ([mode, options]) => [mode, toNodeHandler((request) => agent.fetch(request, options))] as const,
  );
  const send = (res: ServerResponse, type: string, text: string) => res.setHeader("content-type", type).end(text);
  const server = createServer((req, res) => {
    const handler = handlers.find(([mode]) => req.url?.startsWith(`/api/${mode}`));
    if (handler !== undefined) void handler[1](req, res);
    else if (req.url === "/page.js") send(res, "text/javascript", script);
    else send(res, "text/html", '<!doctype html><meta charset="utf-8"><script type="module" src="/page.js"></script>');
  });
  servers.add(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const frontEnd = (spec: Partial<AgentSpec> = {}) =>
  testAgent({ id: "front-end", entry: "test/fixtures/agents/front_end.py:agent", ...spec });

test("a tool in TypeScript that needs approval is called when the browser's user has approved it, once; a worker that dies ends the answer with an error", async () => {
  const calls: unknown[] = [];
  const erase = tool({
    description: "Erases",
    parameters: { type: "object", properties: {} },
    needsApproval: true,
    execute: () => calls.push("erase"),
  });
  const definition = frontEnd({ tools: { erase } });
  const { system } = await watch([definition]);
  const agent = system.agent(definition);
  const messages: object[] = [];
  const post = (options: FetchOptions = { conversation: "server" }) => {
    const body = JSON.stringify({ id: "chat", trigger: "submit-message", messages });
    const headers = { "content-type": "application/json" };
    return agent.fetch(new Request("http://localhost/", { method: "POST", headers, body }), options);
  };
  messages.push({ id: "m1", role: "user", parts: [{ type: "text", text: "call erase" }] });
  const asked = await (await post()).text();
  const [, toolCallId] = /"approvalId":"([^"]+)"/.exec(asked) ?? [];
  expect(calls).toEqual([]);
  const approval = { id: toolCallId, approved: true };
  const part = { type: "tool-erase", toolCallId, state: "approval-responded", input: {}, approval };
  messages.push({ id: "m2", role: "assistant", parts: [part] });

  // Without the history that the host holds, and with it, at once and again.
  expect((await post({})).status).toBe(422);
  const read = async (response: Response) => ({ status: response.status, text: await response.text() });
  const answers = await Promise.all([post().then(read), post().then(read)]);
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 422]);
  expect(answers.find(({ status }) => status === 200)?.text).toContain("call: 1");
  expect(calls).toEqual(["erase"]);

  // What the service has approved meanwhile is not called again by a click; what the user says then goes on.
  messages.push({ id: "m3", role: "user", parts: [{ type: "text", text: "call erase" }] });
  Object.assign(part, { state: "output-available", output: 1 });
  const again = await (await post()).text();
  const [, secondCallId = ""] = /"approvalId":"([^"]+)"/.exec(again) ?? [];
  const token = system.runs.list({ state: "paused", limit: 1 })[0]?.paused?.token ?? "";
  await agent.stream({ paused: token, answers: { [secondCallId]: true } }).result;
  const second = { ...part, toolCallId: secondCallId, state: "approval-responded", output: undefined };
  messages.push({ id: "m4", role: "assistant", parts: [{ ...second, approval: { ...approval, id: secondCallId } }] });
  expect((await post()).status).toBe(409);
  messages.push({ id: "m5", role: "user", parts: [{ type: "text", text: "Hello" }] });
  for (const _ of "12")
    expect(await post().then(read)).toMatchObject({ status: 200, text: expect.stringContaining("You said") });
  expect(calls).toEqual(["erase", "erase"]);

  messages.push({ id: "m6", role: "user", parts: [{ type: "text", text: "count 100000" }] });
  const reader = ((await post()).body as ReadableStream<Uint8Array>).getReader();
  let text = "";
  for (let step = await reader.read(); !step.done; step = await reader.read()) {
    text += new TextDecoder().decode(step.value);
    if (text.includes('"2 "')) agent.kill();
  }
  expect(text).toContain("The run was interrupted. Try again.");
  expect(text.endsWith("data: [DONE]\n\n")).toBe(true);
});

async function say(page: Page, text: string): Promise<void> {
  await page.fill("#text", text);
  await page.click("#send");
}

const shows = (page: Page, text: string) => page.getByText(text).first().waitFor();

test.skipIf(browser.path === undefined)(
  `useChat in a browser: text, a file, an approval, a stop that reaches Python, a failure, and a page that is opened again in the middle of an answer${without}`,
  async () => {
    const { system, report } = await watch([frontEnd()]);
    const agent = system.agent("front-end");
    const url = await serve(agent, "vercel-page.ts");
    const page = await openPage(browser.path as string);
    page.setDefaultTimeout(15_000);

    await page.goto(`${url}/?mode=server&chat=a`);
    await say(page, "Hello");
    await shows(page, "You said: Hello");

    await page.setInputFiles("#files", {
      name: "a.png",
      mimeType: "image/png",
      buffer: Buffer.from("iVBORw0KGgo=", "base64"),
    });
    await say(page, "describe");
    await shows(page, "1 images");

    await say(page, "delete a.txt");
    await page.click(".deny");
    await shows(page, "output-denied");
    await say(page, "delete b.txt");
    await page.click(".approve");
    await shows(page, "delete: b.txt is gone");
    await say(page, "deleted");
    await shows(page, "deleted: ['b.txt']");

    await say(page, "count 100000");
    await shows(page, "1 2 3 ");
    await page.click("#stop");
    expect(await report("run.settled", ({ outcome }) => outcome === "cancelled")).toMatchObject({
      agentId: "front-end",
    });
    await say(page, "cancelled");
    await shows(page, "cancelled: ['100000']");

    await say(page, "fail");
    await shows(page, "The run has failed.");
    expect(await page.content()).not.toContain("1234");

    await page.goto(`${url}/?mode=detached&chat=b`);
    await say(page, "count 200");
    await shows(page, "1 2 3 ");
    await page.goto(`${url}/?mode=detached&chat=b&resume`);
    await shows(page, "199 200");
    expect((await page.textContent(".assistant"))?.trim().split(" ")).toHaveLength(200);
  },
);

test.skipIf(browser.path === undefined)(
  `AG-UI's client in a browser: text, a tool of the page, an approval that is kept by the server, an abort that reaches Python, and a failure${without}`,
  async () => {
    const { system, report } = await watch([frontEnd()]);
    const agent = system.agent("front-end");
    const url = await serve(agent, "ag-ui-page.ts");
    const page = await openPage(browser.path as string);
    await page.goto(`${url}/?mode=server`);
    await page.waitForFunction("globalThis.page !== undefined");
    interface Told {
      text: string;
      events: string[];
      interrupts: { id: string; toolCallId?: string }[];
      error: string;
    }
    const ask = (text: string) => page.evaluate(`page.ask(${JSON.stringify(text)})`) as Promise<Told>;

    const hello = await ask("Hello");
    expect([hello.text, hello.events[0], hello.events.at(-1)]).toEqual([
      "You said: Hello",
      "RUN_STARTED",
      "RUN_FINISHED",
    ]);

    expect((await ask("pick")).text).toBe("pick: red");

    const [interrupt] = (await ask("delete a.txt")).interrupts;
    const approved = (await page.evaluate(`page.answer(${JSON.stringify(interrupt?.id)}, true)`)) as Told;
    expect([approved.text, approved.error]).toEqual(["delete: a.txt is gone", ""]);

    const counting = ask("count 100000");
    await page.waitForFunction('page.said().includes("1 2 3 ")');
    await page.evaluate("page.stop()");
    await counting;
    await report("run.settled", ({ outcome }) => outcome === "cancelled");
    expect((await ask("cancelled")).text).toBe("cancelled: ['100000']");

    expect((await ask("fail")).error).toContain("The run has failed.");
  },
);
