import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import type { AgentSpec } from "../../src/agent/spec.ts";
import { defineAgent } from "../../src/index.ts";
import { rejection, watch } from "./support.ts";

const entry = "test/fixtures/agents/inputs.py:agent";
const inputs = (spec: Partial<AgentSpec> = {}) => defineAgent({ id: "inputs", entry, ...spec });

interface Told {
  prompt: unknown[];
  settings: Record<string, unknown>;
  instructions: string;
}

async function told(answer: Promise<{ output: unknown }>): Promise<Told> {
  return JSON.parse((await answer).output as string) as Told;
}

test("a prompt in parts reaches the model in pydantic-ai's own classes, with settings as they were given", async () => {
  const { system } = await watch([inputs()]);
  const data = new Uint8Array([1, 2, 255]);
  const run = system
    .agent("inputs")
    .run(
      [
        "look at",
        { type: "image", url: "https://example.org/cat.png" },
        { type: "video", url: "https://example.org/film", mediaType: "video/mp4" },
        { type: "audio", data, mediaType: "audio/wav" },
        { type: "document", url: new URL("https://example.org/a.pdf") },
        { type: "text", text: "and say" },
      ],
      {
        instructions: "be brief",
        modelSettings: { maxTokens: 7, topP: 0.5, seed: 2 ** 40, extra: { openai_user: "u", top_logprobs: 2 } },
        usageLimits: { requestLimit: 3, costLimit: "0.10" },
      },
    );
  data.fill(0); // what the caller changes afterwards is not seen
  const { prompt, settings, instructions } = await told(run);
  expect(prompt).toEqual([
    "look at",
    ["image-url", "https://example.org/cat.png", "image/png"],
    ["video-url", "https://example.org/film", "video/mp4"],
    ["binary", "audio/wav", [1, 2, 255]],
    ["document-url", "https://example.org/a.pdf", "application/pdf"],
    "and say",
  ]);
  expect(settings).toEqual({ max_tokens: 7, top_p: 0.5, seed: 2 ** 40, openai_user: "u", top_logprobs: 2 });
  expect(instructions).toContain("be brief");
});

test("a URL that the worker would have to fetch is refused, unless the definition allows it", async () => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? "");
    response.end("x");
  }).listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await new Promise((resolve) => server.once("listening", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/secret.png`;
  const { system } = await watch([inputs(), inputs({ id: "fetching", fetchUrls: true })]);
  const prompt = ["download", { type: "image", url }] as const;
  const error = await rejection(system.agent("inputs").run(prompt));
  expect(error).toMatchObject({ code: "run_failed", kind: "validation" });
  expect((error as Error).message).toContain(`the model takes no URL such as "${url}" itself`);
  expect((error as Error).message).toContain("fetchUrls: true");
  // Now pydantic-ai's own guard speaks, which lets nobody fetch from a private address.
  const allowed = await rejection(system.agent("fetching").run(prompt));
  expect((allowed as Error).message).toContain("127.0.0.1");
  expect((allowed as Error).message).not.toContain("fetchUrls");
  expect(asked).toEqual([]);
});

test("a factory makes the dependencies of each run, from its JSON and with its context", async () => {
  const make = (attribute: string) => inputs({ id: attribute, deps: `test/fixtures/agents/inputs.py:${attribute}` });
  const { system } = await watch([make("deps"), make("context"), make("plain")]);
  const options = { deps: { tenant: "a" }, conversationId: "c1", metadata: { trace: "t1" } };
  const result = await system.agent("deps").run("hello", options);
  const awaited = JSON.parse(JSON.parse(result.output as string).instructions);
  const run = ["deps", result.runId, 1, "c1", { trace: "t1" }];
  expect(awaited).toEqual({ deps: { value: { tenant: "a" }, run }, open: [] });
  for (const n of [1, 2]) {
    const { instructions } = await told(system.agent("context").run("hello", { deps: n }));
    expect(JSON.parse(instructions)).toEqual({ deps: { context: n }, open: [String(n)] });
  }
  const refused = await rejection(system.agent("plain").run("hello"));
  expect(refused).toMatchObject({ kind: "user_code", pythonType: "ValueError" });
  expect(JSON.parse((await told(system.agent("plain").run("hello", { deps: [1] }))).instructions).deps).toEqual({
    plain: [1],
  });
});

test("a factory that cannot be found fails the start by its name", async () => {
  const error = await rejection(
    watch([inputs({ deps: "test/fixtures/agents/inputs.py:nothing", restart: "temporary" })]).then(({ system }) =>
      system.agent("inputs").run("hello"),
    ),
  );
  expect(error).toMatchObject({ code: "entry_attribute_missing" });
  expect((error as Error).message).toContain(
    'deps "test/fixtures/agents/inputs.py:nothing": the module has no attribute "nothing"',
  );
});

test("a run may ask for an output of its own, by a JSON Schema or by a schema that checks the answer too", async () => {
  const { system } = await watch([inputs()]);
  const agent = system.agent("inputs");
  const document = { type: "object", title: "thing", properties: { schema: { type: "object" } }, required: ["schema"] };
  expect((await agent.run("x", { outputSchema: document })).output).toMatchObject({
    schema: { required: ["schema"], properties: { schema: { type: "object" } } },
  });
  const good = z.object({ schema: z.object({ type: z.literal("object").transform(() => "checked") }) });
  const bad = z.object({ schema: z.object({ missing: z.string() }) });
  expect((await agent.run("x", { outputSchema: good })).output).toEqual({ schema: { type: "checked" } });
  expect(await rejection(agent.run("x", { outputSchema: bad }))).toMatchObject({ code: "output_invalid" });
  const recursive = { type: "object", $defs: { a: { $ref: "#/$defs/a" } }, properties: { a: { $ref: "#/$defs/a" } } };
  const refused = await rejection(agent.run("x", { outputSchema: recursive }));
  expect(refused).toMatchObject({ kind: "validation" });
  expect((refused as Error).message).toContain("options.outputSchema is no JSON Schema that pydantic-ai takes");
});
