/** pydantic-ai's examples for AG-UI run as entries. */

import { beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { tool } from "../../src/index.ts";
import { entry, startExamples } from "./examples.ts";
import { type ModelServer, startModelServer } from "./model-server.ts";

let model: ModelServer;
beforeAll(async () => {
  model = await startModelServer();
});

test("AG-UI's examples run without a front end: what it answers or approves is answered in TypeScript", async () => {
  const ui = (name: string) => entry(`ag_ui.api.${name}:agent`);
  const system = await startExamples(model, {
    clock: ui("agentic_chat"),
    plan: ui("agentic_generative_ui"),
    steps: ui("human_in_the_loop"),
    haiku: ui("tool_based_generative_ui"),
    delete: ui("tool_approval"),
    recipe: ui("shared_state"),
    document: ui("predictive_state_updates"),
  });

  model.script("What time is it?", [["current_time", { timezone: "UTC" }]], ([time]) => `It is ${time}.`);
  expect((await system.agent("clock").run("What time is it?")).output).toMatch(/^It is \d{4}-.*\+00:00\.$/);

  model.script("Plan a trip", [["create_plan", { steps: ["pack"] }]], "Done.");
  const trip = system.agent("plan").stream("Plan a trip");
  const results: unknown[] = [];
  for await (const event of trip) if (event.type === "tool.result") results.push(event.content);
  const steps = [{ description: "pack", status: "pending" }];
  expect(results).toEqual([{ type: "STATE_SNAPSHOT", snapshot: { steps } }]);

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

  model.script("Write", [["document_predict_state", {}]], ([told]) => `${told}`);
  const written = await system.agent("document").run("Write", { deps: { state: { document: "Once upon a time" } } });
  expect(model.requests.at(-1)?.instructions).toContain("Once upon a time");
  expect(JSON.parse(String(written.output))).toMatchObject([{ type: "CUSTOM", name: "PredictState" }]);
});
