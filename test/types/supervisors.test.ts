import { describe, expectTypeOf, test } from "vitest";
import { createMachine, fromPromise, setup } from "xstate";
import {
  type ChildInfo,
  type ChildSpec,
  call,
  childSpec,
  type DynamicSupervisor,
  defineDynamicSupervisor,
  definePartitionSupervisor,
  defineSupervisor,
  fromGenServer,
  type LogicChildSpec,
  type PartitionSupervisor,
  type Process,
  partition,
  type Ref,
  Registry,
  restartChild,
  type StartedWithInfo,
  type Supervisor,
  start,
  startChild,
  startDynamicSupervisor,
  startLink,
  startMonitor,
  startPartitionSupervisor,
  startSupervisor,
  whereis,
  whichChild,
} from "../../src/otp/index.ts";

const counter = fromGenServer({
  init: (from: number) => ({ state: from }),
  handleCall: (_message: "next", count) => ({ reply: count, state: count + 1 }),
});
const clock = fromGenServer({
  init: () => ({ state: 0 }),
  handleCall: (_message: "now", state) => ({ reply: String(state) }),
});
const stack = fromGenServer({ init: (items: string[]) => ({ state: items }) });
const mode = fromGenServer({
  init: (given: { mode: "fast" | "slow"; on?: (x: number) => void }) => ({ state: given }),
});
const sized = setup({ types: { input: {} as { size: number } } }).createMachine({ id: "sized" });
const fetches = fromPromise<number, { url: string }>(async () => 1);

type Counter = Ref<{ call: "next"; reply: number; cast: never }>;
type Clock = Ref<{ call: "now"; reply: string; cast: never }>;

declare const supervisor: Supervisor;
declare const dynamic: DynamicSupervisor;
declare const process: Process;
declare const anySpec: ChildSpec;
declare const specs: ChildSpec[];

// Types alone are tested here: nothing of this runs.
const types = (_check: () => unknown) => undefined;

describe("the input of a child", () => {
  test("is checked where children are listed, and has to be there when the logic says so", () => {
    types(async () => {
      await startSupervisor({
        strategy: "rest_for_one",
        children: [
          { id: "counter", logic: counter, input: 10 },
          { id: "clock", logic: clock, restart: "transient" },
          { name: "stack", logic: stack, input: [], startTimeoutMs: 5 },
          { id: "mode", logic: mode, input: { mode: "fast" } },
          { id: "sized", logic: sized, input: { size: 1 } },
          { id: "fetches", logic: fetches, input: { url: "" } },
          { id: "bare", logic: createMachine({}) },
          { id: "start", start: ({ path, process }) => (path.length > 3 ? process : undefined) },
          childSpec(counter, { id: "made", input: 3 }),
          childSpec(clock),
          anySpec,
        ],
      });
      await startSupervisor({ children: specs });
      // @ts-expect-error a counter needs a number
      await startSupervisor({ children: [{ id: "a", logic: counter }] });
      // @ts-expect-error a counter takes a number
      await startSupervisor({ children: [anySpec, { id: "b", logic: counter, input: "ten" }] });
      // @ts-expect-error a machine needs its input too
      await startSupervisor({ children: [{ id: "a", logic: sized }] });
      // @ts-expect-error and so it does in a nested supervisor
      defineSupervisor({ id: "nested", children: [{ id: "a", logic: sized, input: { size: "big" } }] });
    });
  });

  test("is checked where one child is started", () => {
    types(async () => {
      await supervisor.startChild({ id: "a", logic: counter, input: 1 });
      await supervisor.startChild(anySpec);
      await dynamic.startChild({ logic: stack, input: ["a"] });
      await startChild("name", { id: "a", logic: mode, input: { mode: "slow" } });
      // @ts-expect-error a counter needs a number
      await supervisor.startChild({ id: "a", logic: counter });
      // @ts-expect-error a stack takes strings
      await dynamic.startChild({ logic: stack, input: [1] });
      // @ts-expect-error there is no such mode
      await startChild("name", { id: "a", logic: mode, input: { mode: "slower" } });
      // @ts-expect-error a counter needs a number
      await startPartitionSupervisor({ name: "p", partitions: 2, child: { logic: counter } });
      const child = (index: number) => ({ logic: counter, input: `${index}` });
      // @ts-expect-error a counter takes a number
      definePartitionSupervisor({ name: "p", partitions: 2, child });
    });
  });

  test("is checked where a process is started without a supervisor", () => {
    types(async () => {
      expectTypeOf(await start(counter, { input: 1 })).toEqualTypeOf<Counter>();
      expectTypeOf(await startLink(clock)).toEqualTypeOf<Clock>();
      expectTypeOf((await startMonitor(clock, { name: "clock" })).ref).toEqualTypeOf<Clock>();
      // @ts-expect-error a counter needs a number
      await start(counter);
      // @ts-expect-error a counter needs a number
      await startLink(counter, { name: "counter" });
      // @ts-expect-error a counter takes a number
      await startMonitor(counter, { input: "one" });
    });
  });
});

describe("a child specification", () => {
  test("with an unknown field, a misspelt value or no id where none can be derived does not compile", () => {
    types(async () => {
      // @ts-expect-error there is no such field
      await startSupervisor({ children: [{ id: "a", logic: clock, restrat: "transient" }] });
      // @ts-expect-error there is no such field, of a start function's child neither
      await supervisor.startChild({ id: "a", start: () => process, restrat: "transient" });
      // @ts-expect-error there is no such restart type
      await dynamic.startChild({ logic: clock, restart: "always" });
      // @ts-expect-error a start function has no name to derive an id from
      await startSupervisor({ children: [{ start: () => process }] });
      // @ts-expect-error a number does not run
      await supervisor.startChild({ id: "a", start: () => 5 });
    });
  });

  test("that childSpec makes has the fields it was made of, checked", () => {
    types(() => {
      const made = childSpec(counter, { id: "a", input: 1 });
      expectTypeOf(made.id).toEqualTypeOf<"a">();
      expectTypeOf(made).toExtend<LogicChildSpec<typeof counter>>();
      expectTypeOf(childSpec(made, { id: "b", restart: "temporary" }).id).toEqualTypeOf<"b">();
      childSpec(mode, { input: { mode: "fast", on: (x) => x.toFixed() } });
      // @ts-expect-error a counter needs a number
      childSpec(counter);
      // @ts-expect-error a counter needs a number
      childSpec(counter, { id: "a" });
      // @ts-expect-error a counter takes a number
      childSpec(counter, { input: "one" });
      // @ts-expect-error a counter takes a number, also when it is replaced
      childSpec(made, { input: "one" });
      // @ts-expect-error there is no such field
      childSpec(clock, { id: "a", restrat: "transient" });
    });
  });
});

describe("the ref of a child", () => {
  test("knows its protocol where the child is started; a fixed list answers undefined for one that chose not to start", () => {
    types(async () => {
      const ref = await dynamic.startChild({ logic: counter, input: 1 });
      expectTypeOf(ref).toEqualTypeOf<Counter>();
      expectTypeOf(await call(ref, "next")).toEqualTypeOf<number>();
      // @ts-expect-error a counter takes no such call
      await call(ref, "previous");
      expectTypeOf(await startChild(dynamic, { logic: clock })).toEqualTypeOf<Clock>();
      expectTypeOf(await supervisor.startChild({ id: "a", logic: clock })).toEqualTypeOf<Clock | undefined>();
      expectTypeOf(await startChild("name", { logic: clock })).toEqualTypeOf<Clock | undefined>();
      const starting = supervisor.startChild({ id: "a", start: () => startDynamicSupervisor() });
      expectTypeOf(await starting).toEqualTypeOf<DynamicSupervisor | undefined>();
      expectTypeOf(await supervisor.startChild(anySpec)).toEqualTypeOf<unknown>();
    });
  });

  test("comes with the type of what the start function adds", () => {
    types(async () => {
      const start = async () => ({ ref: process, info: 1 });
      expectTypeOf(await dynamic.startChild({ start })).toEqualTypeOf<StartedWithInfo<Process, number>>();
    });
  });

  test("is known by the child's id or name, in nested supervisors too", () => {
    types(async () => {
      const root = await startSupervisor({
        children: [
          { id: "counter", logic: counter, input: 1 },
          { name: "clock", logic: clock },
          { id: "start", start: async () => ({ ref: process, info: 1 }) },
          childSpec(clock, { id: "made" }),
          defineSupervisor({ id: "nested", children: [{ id: "counter", logic: counter, input: 2 }] }),
          defineDynamicSupervisor({ id: "dynamic" }),
        ],
      });
      expectTypeOf(root.whichChild("counter").ref).toEqualTypeOf<Counter | undefined>();
      expectTypeOf(root.whichChild("clock").ref).toEqualTypeOf<Clock | undefined>();
      expectTypeOf(whichChild(root, "start").ref).toEqualTypeOf<Process | undefined>();
      expectTypeOf(whichChild(root, "made").ref).toEqualTypeOf<Clock | undefined>();
      expectTypeOf(root.whichChild("dynamic").ref).toEqualTypeOf<DynamicSupervisor | undefined>();
      const nested = root.whichChild("nested").ref;
      expectTypeOf(nested?.whichChild("counter").ref).toEqualTypeOf<Counter | undefined>();
      expectTypeOf(await root.restartChild("counter")).toEqualTypeOf<Counter | undefined>();
      expectTypeOf(await restartChild(root, "start")).toEqualTypeOf<StartedWithInfo<Process, number> | undefined>();
      expectTypeOf(root.whichChild("started later").ref).toEqualTypeOf<unknown>();
      expectTypeOf(root.whichChild("any" as string).ref).toEqualTypeOf<unknown>();
      expectTypeOf(whichChild("root", "counter")).toEqualTypeOf<ChildInfo>();
      expectTypeOf(root).toExtend<Supervisor>();
    });
  });

  test("is known of every partition, and of the address of one", () => {
    types(async () => {
      const pool = await startPartitionSupervisor({
        name: "pool",
        partitions: 2,
        child: (index) => ({ logic: counter, input: index }),
      });
      expectTypeOf(pool.whichChildren()).toEqualTypeOf<ChildInfo<Counter>[]>();
      expectTypeOf(pool.whichChild("0").ref).toEqualTypeOf<Counter | undefined>();
      expectTypeOf(await call(partition(pool, "key"), "next")).toEqualTypeOf<number>();
      // @ts-expect-error a counter takes no such call
      await call(partition(pool, "key"), "previous");
      expectTypeOf(whereis(partition(pool, 1))).toEqualTypeOf<Counter | undefined>();
      expectTypeOf(await call(partition("pool", "key"), "anything")).toEqualTypeOf<unknown>();
      const root = await startSupervisor({
        children: [definePartitionSupervisor({ id: "pool", name: "pool", partitions: 2, child: { logic: clock } })],
      });
      expectTypeOf(root.whichChild("pool").ref?.whichChild("1").ref).toEqualTypeOf<Clock | undefined>();
      expectTypeOf(root.whichChildren()).toEqualTypeOf<ChildInfo[]>();
      expectTypeOf<PartitionSupervisor>().toExtend<Supervisor>();
    });
  });

  test("is the one that is asked for, of a dynamic supervisor's children", () => {
    types(() => {
      expectTypeOf(dynamic.whichChild({} as Counter).ref).toEqualTypeOf<Counter | undefined>();
      expectTypeOf(whichChild(dynamic, {} as Clock).ref).toEqualTypeOf<Clock | undefined>();
      expectTypeOf(whereis("name")).toEqualTypeOf<Process | undefined>();
      expectTypeOf(whereis({} as Counter)).toEqualTypeOf<Counter | undefined>();
      expectTypeOf(whereis(Registry.via("names", "key"))).toExtend<Process | undefined>();
    });
  });
});
