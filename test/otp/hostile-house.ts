/** A house with one process of every kind in it, watched in every way there is, for strangers to send messages to. */

import {
  type AnyActorLogic,
  type AnyActorRef,
  createMachine,
  type EventObject,
  fromCallback,
  fromObservable,
  fromPromise,
  fromTransition,
  sendTo,
  setup,
} from "xstate";
import { createAlias } from "../../src/otp/process/alias.ts";
import { exit } from "../../src/otp/process/link.ts";
import { monitor } from "../../src/otp/process/monitor.ts";
import type { Process } from "../../src/otp/process/process.ts";
import { LocalRuntime } from "../../src/otp/process/runtime.ts";
import type { Target } from "../../src/otp/process/target.ts";
import { Groups } from "../../src/otp/registry/groups.ts";
import { Registry } from "../../src/otp/registry/registry.ts";
import { formatReport } from "../../src/otp/report/format-report.ts";
import type { ProcessReport } from "../../src/otp/report/process-report.ts";
import { call, type From, reply } from "../../src/otp/request/call.ts";
import type { CallEvent } from "../../src/otp/request/machine-event.ts";
import { stop } from "../../src/otp/request/stop.ts";
import { getState, trace } from "../../src/otp/request/sys.ts";
import { heldType, heldValue } from "../../src/otp/scheduler/held-value.ts";
import { fromGenServer } from "../../src/otp/server/gen-server.ts";
import { spawn, spawnLink } from "../../src/otp/start/spawn.ts";
import { type StartOptions, start } from "../../src/otp/start/start.ts";
import { startPartitionSupervisor } from "../../src/otp/supervisor/partition.ts";
import { startDynamicSupervisor, startSupervisor } from "../../src/otp/supervisor/start.ts";
import { startTaskSupervisor, TaskSupervisor } from "../../src/otp/task/supervisor.ts";
import { Task } from "../../src/otp/task/task.ts";
import { createVirtualClock } from "../../src/testing/virtual-clock.ts";
import { quiet } from "./kernel.ts";

/** One that messages are sent to. */
export interface Receiver {
  readonly process: Process;
  /** Other ways to say who is meant. */
  readonly addresses: readonly Target[];
  /** Fails when it does not do its work as before. Absent: it has none that can be asked for. */
  readonly check?: () => Promise<unknown>;
  /** Whether it is XState's alone: what begins with "xstate." may end it, when XState's side sends it. */
  readonly ofXState?: boolean;
  /** Its own code ends it for some messages. */
  readonly mayEnd?: (reason: unknown) => boolean;
}

/** What a server answers that is asked for its work. */
const work = "done";

/** Answers every call. */
const willing = fromGenServer({
  init: (_input: undefined) => ({ state: 0 }),
  handleCall: (_message: unknown, count: number) => ({ reply: work, state: count + 1 }),
  handleCast: (_message: unknown, count: number) => ({ state: count + 1 }),
  handleInfo: (_message, count) => ({ state: count + 1 }),
});

const unhurried = fromGenServer({
  trapExit: true,
  init: async (_input: undefined) => ({ state: 0 }),
  handleCall: async (_message: unknown, _count: number) => ({ reply: work }),
  handleCast: async (_message: unknown, count: number) => ({ state: count + 1 }),
  handleInfo: async (_message, count) => ({ state: count + 1, timeoutMs: 10_000 }),
});

/** Lets those who call wait until somebody replies. */
const desk = fromGenServer({
  init: (_input: undefined) => ({ state: [] as From[] }),
  handleCall(message: unknown, waiting, from) {
    if (message === "work") return { reply: work };
    if (message === "take") return { reply: waiting.at(-1), state: waiting.slice(0, -1) };
    return { noreply: true, state: [...waiting, from] };
  },
  handleCast: (_message: unknown, waiting) => ({ state: waiting }),
  handleInfo: (_message, waiting) => ({ state: waiting }),
});

const bare = fromGenServer({ init: (_input: undefined) => ({ state: 0 }) });

const answer = ({ event }: { event: unknown }) => reply(fromOf(event), work);
const fromOf = (call: unknown) => (call as CallEvent<unknown, string>).from;
const gate = createMachine({ id: "gate", on: { $call: { actions: answer }, "*": {} } });
const forwarder = setup({
  types: { events: {} as { type: "forward"; to: AnyActorRef; event: EventObject } },
}).createMachine({
  id: "forwarder",
  on: {
    forward: {
      actions: sendTo(
        ({ event }) => event.to,
        ({ event }) => event.event,
      ),
    },
  },
});
const reducer = fromTransition((count: number, event) => {
  if (event.type === "$call") reply(fromOf(event), work);
  return count + 1;
}, 0);
const listener = fromCallback(({ receive }) =>
  receive((event) => {
    if (event.type === "$call") reply(fromOf(event), work);
  }),
);
const pending = fromPromise(() => new Promise(() => undefined));
const silent = fromObservable(() => ({ subscribe: () => ({ unsubscribe: () => undefined }) }));

/** What is worth most to a stranger. */
function rarity(seen: unknown): number {
  return ["$call", "$shown", "$exit", "DOWN", "EXIT"].indexOf(heldType(seen) ?? "");
}

/** Builds the house. */
export async function buildHouse() {
  const clock = createVirtualClock();
  const reports: ProcessReport[] = [];
  /** What was seen at work, for strangers to use again. */
  const seen: unknown[] = [];
  const runtime = new LocalRuntime({
    clock,
    onReport: (report) => {
      reports.push(report);
      formatReport(report);
    },
    inspect: (event) => void (event.type === "@xstate.event" && seen.length < 400 && seen.push(event.event)),
  });
  const receivers: Record<string, Receiver> = {};
  const add = (name: string, process: Process, rest: Partial<Receiver> = {}): void => {
    trace(process, (event) => void ("message" in event && seen.length < 400 && seen.push(event.message)));
    receivers[name] = { process, addresses: [process], ...rest };
  };
  const ask = (target: Target) => async () => {
    const answered: Promise<unknown> = call(target as Process, "work" as never, { timeoutMs: 1_000 });
    if ((await answered) !== work) throw new Error(`it answered ${String(await answered)}`);
  };
  const serve = async (name: string, logic: AnyActorLogic, options: StartOptions = {}): Promise<void> => {
    const process = await start(logic, { runtime, ...options } as never);
    add(name, process, { check: ask(process) });
  };

  const registry = Registry.start({ keys: "unique", runtime });
  const groups = Groups.start({ runtime });
  const inRegistry = { via: registry, key: { id: 1 } };
  await serve("willing", willing, { name: inRegistry });
  const { process: named } = receivers.willing as Receiver;
  receivers.willing = { process: named, addresses: [named, inRegistry, named.actor], check: ask(inRegistry) };
  await serve("unhurried", unhurried);
  await serve("desk", desk);
  await serve("bounded", willing, { mailbox: { maxMessages: 2, whenFull: "drop_oldest" } });
  const fragile = await start(willing, { runtime, mailbox: { maxMessages: 1, whenFull: "crash" } });
  add("fragile", fragile, { check: ask(fragile), mayEnd: (reason) => reason === "mailbox_full" });
  add("bare", await start(bare, { runtime }), {
    mayEnd: (reason) => heldValue(heldValue(reason, "reason"), "type") === "undef",
  });
  for (const [name, logic] of Object.entries<AnyActorLogic>({ gate, reducer, listener })) {
    const process = await start(logic, { runtime });
    add(name, process, { check: ask(process), ofXState: true });
  }
  for (const [name, logic] of Object.entries({ pending, silent })) {
    add(name, await start(logic, { runtime }), { ofXState: true });
  }

  const aliases: Target[] = [];
  let landlord: Process | undefined;
  const plain = spawn(
    async ({ receive }) => {
      aliases.push(createAlias());
      // Something to see: an EXIT and a DOWN.
      monitor(spawnLink(() => undefined));
      // An EXIT of somebody who has a child, which would end with it.
      landlord = spawn(async ({ receive: wait }) => {
        const tenant = await start(willing);
        add("tenant", tenant, { check: ask(tenant) });
        exit(plain, "the rent is due");
        await wait(() => false);
      });
      for (;;) {
        const message = await receive();
        if (message !== null && heldType(message) === "$call" && heldValue(message, "message") !== undefined) {
          try {
            reply(message as From, work);
          } catch {
            // A stranger's, which only looks like a call.
          }
        } else if (heldType(message) === "EXIT" || heldType(message) === "DOWN") seen.push(message);
      }
    },
    { runtime, trapExit: true, name: "plain" },
  );
  while (receivers.tenant === undefined) await quiet();
  add("plain", plain, { addresses: [plain, plain.actor, ...aliases], check: ask(plain) });

  const child = { id: "child", logic: willing };
  const fixed = await startSupervisor({ children: [child] }, { runtime });
  const dynamic = await startDynamicSupervisor({}, { runtime });
  await dynamic.startChild({ logic: willing });
  const partitions = await startPartitionSupervisor(
    { name: "parts", partitions: 2, child: { logic: willing } },
    { runtime },
  );
  const tasks = await startTaskSupervisor({}, { runtime });
  for (const [name, supervisor] of Object.entries({ fixed, dynamic, partitions })) {
    const before = supervisor.whichChildren().map(({ ref }) => ref);
    const check = async (): Promise<void> => {
      for (const [index, { ref }] of supervisor.whichChildren().entries()) {
        if (ref !== before[index]) throw new Error(`a child of ${name} is another`);
        await ask(ref as Process)();
      }
      await getState(supervisor.process);
      if (supervisor.tree().state !== "running") throw new Error(`${name} is shown as ${supervisor.tree().state}`);
    };
    add(name, supervisor.process, { addresses: [supervisor.process, supervisor], check });
  }
  const runTask = async () => Task.await(await TaskSupervisor.async(tasks, () => work));
  add("tasks", tasks.process, { check: runTask });
  const look = async () =>
    registry.whereisName(inRegistry.key) === named || Promise.reject(new Error("it has forgotten"));
  add("registry", registry.process, { check: look });
  add("groups", groups.process, { check: async () => groups.join("choir", named) });

  /** Those whose end its monitors have told of. */
  const told = new Set<unknown>();
  const watcher = spawn(
    async ({ receive }) => {
      for (const { process } of Object.values(receivers)) monitor(process);
      groups.monitorScope();
      for (;;) {
        const message = await receive();
        if (heldType(message) === "DOWN") told.add(heldValue(message, "process"));
      }
    },
    { runtime },
  );
  await stop(await start(willing, { runtime }));
  seen.sort((one, other) => rarity(other) - rarity(one));
  const forward = await start(forwarder, { runtime });
  return { clock, runtime, reports, seen, receivers, forward, landlord, watcher, told, provoked: new Set<Process>() };
}

/** A house. */
export type House = Awaited<ReturnType<typeof buildHouse>>;
