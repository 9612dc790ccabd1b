/** A runtime with processes that live on while others come and go, and what they hold. */

import { expect } from "vitest";
import type { Process } from "../../src/otp/process/process.ts";
import { Groups } from "../../src/otp/registry/groups.ts";
import { Registry } from "../../src/otp/registry/registry.ts";
import { cast, type From, reply, send } from "../../src/otp/request/call.ts";
import type { Ref } from "../../src/otp/request/protocol.ts";
import { fromGenServer } from "../../src/otp/server/gen-server.ts";
import { type ProcessContext, spawn } from "../../src/otp/start/spawn.ts";
import { start } from "../../src/otp/start/start.ts";
import { startDynamicSupervisor } from "../../src/otp/supervisor/start.ts";
import { createKernel, quiet } from "./kernel.ts";

/** How many of each. */
export const many = 1_000;
/** One for each index. */
export const each = <T>(make: (index: number) => T): T[] => Array.from({ length: many }, (_, index) => make(index));
/** Lives until it is ended. */
export const idle = ({ receive }: ProcessContext) => receive(() => false);
/** What never comes. */
export const forever = (): Promise<never> => new Promise(() => undefined);

/** Keeps callers waiting; "all" answers them, when it is too late. */
export const desk = fromGenServer({
  init: (_input: undefined) => ({ state: [] as From[] }),
  handleCall(message: unknown, waiting, from) {
    if (message !== "all") return { noreply: true, state: [...waiting, from] };
    for (const one of waiting) reply(one, "too late");
    return { reply: waiting.length, state: [] };
  },
});
const hanging = fromGenServer({ init: (_input: undefined) => ({ state: 0 }), handleCast: forever });

/** What a process holds. */
function holdings(process: Process): Record<string, unknown> {
  const { links, watchers, openCalls, awaitedCalls, exitHooks, held, traces, queueLength } = process;
  const size = (set: Set<unknown> | undefined) => set?.size ?? 0;
  return {
    process: process.toString(),
    links: size(links),
    watchers: size(watchers),
    calls: [openCalls, awaitedCalls],
    exitHooks: size(exitHooks),
    held: size(held),
    traces: size(traces),
    queueLength,
  };
}

/** A runtime with processes that live on while others come and go. */
export async function furnish() {
  const kernel = createKernel();
  const { runtime, clock } = kernel;
  const target = (await start(desk, { runtime })) as Ref;
  const hung = (await start(hanging, { runtime })) as Ref;
  const registry = Registry.start({ keys: "duplicate", runtime });
  const groups = Groups.start({ runtime });
  const supervisor = await startDynamicSupervisor({ maxRestarts: 10 * many }, { runtime });
  /** Runs what it is sent, and lives on. */
  const owner = spawn(
    async ({ receive }) => {
      for (;;) {
        const message = await receive();
        if (typeof message === "function") await message();
      }
    },
    { runtime },
  );
  cast(hung, "hang");
  const living = [target, hung, registry.process, groups.process, supervisor.process, owner];
  const held = () => ({
    // What was sent to one that hangs waits in its mailbox, whoever has stopped to wait for it.
    living: living.map((process) => ({ ...holdings(process), ...(process === hung ? { queueLength: "any" } : {}) })),
    processes: runtime.processCount,
    names: runtime.names.size,
    timers: clock.pending,
    keys: registry.count(),
    groups: groups.whichGroups(),
    children: supervisor.countChildren(),
  });
  /** Runs code as a process of its own that comes and goes, until it has come to its end. */
  const visit = async (code: (context: ProcessContext) => unknown): Promise<void> => {
    const failed: unknown[] = [];
    const visitor = spawn(
      async (context) => {
        try {
          await code(context);
        } catch (error) {
          failed.push(error);
        }
      },
      { runtime, trapExit: true },
    );
    for (let turn = 0; visitor.alive && turn < 50; turn += 1) {
      await quiet();
      clock.advance(20);
    }
    expect([failed, visitor.alive]).toEqual([[], false]);
  };
  /** Runs code as a process that lives on. */
  const stay = async (code: () => unknown): Promise<void> => {
    let outcome: unknown = "not over";
    send(owner, async () => {
      outcome = await Promise.resolve(code()).then(
        () => "over",
        (error: unknown) => error,
      );
    });
    for (let turn = 0; outcome === "not over" && turn < 50; turn += 1) {
      await quiet();
      clock.advance(20);
    }
    expect(outcome).toBe("over");
  };
  return { ...kernel, stay, target, hung, registry, groups, supervisor, owner, held, visit };
}

export type House = Awaited<ReturnType<typeof furnish>>;
