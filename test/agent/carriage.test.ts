import { expect, test } from "vitest";
import { Carriage } from "../../src/agent/carriage.ts";
import { ConnectionLostError } from "../../src/rpc/agent-client.ts";
import { createVirtualClock } from "../../src/testing/index.ts";
import { ScriptedClient, turn } from "./scripted.ts";

function start() {
  const client = new ScriptedClient();
  const told: string[] = [];
  const clock = createVirtualClock();
  const carriage = new Carriage(
    client,
    { id: "r1", attempt: 2 },
    { carriageEnded: () => told.push("ended"), connectionLost: () => told.push("lost") },
    clock,
  );
  return { client, told, carriage, clock };
}

test("its times count from its beginning, and its quiet from what was heard last", () => {
  const { carriage, clock } = start();
  clock.advance(30);
  expect(carriage.times).toEqual({ forMs: 30, quietMs: 30 });
  carriage.hear();
  clock.advance(12);
  expect(carriage.times).toEqual({ forMs: 42, quietMs: 12 });
});

test("an answer with nothing behind it is the end", () => {
  const { carriage, told, client } = start();
  carriage.answered({});
  carriage.answered({});
  carriage.callOff();
  expect([told, carriage.over, client.awaited, carriage.signal.aborted]).toEqual([["ended"], true, [], false]);
});

test("an answer that leaves something behind waits for it", async () => {
  const { carriage, told, client } = start();
  carriage.answered({ unfinished: true });
  expect([told, carriage.over, client.awaited]).toEqual([[], false, [["r1", 2]]]);
  client.end.resolve();
  await turn();
  expect([told, carriage.over]).toEqual([["ended"], true]);
});

test("a call that is called off is aborted once, and its end is the worker's to tell", async () => {
  const { carriage, told, client } = start();
  carriage.callOff();
  carriage.callOff();
  carriage.answered({});
  expect([told, client.awaited, carriage.signal.aborted]).toEqual([[], [["r1", 2]], true]);
  client.end.resolve();
  await turn();
  expect(told).toEqual(["ended"]);
});

test("a worker that is lost tells nothing more", async () => {
  const { carriage, told, client } = start();
  carriage.callOff();
  carriage.lost();
  client.end.resolve();
  await turn();
  expect([told, carriage.over]).toEqual([[], true]);
});

test("a lost connection is told as such", async () => {
  const { carriage, told, client } = start();
  carriage.callOff();
  client.end.reject(new ConnectionLostError("gone"));
  await turn();
  expect([told, carriage.over]).toEqual([["lost"], false]);
});
