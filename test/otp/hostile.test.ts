/**
 * Whatever anybody sends to whomever by whatever door: who gets it handles it or ends by code of its own, and nobody else notices. `FC_RUNS` runs more; a
 * counterexample prints its seed.
 */

import fc from "fast-check";
import { expect, test } from "vitest";
import { CallerError } from "../../src/errors.ts";
import type { Process } from "../../src/otp/process/process.ts";
import { call, cast, type From, reply, send } from "../../src/otp/request/call.ts";
import type { Ref } from "../../src/otp/request/protocol.ts";
import { sendAfter } from "../../src/otp/request/send-after.ts";
import { stop } from "../../src/otp/request/stop.ts";
import { heldType } from "../../src/otp/scheduler/held-value.ts";
import { isThenable } from "../../src/otp/scheduler/thenable.ts";
import { isEvent } from "../../src/otp/scheduler/xstate-adapter.ts";
import { exited } from "../../src/otp/start/names.ts";
import { spawn } from "../../src/otp/start/spawn.ts";
import { buildHouse, type House, type Receiver } from "./hostile-house.ts";
import { type HostileMessage, hostileMessage, strange } from "./hostile-messages.ts";
import { quiet } from "./kernel.ts";

const runs = Number(process.env.FC_RUNS ?? 400);

const doors = ["send", "cast", "call", "sendAfter", "actor.send", "sendTo", "reply"] as const;
const pick = fc.nat({ max: 50 });
const step = fc.record({ to: pick, address: pick, door: fc.constantFrom(...doors), message: hostileMessage });

interface Step {
  readonly to: number;
  readonly address: number;
  readonly door: (typeof doors)[number];
  readonly message: HostileMessage;
}

function make(message: HostileMessage, { seen }: House): unknown {
  if (message.kind === "json") return message.value;
  if (message.kind === "strange") return strange[message.name]?.();
  return seen[message.pick % seen.length];
}

/** The calls that a step has made: each settles. */
function take(house: House, { to, address, door, message }: Step): Promise<unknown> | undefined {
  const receivers = Object.values(house.receivers);
  const { process, addresses } = receivers[to % receivers.length] as Receiver;
  const target = addresses[address % addresses.length] as Process;
  const sent = make(message, house);
  switch (door) {
    case "send":
      send(target, sent);
      return undefined;
    case "cast":
      cast(target, sent);
      return undefined;
    case "call":
      return call(target, sent, { timeoutMs: 50 }).catch((error: unknown) => error);
    case "sendAfter":
      sendAfter(target, sent, 20);
      return undefined;
    case "actor.send":
      // Of texts, and of what is sent to an actor that has ended, XState's development build complains to the sender.
      if (typeof sent !== "string" && process.alive) {
        provoke(house, process, sent);
        process.actor.send(sent as never);
      }
      return undefined;
    case "reply":
      return answerWith(house, sent);
    case "sendTo":
      // XState's own code looks into what it sends: only what it can bear.
      if (!isEvent(sent) || !process.alive) return undefined;
      provoke(house, process, sent);
      house.forward.actor.send({ type: "forward", to: process.actor, event: sent });
      return undefined;
  }
}

/**
 * What XState's own side sends to an actor of its own comes as it is: its own events end it, so does its wildcard in the development build, and what only
 * looks like a call is replied to.
 */
function provoke({ provoked }: House, process: Process, sent: unknown): void {
  const type = heldType(sent);
  if (type?.startsWith("xstate.") === true || type === "*" || type === "$call") provoked.add(process);
}

/** A call that somebody answers with whatever it is: it comes as it is, or is refused to who answers. */
async function answerWith({ receivers }: House, value: unknown): Promise<void> {
  const { process: desk } = receivers.desk as Receiver;
  const asked: Promise<unknown> = call(desk as Ref, "ask", { timeoutMs: 50 });
  const from = (await call(desk as Ref, "take")) as From;
  try {
    reply(from, value);
  } catch (error) {
    await asked.catch(() => undefined);
    if (!isThenable(value) || !(error instanceof CallerError)) throw error;
    return;
  }
  if (!Object.is(await asked, value)) throw new Error("what was answered is not what came");
}

/** Moves time on, until all that was begun is over. */
async function settle({ clock }: House, begun: readonly (Promise<unknown> | undefined)[] = []): Promise<void> {
  await quiet();
  clock.advance(60);
  await Promise.all(begun);
  await quiet();
}

/** What is wrong in the house. */
async function inspect(house: House): Promise<string[]> {
  const wrong: string[] = [];
  for (const [name, { process, check, mayEnd, ofXState }] of Object.entries(house.receivers)) {
    const { actor, exitReason } = process;
    if (house.told.has(process) === process.alive) wrong.push(`the monitors of ${name} are mistaken`);
    if (!process.alive) {
      const byXState = ofXState === true && house.provoked.has(process);
      if (!byXState && mayEnd?.(exitReason) !== true) wrong.push(`${name} has ended: ${String(exitReason)}`);
      continue;
    }
    const { status } = (actor.getSnapshot() ?? {}) as { status?: string };
    if (status !== "active" && status !== undefined) wrong.push(`${name} lives, and its actor is ${status}`);
    const checked = check?.().catch((error: unknown) => wrong.push(`${name}: ${String(error)}`));
    await quiet();
    house.clock.advance(1_000);
    await checked;
    if (process.openCalls !== undefined) wrong.push(`${name} has open calls`);
  }
  return wrong;
}

/** Ends everything; what is left then. */
async function clear(house: House): Promise<unknown> {
  const { runtime, clock, receivers, forward, landlord, watcher } = house;
  const all = [...Object.values(receivers).map(({ process }) => process), forward, landlord as Process, watcher];
  const stopped = all.filter(({ alive }) => alive).map((process) => stop(process, "shutdown"));
  await settle(house);
  await Promise.all(stopped);
  return { processes: runtime.processCount, names: runtime.names.size, timers: clock.pending };
}

test(
  "whoever gets a message handles it or ends by its own code; nobody else ends, calls are answered, and everything can be stopped",
  async () => {
    const warnings: unknown[] = [];
    const warn = (warning: Error) => warnings.push(warning.message);
    process.on("warning", warn);
    const property = fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 20, size: "max" }), async (steps) => {
      const house = await buildHouse();
      let begun: (Promise<unknown> | undefined)[] = [];
      const stranger = spawn(
        async () => {
          begun = steps.map((one) => take(house, one));
          await Promise.all(begun);
        },
        { runtime: house.runtime },
      );
      await quiet();
      await settle(house, begun);
      expect(await exited(stranger)).toBe("normal");
      expect(await inspect(house)).toEqual([]);
      expect(await clear(house)).toEqual({ processes: 0, names: 0, timers: 0 });
    });
    await fc.assert(property, { numRuns: runs, endOnFailure: false });
    process.off("warning", warn);
    expect(warnings).toEqual([]);
  },
  10_000 + runs * 200,
);
