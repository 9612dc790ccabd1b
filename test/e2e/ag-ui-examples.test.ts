/** pydantic-ai's examples for front ends run as entries. */

import { beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { tool } from "../../src/index.ts";
import { entry, startExamples } from "./examples.ts";
import { type ModelServer, startModelServer } from "./model-server.ts";

let model: ModelServer;
beforeAll(async () => {
  model = await startModelServer();
});

const ui = (name: string) => entry(`ag_ui.api.${name}:agent`);

test("without a front end, what it answers or approves is answered in TypeScript", async () => {
  const system = await startExamples(model, {
    steps: ui("human_in_the_loop"),
    haiku: ui("tool_based_generative_ui"),
    delete: ui("tool_approval"),
    recipe: ui("shared_state"),
  });

  model.script("Delete it", [["delete_file", { path: "/tmp/old" }]], ([told]) => `It is ${told}.`);
  const paused = await system.agent("delete").run("Delete it", { mayPause: true });
  if (paused.status !== "paused") throw new Error("the run has not paused");
  expect(paused.requests).toMatchObject([{ kind: "approval", toolName: "delete_file", args: { path: "/tmp/old" } }]);
  const id = paused.requests[0]?.toolCallId ?? "";
  const done = await system
    .agent("delete")
    .resume(paused.token, { [id]: { approve: true, args: { path: "/tmp/older" } } });
  expect(done).toMatchObject({ output: "It is deleted /tmp/older." });

  model.script("Clean up", [["generate_task_steps", { steps: ["sweep", "mop"] }]], ([told]) => `Enabled: ${told}`);
  const { output } = await system.agent("steps").run("Clean up", {
    tools: {
      generate_task_steps: tool({
        description: "Shows the steps to the user.",
        input: z.object({ steps: z.array(z.string()) }),
        execute: ({ steps }) => steps.slice(1),
      }),
    },
  });
  expect(output).toBe('Enabled: ["mop"]');

  model.script("A haiku", [["generate_haiku", { english: ["Still pond"] }]], ([told]) => `The page shows ${told}.`);
  const tools = {
    generate_haiku: tool({
      description: "Draws a haiku.",
      input: z.object({ english: z.array(z.string()) }),
      needsApproval: true,
      execute: ({ english }) => english.join(" / "),
    }),
  };
  const haiku = await system.agent("haiku").run("A haiku", { mayPause: true, tools });
  if (haiku.status !== "paused") throw new Error("the run has not paused");
  const drawn = await system
    .agent("haiku")
    .resume(haiku.token, { [haiku.requests[0]?.toolCallId ?? ""]: true }, { tools });
  expect(drawn).toMatchObject({ output: "The page shows Still pond." });

  const recipe = { ingredients: [{ name: "carrot", amount: "3" }], instructions: ["Peel"] };
  model.script(
    "Add salt",
    [["display_recipe", { recipe: { ...recipe, instructions: ["Peel", "Salt"] } }]],
    ([told]) => `${told}`,
  );
  const salted = await system.agent("recipe").run("Add salt", { deps: { state: { recipe } } });
  expect(model.requests.at(-1)?.instructions).toContain('"name": "carrot"');
  expect(JSON.parse(String(salted.output))).toMatchObject({
    type: "STATE_SNAPSHOT",
    snapshot: { recipe: { skill_level: "Beginner", instructions: ["Peel", "Salt"] } },
  });
});

/** The events of an answer. */
async function told(response: Response): Promise<Record<string, unknown>[]> {
  const text = await response.text();
  expect(response.status, text).toBe(200);
  return [...text.matchAll(/^data: (\{.*\})$/gm)].map(([, event = ""]) => JSON.parse(event) as Record<string, unknown>);
}

function post(body: object): Request {
  const headers = { "content-type": "application/json" };
  return new Request("http://localhost/", { method: "POST", headers, body: JSON.stringify(body) });
}

const user = (content: string) => ({ id: "message-1", role: "user", content });
const calling = (name: string, args: object) => ({
  id: "message-2",
  role: "assistant",
  toolCalls: [{ id: "call-1-1", type: "function", function: { name, arguments: JSON.stringify(args) } }],
});

test("each answers the requests of a front end, in AG-UI or the Vercel AI SDK's stream", async () => {
  const system = await startExamples(model, {
    clock: ui("agentic_chat"),
    plan: ui("agentic_generative_ui"),
    steps: ui("human_in_the_loop"),
    haiku: ui("tool_based_generative_ui"),
    delete: ui("tool_approval"),
    recipe: ui("shared_state"),
    document: ui("predictive_state_updates"),
    chat: entry("chat_app:agent"),
  });
  const ask = async (id: string, messages: object[], more: object = {}) => {
    const body = {
      threadId: id,
      runId: "run-1",
      state: null,
      messages,
      tools: [],
      context: [],
      forwardedProps: null,
      ...more,
    };
    const conversation = id === "delete" ? "server" : "client";
    const deps = ["recipe", "document"].includes(id) ? { deps: { state: {} } } : {};
    return told(await system.agent(id).fetch(post(body), { conversation, ...deps }));
  };
  const said = (events: Record<string, unknown>[]) =>
    events.map(({ delta }) => (typeof delta === "string" ? delta : "")).join("");

  model.script("What time is it?", [["current_time", { timezone: "UTC" }]], ([time]) => `It is ${time}.`);
  expect(said(await ask("clock", [user("What time is it?")]))).toMatch(/It is \d{4}-.*\+00:00\.$/);

  model.script("Plan a trip", [["create_plan", { steps: ["pack"] }]], "Done.");
  const steps = [{ description: "pack", status: "pending" }];
  expect(await ask("plan", [user("Plan a trip")])).toContainEqual(
    expect.objectContaining({ type: "STATE_SNAPSHOT", snapshot: { steps } }),
  );

  model.script("Write", [["document_predict_state", {}]], "Written.");
  const written = await ask("document", [user("Write")], { state: { document: "Once upon a time" } });
  expect(written).toContainEqual(expect.objectContaining({ type: "CUSTOM", name: "PredictState" }));
  expect(model.requests.at(-1)?.instructions).toContain("Once upon a time");

  const recipe = { ingredients: [{ name: "carrot", amount: "3" }], instructions: ["Peel"] };
  model.script("Peel them", [["display_recipe", { recipe }]], "Peeled.");
  const peeled = await ask("recipe", [user("Peel them")], { state: { recipe } });
  expect(peeled).toContainEqual(expect.objectContaining({ type: "STATE_SNAPSHOT" }));
  expect(model.requests.at(-1)?.instructions).toContain('"name": "carrot"');

  for (const [id, name, args] of [
    ["steps", "generate_task_steps", { steps: ["sweep"] }],
    ["haiku", "generate_haiku", { english: ["Still pond"] }],
  ] as const) {
    const tools = [{ name, description: "Shown by the page.", parameters: { type: "object", properties: {} } }];
    model.script(`Use ${name}`, [[name, args]], ([answer]) => `The page says ${answer}.`);
    const called = await ask(id, [user(`Use ${name}`)], { tools });
    expect(called).toContainEqual(expect.objectContaining({ type: "TOOL_CALL_START", toolCallName: name }));
    const shown = [
      user(`Use ${name}`),
      calling(name, args),
      { id: "message-3", role: "tool", toolCallId: "call-1-1", content: "seen" },
    ];
    expect(said(await ask(id, shown, { tools }))).toBe("The page says seen.");
  }

  model.script("Delete the file", [["delete_file", { path: "/tmp/old" }]], ([answer]) => `It is ${answer}.`);
  const asked = await ask("delete", [user("Delete the file")]);
  const outcome = asked.at(-1)?.outcome as { interrupts: { id: string }[] } | undefined;
  const resume = [{ interruptId: outcome?.interrupts[0]?.id, status: "resolved", payload: { approved: true } }];
  const approved = [user("Delete the file"), calling("delete_file", { path: "/tmp/old" })];
  expect(said(await ask("delete", approved, { resume }))).toContain("It is deleted /tmp/old.");

  model.script("Hello", "Hello you.");
  const messages = [{ id: "message-1", role: "user", parts: [{ type: "text", text: "Hello" }] }];
  const chat = await told(
    await system.agent("chat").fetch(post({ id: "chat-1", trigger: "submit-message", messages })),
  );
  expect(said(chat)).toBe("Hello you.");
});
