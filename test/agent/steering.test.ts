import { expect, test } from "vitest";
import { Steering } from "../../src/agent/steering.ts";
import { ConnectionLostError } from "../../src/rpc/agent-client.ts";
import { rejection } from "../rpc/agent-server.ts";
import { ScriptedClient } from "./scripted.ts";

const make = () => ({ steering: new Steering({ agentId: "a", runId: "r" }), client: new ScriptedClient() });

test("a message waits until the run has begun, and goes there", async () => {
  const { steering, client } = make();
  const early = steering.send("early");
  steering.begin({ client, attempt: 1 });
  await early;
  await steering.send(["look", { type: "image", url: "https://a.b/c.png" }], { priority: "when_idle" });
  expect(client.steered).toEqual([
    { content: ["early"], priority: "asap" },
    { content: ["look", { type: "image", url: "https://a.b/c.png" }], priority: "when_idle" },
  ]);
});

test("a run that has ended takes none, whether it had begun or not", async () => {
  const { steering, client } = make();
  const waiting = rejection(steering.send("never begun"));
  steering.end();
  expect(await waiting).toMatchObject({ code: "not_found" });
  steering.begin({ client, attempt: 1 });
  expect(await rejection(steering.send("late"))).toMatchObject({ code: "not_found" });
  expect(client.steered).toEqual([]);
});

test("a worker that knows the run no more, or is lost, has not taken it; another error is told", async () => {
  const { steering, client } = make();
  steering.begin({ client, attempt: 1 });
  client.accepts = false;
  expect(await rejection(steering.send("a"))).toMatchObject({ code: "not_found" });
  client.steer = () => Promise.reject(new ConnectionLostError("gone"));
  expect(await rejection(steering.send("b"))).toMatchObject({ code: "not_found" });
  client.steer = () => Promise.reject(new Error("odd"));
  await expect(steering.send("c")).rejects.toThrow("odd");
});

test("a run that was taken back is steered where it runs next", async () => {
  const { steering, client } = make();
  steering.begin({ client, attempt: 1 });
  steering.takenBack();
  const next = new ScriptedClient();
  const sent = steering.send("again");
  steering.begin({ client: next, attempt: 2 });
  await sent;
  expect([client.steered.length, next.steered.length]).toEqual([0, 1]);
});

test.each<[unknown, unknown, string]>([
  [7, {}, "content is 7; it must be a list of content parts"],
  [[], {}, "content is []"],
  [["a", 7], {}, "content[1] is 7"],
  ["a", { priority: "now" }, 'options.priority is "now"; it must be "asap" or "when_idle"'],
  ["a", { urgent: true }, "options.urgent is"],
  ["a", null, "options is null"],
])("a message %j with %j is refused", async (content, options, said) => {
  await expect(make().steering.send(content as never, options as never)).rejects.toThrow(said);
});
